/*
 * The guest scheduler. One run queue a vCPU; fair class with nice (EEVDF/CFS-like virtual time), SCHED_FIFO,
 * SCHED_RR, SCHED_IDLE; affinity; load balancing at wake-up and when idle.
 *
 * Run states:  NEW -> RUNNABLE <-> RUNNING -> {SLEEPING, STOPPED} -> RUNNABLE ... RUNNING -> DEAD
 */
#ifndef UMBER_SCHED_H
#define UMBER_SCHED_H
#include <umber/list.h>
#include <umber/types.h>

struct task;
enum task_state {
	TASK_RUNNING,         /* running or on a run queue */
	TASK_INTERRUPTIBLE,   /* bits, so that wake-ups can name a set */
	TASK_UNINTERRUPTIBLE = 2,
	TASK_KILLABLE = 4,    /* sleeps; only a fatal signal wakes it */
	TASK_STOPPED = 8,     /* job control; /proc state T */
	TASK_TRACED = 16,
	TASK_DEAD = 32,       /* zombie or gone: never runs again */
	TASK_NEW = 64,
};
struct sched_entity {
	struct list_head run_node;      /* on its vCPU's queue when runnable and not running */
	u64 vruntime, exec_start_ns, sum_exec_ns, slice_start_ns;
	s32 cpu;                        /* vCPU it runs or last ran on */
	bool on_rq, on_cpu;
	bool need_resched;
	bool preempt_due;               /* one that woke deserves the CPU, and gets it after GUARD_NS of this slice */
	bool in_user;                   /* its user side runs now (between port_user_run and an entry) */
	s32 policy, nice, rt_priority;  /* SCHED_*; -20..19; 1..99 */
	bool reset_on_fork;
	u16 ioprio;                     /* ioprio_set(2) */
	u64 affinity;                   /* bit per vCPU */
	u64 utime_ns, stime_ns, nvcsw, nivcsw;
	u64 user_runs;                  /* stretches of user code begun: membarrier waits for the next */
	u64 mark_ns;                    /* last user/system accounting boundary */
	u64 wake_deadline_ns;
	u64 mark_tsc, user_tsc, sys_tsc;/* time not yet charged to utime_ns/stime_ns, see sched_account() */
	u64 queued_tsc, slice_tsc;      /* when it was queued; when it began to run */
	bool last_entry_syscall;        /* how it last left user mode */
	bool rseq_event;                /* moved to another cpu or preempted since the last return to user mode */
};
void sched_init(void);
void sched_fork(struct task *child, struct task *parent);  /* initialises child->se */
void sched_start(struct task *t);       /* NEW -> runnable for the first time */
/* Wakes t if its state is in `states`. Returns true if it did. Any context with klock. */
bool sched_wake(struct task *t, unsigned states);
/* The caller set current->state != RUNNING (or leaves it RUNNING: yield). Switches away; returns when
 * woken. Drops klock around idle. Fibre context only. Nobody but sync/, signal stop and exit calls it. */
void schedule(void);
/* Sets state, arms a timer for the deadline, schedules. 0 woken, -ETIMEDOUT. */
int schedule_until(unsigned state, u64 deadline_ns);
void sched_yield_task(void);
/* Who waits for this vCPU now comes first when current goes back to user mode or sleeps. */
void sched_yield_soon(void);
void cond_resched(void);                /* lets others run if need_resched: call in long loops */
/* t has a new pending signal / must look at itself: pokes its vCPU if its user side runs. */
void sched_notify(struct task *t);
void sched_exit(void) __attribute__((noreturn)); /* last switch of a dead task; its fibre is freed later */
/* Body of a task's fibre: returns to user mode for ever. */
void sched_user_loop(void) __attribute__((noreturn));
int this_cpu(void);
/* Brings t's utime_ns, stime_ns and sum_exec_ns up to now if t is current, else up to its last entry. Call before
 * reading them; cheap. */
void sched_account(struct task *t);
/* Number of vCPUs and their mask; run-queue check for ktimer users that only want to know "is cpu idle". */
int sched_ncpus(void);
u64 sched_cpu_mask(void);
u64 sched_nr_uninterruptible(void);
u64 sched_loadavg(int i);               /* 11-bit fixed point, as /proc/loadavg; i = 0..2 */
void sched_cpu_times(int cpu, u64 *user_ns, u64 *sys_ns, u64 *idle_ns);
u64 sched_nr_switches(void);
unsigned sched_nr_running(void);
/* Kernel threads: fn(arg) in task context without mm; named like Linux's. */
struct task *kthread_run(void (*fn)(void *), void *arg, const char *name);
#endif
