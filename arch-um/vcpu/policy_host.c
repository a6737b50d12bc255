/*
 * Hand-off policy: one core or spin (DESIGN 3.4), per vCPU, by what it sees.
 *
 * One core is the rule: vCPU and stub thread share a host CPU, each wakes the other and sleeps. Spin pays when one
 * user side enters again and again within a few microseconds and a second host CPU is free: then the stub thread
 * moves there and both spin for a bounded time. Whether it does pay is not guessed but tried: after each window of
 * entries the mean period is compared with the one that one-core mode had; no clear win, other user sides, another
 * vCPU at work or spins that run out end the try, and the next one comes later and later.
 */
#include "vcpu.h"
#include "../mm/stubs.h"
#include <port/boot.h>
#include <sched.h>
#include <string.h>
#include <x86intrin.h>

#define SPIN_NS 4000u
#define BUSY_PERIOD_NS 12000u  /* longer between entries: spinning would mostly burn */
#define BACKOFF_MIN_NS 20000000ULL
#define BACKOFF_MAX_NS 2000000000ULL

static double tsc_per_ns = 1;
static u32 spin_rounds;
static int cpus[64], ncpus;
static bool off;

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
	spin_rounds = 1000;
	for (int k = 0; k < 3; k++) {
		u32 rounds;

		ns = port_monotonic_ns();
		t0 = __rdtsc();
		for (int i = 0; i < 500; i++)
			_mm_pause();
		t1 = __rdtsc();
		ns = port_monotonic_ns() - ns;
		if (!ns)
			continue;
		tsc_per_ns = (double)(t1 - t0) / (double)ns;
		rounds = (u32)(500ull * SPIN_NS / ns);
		if (k == 0 || rounds > spin_rounds)
			spin_rounds = rounds;
	}
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

static void leave(struct hvcpu *v, u64 now)
{
	v->spin = 0;
	v->spin_cpu = -1;
	v->backoff = v->backoff ? min_t(u64, v->backoff * 2, BACKOFF_MAX_NS) : BACKOFF_MIN_NS;
	v->backoff_until = now + (u64)((double)v->backoff * tsc_per_ns);
}

void policy_look(struct hvcpu *v)
{
	u64 now = __rdtsc(), period = (u64)((double)(now - v->mark_tsc) / tsc_per_ns) / v->window;
	int cpu = off || v->host_cpu < 0 ? -1 : free_cpu(v);

	if (v->spin_cpu >= 0) {
		if (cpu < 0 || v->window_mixed || period > BUSY_PERIOD_NS || v->window_fails > v->window / 8 ||
		    (v->one_core_period && period * 10 > v->one_core_period * 9))
			leave(v, now);
		else
			v->backoff = 0;
	} else {
		v->one_core_period = period;
		if (cpu >= 0 && !v->window_mixed && period < BUSY_PERIOD_NS && now > v->backoff_until) {
			v->spin_cpu = cpu;
			v->spin = spin_rounds;
		}
	}
	v->window = v->window_fails = 0;
	v->window_mixed = false;
	v->mark_tsc = now;
}
