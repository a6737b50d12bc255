/*
 * Waiting. A wait queue is a list of waiters; waking walks it and calls each waiter's function. The contract of
 * wait_event() is in umber/sync.h; nobody but this file and the scheduler's own callers puts a task to sleep.
 *
 * Why no wake-up is lost: the waiter is queued before the condition is looked at, and a wake-up leaves its mark in
 * waiter.woken whether or not the task sleeps yet (evaluating the condition may itself sleep):
 *
 *	sleeper                                 waker
 *	queue waiter
 *	condition is false                      makes it true, wakes: woken = true
 *	wait_sleep_: woken? look again          (task was RUNNING: sched_wake does nothing)
 */
#include <abi/errno.h>
#include <umber/sched.h>
#include <umber/sync.h>
#include <umber/task.h>

void wq_add(struct wait_queue *q, struct waiter *w)
{
	w->exclusive = false;
	list_add(&w->node, &q->waiters);
}

void wq_add_exclusive(struct wait_queue *q, struct waiter *w)
{
	w->exclusive = true;
	list_add_tail(&w->node, &q->waiters);
}

/* Waiter functions may remove their own waiter (epoll, poll), but no other one. */
void wq_wake_key(struct wait_queue *q, int nr_exclusive, u32 key)
{
	struct waiter *w, *n;

	if (list_empty(&q->waiters))
		return;
	list_for_each_entry_safe(w, n, &q->waiters, node) {
		bool exclusive = w->exclusive;

		if (w->func(w, key) && exclusive && --nr_exclusive <= 0)
			break;
	}
}

bool waiter_wake_task(struct waiter *w, u32 key)
{
	(void)key;
	if (w->woken)
		return false; /* one wake-up is on its way: an exclusive one goes to the next waiter */
	w->woken = true;
	sched_wake(w->task, TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE);
	return true;
}

void wait_prepare_(struct wait_queue *q, struct waiter *w, unsigned flags)
{
	w->func = waiter_wake_task;
	w->task = current;
	w->woken = false;
	if (flags & WAIT_EXCLUSIVE)
		wq_add_exclusive(q, w);
	else
		wq_add(q, w);
}

int wait_sleep_(struct waiter *w, unsigned flags, u64 deadline_ns)
{
	struct task *t = current;
	unsigned state = TASK_UNINTERRUPTIBLE;
	int ret = 0;

	if (w->woken) {
		w->woken = false;
		return 0;
	}
	if (flags & WAIT_INTERRUPTIBLE) {
		state = TASK_INTERRUPTIBLE;
		if (signal_pending(t))
			return -ERESTARTSYS;
	} else if (flags & WAIT_KILLABLE) {
		state = TASK_KILLABLE;
		if (fatal_signal_pending(t))
			return -ERESTARTSYS;
	}
	if (deadline_ns == WAIT_FOREVER) {
		t->state = state;
		schedule();
	} else {
		ret = schedule_until(state, deadline_ns);
	}
	if (w->woken) {
		w->woken = false;
		return 0;
	}
	return ret;
}
