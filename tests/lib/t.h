/*
 * TAP for tests/guest: every program passes natively first, so Linux itself says what is right.
 *   OK(cond, name)        one result
 *   IS(expr, want, name)  compares longs, prints both when they differ
 *   ERR(expr, errno, name) the call fails with exactly this errno
 *   FORK(st) { child }    runs the block in a child, leaves its wait status in st
 */
#ifndef TESTS_T_H
#define TESTS_T_H
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int t_count, t_failed;

static inline void t_ok(int good, const char *name, const char *file, int line)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++t_count, name);
	if (!good) {
		t_failed++;
		printf("# %s:%d\n", file, line);
	}
	fflush(stdout);
}

static inline void t_is(long got, long want, const char *name, const char *file, int line)
{
	t_ok(got == want, name, file, line);
	if (got != want)
		printf("# got %ld, want %ld\n", got, want);
	fflush(stdout);
}

static inline void t_err(long got, int e, int want, const char *name, const char *file, int line)
{
	t_ok(got == -1 && e == want, name, file, line);
	if (got != -1 || e != want)
		printf("# returned %ld, errno %d (%s), want errno %d (%s)\n", got, e, strerror(e), want, strerror(want));
	fflush(stdout);
}

#define OK(cond, name) t_ok(!!(cond), name, __FILE__, __LINE__)
#define IS(expr, want, name) do { long t_g = (long)(expr); t_is(t_g, (long)(want), name, __FILE__, __LINE__); } while (0)
#define ERR(expr, want, name) \
	do { errno = 0; long t_g = (long)(expr); t_err(t_g, errno, want, name, __FILE__, __LINE__); } while (0)

/* FORK(st) { child's block; it ends by _exit(0) if it does not itself } */
#define FORK(st) \
	for (pid_t t_p = (fflush(stdout), fork()), t_once = 1; t_once; t_once = 0, t_p ? (void)waitpid(t_p, &(st), 0) : _exit(0)) \
		if (t_p == 0)

static inline long t_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void t_sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline int t_done(void)
{
	printf("1..%d\n", t_count);
	return t_failed != 0;
}
#endif
