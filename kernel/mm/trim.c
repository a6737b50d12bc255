/*
 * Memory of the host that freed pages of kmem still hold goes back when nobody wanted it again for a while: what was
 * free all through one interval, in small steps. The timer runs only while there is something to give back.
 */
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/sched.h>
#include <umber/sync.h>
#include <umber/time.h>

#include "mm_internal.h"

#define TRIM_NS NSEC_PER_SEC

static struct ktimer trim_timer;
static struct work trim_work;

static void trim(struct work *w)
{
	u64 left = kmem_idle_pages(), n = 1;

	for (; left && n; left -= min(left, n)) {
		n = kmem_release(left);
		cond_resched();
	}
	if (kmem_has_surplus())
		ktimer_start(&trim_timer, ns_add(ktime_mono_ns(), TRIM_NS));
}

static void trim_tick(struct ktimer *t)
{
	work_queue(&trim_work);
}

static void surplus(void)
{
	if (ktimer_armed(&trim_timer) || trim_work.queued)
		return;
	kmem_idle_pages(); /* the interval begins */
	ktimer_start(&trim_timer, ns_add(ktime_mono_ns(), TRIM_NS));
}

static int trim_init(void)
{
	ktimer_init(&trim_timer, trim_tick);
	work_init(&trim_work, trim);
	kmem_on_surplus(surplus);
	return 0;
}
INITCALL(INIT_LATE, trim_init);
