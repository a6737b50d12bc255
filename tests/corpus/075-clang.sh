#!/bin/sh
# needs: clang
echo '#include <stdio.h>
int main(void){puts("clang");return 0;}' > c.c; clang -O2 c.c -o c && ./c; clang -c -emit-llvm c.c -o c.bc && ls c.bc; clang -fsyntax-only -Weverything c.c; echo $?
