#!/bin/sh
# needs: gcc
cat > m.c <<'E'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
	int fd = open("f", O_RDWR | O_CREAT, 0644); ftruncate(fd, 10000);
	char *a = mmap(0, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *b = mmap(0, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	strcpy(a, "shared"); strcpy(a + 9000, "tail"); printf("%s %s\n", b, b + 9000); strcpy(b, "private"); printf("%s %s\n", a, b); char buf[10] = { 0 }; pread(fd, buf, 6, 0); printf("%s\n", buf); pwrite(fd, "SHARED", 6, 0); printf("%s\n", a); msync(a, 12288, MS_SYNC);
	int *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *pr = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*pr = 1; if (!fork()) { *s = 42; *pr = 2; a[0] = 'X'; _exit(0); } wait(0); printf("%d %d %s\n", *s, *pr, a);
	char *big = mmap(0, 1 << 28, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); for (long i = 0; i < 1 << 28; i += 1 << 20) big[i] = 1; long n = 0; for (long i = 0; i < 1 << 28; i += 4096) n += big[i]; printf("%ld\n", n);
	big = mremap(big, 1 << 28, 1 << 29, MREMAP_MAYMOVE); printf("%d\n", big[1 << 20]); munmap(big, 1 << 29); char *g = mmap(0, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); mprotect(g, 4096, PROT_READ | PROT_WRITE); g[4095] = 1; madvise(g, 4096, MADV_DONTNEED); printf("%d\n", g[4095]);
	unsigned char *x = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); memcpy(x, "\xb8\x2a\0\0\0\xc3", 6); printf("jit %d\n", ((int (*)(void))x)());
	int m = memfd_create("x", MFD_ALLOW_SEALING); write(m, "memfd", 5); char *mm = mmap(0, 4096, PROT_READ, MAP_SHARED, m, 0); printf("%.5s %d\n", mm, fcntl(m, F_ADD_SEALS, F_SEAL_GROW)); printf("%d\n", ftruncate(m, 100000));
	if (!fork()) { ftruncate(fd, 0); volatile char c = a[0]; _exit(c); } int st; wait(&st); printf("sig %d\n", WTERMSIG(st)); for (int i = 0; i < 2000; i++) { void *q = malloc(1000 * i); if (i % 3) free(q); else if (i % 7 == 0) q = realloc(q, 5000000); } puts("malloc"); return 0;
}
E
gcc -O1 -w m.c -o m && ./m
