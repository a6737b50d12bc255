/*
 * Clocks and timers. One clock source behind an interface: nothing else in kernel/ reads the host's clock.
 * A ktimer is owned by its embedder; ktimer_cancel() before freeing it. Callbacks run in vCPU context with
 * klock held and must not sleep.
 */
#ifndef UMBER_TIME_H
#define UMBER_TIME_H
#include <abi/time.h>
#include <umber/list.h>
#include <umber/types.h>

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

u64 ktime_mono_ns(void);      /* guest CLOCK_MONOTONIC */
u64 ktime_real_ns(void);      /* guest CLOCK_REALTIME */
u64 ktime_boot_ns(void);
s64 ktime_real_offset(void);  /* real - mono, changes by clock_settime */
struct timespec64 ktime_real_ts(void);
struct timespec64 ktime_real_coarse_ts(void); /* up to 10 ms ago, and never going back: file times, as on Linux */
static inline struct timespec64 ns_to_ts(u64 ns)
{
	return (struct timespec64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };
}
static inline bool ts_valid(const struct timespec64 *t)
{
	return t->tv_sec >= 0 && (u64)t->tv_nsec < NSEC_PER_SEC;
}
static inline u64 ts_to_ns(const struct timespec64 *t) /* saturates */
{
	return (u64)t->tv_sec >= S64_MAX / NSEC_PER_SEC ? (u64)S64_MAX
		: (u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_nsec;
}
/* now + rel, saturating at WAIT_FOREVER */
static inline u64 ns_add(u64 a, u64 b) { return a + b < a ? U64_MAX : a + b; }

struct ktimer {
	u64 expires_ns;           /* guest monotonic */
	void (*fn)(struct ktimer *t);
	s32 heap_index;           /* -1: not armed */
	struct ktimer *child, *next, *prev; /* pairing heap; prev: left sibling, or parent of a first child */
};
void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
void ktimer_start(struct ktimer *t, u64 expires_ns); /* (re)arms */
bool ktimer_cancel(struct ktimer *t);                /* true if it was armed */
static inline bool ktimer_armed(const struct ktimer *t) { return t->heap_index >= 0; }
/* sched calls these: run what is due; next deadline or WAIT_FOREVER. */
void ktimer_run_due(void);
u64 ktimer_next_ns(void);
/* Reads a user timespec for a timeout: 0 = ok. uaddr 0 gives WAIT_FOREVER. Relative -> absolute mono deadline. */
int user_timeout_rel(uaddr_t ts, u64 *deadline_ns);

/* Called back after CLOCK_REALTIME was set, to recompute deadlines. Must not sleep, may remove itself. */
struct clock_watch { struct list_head node; void (*fn)(struct clock_watch *w); };
void clock_watch_add(struct clock_watch *w, void (*fn)(struct clock_watch *w));
void clock_watch_del(struct clock_watch *w);
u64 ktime_real_to_mono(u64 real_ns);      /* monotonic time at which CLOCK_REALTIME says real_ns; saturates */

struct task;
struct tgroup;
struct siginfo;
u64 task_cpu_ns(struct task *t);          /* user + system, up to now */
u64 tgroup_cpu_ns(struct tgroup *tg);
/* kernel/signal: a timer's signal was taken from the queue; fills si_overrun and re-arms. */
void posix_timer_dequeued(void *timer, struct siginfo *info);
void itimer_real_dequeued(struct tgroup *tg);
void posix_timers_exit(struct task *t);  /* last thread of the group is leaving, or exec */
void time_init(void);
/* Called by sched as CPU time accrues to a task: ITIMER_VIRTUAL/PROF, RLIMIT_CPU, CPU clocks. */
void cputime_account(struct task *t, u64 user_ns, u64 sys_ns);
#endif
