#!/bin/bash
# timeout: 60
printf 'all: a b\na: ; @echo A\nb: a ; @echo B\n.PHONY: all a b\n' > Makefile; make -s; make -s -j4; make -n | head -3; make none 2>/dev/null; echo $?
