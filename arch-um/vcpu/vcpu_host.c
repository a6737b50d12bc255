/*
 * vCPU threads and the kernel lock. Each vCPU is a host thread pinned to one of the CPUs that umber was
 * given; it runs fibres, waits for stub threads, or sleeps in one futex wait when idle. No periodic tick.
 */
#include "vcpu.h"
#include "../entry/backend.h"
#include "../mm/stubs.h"
#include <errno.h>
#include <linux/futex.h>
#include <port/boot.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

struct hvcpu hvcpus[NCPUS_MAX];
static __thread struct hvcpu *tls_vcpu;

/* Not inlined: a fibre may be on another host thread after a switch. */
__attribute__((noinline)) struct hvcpu *this_hvcpu(void)
{
	return tls_vcpu;
}

int port_ncpus(void)
{
	return (int)boot_params.ncpus;
}

/* ---- the kernel lock: 0 free, 1 held, 2 held and somebody sleeps ---- */
static u32 klock __attribute__((aligned(64)));
#define KLOCK_SPIN 400

void klock_take(void)
{
	u32 zero = 0;

	if (__atomic_compare_exchange_n(&klock, &zero, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	for (int i = 0; i < KLOCK_SPIN; i++) {
		zero = 0;
		if (!__atomic_load_n(&klock, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&klock, &zero, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		__builtin_ia32_pause();
	}
	while (__atomic_exchange_n(&klock, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &klock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void klock_drop(void)
{
	if (__atomic_exchange_n(&klock, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, &klock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- idle and attention ---- */
void port_vcpu_counts(int cpu, struct port_counts *c)
{
	const struct hvcpu *v = &hvcpus[cpu];

	*c = (struct port_counts){ .entries = __atomic_load_n(&v->entries, __ATOMIC_RELAXED),
				   .traps = __atomic_load_n(&v->traps, __ATOMIC_RELAXED),
				   .spins = __atomic_load_n(&v->spins_won, __ATOMIC_RELAXED),
				   .sleeps = __atomic_load_n(&v->sleeps, __ATOMIC_RELAXED),
				   .pokes = __atomic_load_n(&v->attns, __ATOMIC_RELAXED) };
}

void port_vcpu_poke(int cpu)
{
	struct hvcpu *v = &hvcpus[cpu];
	u32 sleeping;

	__atomic_fetch_add(&v->attn, 1, __ATOMIC_SEQ_CST);
	sleeping = __atomic_load_n(&v->sleeping, __ATOMIC_SEQ_CST);
	if (unlikely(sleeping == VCPU_IN_BACKEND))
		backend->poke(v);
	else if (sleeping)
		syscall(SYS_futex, &v->attn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void poke_all(void)
{
	for (int i = 0; i < port_ncpus(); i++)
		port_vcpu_poke(i);
}

static bool take_attention(struct hvcpu *v)
{
	u32 a = __atomic_load_n(&v->attn, __ATOMIC_ACQUIRE);

	if (a == v->seen)
		return false;
	v->seen = a;
	v->attns++;
	events_drain();
	return true;
}

void port_vcpu_idle(int cpu, u64 deadline_ns)
{
	struct hvcpu *v = &hvcpus[cpu];
	struct timespec ts = { (time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000) };
	u64 since = __rdtsc();

	if (take_attention(v))
		return;
	events_drain();
	stubs_refill();
	if (take_attention(v))
		return;
	__atomic_store_n(&v->active, 0, __ATOMIC_RELAXED);
	klock_drop();
	__atomic_store_n(&v->sleeping, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&v->attn, __ATOMIC_SEQ_CST) == v->seen)
		syscall(SYS_futex, &v->attn, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, v->seen,
			deadline_ns == U64_MAX ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
	__atomic_store_n(&v->sleeping, 0, __ATOMIC_RELAXED);
	klock_take();
	__atomic_store_n(&v->active, 1, __ATOMIC_RELAXED);
	v->idle_tsc += __rdtsc() - since;
	take_attention(v);
}

/* ---- start ---- */
static void vcpu_entry(void *arg)
{
	struct hvcpu *v = arg;

	klock_take();
	kern_vcpu_main(v->cpu);
}

static void vcpu_adopt(struct hvcpu *v)
{
	cpu_set_t set;

	tls_vcpu = v;
	__atomic_store_n(&v->active, 1, __ATOMIC_RELAXED);
	if (v->host_cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(v->host_cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		v->host_cpu = -1;
}

static void *vcpu_thread(void *arg)
{
	struct hvcpu *v = arg;

	vcpu_adopt(v);
	port_fibre_switch(&v->boot, &v->fibre);
	abort();
}

void vcpus_prepare(void)
{
	cpu_set_t set;
	int cpus[CPU_SETSIZE], n = 0, first = 0;

	if (!sched_getaffinity(0, sizeof(set), &set))
		for (int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &set))
				cpus[n++] = i;
	/* vCPU 0 stays where we are: the host has spread its processes, so many guests do not share one CPU */
	for (int i = 0, here = sched_getcpu(); i < n; i++)
		if (cpus[i] == here)
			first = i;
	for (int i = 0; i < port_ncpus(); i++) {
		hvcpus[i].cpu = i;
		hvcpus[i].spin_cpu = -1;
		hvcpus[i].host_cpu = n ? cpus[(i + first) % n] : -1;
	}
	policy_init();
	vcpu_adopt(&hvcpus[0]);
}

void vcpus_start(void)
{
	for (int i = 0; i < port_ncpus(); i++) {
		struct hvcpu *v = &hvcpus[i];

		if (port_fibre_init(&v->fibre, vcpu_entry, v, NULL)) {
			fprintf(stderr, "umber: no memory for the stack of vCPU %d\n", i);
			exit(125);
		}
		if (i && pthread_create(&v->thread, NULL, vcpu_thread, v)) {
			fprintf(stderr, "umber: cannot start the thread of vCPU %d\n", i);
			exit(125);
		}
	}
	vcpu_thread(&hvcpus[0]);
	abort();
}
