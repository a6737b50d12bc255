#!/bin/sh
# needs: gcc
cat > s.c <<'E'
#define _GNU_SOURCE
#include <signal.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fenv.h>
#include <math.h>
#include <sys/time.h>
#include <sys/mman.h>
static sigjmp_buf jb; static volatile int ticks; static char alt[65536];
static void segv(int s, siginfo_t *i, void *u) { printf("sig %d code %d addr %p\n", s, i->si_code, i->si_addr); siglongjmp(jb, 1); }
static void tick(int s) { ticks++; }
static int deep(int n) { volatile char b[4096]; b[0] = n; return n + deep(n + 1) + b[0]; }
int main(void) {
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt }; sigaltstack(&ss, 0);
	struct sigaction sa = { .sa_sigaction = segv, .sa_flags = SA_SIGINFO | SA_ONSTACK }; sigaction(SIGSEGV, &sa, 0); sigaction(SIGFPE, &sa, 0); sigaction(SIGBUS, &sa, 0); sigaction(SIGILL, &sa, 0);
	if (!sigsetjmp(jb, 1)) *(volatile int *)0x10 = 1;
	void *p = mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); if (!sigsetjmp(jb, 1)) *(volatile int *)p = 1;
	sa.sa_sigaction = segv; if (!sigsetjmp(jb, 1)) { printf("stack\n"); fflush(stdout); struct sigaction q = sa; (void)q; }
	volatile int z = 0; signal(SIGFPE, SIG_DFL); sigaction(SIGFPE, &sa, 0);
	struct sigaction t = { .sa_handler = tick }; sigaction(SIGALRM, &t, 0); struct itimerval it = { { 0, 2000 }, { 0, 2000 } }; setitimer(ITIMER_REAL, &it, 0);
	double acc = 0; while (ticks < 50) for (int i = 1; i < 1000; i++) acc = acc * 0.5 + sqrt(i) * 0.25; memset(&it, 0, sizeof it); setitimer(ITIMER_REAL, &it, 0); printf("ticks ok %d\n", acc > 31.5 && acc < 31.7);
	sigset_t s, o; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, &o); raise(SIGUSR1); sigpending(&o); printf("pending %d\n", sigismember(&o, SIGUSR1)); int sig; sigwait(&s, &sig); printf("waited %d\n", sig);
	union sigval v = { .sival_int = 77 }; sigaddset(&s, SIGRTMIN); sigprocmask(SIG_BLOCK, &s, 0); for (int i = 0; i < 5; i++) { v.sival_int = i; sigqueue(getpid(), SIGRTMIN, v); } siginfo_t si; while (sigpending(&o), sigismember(&o, SIGRTMIN)) { sigwaitinfo(&s, &si); printf("rt %d", si.si_value.sival_int); } puts("");
	signal(SIGSEGV, SIG_DFL); fflush(stdout); raise(SIGSEGV); return 0;
}
E
gcc -O1 -w s.c -o s -lm && ./s; echo $?
