#!/bin/sh
# needs: gcc
cat > p.c <<'E'
#include <stdio.h>
static void __attribute__((constructor)) in(void) { puts("ctor"); } static void __attribute__((destructor)) out(void) { puts("dtor"); }
__thread int v = 3; int plug(int x) { return x + v++; }
E
cat > d.c <<'E'
#include <dlfcn.h>
#include <stdio.h>
#include <math.h>
#include <locale.h>
#include <time.h>
#include <stdlib.h>
#include <unistd.h>
static void bye(void) { puts("atexit"); }
int main(void) { atexit(bye); void *h = dlopen("./p.so", RTLD_NOW); int (*f)(int) = dlsym(h, "plug"); printf("%d %d\n", f(1), f(1)); dlclose(h); printf("%d\n", dlopen("./none.so", RTLD_NOW) != 0); void *m = dlopen("libm.so.6", RTLD_LAZY); double (*c)(double) = dlsym(m, "cos"); printf("%.3f\n", c(0)); printf("%s\n", setlocale(LC_ALL, "C.UTF-8")); printf("%d\n", sysconf(_SC_PAGESIZE)); printf("%d\n", (int)sysconf(_SC_CLK_TCK)); char e[10]; printf("%d\n", getentropy(e, 10)); return 0; }
E
gcc -shared -fPIC p.c -o p.so && gcc -w d.c -o d -ldl && ./d; LD_PRELOAD=./p.so /bin/true; LD_BIND_NOW=1 ./d | tail -1; printf 'int main(){return 0;}' | gcc -xc - -o e -Wl,-z,now -fPIE -pie && ./e; echo $?
