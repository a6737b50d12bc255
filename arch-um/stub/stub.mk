# The stub is a program of its own; the kernel process carries its image and runs it from a memfd.
STUBDIR := arch-um/stub
STUBOBJ := $(B)/$(STUBDIR)/stub_image.o
$(B)/$(STUBDIR)/stub.o: $(STUBDIR)/stub.c $(B)/gen/marshal.h
	@mkdir -p $(@D)
	@$(CC) $(SFLAGS) -c -o $@ $<
$(B)/$(STUBDIR)/stub_entry.o: $(STUBDIR)/stub_entry.S
	@mkdir -p $(@D)
	@$(CC) $(SFLAGS) -c -o $@ $<
$(B)/$(STUBDIR)/stub: $(B)/$(STUBDIR)/stub_entry.o $(B)/$(STUBDIR)/stub.o $(STUBDIR)/stub.lds
	@$(CC) -static -nostdlib -no-pie -Wl,-T,$(STUBDIR)/stub.lds -Wl,-z,max-page-size=4096 -Wl,--build-id=none -o $@ \
		$(B)/$(STUBDIR)/stub_entry.o $(B)/$(STUBDIR)/stub.o
$(STUBOBJ): $(STUBDIR)/stub_image.S $(B)/$(STUBDIR)/stub
	@$(CC) -DSTUB_FAST=0x$$(nm $(B)/$(STUBDIR)/stub | awk '$$3 == "stub_fast" { print $$1 }') -DSTUB_TRACED=0x$$(nm $(B)/$(STUBDIR)/stub | awk '$$3 == "stub_traced" { print $$1 }') \
		-DSTUB_FILE='"$(B)/$(STUBDIR)/stub"' -c -o $@ $<
