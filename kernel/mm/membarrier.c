/*
 * membarrier(2). A thread that runs user code passes a full barrier when it is kicked out of it. All others
 * pass one because entering the kernel takes the kernel lock, after we had it:
 *
 *   caller                                  other thread
 *   stores; enters, takes klock             (in user code: in_user)      -> kicked, we wait for its next entry
 *   looks at in_user                        (in the kernel)              -> leaves only by taking/dropping klock
 */
#include <umber/sched.h>
#include <umber/syscall.h>
#include <umber/time.h>

#include "mm_internal.h"

enum {
	MEMBARRIER_QUERY = 0, MEMBARRIER_GLOBAL = 1, MEMBARRIER_GLOBAL_EXPEDITED = 2,
	MEMBARRIER_REGISTER_GLOBAL_EXPEDITED = 4, MEMBARRIER_PRIVATE_EXPEDITED = 8,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 16, MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE = 32,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64, MEMBARRIER_GET_REGISTRATIONS = 512,
	MEMBARRIER_ALL = 1 | 2 | 4 | 8 | 16 | 32 | 64 | 512,
};
#define POLL_NS (20 * NSEC_PER_USEC)

/* Still in the same stretch of user code as when it was kicked? */
static bool still_in_user(const struct task *t, u64 run)
{
	return t->se.in_user && t->se.user_runs == run;
}

/* Kicks every task for which it matters and waits until each has left user code. May sleep. */
static void kick_and_wait(struct mm *only, u32 registered)
{
	struct { struct task *t; u64 run; } seen[NCPUS_MAX];
	struct wait_queue nobody;
	unsigned n = 0;
	struct task *t;

	/* A vCPU lets at most one task run user code, so the array is large enough. */
	list_for_each_entry(t, &all_tasks, all_node) {
		if (t == current || !t->se.in_user || !t->mm || n == ARRAY_SIZE(seen))
			continue;
		if (only ? t->mm != only : registered && !(t->mm->membarrier_state & registered))
			continue;
		seen[n].t = task_get(t);
		seen[n++].run = t->se.user_runs;
		port_user_kick(&t->port, true);
	}
	wq_init(&nobody);
	for (unsigned i = 0; i < n; i++) {
		/* Nobody wakes us: the deadline makes us look again. Uninterruptible but short: a stub that
		 * does not answer a kick is killed by the port. */
		while (still_in_user(seen[i].t, seen[i].run) && !fatal_signal_pending(current))
			wait_event(&nobody, !still_in_user(seen[i].t, seen[i].run), WAIT_UNINTERRUPTIBLE,
				   ktime_mono_ns() + POLL_NS);
		task_put(seen[i].t);
	}
}

/* membarrier(2) */
long sys_membarrier(int cmd, u32 flags, int cpu)
{
	struct mm *mm = current->mm;

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_QUERY:
		return MEMBARRIER_ALL;
	case MEMBARRIER_GLOBAL:
		kick_and_wait(NULL, 0);
		return 0;
	case MEMBARRIER_GLOBAL_EXPEDITED:
		kick_and_wait(NULL, MEMBARRIER_REGISTER_GLOBAL_EXPEDITED);
		return 0;
	case MEMBARRIER_PRIVATE_EXPEDITED:
	case MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE:
		if (!(mm->membarrier_state & ((u32)cmd << 1)))
			return -EPERM;
		kick_and_wait(mm, 0);
		return 0;
	case MEMBARRIER_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		mm->membarrier_state |= (u32)cmd;
		return 0;
	case MEMBARRIER_GET_REGISTRATIONS:
		return mm->membarrier_state;
	default:
		return -EINVAL;
	}
}
