/* Deferred work: one kernel thread, "kworker/0:0", runs queued functions in order, in task context. */
#include <umber/init.h>
#include <umber/printk.h>
#include <umber/sched.h>
#include <umber/sync.h>

static LIST_HEAD(pending);
static struct wait_queue work_wq = WAIT_QUEUE_INIT(work_wq);

void work_init(struct work *w, void (*fn)(struct work *w))
{
	list_init(&w->node);
	w->fn = fn;
	w->queued = false;
}

void work_queue(struct work *w)
{
	if (w->queued)
		return;
	w->queued = true;
	list_add_tail(&w->node, &pending);
	wq_wake(&work_wq);
}

/* `queued` is cleared before fn runs: fn may free w, or queue it again. */
static void worker(void *arg)
{
	for (;;) {
		struct work *w;

		wait_event(&work_wq, !list_empty(&pending), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (list_empty(&pending))
			continue;
		w = list_first_entry(&pending, struct work, node);
		list_del(&w->node);
		w->queued = false;
		w->fn(w);
		cond_resched();
	}
}

static int work_start(void)
{
	return kthread_run(worker, NULL, "kworker/0:0") ? 0 : -12;
}
INITCALL(INIT_CORE, work_start);
