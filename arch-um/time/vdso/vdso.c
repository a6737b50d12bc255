/*
 * The guest's vDSO: the host's own vDSO, which stays mapped at one place in every stub, plus the guest's
 * offsets. It holds nothing that a guest could not read by asking. Clocks that the host's vDSO would have
 * to ask its kernel for trap like any system call.
 */
#include "vdso_data.h"
#include <abi/time.h>

#define NR_gettimeofday 96
#define NR_clock_gettime 228
#define NR_clock_getres 229
#define NSEC 1000000000L

__attribute__((section(".vdsodata"), visibility("hidden"), used)) volatile struct vdso_data
	vdso_data = { VDSO_MAGIC, 0, 0, 0 };

int __vdso_clock_gettime(int clock, struct timespec64 *ts);
int __vdso_gettimeofday(struct timeval64 *tv, void *tz);
s64 __vdso_time(s64 *t);
int __vdso_clock_getres(int clock, struct timespec64 *res);

static long sys2(long nr, long a, long b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

int __vdso_clock_gettime(int clock, struct timespec64 *ts)
{
	int (*host)(int, struct timespec64 *) =
		(int (*)(int, struct timespec64 *))vdso_data.host_clock_gettime;
	s64 off;

	/* REALTIME 0, MONOTONIC 1, RAW 4, the COARSE ones 5 6, BOOTTIME 7. RAW and BOOTTIME equal MONOTONIC in a guest. */
	if (!host || (u32)clock > 7 || !((1u << clock) & 0xf3u))
		return (int)sys2(NR_clock_gettime, clock, (long)ts);
	if (host(clock == 4 || clock == 7 ? 1 : clock, ts))
		return (int)sys2(NR_clock_gettime, clock, (long)ts);
	off = (1u << clock) & 0x21u ? vdso_data.real_offset_ns : vdso_data.mono_offset_ns;
	if (off) {
		s64 ns = ts->tv_nsec + off % NSEC;

		ts->tv_sec += off / NSEC;
		if (ns >= NSEC) {
			ns -= NSEC;
			ts->tv_sec++;
		} else if (ns < 0) {
			ns += NSEC;
			ts->tv_sec--;
		}
		ts->tv_nsec = ns;
	}
	return 0;
}

int __vdso_gettimeofday(struct timeval64 *tv, void *tz)
{
	struct timespec64 ts;

	if (tz)
		return (int)sys2(NR_gettimeofday, (long)tv, (long)tz);
	if (tv) {
		int r = __vdso_clock_gettime(0, &ts);

		if (r)
			return r;
		tv->tv_sec = ts.tv_sec;
		tv->tv_usec = ts.tv_nsec / 1000;
	}
	return 0;
}

s64 __vdso_time(s64 *t)
{
	struct timespec64 ts;

	if (__vdso_clock_gettime(5, &ts))
		return -1;
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

int __vdso_clock_getres(int clock, struct timespec64 *res)
{
	return (int)sys2(NR_clock_getres, clock, (long)res);
}

#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(int clock, struct timespec64 *ts) ALIAS(clock_gettime);
int gettimeofday(struct timeval64 *tv, void *tz) ALIAS(gettimeofday);
s64 time(s64 *t) ALIAS(time);
int clock_getres(int clock, struct timespec64 *res) ALIAS(clock_getres);
