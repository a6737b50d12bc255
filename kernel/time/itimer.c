/* Interval timers of a process: getitimer(2), setitimer(2), alarm(2); and their end. */
#include "time_internal.h"
#include <abi/timex.h>
#include <umber/kmem.h>
#include <umber/syscall.h>
#include <umber/uaccess.h>

struct itval { u64 value_ns, interval_ns; };

/*
 * The real timer fired. A periodic one goes on only when SIGALRM has been taken from the queue
 * (itimer_real_dequeued), so a short interval cannot flood; the period is kept, missed ones are skipped.
 */
void itimer_real_fire(struct ktimer *kt)
{
	struct itimer_state *it = container_of(kt, struct itimer_state, real);

	it->real_rearm = it->real_interval_ns != 0;
	signal_send_group(SIGALRM, SEND_SIG_KERNEL, it->tg);
}

void itimer_real_dequeued(struct tgroup *tg)
{
	struct itimer_state *it = tg->itimers;
	u64 next;

	if (!it || !it->real_rearm)
		return;
	it->real_rearm = false;
	next = it->real.expires_ns;
	timer_forward(&next, it->real_interval_ns, ktime_mono_ns());
	ktimer_start(&it->real, next);
}

static struct itval get_real(struct itimer_state *it)
{
	struct itval v = { 0, it->real_interval_ns };
	u64 now = ktime_mono_ns();

	if (ktimer_armed(&it->real)) /* due but not yet run: not yet 0 */
		v.value_ns = it->real.expires_ns > now ? it->real.expires_ns - now : NSEC_PER_USEC;
	return v;
}

static struct itval get_cpu(struct itimer_state *it, struct cpu_itimer *ci, enum cpu_kind kind)
{
	struct itval v = { 0, ci->interval_ns };
	u64 now;

	if (ci->expires_ns) {
		now = tgroup_cpu_kind(it->tg, kind);
		v.value_ns = ci->expires_ns > now ? ci->expires_ns - now : NSEC_PER_USEC;
	}
	return v;
}

static struct itval itimer_get(struct itimer_state *it, int which)
{
	if (!it)
		return (struct itval){ 0, 0 };
	if (which == ITIMER_REAL)
		return get_real(it);
	return which == ITIMER_VIRTUAL ? get_cpu(it, &it->virt, CPU_VIRT) : get_cpu(it, &it->prof, CPU_PROF);
}

static void itimer_set(struct itimer_state *it, int which, const struct itval *v)
{
	struct cpu_itimer *ci = which == ITIMER_VIRTUAL ? &it->virt : &it->prof;
	enum cpu_kind kind = which == ITIMER_VIRTUAL ? CPU_VIRT : CPU_PROF;

	if (which == ITIMER_REAL) {
		ktimer_cancel(&it->real);
		it->real_rearm = false;
		it->real_interval_ns = v->value_ns ? v->interval_ns : 0;
		if (v->value_ns)
			ktimer_start(&it->real, ns_add(ktime_mono_ns(), v->value_ns));
		return;
	}
	ci->expires_ns = v->value_ns ? ns_add(tgroup_cpu_kind(it->tg, kind), v->value_ns) : 0;
	ci->interval_ns = v->interval_ns;
	cpu_limits_changed(it);
}

static struct timeval64 to_tv(u64 ns)
{
	ns += NSEC_PER_USEC - 1; /* a running timer never shows 0 */
	return (struct timeval64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static int from_tv(const struct timeval64 *tv, u64 *ns)
{
	struct timespec64 ts = { tv->tv_sec, tv->tv_usec * 1000 };

	if (tv->tv_sec < 0 || tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return -EINVAL;
	*ns = ts_to_ns(&ts);
	return 0;
}

static int put_itimer(uaddr_t to, const struct itval *v)
{
	struct itimerval64 u = { to_tv(v->interval_ns), to_tv(v->value_ns) };

	return copy_to_user(to, &u, sizeof(u));
}

/* getitimer(2). */
long sys_getitimer(int which, uaddr_t value)
{
	struct itval v;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	v = itimer_get(current->tg->itimers, which);
	return put_itimer(value, &v);
}

/* setitimer(2). No new value means 0, as Linux has it. */
long sys_setitimer(int which, uaddr_t value, uaddr_t ovalue)
{
	struct itimerval64 u;
	struct itimer_state *it;
	struct itval v = { 0, 0 }, old;

	if (value) {
		if (get_user(u, value))
			return -EFAULT;
		if (from_tv(&u.it_value, &v.value_ns) || from_tv(&u.it_interval, &v.interval_ns))
			return -EINVAL;
	}
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	it = itimers_get(current->tg);
	if (!it)
		return -ENOMEM;
	old = itimer_get(it, which);
	itimer_set(it, which, &v);
	return ovalue ? put_itimer(ovalue, &old) : 0;
}

/* alarm(2): seconds that were left, rounded, but never 0 for a timer that runs. */
long sys_alarm(u32 seconds)
{
	struct itimer_state *it = itimers_get(current->tg);
	struct itval v = { 0, 0 }, old;
	u64 left;

	if (!it)
		return 0; /* alarm cannot fail; without the state none was set before either */
	old = itimer_get(it, ITIMER_REAL);
	v.value_ns = min(seconds, (u32)INT_MAX) * NSEC_PER_SEC;
	itimer_set(it, ITIMER_REAL, &v);
	left = old.value_ns / NSEC_PER_SEC;
	if ((!left && old.value_ns) || old.value_ns % NSEC_PER_SEC >= NSEC_PER_SEC / 2)
		left++;
	return (long)left;
}

/*
 * The last thread of the group is leaving (do_exit has set t->exiting): everything goes. Otherwise it is exec: POSIX
 * timers go, interval timers stay.
 */
void posix_timers_exit(struct task *t)
{
	struct tgroup *tg = t->tg;
	struct itimer_state *it = tg->itimers;

	posix_timers_delete_all(tg);
	if (!it || !t->exiting)
		return;
	ktimer_cancel(&it->real);
	ktimer_cancel(&it->rttime);
	cpu_timers_orphan(it);
	xa_destroy(&it->timers);
	tg->itimers = NULL;
	kfree(it);
}
