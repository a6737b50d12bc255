#!/bin/sh
# needs: gcc
cat > t.c <<'E'
#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
#define N 8
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t b; static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER; static long n; static atomic_long an; static int turn; static __thread int tls;
static void *f(void *p) {
	long id = (long)p; tls = (int)id;
	for (int i = 0; i < 20000; i++) { pthread_mutex_lock(&m); n++; pthread_mutex_unlock(&m); an++; if (i % 64 == 0) { pthread_rwlock_rdlock(&rw); pthread_rwlock_unlock(&rw);} else if (i % 999 == 0) {pthread_rwlock_wrlock(&rw); pthread_rwlock_unlock(&rw);} }
	pthread_barrier_wait(&b);
	for (int r = 0; r < 50; r++) { pthread_mutex_lock(&m); while (turn % N != id) pthread_cond_wait(&c, &m); turn++; pthread_cond_broadcast(&c); pthread_mutex_unlock(&m); }
	return (void *)(long)(tls * 10);
}
int main(void) {
	pthread_t t[N]; long s = 0; pthread_barrier_init(&b, 0, N);
	for (long i = 0; i < N; i++) pthread_create(&t[i], 0, f, (void *)i);
	for (int i = 0; i < N; i++) { void *r; pthread_join(t[i], &r); s += (long)r; }
	printf("%ld %ld %d %ld\n", n, an, turn, s);
	for (int i = 0; i < 500; i++) { pthread_t x; pthread_create(&x, 0, f + 0 == 0 ? f : (void *(*)(void *))pthread_self, 0); pthread_join(x, 0); }
	puts("created");
	return 0;
}
E
gcc -O2 -pthread t.c -o t && ./t; gcc -O2 -static -pthread t.c -o ts && ./ts
