/*
 * Clocks. Everything comes from the port's host clocks plus an offset: guest clock = host clock + offset.
 * The monotonic offset is fixed at boot; the realtime one changes by clock_settime(2). Boot time is monotonic
 * time: a guest is never suspended apart from its host. The same offsets go to the vDSO (port_time_publish).
 */
#include "time_internal.h"

static s64 mono_offset_ns;
static s64 real_adjust_ns;
static LIST_HEAD(watches);

u64 ktime_mono_ns(void)
{
	return port_monotonic_ns() + (u64)mono_offset_ns;
}

u64 ktime_real_ns(void)
{
	return port_realtime_ns() + (u64)real_adjust_ns;
}

u64 ktime_boot_ns(void)
{
	return ktime_mono_ns();
}

s64 ktime_real_offset(void)
{
	return (s64)(ktime_real_ns() - ktime_mono_ns());
}

struct timespec64 ktime_real_ts(void)
{
	return ns_to_ts(ktime_real_ns());
}

struct timespec64 ktime_real_coarse_ts(void)
{
	return ns_to_ts(port_realtime_coarse_ns() + (u64)real_adjust_ns);
}

u64 ktime_real_to_mono(u64 real_ns)
{
	s64 off = ktime_real_offset();

	if (off >= 0)
		return real_ns > (u64)off ? real_ns - (u64)off : 0;
	return ns_add(real_ns, (u64)-off);
}

void clock_watch_add(struct clock_watch *w, void (*fn)(struct clock_watch *w))
{
	w->fn = fn;
	list_add_tail(&w->node, &watches);
}

void clock_watch_del(struct clock_watch *w)
{
	list_del(&w->node);
}

/* Steps CLOCK_REALTIME to `ns` and tells all who depend on it. A callback may remove its own watch only. */
void clock_set_real(u64 ns)
{
	struct clock_watch *w, *n;

	real_adjust_ns = (s64)(ns - port_realtime_ns());
	port_time_publish(mono_offset_ns, real_adjust_ns);
	list_for_each_entry_safe(w, n, &watches, node)
		w->fn(w);
}

/* The host's coarse clocks are up to a tick (10 ms) behind the others: with less than that they could be before 0. */
#define BOOT_NS 20000000

/* Monotonic time starts at boot, which took BOOT_NS. First of all initialisers: before it ktime_mono_ns() is the host's. */
void time_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	mono_offset_ns = BOOT_NS - (s64)port_monotonic_ns();
	port_time_publish(mono_offset_ns, real_adjust_ns);
}

u64 clock_now(int clock)
{
	return clock_is_real(clock) ? ktime_real_ns() : ktime_mono_ns();
}

u64 clock_to_mono(int clock, u64 ns)
{
	return clock_is_real(clock) ? ktime_real_to_mono(ns) : ns;
}

#define CPUCLOCK_PERTHREAD 4
#define CPUCLOCK_KIND(c) ((c) & 3)
#define CPUCLOCK_PID(c) (~((c) >> 3))

/* Clock ids below zero: ~pid << 3 | thread << 2 | kind. pid 0 is the caller. */
int cpu_clock_find(int clock, struct tgroup **tg, struct task **thread, enum cpu_kind *kind)
{
	struct task *t;
	int pid;

	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		clock = (~0 << 3) | CPU_SCHED;
	else if (clock == CLOCK_THREAD_CPUTIME_ID)
		clock = (~0 << 3) | CPUCLOCK_PERTHREAD | CPU_SCHED;
	if (clock >= 0 || CPUCLOCK_KIND(clock) > CPU_SCHED)
		return -EINVAL;
	pid = CPUCLOCK_PID(clock);
	*kind = (enum cpu_kind)CPUCLOCK_KIND(clock);
	*thread = NULL;
	if (clock & CPUCLOCK_PERTHREAD) {
		t = pid ? find_task(pid) : current;
		if (!t || t->tg != current->tg)
			return -EINVAL;
		*thread = t;
		*tg = t->tg;
		return 0;
	}
	*tg = pid && pid != current->tid ? find_tgroup(pid) : current->tg;
	return *tg ? 0 : -EINVAL;
}

int clock_read(int clock, u64 *ns)
{
	enum cpu_kind kind;
	struct tgroup *tg;
	struct task *t;
	int r;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = ktime_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = ktime_mono_ns();
		return 0;
	}
	r = cpu_clock_find(clock, &tg, &t, &kind);
	if (!r)
		*ns = cpu_clock_ns(tg, t, kind);
	return r;
}

bool itimerspec_valid(const struct itimerspec64 *s)
{
	return ts_valid(&s->it_value) && ts_valid(&s->it_interval);
}

u64 timer_forward(u64 *expires, u64 interval, u64 now)
{
	u64 n;

	if (now < *expires || !interval)
		return 0;
	n = (now - *expires) / interval + 1;
	*expires = interval > (U64_MAX - *expires) / n ? U64_MAX : *expires + n * interval;
	return n;
}
