/* Kernel threads: tasks without an address space. */
#include "sched_int.h"
#include <umber/printk.h>

static void kthread_entry(void *arg)
{
	struct task *t = arg;

	reap_dead(this_vcpu());
	t->kthread_fn(t->kthread_arg);
	do_exit(0);
}

struct task *kthread_run(void (*fn)(void *), void *arg, const char *name)
{
	struct task *t = task_new_kthread(name);

	if (!t)
		return NULL;
	t->kthread_fn = fn;
	t->kthread_arg = arg;
	if (port_fibre_init(&t->port.fibre, kthread_entry, t, t)) {
		pr_err("kthread %s: no stack", name);
		return NULL; /* stays NEW for ever: happens at boot only, which then fails */
	}
	sched_start(t);
	return t;
}
