#!/bin/sh
# needs: gcc
echo '#include <stdlib.h>
int main(int c,char**v){char*p=malloc(10);p[c+8]=1;int r=p[c+8];free(p);return r+(c>1?p[0]:0);}' > a.c
gcc -g -fsanitize=undefined a.c -o u && ./u; echo $?; gcc -g -fsanitize=address a.c -o a && ASAN_OPTIONS=detect_leaks=0 ./a; echo $?; ASAN_OPTIONS=detect_leaks=0:exitcode=9 ./a x 2>&1 | grep -c heap-use-after-free; gcc -fsplit-stack -x c - -o s <<'E'
int f(int n){volatile char b[1000]; b[0]=1; return n?f(n-1)+b[0]:0;} int main(){return f(5000)%256;}
E
./s; echo $?; gcc -O2 -fstack-protector-all -D_FORTIFY_SOURCE=2 a.c -o p && ./p; echo $?; echo '#include <string.h>
int main(int c,char**v){char b[4];strcpy(b,v[1]);return b[0];}' | gcc -O0 -fstack-protector-all -xc - -o o 2>/dev/null; ./o aaaaaaaaaaaaaaaaaaaaaaaaa 2>&1; echo $?
