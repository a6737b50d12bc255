#!/bin/sh
# needs: make
cat > Makefile <<'E'
OBJS := a.o b.o c.o
.PHONY: all clean
all: prog
prog: $(OBJS)
	cat $^ > $@
%.o: %.src
	@echo CC $<
	@tr a-z A-Z < $< > $@
clean: ; rm -f $(OBJS) prog
$(foreach x,1 2 3,$(eval t$(x): ; @echo target $(x)))
err: ; @false
ign: ; -@false
sh: ; @echo $(shell echo from shell) $(words a b c) $(patsubst %.c,%.o,x.c) $(sort c b a)
rec: ; @$(MAKE) --no-print-directory sh
E
for i in a b c; do echo src $i > $i.src; done
make; cat prog; make; sleep 1.1; touch b.src; make; make -j4 t1 >o1; make t2; cat o1; make err 2>&1; echo $?; make ign 2>&1; make rec; make -n clean; make clean; make -s >/dev/null; ls; make nothere 2>&1; make -q; echo $?; make --version | head -1
