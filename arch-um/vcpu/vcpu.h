/* vCPU threads, hand-off and events of the host (host side; *_host.c only). */
#ifndef ARCH_VCPU_VCPU_H
#define ARCH_VCPU_VCPU_H
#include <port/port.h>
#include <pthread.h>
#include <umber/types.h>

struct uthread;
struct stub;

struct hvcpu {
	int cpu;                /* guest number */
	int host_cpu;           /* pinned to, -1: not pinned */
	pthread_t thread;
	u32 attn;               /* A: attention sequence; futex word, private */
	u32 seen;               /* attn that was handled */
	u32 sleeping;           /* A: 1 while (about to be) in a futex wait; VCPU_IN_BACKEND */
	u32 active;             /* A: not idle */
	u32 spin;               /* PAUSE rounds of this vCPU now; 0 in one-core mode */
	/* Hand-off policy (policy_host.c), this vCPU's thread only. */
	int spin_cpu;           /* where its stub threads run while it spins, -1: it does not */
	u32 window;             /* entries since mark_tsc */
	u32 window_fails;       /* waits in it, of either side, that outlasted their spin */
	s32 last_ut;            /* user side that entered last */
	u64 mark_tsc, backoff_until, backoff, pushed;
	u64 idle_tsc;           /* time idle since mark_tsc */
	u64 busy_ns;            /* from entry to entry in the last window, idle time apart */
	struct port_fibre boot; /* the pthread's own context */
	struct port_fibre fibre;
	u64 entries, traps, sleeps, spins_won, attns;
} __attribute__((aligned(128)));

extern struct hvcpu hvcpus[NCPUS_MAX];
struct hvcpu *this_hvcpu(void);                 /* by the calling host thread */
void vcpus_prepare(void);                       /* main thread: becomes vCPU 0, pinned */
void vcpus_start(void) __attribute__((noreturn));
void poke_all(void);

enum wait_result { WAIT_ENTRY, WAIT_ATTENTION, WAIT_TIMEOUT, WAIT_DEAD };
/* Waits for the next entry of ut. klock not held. deadline: host CLOCK_MONOTONIC ns. spin: PAUSE rounds first. */
enum wait_result wait_entry(struct uthread *ut, u64 deadline_ns, u32 spin, bool ops);
/* wait_entry for host ops: bounded. A thread that sleeps on anything but its kernel, masks what it must not, or burns
 * CPU without end is hostile: WAIT_DEAD after some tenths of a second (clone: one and a half). */
enum wait_result wait_ops(struct uthread *ut, bool clone);
bool uthread_entered(struct uthread *ut);       /* is there an entry that was not waited for? */
void answer(struct uthread *ut, u32 cmd);       /* hands the CPU to the stub thread */

#define KICK_PATIENCE_NS 10000000ULL /* a kick that is not answered by then: the vCPU looks, and sees to others */

/* Hand-off policy. */
#define POLICY_WINDOW 64
void policy_init(void);
void policy_measured(u64 ns);                   /* a hand-off there and back on one core took so long */
void policy_look(struct hvcpu *v);              /* after POLICY_WINDOW entries */

/* Event sources: one watcher thread with epoll. */
int events_init(void);
void events_drain(void);                        /* on a vCPU, klock held */
int events_watch_stub(struct stub *s);
void events_host_signal(int signo);             /* async-signal-safe */
#endif
