/* Rows that are one system call on the caller itself: entries, signals, yields. */
#define _GNU_SOURCE
#include "micro.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The call's number stands in the row: a constant at the site would only change the loop. */
static uint64_t run_raw0(const struct row *r, long n)
{
	uint64_t t = now_ns();

	while (n-- > 0)
		syscall(r->arg);
	return now_ns() - t;
}

static uint64_t run_umask(const struct row *r, long n)
{
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		syscall(SYS_umask, 022);
	return now_ns() - t;
}

/*
 * A site that no patching can rewrite (the instruction after it may not move and is too short),
 * so each entry traps: what the slow way costs.
 */
static uint64_t run_trap(const struct row *r, long n)
{
	uint64_t t = now_ns();

	(void)r;
	while (n > 0)
		__asm__ volatile("1: mov %[nr], %%eax\n\tnop\n\tsyscall\n2: dec %[n]\n\tjg 1b"
			: [n] "+r"(n) : [nr] "i"(SYS_umask), "D"(022l)
			: "rax", "rcx", "r11", "memory", "cc");
	return now_ns() - t;
}

static uint64_t run_clock(const struct row *r, long n)
{
	struct timespec ts;
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		clock_gettime(CLOCK_MONOTONIC, &ts);
	return now_ns() - t;
}

static uint64_t run_clock_raw(const struct row *r, long n)
{
	struct timespec ts;
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return now_ns() - t;
}

static uint64_t run_sigprocmask(const struct row *r, long n)
{
	sigset_t set;
	uint64_t t;

	(void)r;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	t = now_ns();
	for (long i = 0; i < n; i++)
		sigprocmask(i & 1 ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
	return now_ns() - t;
}

static volatile long signals_seen;

static void on_usr1(int sig)
{
	(void)sig;
	signals_seen++;
}

static void setup_signal(const struct row *r)
{
	struct sigaction sa = { .sa_handler = on_usr1 };

	(void)r;
	CHECK(sigaction(SIGUSR1, &sa, NULL));
}

static uint64_t run_signal(const struct row *r, long n)
{
	pid_t me = getpid();
	long before = signals_seen;
	uint64_t t = now_ns();

	(void)r;
	for (long i = 0; i < n; i++)
		kill(me, SIGUSR1);
	t = now_ns() - t;
	if (signals_seen - before != n)
		row_fail("signals lost");
	return t;
}

static uint64_t run_yield(const struct row *r, long n)
{
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		sched_yield();
	return now_ns() - t;
}

struct par {
	pthread_t thread;
	long n;
};

static pthread_barrier_t par_start;

static void *par_main(void *p)
{
	struct par *par = p;

	pthread_barrier_wait(&par_start);
	for (long i = par->n; i > 0; i--)
		syscall(SYS_umask, 022);
	return NULL;
}

/* Wall time for n calls made by r->arg threads together. */
static uint64_t run_parallel(const struct row *r, long n)
{
	struct par par[16];
	uint64_t t;

	pthread_barrier_init(&par_start, NULL, r->arg + 1);
	for (long i = 0; i < r->arg; i++) {
		par[i].n = (n + i) / r->arg;
		if (pthread_create(&par[i].thread, NULL, par_main, &par[i]))
			row_fail("pthread_create");
	}
	pthread_barrier_wait(&par_start);
	t = now_ns();
	for (long i = 0; i < r->arg; i++)
		pthread_join(par[i].thread, NULL);
	return now_ns() - t;
}

const struct row call_rows[] = {
	{ "getppid", NULL, run_raw0, SYS_getppid, NULL },
	{ "umask", NULL, run_umask, 0, NULL },
	{ "umask.trap", NULL, run_trap, 0, NULL },
	{ "umask.par4", NULL, run_parallel, 4, NULL },
	{ "getpid", NULL, run_raw0, SYS_getpid, NULL },
	{ "clock_gettime", NULL, run_clock, 0, NULL },
	{ "clock_gettime.raw", NULL, run_clock_raw, 0, NULL },
	{ "sigprocmask", NULL, run_sigprocmask, 0, NULL },
	{ "signal", setup_signal, run_signal, 0, NULL },
	{ "sched_yield", NULL, run_yield, 0, NULL },
	{ NULL, NULL, NULL, 0, NULL },
};
