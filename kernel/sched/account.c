/* CPU time, the scheduler's clock and the load average. */
#include "sched_int.h"
#include <umber/printk.h>
#include <umber/time.h>

u64 tsc_mult, tsc_inv;
static u64 base_tsc, base_ns;      /* at boot */
static u64 anchor_tsc, anchor_ns;  /* a recent pair */
static u64 refine_after_tsc;
static s64 guest_offset_ns;        /* guest monotonic - host monotonic */
static u64 load[3], load_next_ns;

static void set_rate(u64 ticks, u64 ns)
{
	while (ns >> 31) {
		ns >>= 1;
		ticks >>= 1;
	}
	if (!ticks || !ns || ticks >> 36)
		return;
	tsc_mult = (ns << 32) / ticks;
	tsc_inv = ticks >> 31 ? ((ticks << 28) / ns) << 4 : (ticks << 32) / ns;
}

/* Calibrates for 100 us; clock_refine() makes it exact over time. */
void clock_init(void)
{
	tsc_mult = tsc_inv = 1ULL << 32;
	base_ns = port_monotonic_ns();
	base_tsc = rdtsc();
	do {
		anchor_ns = port_monotonic_ns();
		anchor_tsc = rdtsc();
	} while (anchor_ns - base_ns < 100000);
	set_rate(anchor_tsc - base_tsc, anchor_ns - base_ns);
	refine_after_tsc = anchor_tsc + ns_to_tsc(10000000);
}

void clock_refine(void)
{
	u64 tsc = rdtsc();

	if (tsc < refine_after_tsc)
		return;
	anchor_ns = port_monotonic_ns();
	anchor_tsc = tsc;
	set_rate(tsc_since(tsc, base_tsc), anchor_ns - base_ns);
	refine_after_tsc = tsc + ns_to_tsc(100000000);
}

u64 tsc_to_host_ns(u64 tsc)
{
	return tsc >= anchor_tsc ? anchor_ns + tsc_to_ns(tsc - anchor_tsc) : anchor_ns;
}

u64 host_ns_to_tsc(u64 ns)
{
	return ns <= anchor_ns ? anchor_tsc
		: ns - anchor_ns > 1000000000000ULL ? U64_MAX : anchor_tsc + ns_to_tsc(ns - anchor_ns);
}

/* After time_init: how the guest's monotonic clock, which ktimers use, relates to the host's. */
void sched_time_ready(void)
{
	s64 off = (s64)(ktime_mono_ns() - port_monotonic_ns());

	guest_offset_ns = off > -100000 && off < 100000 ? 0 : off;
	load_next_ns = port_monotonic_ns() + 5 * NSEC_PER_SEC;
}

u64 timer_host_ns(void)
{
	u64 t = ktimer_next_ns();

	return t == WAIT_FOREVER ? t : t - (u64)guest_offset_ns;
}

/* 1024 * 1.25^-nice: each step of nice is worth 25 % of CPU time. */
static const int weights[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, 9537, 7629, 6104, 4883, 3906,
	3125, 2500, 2000, 1600, 1280, 1024, 819, 655, 524, 419, 336, 268, 215, 172, 137, 110, 88, 70, 56, 45,
	36, 29, 23, 18, 15,
};

int nice_weight(const struct task *t)
{
	return t->se.policy == 5 ? 3 : weights[t->se.nice + 20]; /* SCHED_IDLE */
}

void charge(struct task *t)
{
	struct sched_entity *se = &t->se;
	struct vcpu *v = &vcpus[se->cpu];
	u64 user = tsc_to_ns(se->user_tsc), sys = tsc_to_ns(se->sys_tsc), ran = user + sys;
	int w;

	if (!ran)
		return;
	se->user_tsc = se->sys_tsc = 0;
	se->utime_ns += user;
	se->stime_ns += sys;
	se->sum_exec_ns += ran;
	v->user_ns += user;
	v->sys_ns += sys;
	if (!task_rt(t)) {
		w = nice_weight(t);
		se->vruntime += w == 1024 ? ran : ran * 1024 / (u64)w;
	}
	if (t->tg && !t->is_kthread && t->state != TASK_DEAD)
		cputime_account(t, user, sys);
}

void sched_account(struct task *t)
{
	if (t->se.on_cpu && t == current) {
		u64 now = rdtsc();

		t->se.sys_tsc += tsc_since(now, t->se.mark_tsc);
		t->se.mark_tsc = now;
	}
	if (t->state != TASK_NEW)
		charge(t);
}

void sched_cpu_times(int cpu, u64 *user_ns, u64 *sys_ns, u64 *idle_ns)
{
	struct vcpu *v = &vcpus[cpu];

	if (v->curr)
		sched_account(v->curr);
	*user_ns = v->user_ns;
	*sys_ns = v->sys_ns;
	*idle_ns = v->idle_ns;
	if (v->idle)
		*idle_ns += tsc_to_ns(tsc_since(rdtsc(), v->idle_since_tsc));
}

u64 sched_nr_switches(void)
{
	return nr_switches;
}

u64 sched_nr_uninterruptible(void)
{
	return nr_uninterruptible;
}

unsigned sched_nr_running(void)
{
	unsigned n = 0;

	for (int i = 0; i < nr_vcpus; i++)
		n += vcpus[i].nr_queued + (vcpus[i].curr ? 1 : 0);
	return n;
}

/*
 * Load average: every 5 s of host time load = load * e + active * (1 - e), in 11-bit fixed point, with e = exp(-5/60),
 * exp(-5/300), exp(-5/900). There is no tick: whoever comes by catches up the periods that were missed.
 */
void load_update(void)
{
	static const u64 factor[3] = { 1884, 2014, 2037 };
	u64 now = port_monotonic_ns(), active;
	u32 periods = 0;

	if (now < load_next_ns)
		return;
	active = (sched_nr_running() + nr_uninterruptible) << 11;
	for (; now >= load_next_ns && periods < 1000; periods++, load_next_ns += 5 * NSEC_PER_SEC) {
		for (int i = 0; i < 3; i++) {
			u64 l = load[i] * factor[i] + active * (2048 - factor[i]);

			load[i] = (l + (active >= load[i] ? 2047 : 0)) >> 11;
		}
	}
	if (now >= load_next_ns)
		load_next_ns = now + 5 * NSEC_PER_SEC;
}

u64 sched_loadavg(int i)
{
	load_update();
	return i >= 0 && i < 3 ? load[i] : 0;
}
