/*
 * Private to kernel/sched: one struct vcpu for each thread of the kernel process that runs guest tasks.
 *
 * core.c     run queues, choice of the next task, switching, waking, placement and balancing
 * loop.c     the way to user mode and back; attention; the idle loop and the body of each vCPU
 * account.c  TSC clock, CPU time, load average
 * sys_*.c    system calls
 *
 * A task is in exactly one place: running (v->curr == t, se.on_cpu), queued (se.on_rq, on v->rt or v->fair of
 * vcpus[se.cpu]), or neither (its state says why). All under klock. A switch keeps klock, so nobody ever sees a task
 * half switched. Time inside the scheduler is counted in TSC ticks: a clock read costs more than a whole switch.
 *
 * Placement: a woken task goes to the waker's own vCPU if nothing else waits there (the waker often sleeps soon:
 * two processes that talk then share a core, which costs 2 us a message where waking another core costs 30 and more).
 * If it is still waiting BALANCE_NS later, an idle vCPU is poked and pulls it.
 */
#ifndef SCHED_INT_H
#define SCHED_INT_H
#include <port/port.h>
#include <umber/sched.h>
#include <umber/task.h>

#define SLICE_NS 3000000ULL
#define RR_SLICE_NS 100000000ULL
#define RT_RUNTIME_NS 950000000ULL   /* real-time tasks may keep fair ones waiting so long, */
#define RT_OFF_NS 50000000ULL        /* then those go first so long (sched(7)) */
#define TICK_NS 10000000ULL
#define BALANCE_NS 150000ULL
#define PULL_MIN_NS 500000ULL
#define SLEEPER_BONUS_NS 1500000ULL
#define KICK_RETRY_NS 250000ULL  /* between tries to preempt a user side that has had no CPU yet */
#define WAKEUP_GRAN_NS 1000000ULL
/* What runs is not preempted by a fair one that wakes before it had this: two that talk, one of which needs less time than
 * the other, would change places at each message where they can do it at each batch of them. */
#define GUARD_NS 700000ULL

struct vcpu {
	int cpu;
	bool online, idle;          /* idle: inside port_vcpu_idle */
	bool dirty;                 /* the run queue or curr changed: deadline_ns is stale */
	struct task *curr;          /* NULL: the idle fibre runs */
	struct task *dead;          /* left for ever by the last switch; freed at the next chance */
	struct port_fibre idle_fibre;
	struct list_head rt, fair;  /* queued tasks: by priority; by vruntime */
	u32 nr_queued;
	u64 min_vruntime;
	u64 fair_wait_tsc;          /* since when `fair` waits: first one queued, or last one picked */
	u64 rt_off_tsc;             /* until then fair tasks go before real-time ones */
	u64 tick_tsc, balance_tsc;  /* next accounting tick; when queued tasks are offered to idle vCPUs */
	u64 event_tsc, deadline_ns; /* when the scheduler wants to look again: TSC, and host clock for the port */
	u64 timer_ns;               /* ktimer_next_ns() that these were made from */
	u64 user_ns, sys_ns, idle_ns;
	u64 idle_since_tsc;         /* while idle */
};
extern struct vcpu vcpus[NCPUS_MAX];
extern int nr_vcpus;
extern u64 nr_switches, nr_uninterruptible;

static inline struct vcpu *this_vcpu(void)
{
	return fibre_info()->vcpu;
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

/* account.c */
extern u64 tsc_mult, tsc_inv;       /* ns per tick << 32; ticks per ns << 32 */
static inline u64 tsc_to_ns(u64 d)
{
	return (u64)((unsigned __int128)d * tsc_mult >> 32);
}
static inline u64 ns_to_tsc(u64 d)
{
	return (u64)((unsigned __int128)d * tsc_inv >> 32);
}
static inline u64 tsc_since(u64 now, u64 then) /* 0 if two CPUs' counters disagree */
{
	return now > then ? now - then : 0;
}
void clock_init(void);
void clock_refine(void);            /* compares TSC and host clock again; cheap, rate limited */
u64 tsc_to_host_ns(u64 tsc);        /* host monotonic time of a TSC value near now */
u64 host_ns_to_tsc(u64 ns);
u64 timer_host_ns(void);            /* ktimer_next_ns() on the host's clock */
void sched_time_ready(void);
void charge(struct task *t);        /* moves user_tsc and sys_tsc of t into ns, vruntime, limits */
void load_update(void);
int nice_weight(const struct task *t);

/* core.c */
static inline bool policy_rt(int policy)
{
	return policy == 1 || policy == 2; /* SCHED_FIFO, SCHED_RR */
}
static inline bool task_rt(const struct task *t)
{
	return policy_rt(t->se.policy);
}
struct task *pick_next(struct vcpu *v);   /* takes it off the queue; pulls from others when there is none */
void switch_to(struct vcpu *v, struct task *prev, struct task *next);
void reap_dead(struct vcpu *v);
void resched(struct vcpu *v);
void sched_dequeue(struct task *t);
void sched_requeue(struct task *t);       /* t's policy, priority or affinity changed */
u64 slice_ticks(const struct task *t);    /* 0: no slice */
bool should_preempt(struct vcpu *v);      /* someone queued deserves the CPU more than v->curr */
void offer_queued(struct vcpu *v, u64 now);
void move_packed(struct vcpu *v);           /* what runs or waits on v goes where port_pack() wants it */
void balance_tick(struct vcpu *v);
void vcpu_setup(int cpu);
#endif
