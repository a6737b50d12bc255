/*
 * CPU time: reading the CPU clocks, and all that happens when one of them reaches a value: ITIMER_VIRTUAL and PROF,
 * POSIX timers and sleeps on CPU clocks, RLIMIT_CPU, RLIMIT_RTTIME.
 *
 * The scheduler reports CPU time as it is charged (cputime_account), at least once a tick. itimer_state.cpu_budget_ns
 * is how much the group can use before anything can be due; each report draws on it. When it is used up, or may be
 * before the next tick, a ktimer makes the real check (cpu_check): a report comes from inside the scheduler, where no
 * signal may be sent. A process that sleeps arms nothing.
 */
#include "time_internal.h"
#include <umber/kmem.h>
#include <umber/sync.h>

#define BUDGET_NONE (U64_MAX / 2)
#define NEAR_NS 20000000ULL        /* nearer than this a ktimer watches, not the scheduler's tick */
#define CHECK_MIN_NS NSEC_PER_MSEC
#define RTTIME_USEC_TO_NS 1000ULL

u64 task_cpu_kind(struct task *t, enum cpu_kind kind)
{
	sched_account(t);
	return t->se.utime_ns + (kind == CPU_VIRT ? 0 : t->se.stime_ns);
}

u64 task_cpu_ns(struct task *t)
{
	return task_cpu_kind(t, CPU_SCHED);
}

u64 tgroup_cpu_kind(struct tgroup *tg, enum cpu_kind kind)
{
	u64 ns = tg->acc.utime_ns + (kind == CPU_VIRT ? 0 : tg->acc.stime_ns);
	struct task *t;

	list_for_each_entry(t, &tg->threads, tg_node)
		if (!t->exit_state) /* a zombie is in acc already */
			ns += task_cpu_kind(t, kind);
	return ns;
}

u64 tgroup_cpu_ns(struct tgroup *tg)
{
	return tgroup_cpu_kind(tg, CPU_SCHED);
}

u64 cpu_clock_ns(struct tgroup *tg, struct task *thread, enum cpu_kind kind)
{
	return thread ? task_cpu_kind(thread, kind) : tgroup_cpu_kind(tg, kind);
}

static void itimer_due(struct itimer_state *it, struct cpu_itimer *ci, u64 now, int sig)
{
	if (!ci->expires_ns || now < ci->expires_ns)
		return;
	if (ci->interval_ns)
		timer_forward(&ci->expires_ns, ci->interval_ns, now);
	else
		ci->expires_ns = 0;
	signal_send_group(sig, SEND_SIG_KERNEL, it->tg);
}

/* setrlimit(2): SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one. */
static void rlimit_due(struct itimer_state *it, u64 now)
{
	struct rlimit64 *rl = &it->tg->rlim[RLIMIT_CPU];
	u64 hard = rl->max, soft = rl->cur;

	if (hard != RLIM_INFINITY && now / NSEC_PER_SEC >= hard) {
		signal_send_group(SIGKILL, SEND_SIG_KERNEL, it->tg);
		return;
	}
	if (soft != RLIM_INFINITY && now / NSEC_PER_SEC >= soft) {
		rl->cur = min(now / NSEC_PER_SEC + 1, hard);
		signal_send_group(SIGXCPU, SEND_SIG_KERNEL, it->tg);
	}
}

static u64 sec_left(u64 sec, u64 now)
{
	u64 ns = sec >= U64_MAX / NSEC_PER_SEC ? U64_MAX : sec * NSEC_PER_SEC;

	return ns > now ? ns - now : 0;
}

/* Least CPU time of the group after which anything can be due. */
static u64 budget(struct itimer_state *it, u64 prof, u64 virt)
{
	struct rlimit64 *rl = &it->tg->rlim[RLIMIT_CPU];
	u64 left = BUDGET_NONE;
	struct cpu_timer *ct;

	if (it->prof.expires_ns)
		left = min(left, it->prof.expires_ns - prof);
	if (it->virt.expires_ns)
		left = min(left, it->virt.expires_ns - virt);
	if (rl->cur != RLIM_INFINITY)
		left = min(left, sec_left(rl->cur, prof));
	if (rl->max != RLIM_INFINITY)
		left = min(left, sec_left(rl->max, prof));
	list_for_each_entry(ct, &it->cpu_timers, node) {
		u64 now = cpu_clock_ns(it->tg, ct->thread, ct->kind);

		left = min(left, ct->expires_ns > now ? ct->expires_ns - now : 0);
	}
	return left;
}

/* A quiet limit is left to the tick; a near one gets a ktimer, as early as all vCPUs together could reach it. */
static void watch(struct itimer_state *it)
{
	u64 wall;

	if (it->cpu_budget_ns >= NEAR_NS || ktimer_armed(&it->cpu_check))
		return;
	wall = it->tg->nr_threads > 1 ? it->cpu_budget_ns / (u64)port_ncpus() : it->cpu_budget_ns;
	ktimer_start(&it->cpu_check, ktime_mono_ns() + max(wall, CHECK_MIN_NS));
}

static void run_cpu_timers(struct itimer_state *it)
{
	LIST_HEAD(due);
	struct cpu_timer *ct, *n;

	list_for_each_entry_safe(ct, n, &it->cpu_timers, node)
		if (cpu_clock_ns(it->tg, ct->thread, ct->kind) >= ct->expires_ns)
			list_move_tail(&ct->node, &due);
	while (!list_empty(&due)) {
		ct = list_first_entry(&due, struct cpu_timer, node);
		list_del(&ct->node);
		ct->fn(ct); /* may start itself again, on it->cpu_timers */
	}
}

/* Acts on everything that is due and sets the next budget. */
static void cpu_check(struct itimer_state *it)
{
	u64 prof = tgroup_cpu_kind(it->tg, CPU_PROF), virt = tgroup_cpu_kind(it->tg, CPU_VIRT);

	itimer_due(it, &it->prof, prof, SIGPROF);
	itimer_due(it, &it->virt, virt, SIGVTALRM);
	run_cpu_timers(it);
	rlimit_due(it, prof);
	it->seen_rlim_cpu = it->tg->rlim[RLIMIT_CPU].cur;
	it->cpu_budget_ns = budget(it, prof, virt);
	it->cpu_active = it->cpu_budget_ns < BUDGET_NONE;
}

static void cpu_check_fire(struct ktimer *kt)
{
	struct itimer_state *it = container_of(kt, struct itimer_state, cpu_check);

	cpu_check(it);
}

/* Limits were added or changed. Not from cputime_account. */
void cpu_limits_changed(struct itimer_state *it)
{
	ktimer_cancel(&it->cpu_check);
	cpu_check(it);
	watch(it);
}

int cpu_timer_start(struct cpu_timer *ct, struct tgroup *tg)
{
	struct itimer_state *it;

	list_del(&ct->node);
	if (!tg->nr_threads)
		return 0; /* the clock of a zombie stands still */
	it = itimers_get(tg);
	if (!it)
		return -ENOMEM;
	list_add_tail(&ct->node, &it->cpu_timers);
	it->cpu_active = true;
	it->cpu_budget_ns = 0; /* the ktimer makes a real check: this may be called from a callback of one */
	ktimer_start(&it->cpu_check, 0);
	return 0;
}

void cpu_timer_stop(struct cpu_timer *ct)
{
	list_del(&ct->node);
}

/* The group goes: timers of others on its clock never fire. */
void cpu_timers_orphan(struct itimer_state *it)
{
	while (!list_empty(&it->cpu_timers))
		list_del(it->cpu_timers.next);
	ktimer_cancel(&it->cpu_check);
	it->cpu_active = false;
}

/* RLIMIT_RTTIME: real-time tasks that do not block. Real sleeps show as voluntary switches. */
static void rttime(struct task *t, u64 ns)
{
	struct rlimit64 *rl = &t->tg->rlim[RLIMIT_RTTIME];
	struct itimer_state *it;

	if (t->se.nvcsw != t->rttime_nvcsw) {
		t->rttime_nvcsw = t->se.nvcsw;
		t->rttime_ns = 0;
	}
	t->rttime_ns += ns;
	if (t->rttime_ns / RTTIME_USEC_TO_NS < rl->cur)
		return;
	it = itimers_get(t->tg);
	if (it && !ktimer_armed(&it->rttime)) {
		it->rttime_task = t->tid;
		ktimer_start(&it->rttime, 0);
	}
}

static void rttime_fire(struct ktimer *kt)
{
	struct itimer_state *it = container_of(kt, struct itimer_state, rttime);
	struct rlimit64 *rl = &it->tg->rlim[RLIMIT_RTTIME];
	struct task *t = find_task(it->rttime_task);
	u64 usec;

	if (!t || t->tg != it->tg)
		return;
	usec = t->rttime_ns / RTTIME_USEC_TO_NS;
	if (rl->max != RLIM_INFINITY && usec >= rl->max) {
		signal_send_group(SIGKILL, SEND_SIG_KERNEL, it->tg);
	} else if (usec >= rl->cur) {
		rl->cur = min(usec + 1000000, rl->max); /* once more each second */
		signal_send_group(SIGXCPU, SEND_SIG_KERNEL, it->tg);
	}
}

void cputime_account(struct task *t, u64 user_ns, u64 sys_ns)
{
	struct tgroup *tg = t->tg;
	struct itimer_state *it = tg->itimers;
	u64 ns = user_ns + sys_ns, limit = tg->rlim[RLIMIT_CPU].cur;

	if (unlikely(tg->rlim[RLIMIT_RTTIME].cur != RLIM_INFINITY) &&
	    (t->se.policy == 1 || t->se.policy == 2)) /* SCHED_FIFO, SCHED_RR */
		rttime(t, ns);
	if (likely(!it && limit == RLIM_INFINITY))
		return;
	if (t->exiting || tg->group_exit)
		return;
	if (!it) {
		it = itimers_get(tg);
		if (!it)
			return; /* no memory now: the next report tries again */
	}
	if (limit != it->seen_rlim_cpu) { /* setrlimit, or the first report */
		it->cpu_active = true;
		it->cpu_budget_ns = 0;
	}
	if (!it->cpu_active)
		return;
	if (it->cpu_budget_ns > ns) {
		it->cpu_budget_ns -= ns;
		watch(it);
	} else if (!ktimer_armed(&it->cpu_check) || it->cpu_check.expires_ns) {
		it->cpu_budget_ns = 0;
		ktimer_start(&it->cpu_check, 0);
	}
}

struct itimer_state *itimers_get(struct tgroup *tg)
{
	struct itimer_state *it = tg->itimers;

	if (it)
		return it;
	it = kzalloc(sizeof(*it));
	if (!it)
		return NULL;
	it->tg = tg;
	it->seen_rlim_cpu = RLIM_INFINITY;
	list_init(&it->cpu_timers);
	ktimer_init(&it->real, itimer_real_fire);
	ktimer_init(&it->cpu_check, cpu_check_fire);
	ktimer_init(&it->rttime, rttime_fire);
	xa_init(&it->timers);
	tg->itimers = it;
	return it;
}
