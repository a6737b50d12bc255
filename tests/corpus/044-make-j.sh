#!/bin/bash
# needs: make
{ echo "all: $(echo t{1..60})"; for i in {1..60}; do printf 't%d: ; @sleep 0.0%d; echo %d > o%d\n' $i $((i%7)) $i $i; done; } > Makefile
make -s -j6; cat o* | sort -n | md5sum; ls | wc -l
printf 'a: b c\n\t@cat b c\nb c:\n\t@echo $@ > $@\n.NOTPARALLEL:\n' > M2; make -f M2 -j2; printf 'x:\n\t+@$(MAKE) -f M3 y z\n' > M4; printf 'y z:\n\t@sleep 0.1; echo $@ >> log\n' > M3; make -s -j3 -f M4; sort log
printf 'f:\n\t@exit 3\ng:\n\t@sleep 0.2; echo g\n' > M5; make -k -j2 -f M5 f g 2>&1; echo $?
