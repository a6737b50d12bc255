#!/bin/sh
# needs: gcc
cat > v.c <<'E'
#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>
static volatile int hits; static void h(int s) { volatile double d = 1.5; for (int i = 0; i < 50; i++) d = d * 1.1; __asm__ volatile("vpxor %%ymm0,%%ymm0,%%ymm0\n vpxor %%ymm9,%%ymm9,%%ymm9" ::: "xmm0", "xmm9"); hits++; }
__attribute__((target("avx2"))) static void *work(void *p) {
	__m256i a = _mm256_set1_epi32((int)(long)p), one = _mm256_set1_epi32(1); long bad = 0;
	for (int i = 0; i < 3000000; i++) { __m256i b = _mm256_add_epi32(a, one); __asm__ volatile("" : "+x"(b)); if (i % 4096 == 0) getppid(); a = _mm256_sub_epi32(b, one); __asm__ volatile("" : "+x"(a)); }
	int o[8]; _mm256_storeu_si256((void *)o, a); for (int i = 0; i < 8; i++) bad += o[i] != (int)(long)p; return (void *)bad;
}
int main(void) {
	if (!__builtin_cpu_supports("avx2")) { puts("bad 0"); return 0; }
	struct sigaction sa = { .sa_handler = h, .sa_flags = SA_RESTART }; sigaction(SIGALRM, &sa, 0); struct itimerval it = { { 0, 1000 }, { 0, 1000 } }; setitimer(ITIMER_REAL, &it, 0);
	pthread_t t[4]; long bad = 0; for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, work, (void *)(i * 1000 + 7)); for (int i = 0; i < 4; i++) { void *r; pthread_join(t[i], &r); bad += (long)r; } printf("bad %ld\n", bad); return 0;
}
E
gcc -O1 -mavx2 -pthread v.c -o v && ./v && ./v && ./v
