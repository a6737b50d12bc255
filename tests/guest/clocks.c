/* Time: clocks, sleeps, POSIX timers, interval timers, resource limits on CPU time, usage. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include "t.h"

static volatile int hits, value;
static void handler(int s, siginfo_t *i, void *u) { hits++; value = i->si_value.sival_int; }
static void set(int sig) { struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART }; sigaction(sig, &sa, NULL); }

static long ns(clockid_t c)
{
	struct timespec ts;

	return clock_gettime(c, &ts) ? -1 : ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static long raw_ns(clockid_t c)
{
	struct timespec ts;

	return syscall(SYS_clock_gettime, c, &ts) ? -1 : ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void burn(long ms)
{
	long end = ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000;

	while (ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void clocks(void)
{
	static const clockid_t c[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
				       CLOCK_MONOTONIC_COARSE, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec ts;
	struct timeval tv;
	int bad = 0, far = 0, coarse = 0;
	long a, b;

	for (unsigned i = 0; i < sizeof(c) / sizeof(*c); i++) {
		bad += ns(c[i]) < 0 || clock_getres(c[i], &ts) != 0;
		a = ns(c[i]);
		b = raw_ns(c[i]);
		far += b < a - 20000000 || b > a + 2000000000;
	}
	IS(bad, 0, "all clocks answer");
	IS(far, 0, "vDSO and system call agree");
	for (int i = 0; i < 20000; i++) {
		a = ns(CLOCK_MONOTONIC);
		b = ns(CLOCK_MONOTONIC);
		bad += b < a;
		if (i % 100 == 0) {
			b = ns(CLOCK_MONOTONIC_COARSE);
			coarse += b > ns(CLOCK_MONOTONIC);
		}
	}
	IS(bad, 0, "monotonic never goes back");
	IS(coarse, 0, "coarse is never ahead");
	ERR(clock_gettime(77, &ts), EINVAL, "no such clock");
	ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8), EFAULT, "to nowhere");
	gettimeofday(&tv, NULL);
	a = ns(CLOCK_REALTIME) / 1000;
	b = tv.tv_sec * 1000000 + tv.tv_usec;
	OK(a >= b && a - b < 1000000, "gettimeofday");
	OK(labs(time(NULL) - tv.tv_sec) <= 1, "time");
	clock_getres(CLOCK_MONOTONIC, &ts);
	IS(ts.tv_nsec, 1, "resolution 1 ns");
}

static void sleeps(void)
{
	struct timespec ts = { 0, 50000000 }, now;
	long a = ns(CLOCK_MONOTONIC), b;

	nanosleep(&ts, NULL);
	b = ns(CLOCK_MONOTONIC) - a;
	OK(b >= 50000000, "nanosleep is not short");
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_nsec += 40000000;
	if (now.tv_nsec >= 1000000000)
		now.tv_sec++, now.tv_nsec -= 1000000000;
	IS(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL), 0, "absolute sleep");
	OK(ns(CLOCK_MONOTONIC) >= now.tv_sec * 1000000000 + now.tv_nsec, "until its time");
	now.tv_sec -= 100;
	a = t_ms();
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL);
	OK(t_ms() - a < 1000, "the past is over at once");
	ERR(nanosleep(&(struct timespec){ 0, 1000000000 }, NULL), EINVAL, "too many nanoseconds");
	ERR(nanosleep(&(struct timespec){ -1, 0 }, NULL), EINVAL, "negative");
	IS(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EINVAL, "no sleep on the thread's own clock");
	IS(clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL), 0, "sleep on realtime");
}

static void posix_timers(void)
{
	timer_t t;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42 };
	struct itimerspec its = { { 0, 5000000 }, { 0, 5000000 } }, cur;
	sigset_t s;
	siginfo_t si;

	set(SIGRTMIN);
	IS(timer_create(CLOCK_MONOTONIC, &ev, &t), 0, "timer_create");
	hits = 0;
	timer_settime(t, 0, &its, NULL);
	while (hits < 10)
		pause();
	IS(value, 42, "its value arrives");
	timer_gettime(t, &cur);
	IS(cur.it_interval.tv_nsec, 5000000, "timer_gettime");
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	t_sleep_ms(60);
	sigwaitinfo(&s, &si);
	OK(si.si_code == SI_TIMER && si.si_overrun >= 5, "overruns are counted");
	OK(timer_getoverrun(t) >= 5, "timer_getoverrun");
	memset(&its, 0, sizeof(its));
	timer_settime(t, 0, &its, &cur);
	OK(cur.it_interval.tv_nsec == 5000000, "old setting");
	IS(timer_delete(t), 0, "timer_delete");
	IS(syscall(SYS_timer_delete, 12345), -1, "none such");
	ERR(timer_create(99, &ev, &t), EINVAL, "clock");
	ev.sigev_signo = 99;
	ERR(timer_create(CLOCK_MONOTONIC, &ev, &t), EINVAL, "signal");
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	ev.sigev_notify = SIGEV_NONE;
	IS(timer_create(CLOCK_MONOTONIC, &ev, &t), 0, "SIGEV_NONE");
	its.it_value.tv_sec = 100;
	timer_settime(t, 0, &its, NULL);
	timer_gettime(t, &cur);
	OK(cur.it_value.tv_sec >= 98, "counts down");
	timer_delete(t);
	ev.sigev_notify = SIGEV_SIGNAL;
	ev.sigev_signo = SIGRTMIN;
	hits = 0;
	IS(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t), 0, "CPU time timer");
	its.it_value.tv_sec = 0;
	its.it_value.tv_nsec = 30000000;
	timer_settime(t, 0, &its, NULL);
	t_sleep_ms(60);
	IS(hits, 0, "does not run in sleep");
	burn(80);
	IS(hits, 1, "fires after its CPU time");
	timer_delete(t);
}

static void itimers(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 30000 } }, old;
	long a = t_ms();

	set(SIGALRM);
	set(SIGVTALRM);
	set(SIGPROF);
	hits = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	while (!hits)
		pause();
	OK(t_ms() - a >= 29, "ITIMER_REAL");
	hits = 0;
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	t_sleep_ms(60);
	IS(hits, 0, "ITIMER_VIRTUAL stands in sleep");
	burn(100);
	IS(hits, 1, "and runs in user code");
	hits = 0;
	setitimer(ITIMER_PROF, &it, NULL);
	burn(100);
	IS(hits, 1, "ITIMER_PROF");
	IS(alarm(100), 0, "alarm");
	OK(alarm(0) >= 99, "alarm tells the rest");
	ERR(setitimer(9, &it, NULL), EINVAL, "which");
	it.it_value.tv_usec = 1000000;
	ERR(setitimer(ITIMER_REAL, &it, &old), EINVAL, "microseconds");
	OK(ualarm(10000, 0) == 0, "ualarm");
	pause();
}

static void usage(void)
{
	struct rusage a, b;
	struct tms t;
	int st;
	long x;

	getrusage(RUSAGE_SELF, &a);
	burn(100);
	getrusage(RUSAGE_SELF, &b);
	x = (b.ru_utime.tv_sec - a.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_stime.tv_sec) * 1000000 + b.ru_utime.tv_usec -
	    a.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_stime.tv_usec;
	OK(x >= 80000 && x < 400000, "getrusage counts CPU time");
	FORK(st) { burn(60); }
	getrusage(RUSAGE_CHILDREN, &b);
	OK(b.ru_utime.tv_sec || b.ru_utime.tv_usec + b.ru_stime.tv_usec >= 40000, "and that of children");
	OK(times(&t) != (clock_t)-1 && t.tms_utime + t.tms_stime > 0, "times");
	OK(clock() > 0, "clock");
	FORK(st) {
		signal(SIGXCPU, SIG_DFL);
		setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 2 });
		for (;;)
			;
	}
	OK(WIFSIGNALED(st) && WTERMSIG(st) == SIGXCPU, "RLIMIT_CPU ends by SIGXCPU");
}

int main(void)
{
	clocks();
	sleeps();
	posix_timers();
	itimers();
	usage();
	return t_done();
}
