/* Calls that read and set clocks: clock_gettime(2), clock_settime(2), gettimeofday(2), time(2), adjtimex(2). */
#include "time_internal.h"
#include <abi/timex.h>
#include <umber/cred.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/uaccess.h>

#define COARSE_RES_NS 4000000
#define SETTOD_SEC_MAX (S64_MAX / (s64)NSEC_PER_SEC - 30 * 365 * 24 * 3600LL)

static struct { s32 minuteswest, dsttime; } timezone;
static s32 tai_offset;

/* clock_gettime(2). */
long sys_clock_gettime(int clock, uaddr_t tp)
{
	struct timespec64 ts;
	u64 ns;
	int r = clock_read(clock, &ns);

	if (r)
		return r;
	ts = ns_to_ts(ns);
	if (clock == CLOCK_TAI)
		ts.tv_sec += tai_offset;
	return copy_to_user(tp, &ts, sizeof(ts));
}

/* clock_getres(2). */
long sys_clock_getres(int clock, uaddr_t tp)
{
	struct timespec64 ts = { 0, 1 };
	u64 ns;
	int r = clock_read(clock, &ns);

	if (r)
		return r;
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		ts.tv_nsec = COARSE_RES_NS;
	return tp ? copy_to_user(tp, &ts, sizeof(ts)) : 0;
}

/* Years from 1970 up to 30 before the counter overflows; never so early that monotonic time would exceed it. */
static int set_real(const struct timespec64 *ts)
{
	if (!ts_valid(ts) || ts->tv_sec >= SETTOD_SEC_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (ts_to_ns(ts) < ktime_mono_ns())
		return -EINVAL;
	clock_set_real(ts_to_ns(ts));
	return 0;
}

/* clock_settime(2). */
long sys_clock_settime(int clock, uaddr_t tp)
{
	struct timespec64 ts;
	enum cpu_kind kind;
	struct tgroup *tg;
	struct task *t;

	if (clock_is_cpu(clock))
		return cpu_clock_find(clock, &tg, &t, &kind) ? -EINVAL : -EPERM;
	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (get_user(ts, tp))
		return -EFAULT;
	return set_real(&ts);
}

/* gettimeofday(2). */
long sys_gettimeofday(uaddr_t tv, uaddr_t tz)
{
	u64 ns = ktime_real_ns();
	struct timeval64 v = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000) };

	if (tv && copy_to_user(tv, &v, sizeof(v)))
		return -EFAULT;
	if (tz && copy_to_user(tz, &timezone, sizeof(timezone)))
		return -EFAULT;
	return 0;
}

/* settimeofday(2). */
long sys_settimeofday(uaddr_t tv, uaddr_t tz)
{
	struct timespec64 ts = { 0 };
	struct timeval64 v;
	__typeof__(timezone) z = { 0 };

	if (tv) {
		if (get_user(v, tv))
			return -EFAULT;
		if (v.tv_usec < 0 || v.tv_usec > 1000000)
			return -EINVAL;
		ts = (struct timespec64){ v.tv_sec, v.tv_usec * 1000 };
		if (!ts_valid(&ts))
			return -EINVAL;
	}
	if (tz && get_user(z, tz))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (tz) {
		if (z.minuteswest > 15 * 60 || z.minuteswest < -15 * 60)
			return -EINVAL;
		timezone = z;
	}
	return tv ? set_real(&ts) : 0;
}

/* time(2). */
long sys_time(uaddr_t t)
{
	s64 sec = (s64)(ktime_real_ns() / NSEC_PER_SEC);

	if (t && put_user(sec, t))
		return -EFAULT;
	return sec;
}

/* A step of the clock: the one adjustment that means something here; the host disciplines the rate. */
static int step(const struct timex64 *tx)
{
	s64 frac = tx->modes & ADJ_NANO ? tx->time.tv_usec : tx->time.tv_usec * 1000;
	struct timespec64 now = ktime_real_ts();

	if (tx->time.tv_usec < 0 || tx->time.tv_usec >= (tx->modes & ADJ_NANO ? 1000000000 : 1000000))
		return -EINVAL;
	if (tx->time.tv_sec >= SETTOD_SEC_MAX || tx->time.tv_sec <= -SETTOD_SEC_MAX)
		return -EINVAL;
	now.tv_sec += tx->time.tv_sec;
	now.tv_nsec += frac;
	if (now.tv_nsec >= (s64)NSEC_PER_SEC) {
		now.tv_sec++;
		now.tv_nsec -= (s64)NSEC_PER_SEC;
	}
	return set_real(&now);
}

/* adjtimex(2). Reading is honest (unsynchronised); stepping and the TAI offset work; slewing is refused. */
static long adjust(uaddr_t buf)
{
	struct timex64 tx;
	u32 modes;
	u64 ns;
	int r = 0;

	if (get_user(tx, buf))
		return -EFAULT;
	modes = tx.modes;
	if (modes && modes != ADJ_OFFSET_SS_READ) {
		if (!capable(CAP_SYS_TIME))
			return -EPERM;
		if (modes == ADJ_OFFSET_SINGLESHOT && !tx.offset)
			modes = 0; /* adjtime(3) of nothing: ends a slew, and there never is one */
		if (modes & ~(ADJ_TAI | ADJ_SETOFFSET | ADJ_NANO))
			return -EOPNOTSUPP;
		if (modes & ADJ_TAI) {
			if (tx.constant < 0 || tx.constant > 1000)
				return -EINVAL;
			tai_offset = (s32)tx.constant;
		}
		if (modes & ADJ_SETOFFSET)
			r = step(&tx);
		if (r)
			return r;
	}
	memset(&tx, 0, sizeof(tx));
	ns = ktime_real_ns();
	tx.modes = modes;
	tx.maxerror = tx.esterror = 16000000;
	tx.status = STA_UNSYNC;
	tx.constant = 2;
	tx.precision = 1;
	tx.tolerance = 32768000;
	tx.time.tv_sec = (s64)(ns / NSEC_PER_SEC);
	tx.time.tv_usec = (s64)(ns % NSEC_PER_SEC / 1000);
	tx.tick = 10000;
	tx.tai = tai_offset;
	return copy_to_user(buf, &tx, sizeof(tx)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(uaddr_t buf)
{
	return adjust(buf);
}

/* clock_adjtime(2). */
long sys_clock_adjtime(int clock, uaddr_t buf)
{
	u64 ns;

	if (clock != CLOCK_REALTIME)
		return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	return adjust(buf);
}
