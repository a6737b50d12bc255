#!/bin/sh
# needs: gcc
cat > h.c <<'E'
#include <stdio.h>
int main(int argc, char **argv) { printf("hello %d %s\n", argc, argv[1]); return 3; }
E
gcc -O2 -Wall h.c -o h && ./h x; echo $?; gcc -static h.c -o hs && ./hs y; echo $?; gcc -no-pie -m64 h.c -o hn && ./hn z; echo $?
gcc -S -O1 -o - h.c | grep -c main; gcc -E h.c | grep -c printf; gcc -c h.c && nm h.o | awk '{print $NF}'; objdump -d h.o | grep -c ret; size h.o | tail -1 | cut -f1; strip h; ./h s; echo 'int main(){return x;}' | gcc -xc - 2>&1; echo $?; readelf -h hs | grep Type; ldd h | wc -l; ar rcs l.a h.o; ar t l.a; gcc -dumpversion
