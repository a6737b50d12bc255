#!/bin/bash
# needs: gcc make
# timeout: 120
for i in {1..12}; do echo "#include \"a.h\"
int f$i(int x) { return x * $i + K; }"; done > /dev/null
echo '#define K 7' > a.h; { echo '#include <stdio.h>'; for i in {1..12}; do printf '#include "a.h"\nint f%d(int x) { return x * %d + K; }\n' $i $i > f$i.c; echo "int f$i(int);"; done; echo 'int main(void){int s=0;'; for i in {1..12}; do echo "s+=f$i($i);"; done; echo 'printf("%d\n",s);return 0;}'; } > main.c
printf 'CFLAGS=-O2\nSRC:=$(wildcard *.c)\nprog: $(SRC:.c=.o)\n\t@$(CC) -o $@ $^\n%%.o: %%.c a.h\n\t@$(CC) $(CFLAGS) -c $< -o $@\n' > Makefile
make -s -j4 && ./prog; echo '#define K 8' > a.h; touch -d '+2 sec' a.h; make -s -j3 2>/dev/null; ./prog; gcc -shared -fPIC f1.c f2.c -o libf.so; echo 'int f1(int);int main(){return f1(3);}' > u.c; gcc u.c -L. -lf -o u; LD_LIBRARY_PATH=. ./u; echo $?; ./u 2>/dev/null; echo $?; gcc -flto -O2 main.c f*.c -o lto && ./lto; gcc -g -pg -O0 main.c f*.c -o pg && ./pg && ls gmon.out; gcc --coverage main.c f*.c -o cov && ./cov && ls *.gcda | wc -l
