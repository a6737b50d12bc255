/*
 * Time, private part.
 *
 * timer.c: one heap of ktimers, all in guest monotonic time. clock.c: the clocks and their offsets. Above these:
 * sleeping (nanosleep.c), interval timers (itimer.c), POSIX timers (posix_timer.c), timerfd.c. cputimer.c counts
 * CPU time: it has no tick, but one ktimer per process that uses CPU clocks, as far away as the earliest limit
 * can possibly be.
 *
 * Life of per-process state (struct itimer_state): made at first use, kept over exec, freed by posix_timers_exit
 * when the last thread leaves. Timers on the heap belong to it or to a struct posix_timer and are cancelled first.
 */
#ifndef TIME_INTERNAL_H
#define TIME_INTERNAL_H
#include <abi/errno.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/xarray.h>

/* clock.c */
enum cpu_kind { CPU_PROF, CPU_VIRT, CPU_SCHED };   /* user+system, user, user+system: the low bits of clock ids */
/* Reads any clock. -EINVAL: no such one. */
int clock_read(int clock, u64 *ns);
/* Which CPU clock is this? 0 and *tg or *thread (of another or NULL; no reference taken), or -EINVAL. */
int cpu_clock_find(int clock, struct tgroup **tg, struct task **thread, enum cpu_kind *kind);
static inline bool clock_is_cpu(int clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}
static inline bool clock_is_real(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
}
/* Clocks that timers and sleeps may use, CPU clocks aside. */
static inline bool clock_has_timers(int clock)
{
	return clock_is_real(clock) || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_BOOTTIME_ALARM;
}
/* Monotonic time at which `clock` (no CPU clock) shows ns. */
u64 clock_to_mono(int clock, u64 ns);
u64 clock_now(int clock); /* no CPU clock */
void clock_set_real(u64 ns);
bool itimerspec_valid(const struct itimerspec64 *s);
/* Intervals that have to be added to *expires to bring it after now; adds them. */
u64 timer_forward(u64 *expires, u64 interval, u64 now);

/* cputimer.c: one limit on a CPU clock */
struct cpu_timer {
	struct list_head node;              /* in itimer_state.cpu_timers while armed */
	struct task *thread;                /* its clock, or NULL: the whole group's */
	enum cpu_kind kind;
	u64 expires_ns;                     /* of that clock */
	void (*fn)(struct cpu_timer *ct);   /* removed from the list before; must not sleep */
};
struct cpu_itimer { u64 expires_ns, interval_ns; }; /* 0: off */
struct itimer_state {
	struct tgroup *tg;
	struct ktimer real;                 /* ITIMER_REAL */
	u64 real_interval_ns;
	bool real_rearm;                    /* fired; goes on when SIGALRM is taken */
	struct cpu_itimer virt, prof;
	struct list_head cpu_timers;
	struct ktimer cpu_check;
	u64 cpu_budget_ns;                  /* CPU time of the group until something can be due */
	u64 seen_rlim_cpu;
	bool cpu_active;
	struct ktimer rttime;               /* RLIMIT_RTTIME of thread rttime_task */
	int rttime_task;
	struct xarray timers;               /* POSIX timers by id */
	int next_timer_id;
};
struct itimer_state *itimers_get(struct tgroup *tg);  /* allocates; NULL: no memory */
int cpu_timer_start(struct cpu_timer *ct, struct tgroup *tg); /* 0 or -ENOMEM; due ones fire at once */
void cpu_timer_stop(struct cpu_timer *ct);
void cpu_limits_changed(struct itimer_state *it);
u64 task_cpu_kind(struct task *t, enum cpu_kind kind);
u64 tgroup_cpu_kind(struct tgroup *tg, enum cpu_kind kind);
u64 cpu_clock_ns(struct tgroup *tg, struct task *thread, enum cpu_kind kind);
void cpu_timers_orphan(struct itimer_state *it);

/* itimer.c, posix_timer.c */
void itimer_real_fire(struct ktimer *kt);
void posix_timers_delete_all(struct tgroup *tg);
#endif
