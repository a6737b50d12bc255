/*
 * Hand-off policy: one core or spin (DESIGN 3.4), per vCPU, by what it sees.
 *
 * One core is the rule: vCPU and stub thread share a host CPU, each wakes the other and sleeps; there and back that is
 * 2 us on some hosts, 12 on others, so it is measured at boot. Spin is for when a second host CPU is free: stub threads
 * run there, and who waits spins as long as it takes to wake somebody on an idle CPU (some 50 us everywhere); no longer,
 * for then sleeping would have been as good. In windows of some entries the policy counts the waits that outlasted
 * their spin. Few: spin is right. Many: user code computes, or somebody else runs on that CPU; then it is one core
 * again, and the next try comes later and later.
 *
 * Packing: several vCPUs that are busy leave no CPU free to spin on, so each pays for one core. Where all of them enter often
 * it is tried to run their tasks in turns on one vCPU that spins, the others being asked to stay idle. It stays so while
 * entries come faster than they did from all together; if not, the next try comes later and later.
 */
#include "vcpu.h"
#include "../mm/stubs.h"
#include <port/boot.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <x86intrin.h>

#define HANDOFF_MIN_NS 2000u   /* bounds of what is measured */
#define HANDOFF_MAX_NS 30000u
#define SPIN_NS 50000u
#define BACKOFF_MIN_NS 5000000ULL
#define BACKOFF_MAX_NS 1000000000ULL
#define PACK_HANDOFFS 4         /* where more time lies between two entries there is nothing to gain */

static double tsc_per_ns = 1;
static u32 pauses_per_us = 20;  /* PAUSE rounds */
static u32 handoff_ns = 4000;   /* there and back on one core */
static u32 spin_rounds;
static int cpus[64], ncpus;
static bool off;
static int packed = -1;         /* klock */
static u64 pack_after, pack_backoff; /* TSC; ns */
static u64 pack_period;         /* from entry to entry before */
static u32 pack_grace;          /* windows until it is judged */

void policy_init(void)
{
	cpu_set_t set;
	char v[16];
	u64 ns, t0, t1;

	off = boot_option("handoff", v, sizeof(v)) && !strcmp(v, "onecore");
	ncpus = 0;
	if (!sched_getaffinity(0, sizeof(set), &set))
		for (int i = 0; i < CPU_SETSIZE && ncpus < 64; i++)
			if (CPU_ISSET(i, &set))
				cpus[ncpus++] = i;
	/* how long is a PAUSE round, and a TSC tick? some 50 us, the best of three */
	for (int k = 0; k < 3; k++) {
		u32 per_us;

		ns = port_monotonic_ns();
		t0 = __rdtsc();
		for (int i = 0; i < 500; i++)
			_mm_pause();
		t1 = __rdtsc();
		ns = port_monotonic_ns() - ns;
		if (!ns)
			continue;
		tsc_per_ns = (double)(t1 - t0) / (double)ns;
		per_us = (u32)(500ull * 1000 / ns) + 1;
		if (k == 0 || per_us > pauses_per_us)
			pauses_per_us = per_us;
	}
	spin_rounds = pauses_per_us * (SPIN_NS / 1000);
}

void policy_measured(u64 ns)
{
	handoff_ns = (u32)min_t(u64, max_t(u64, ns, HANDOFF_MIN_NS), HANDOFF_MAX_NS);
}

static int free_cpu(const struct hvcpu *v)
{
	for (int i = 0; i < port_ncpus(); i++)
		if (&hvcpus[i] != v && __atomic_load_n(&hvcpus[i].active, __ATOMIC_RELAXED))
			return -1;
	for (int i = 0; i < ncpus; i++)
		if (cpus[i] != v->host_cpu)
			return cpus[i];
	return -1;
}

/* Involuntary switches of this thread: somebody else wants its CPU. */
static u64 pushed_off(void)
{
	struct rusage ru;

	return getrusage(RUSAGE_THREAD, &ru) ? 0 : (u64)ru.ru_nivcsw;
}

static void leave(struct hvcpu *v, u64 now, bool failed)
{
	v->spin = 0;
	v->spin_cpu = -1;
	if (failed)
		v->backoff = v->backoff ? min_t(u64, v->backoff * 2, BACKOFF_MAX_NS) : BACKOFF_MIN_NS;
	v->backoff_until = now + (u64)((double)max_t(u64, v->backoff, BACKOFF_MIN_NS) * tsc_per_ns);
}

static void unpack(u64 now, bool failed)
{
	packed = -1;
	pack_backoff = failed && pack_backoff ? min_t(u64, pack_backoff * 2, BACKOFF_MAX_NS) : BACKOFF_MIN_NS;
	pack_after = now + (u64)((double)pack_backoff * tsc_per_ns);
}

/*
 * Is it worth trying to run everything on v? Only where all busy vCPUs enter within a few times what a hand-off takes.
 * Then *period: from one entry to the next, of all together; one that spins has to be quicker.
 */
static bool worth_packing(const struct hvcpu *v, u64 now, u64 *period)
{
	u64 recent = (u64)((double)handoff_ns * 4 * POLICY_WINDOW * tsc_per_ns), limit = handoff_ns * PACK_HANDOFFS;
	double rate = 1.0 / (double)max_t(u64, v->busy_ns, 1);
	int others = 0;

	if (off || ncpus < 2 || packed >= 0 || now < pack_after || v->busy_ns > limit)
		return false;
	for (int i = 0; i < port_ncpus(); i++) {
		const struct hvcpu *o = &hvcpus[i];

		if (o == v || !__atomic_load_n(&o->active, __ATOMIC_RELAXED))
			continue;
		if (o->busy_ns > limit || now - o->mark_tsc > recent)
			return false;
		rate += 1.0 / (double)max_t(u64, o->busy_ns, 1);
		others++;
	}
	*period = (u64)(1.0 / rate);
	return others > 0;
}

int port_pack(void)
{
	u64 now;

	if (packed < 0)
		return -1;
	/* it has not entered for long: user code computes there */
	now = __rdtsc();
	if (now - hvcpus[packed].mark_tsc - hvcpus[packed].idle_tsc > (u64)((double)handoff_ns * 4 * POLICY_WINDOW * tsc_per_ns))
		unpack(now, false);
	return packed;
}

void policy_look(struct hvcpu *v)
{
	u64 now = __rdtsc(), period = (u64)((double)(now - v->mark_tsc) / tsc_per_ns) / v->window;
	int cpu = off || v->host_cpu < 0 ? -1 : free_cpu(v);
	bool judged = packed == v->cpu && !pack_grace;

	v->busy_ns = (u64)((double)(now - v->mark_tsc - v->idle_tsc) / tsc_per_ns) / v->window;
	v->idle_tsc = 0;
	if (judged && v->busy_ns > pack_period)
		unpack(now, true);
	else if (packed == v->cpu && pack_grace)
		pack_grace--;
	if (v->spin_cpu >= 0) {
		u64 pushed = pushed_off();

		if (cpu < 0) {
			leave(v, now, false);
		} else if (v->window_fails > v->window / 4 || pushed - v->pushed > v->window / 16) {
			leave(v, now, true);
			if (packed == v->cpu)
				unpack(now, true);
		} else if (v->window_fails < v->window / 16) {
			v->backoff = 0;
			if (judged && packed == v->cpu)
				pack_backoff = 0;
		}
		v->pushed = pushed;
	} else if (cpu >= 0 && period < handoff_ns + SPIN_NS / 2 && now > v->backoff_until) {
		v->spin_cpu = cpu;
		v->spin = spin_rounds;
		v->pushed = pushed_off();
	} else if (cpu < 0 && worth_packing(v, now, &pack_period)) {
		packed = v->cpu;
		pack_grace = 2;
		v->backoff_until = 0;
		poke_all();
	}
	v->window = v->window_fails = 0;
	v->mark_tsc = now;
}
