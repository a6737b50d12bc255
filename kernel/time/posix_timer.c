/*
 * POSIX per-process timers: timer_create(2) and its family.
 *
 * A timer has a moment (expires_ns, on its own clock) and perhaps an interval. It is `active` from timer_settime
 * until a one-shot fires. When it fires, its one preallocated signal is queued; a periodic timer is armed again when
 * that signal is taken (posix_timer_dequeued), which is also when the overrun is counted: so neither memory nor CPU
 * time depends on the interval. While the signal is ignored the timer runs on by itself, not faster than once a
 * millisecond. SIGEV_NONE timers are never armed, only read.
 * Setting or deleting a timer takes its signal back from the queue.
 */
#include "time_internal.h"
#include <abi/timex.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/uaccess.h>

#define IGNORED_MIN_NS NSEC_PER_MSEC

struct posix_timer {
	struct list_head node;          /* tgroup.posix_timers */
	struct tgroup *tg;              /* owner */
	int id, clock, notify;
	bool active, follow_real;       /* follow_real: absolute on a clock that can be set */
	bool fired;                     /* periodic, waits for its signal to be taken */
	u64 expires_ns, interval_ns;
	s32 overrun;                    /* of the last signal taken */
	struct task *target;            /* SIGEV_THREAD_ID, referenced; else NULL */
	struct sigqueue *q;
	struct ktimer kt;
	struct clock_watch watch;
	struct cpu_timer ct;
	struct task *cpu_thread;        /* CPU clock of a thread, referenced */
	struct tgroup *cpu_tg;          /* CPU clock's group, referenced; NULL: no CPU clock */
};

/* On the clock that expires_ns is measured by. A relative timer does not follow steps of the real-time clock. */
static u64 timer_now(struct posix_timer *pt)
{
	if (pt->cpu_tg)
		return cpu_clock_ns(pt->cpu_tg, pt->cpu_thread, pt->ct.kind);
	return pt->follow_real ? ktime_real_ns() : ktime_mono_ns();
}

static void timer_arm(struct posix_timer *pt)
{
	if (pt->notify == SIGEV_NONE)
		return;
	if (pt->cpu_tg) {
		pt->ct.expires_ns = pt->expires_ns;
		cpu_timer_start(&pt->ct, pt->cpu_tg);
		return;
	}
	ktimer_start(&pt->kt, pt->follow_real ? ktime_real_to_mono(pt->expires_ns) : pt->expires_ns);
}

static void timer_disarm(struct posix_timer *pt)
{
	ktimer_cancel(&pt->kt);
	cpu_timer_stop(&pt->ct);
	clock_watch_del(&pt->watch);
	sigqueue_cancel(pt->q, pt->tg);
	pt->active = pt->fired = pt->follow_real = false;
}

static void timer_fire(struct posix_timer *pt)
{
	struct task *t = pt->target ? pt->target : pt->tg->leader;
	int r = sigqueue_send(pt->q, t, !pt->target);

	if (!pt->interval_ns) {
		pt->active = false;
		clock_watch_del(&pt->watch);
	} else if (r == 0) {
		pt->fired = true;
	} else if (r > 0) {
		timer_forward(&pt->expires_ns, pt->interval_ns, ns_add(timer_now(pt), IGNORED_MIN_NS));
		timer_arm(pt);
	} else {
		pt->active = false; /* its thread is gone */
	}
}

static void kt_fire(struct ktimer *kt)
{
	struct posix_timer *pt = container_of(kt, struct posix_timer, kt);

	if (pt->follow_real && ktime_real_ns() < pt->expires_ns) /* the host's clock was set back */
		timer_arm(pt);
	else
		timer_fire(pt);
}

static void ct_fire(struct cpu_timer *ct)
{
	timer_fire(container_of(ct, struct posix_timer, ct));
}

static void real_clock_set(struct clock_watch *w)
{
	struct posix_timer *pt = container_of(w, struct posix_timer, watch);

	if (pt->active && !pt->fired)
		timer_arm(pt);
}

void posix_timer_dequeued(void *timer, struct siginfo *info)
{
	struct posix_timer *pt = timer;
	u64 n;

	pt->overrun = 0;
	if (pt->fired) {
		pt->fired = false;
		n = timer_forward(&pt->expires_ns, pt->interval_ns, timer_now(pt));
		if (n > 1)
			pt->overrun = (s32)min(n - 1, (u64)INT_MAX);
		timer_arm(pt);
	}
	info->u.timer.overrun = pt->overrun;
}

static void timer_free(struct posix_timer *pt)
{
	if (pt->q) {
		timer_disarm(pt);
		sigqueue_free(pt->q);
	}
	if (pt->target)
		task_put(pt->target);
	if (pt->cpu_thread)
		task_put(pt->cpu_thread);
	if (pt->cpu_tg)
		tgroup_put(pt->cpu_tg);
	kfree(pt);
}

static void timer_remove(struct posix_timer *pt)
{
	list_del(&pt->node);
	xa_erase(&pt->tg->itimers->timers, (u64)pt->id);
	timer_free(pt);
}

void posix_timers_delete_all(struct tgroup *tg)
{
	if (!tg->posix_timers.next)
		return;
	while (!list_empty(&tg->posix_timers))
		timer_remove(list_first_entry(&tg->posix_timers, struct posix_timer, node));
}

static struct posix_timer *timer_find(int id)
{
	struct itimer_state *it = current->tg->itimers;

	return it && id >= 0 ? xa_load(&it->timers, (u64)id) : NULL;
}

/* Sets clock, cpu_*: -EINVAL no such clock, -EOPNOTSUPP it has no timers, -EPERM. */
static int timer_set_clock(struct posix_timer *pt, int clock)
{
	u64 ns;

	pt->clock = clock;
	if (clock_is_cpu(clock)) {
		struct tgroup *tg;
		struct task *thread;
		int r = cpu_clock_find(clock, &tg, &thread, &pt->ct.kind);

		if (r)
			return r;
		ref_get(&tg->ref);
		pt->cpu_tg = tg;
		pt->cpu_thread = thread ? task_get(thread) : NULL;
		pt->ct.thread = thread;
		return 0;
	}
	if (!clock_has_timers(clock))
		return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	return 0;
}

static int timer_set_event(struct posix_timer *pt, const struct sigevent64 *ev)
{
	struct task *t;

	pt->notify = ev->notify;
	switch (ev->notify) {
	case SIGEV_NONE:
		break;
	case SIGEV_THREAD_ID:
		t = find_task(ev->tid);
		if (!t || t->tg != current->tg)
			return -EINVAL;
		pt->target = task_get(t);
		/* fall through */
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		if (ev->signo < 1 || ev->signo > SIGRTMAX)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static int timer_new_id(struct itimer_state *it)
{
	int id = it->next_timer_id;

	while (xa_load(&it->timers, (u64)id))
		id = id == INT_MAX ? 0 : id + 1;
	it->next_timer_id = id == INT_MAX ? 0 : id + 1;
	return id;
}

/* Everything that can fail; *out has an id and a signal but is in no list yet. */
static int timer_new(int clock, const struct sigevent64 *ev, struct itimer_state *it, struct posix_timer **out)
{
	struct posix_timer *pt = kzalloc(sizeof(*pt));
	int r;

	if (!pt)
		return -EAGAIN;
	pt->tg = current->tg;
	list_init(&pt->watch.node);
	list_init(&pt->ct.node);
	pt->ct.fn = ct_fire;
	ktimer_init(&pt->kt, kt_fire);
	r = timer_set_clock(pt, clock);
	if (!r)
		r = timer_set_event(pt, ev);
	if (r)
		goto fail;
	r = -EAGAIN;
	pt->q = sigqueue_alloc(current, false);
	if (!pt->q)
		goto fail;
	pt->q->owner = pt;
	pt->id = timer_new_id(it);
	memset(&pt->q->info, 0, sizeof(pt->q->info));
	pt->q->info.si_signo = ev->notify == SIGEV_NONE ? SIGALRM : ev->signo;
	pt->q->info.si_code = SI_TIMER;
	pt->q->info.u.timer.tid = pt->id;
	pt->q->info.u.timer.value = ev->value;
	*out = pt;
	return 0;
fail:
	timer_free(pt);
	return r;
}

/* timer_create(2). */
long sys_timer_create(int clock, uaddr_t event, uaddr_t uid)
{
	struct sigevent64 ev = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct itimer_state *it;
	struct posix_timer *pt;
	int r;

	if (event && get_user(ev, event))
		return -EFAULT;
	it = itimers_get(current->tg);
	if (!it)
		return -EAGAIN;
	r = timer_new(clock, &ev, it, &pt);
	if (r)
		return r;
	if (!event)
		pt->q->info.u.timer.value = (u64)pt->id;
	if (xa_store(&it->timers, (u64)pt->id, pt)) {
		timer_free(pt);
		return -EAGAIN;
	}
	if (!current->tg->posix_timers.next)
		list_init(&current->tg->posix_timers);
	list_add_tail(&pt->node, &current->tg->posix_timers);
	if (put_user(pt->id, uid)) {
		timer_remove(pt);
		return -EFAULT;
	}
	return 0;
}

static void timer_value(struct posix_timer *pt, struct itimerspec64 *out)
{
	u64 now, at = pt->expires_ns;

	memset(out, 0, sizeof(*out));
	out->it_interval = ns_to_ts(pt->interval_ns);
	if (!pt->active)
		return;
	now = timer_now(pt);
	if (pt->interval_ns && (pt->fired || pt->notify == SIGEV_NONE))
		timer_forward(&at, pt->interval_ns, now);
	if (at > now)
		out->it_value = ns_to_ts(at - now);
	else if (pt->notify != SIGEV_NONE)
		out->it_value.tv_nsec = 1; /* due, not yet fired */
}

/* timer_gettime(2). */
long sys_timer_gettime(int id, uaddr_t value)
{
	struct posix_timer *pt = timer_find(id);
	struct itimerspec64 v;

	if (!pt)
		return -EINVAL;
	timer_value(pt, &v);
	return copy_to_user(value, &v, sizeof(v));
}

/* timer_settime(2). */
long sys_timer_settime(int id, int flags, uaddr_t value, uaddr_t ovalue)
{
	struct itimerspec64 new, old;
	struct posix_timer *pt;
	u64 ns;

	if (!value)
		return -EINVAL;
	if (get_user(new, value))
		return -EFAULT;
	if (!itimerspec_valid(&new))
		return -EINVAL;
	pt = timer_find(id);
	if (!pt)
		return -EINVAL;
	timer_value(pt, &old);
	timer_disarm(pt);
	pt->overrun = 0;
	ns = ts_to_ns(&new.it_value);
	pt->interval_ns = ts_to_ns(&new.it_interval);
	if (ns) {
		pt->active = true;
		pt->follow_real = (flags & TIMER_ABSTIME) && clock_is_real(pt->clock);
		pt->expires_ns = flags & TIMER_ABSTIME ? ns : ns_add(timer_now(pt), ns);
		if (pt->follow_real)
			clock_watch_add(&pt->watch, real_clock_set);
		timer_arm(pt);
	}
	return ovalue ? copy_to_user(ovalue, &old, sizeof(old)) : 0;
}

/* timer_getoverrun(2). */
long sys_timer_getoverrun(int id)
{
	struct posix_timer *pt = timer_find(id);

	return pt ? pt->overrun : -EINVAL;
}

/* timer_delete(2). */
long sys_timer_delete(int id)
{
	struct posix_timer *pt = timer_find(id);

	if (!pt)
		return -EINVAL;
	timer_remove(pt);
	return 0;
}
