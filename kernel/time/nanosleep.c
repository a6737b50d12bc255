/* Sleeping: nanosleep(2), clock_nanosleep(2), and timeouts given by users. */
#include "time_internal.h"
#include <umber/syscall.h>
#include <umber/uaccess.h>

int user_timeout_rel(uaddr_t uts, u64 *deadline_ns)
{
	struct timespec64 ts;

	*deadline_ns = WAIT_FOREVER;
	if (!uts)
		return 0;
	if (get_user(ts, uts))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	*deadline_ns = ns_add(ktime_mono_ns(), ts_to_ns(&ts));
	return 0;
}

/* A sleeper that must look again when the real-time clock is set, or when a CPU clock got there. */
struct sleeper {
	struct clock_watch watch;
	struct cpu_timer cpu;
	struct wait_queue wq;
	bool again;
};

static void sleeper_clock_set(struct clock_watch *w)
{
	struct sleeper *s = container_of(w, struct sleeper, watch);

	s->again = true;
	wq_wake_all(&s->wq);
}

static void sleeper_cpu_due(struct cpu_timer *ct)
{
	struct sleeper *s = container_of(ct, struct sleeper, cpu);

	s->again = true;
	wq_wake_all(&s->wq);
}

/* Until `clock` shows ns. 0 or -ERESTARTSYS. */
static int sleep_until(int clock, u64 ns)
{
	struct sleeper s;
	int r;

	wq_init(&s.wq);
	s.again = false;
	if (!clock_is_real(clock)) {
		r = wait_event(&s.wq, false, WAIT_INTERRUPTIBLE, ns);
		return r == -ETIMEDOUT ? 0 : r;
	}
	clock_watch_add(&s.watch, sleeper_clock_set);
	do {
		s.again = false;
		r = wait_event(&s.wq, s.again, WAIT_INTERRUPTIBLE, clock_to_mono(clock, ns));
	} while (!r);
	clock_watch_del(&s.watch);
	return r == -ETIMEDOUT ? 0 : r;
}

/* Until the CPU clock shows ns. The process of the clock may end: then nothing but a signal ends the sleep. */
static int sleep_cpu(struct tgroup *tg, enum cpu_kind kind, u64 ns)
{
	struct sleeper s;
	int r;

	wq_init(&s.wq);
	s.again = false;
	s.cpu = (struct cpu_timer){ .kind = kind, .expires_ns = ns, .fn = sleeper_cpu_due };
	list_init(&s.cpu.node);
	r = cpu_timer_start(&s.cpu, tg);
	if (r)
		return r;
	r = wait_event(&s.wq, s.again, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	cpu_timer_stop(&s.cpu);
	return r;
}

static int sleep_clock(int clock, u64 ns)
{
	enum cpu_kind kind;
	struct tgroup *tg;
	struct task *t;
	int r;

	if (!clock_is_cpu(clock))
		return sleep_until(clock, ns);
	r = cpu_clock_find(clock, &tg, &t, &kind);
	return r ? r : sleep_cpu(tg, kind, ns);
}

/* Relative sleeps know the clock's value at their end, so that a restart does not lengthen them. */
static long sleep_rel(int clock, u64 end_ns, uaddr_t rem);

static long restart_sleep(struct task *t)
{
	return sleep_rel((int)t->restart.arg[0], t->restart.arg[1], t->restart.arg[2]);
}

static long sleep_rel(int clock, u64 end_ns, uaddr_t rem)
{
	int r = sleep_clock(clock, end_ns);
	struct timespec64 left;
	struct task *t = current;
	u64 now;

	if (r != -ERESTARTSYS)
		return r;
	if (clock_read(clock, &now) || now >= end_ns)
		return 0;
	left = ns_to_ts(end_ns - now);
	if (rem && copy_to_user(rem, &left, sizeof(left)))
		return -EFAULT;
	t->restart.fn = restart_sleep;
	t->restart.arg[0] = (u64)(s64)clock;
	t->restart.arg[1] = end_ns;
	t->restart.arg[2] = rem;
	return -ERESTART_RESTARTBLOCK;
}

/* nanosleep(2). */
long sys_nanosleep(uaddr_t req, uaddr_t rem)
{
	struct timespec64 ts;

	if (get_user(ts, req))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	return sleep_rel(CLOCK_MONOTONIC, ns_add(ktime_mono_ns(), ts_to_ns(&ts)), rem);
}

static int sleepable(int clock)
{
	enum cpu_kind kind;
	struct tgroup *tg;
	struct task *t;
	u64 ns;

	if (clock_has_timers(clock))
		return 0;
	if (clock_is_cpu(clock)) {
		if (cpu_clock_find(clock, &tg, &t, &kind))
			return -EINVAL;
		return t ? (clock == CLOCK_THREAD_CPUTIME_ID ? -EOPNOTSUPP : -EINVAL) : 0;
	}
	return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
}

/* clock_nanosleep(2). */
long sys_clock_nanosleep(int clock, int flags, uaddr_t req, uaddr_t rem)
{
	struct timespec64 ts;
	u64 now;
	int r = sleepable(clock);

	if (r)
		return r;
	if (get_user(ts, req))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	if (flags & TIMER_ABSTIME) {
		r = sleep_clock(clock, ts_to_ns(&ts));
		return r == -ERESTARTSYS ? -ERESTARTNOHAND : r;
	}
	/* A relative sleep does not follow steps of the real-time clock. */
	if (clock_is_real(clock))
		clock = CLOCK_MONOTONIC;
	r = clock_read(clock, &now);
	return r ? r : sleep_rel(clock, ns_add(now, ts_to_ns(&ts)), rem);
}
