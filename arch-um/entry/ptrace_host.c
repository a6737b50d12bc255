/*
 * intercept=ptrace: user code under PTRACE_SYSEMU. The vCPU's thread (there is one) is the tracer of all stub threads, which
 * are born traced and stopped. The host tells it of each system call, whatever its ABI and wherever it comes from, instead of
 * making it; of each fault and kick before its signal arrives. So what user code does makes no host call at all, and the
 * registers of a stopped thread are nobody's but the tracer's.
 *
 * A thread is stopped, or runs user code (`running`), or does what ptrace_ops_host.c makes it do, which is waited for. With one
 * vCPU no user code of any process runs meanwhile; but for a kicked thread that the host has not stopped yet, which is in the
 * host's hands (a slow page fault) and comes to no instruction of its own before it stops.
 *
 * Waits. SIGCHLD (a thread stopped or died) and SIGURG (port_vcpu_poke) are blocked in all our threads, and taken by
 * sigtimedwait() on the vCPU's. Each stop is written down before its SIGCHLD is sent, each poke before its SIGURG, and after
 * every signal that is taken both are looked at: so none is lost, and no handler is needed. Stops are looked at with WNOWAIT:
 * a state, not an event, until the thread is resumed.
 *
 * Ends. PTRACE_O_EXITKILL: when the kernel process is gone, so is every stub. Threads of a dead stub that are not its leader
 * are zombies until they are waited for, and the stub's pidfd tells nothing before; a thread of ours does it.
 */
#include "ptrace_int.h"
#include <abi/errno.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80)

static sigset_t wanted; /* SIGCHLD, SIGURG */

/* Stops of traced threads are told whether they are asked for or not. */
static bool told_stop(const siginfo_t *si)
{
	return si->si_code == CLD_TRAPPED || si->si_code == CLD_STOPPED;
}

/* ---- the end of threads ---- */
struct grave { struct grave *next; s32 tid; };
static struct grave *graves; /* graves_lock */
static pthread_mutex_t graves_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t graves_more = PTHREAD_COND_INITIALIZER;

/* Every tid in the list is a thread that got SIGKILL: nobody else waits for its end, so it names no other thread. */
static void *undertaker(void *arg)
{
	struct grave *g;
	siginfo_t si;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&graves_lock);
		while (!graves)
			pthread_cond_wait(&graves_more, &graves_lock);
		g = graves;
		graves = g->next;
		pthread_mutex_unlock(&graves_lock);
		for (;;)
			if (waitid(P_PID, (id_t)g->tid, &si, WEXITED | __WALL) ? errno != EINTR : !told_stop(&si))
				break;
		free(g);
	}
	return NULL;
}

static void traced_killed(struct stub *s)
{
	for (struct uthread *ut = s->threads; ut; ut = ut->next) {
		struct grave *g;

		if (!uthread_tid(ut) || uthread_tid(ut) == stub_pid(s))
			continue;
		g = malloc(sizeof(*g));
		if (!g)
			return; /* zombies until we end */
		g->tid = uthread_tid(ut);
		pthread_mutex_lock(&graves_lock);
		g->next = graves;
		graves = g;
		pthread_cond_signal(&graves_more);
		pthread_mutex_unlock(&graves_lock);
	}
}

/* Threads die together. A leader's death is told last, and only when the others have been waited for: so ask for another. */
static bool traced_is_dead(const struct stub *s)
{
	for (const struct uthread *ut = s->threads; ut; ut = ut->next) {
		siginfo_t si = { 0 };
		s32 tid = uthread_tid(ut);

		if (tid && tid != stub_pid(s))
			return waitid(P_PID, (id_t)tid, &si, WEXITED | WNOWAIT | WNOHANG | __WALL) ||
			       (si.si_pid == tid && !told_stop(&si));
	}
	return false;
}

/* ---- waiting ---- */
static void traced_poke(struct hvcpu *v)
{
	(void)v;
	syscall(SYS_tgkill, getpid(), getpid(), SIGURG); /* vCPU 0 is the main thread */
}

enum wait_result traced_wait(struct uthread *ut, u64 deadline_ns, bool ops, bool look)
{
	struct hvcpu *v = this_hvcpu();
	s32 tid = uthread_tid(ut);

	for (;; look = true) {
		u64 now = deadline_ns == U64_MAX ? 0 : port_monotonic_ns();
		u64 left = now < deadline_ns ? deadline_ns - now : 0;
		struct timespec ts = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
		siginfo_t si = { 0 };
		int r;

		if (look) {
			r = waitid(P_PID, (id_t)tid, &si, WSTOPPED | WEXITED | WNOWAIT | WNOHANG | __WALL);
			if (!r && si.si_pid == tid && told_stop(&si)) {
				ut->stop = si.si_status;
				return WAIT_ENTRY;
			}
			if (r || si.si_pid == tid || stub_dead(ut->stub) || traced_is_dead(ut->stub))
				return WAIT_DEAD;
		}
		__atomic_store_n(&v->sleeping, VCPU_IN_BACKEND, __ATOMIC_SEQ_CST);
		if (!ops && __atomic_load_n(&v->attn, __ATOMIC_SEQ_CST) != v->seen) {
			__atomic_store_n(&v->sleeping, 0, __ATOMIC_RELAXED);
			return WAIT_ATTENTION;
		}
		v->sleeps++;
		r = sigtimedwait(&wanted, NULL, deadline_ns == U64_MAX ? NULL : &ts);
		__atomic_store_n(&v->sleeping, 0, __ATOMIC_RELAXED);
		if (r < 0 && errno == EAGAIN && look)
			return WAIT_TIMEOUT;
	}
}

/* ---- user code ---- */
static int traced_resume(struct uthread *ut, struct port_task *pt)
{
	struct user_regs r = pt->regs;

	r.orig_rax = (u64)-1; /* else the host restarts a call of the guest's */
	r.cs = 0x33, r.ss = 0x2b, r.ds = r.es = r.fs = r.gs = 0;
	ut->self = pt->self;
	ut->mb->self_id.sigmask = pt->self.sigmask; /* port_user_mask() */
	if (traced_fpu_flush(ut) || ptrace(PTRACE_SETREGS, uthread_tid(ut), 0, &r) ||
	    ptrace(PTRACE_SYSEMU, uthread_tid(ut), 0, 0)) {
		stub_kill(ut->stub);
		return -EIO;
	}
	ut->running = true;
	this_hvcpu()->entries++;
	ut->stub->resumes++;
	klock_drop();
	return 0;
}

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP;
}

/* A stop that is no entry: somebody on the host sent a signal. It does not reach the guest. */
static bool is_stray(struct uthread *ut)
{
	int sig = STOP_SIGNAL(ut->stop);
	siginfo_t si;

	if (ut->stop == SYSCALL_STOP || (!STOP_EVENT(ut->stop) && (sig == STUB_KICK_SIGNAL || sig == SIGSYS)))
		return false;
	return STOP_EVENT(ut->stop) || !is_fault(sig) || ptrace(PTRACE_GETSIGINFO, uthread_tid(ut), 0, &si) || si.si_code <= 0;
}

static enum wait_result traced_user_wait(struct uthread *ut, u64 deadline_ns)
{
	enum wait_result w;

	for (;;) {
		if (ut->kicked_ns)
			w = traced_wait(ut, port_monotonic_ns() + KICK_PATIENCE_NS, true, true);
		else
			w = traced_wait(ut, deadline_ns, false, false);
		if (w != WAIT_ENTRY || !is_stray(ut))
			return w;
		if (ptrace(PTRACE_SYSEMU, uthread_tid(ut), 0, 0))
			return WAIT_DEAD;
	}
}

/* Only page faults have an error code that the kernel, or a guest's handler, asks for; the others say it all by si_code. */
static void trap_of(struct uthread *ut, struct port_trap *t)
{
	u64 trapno = 0, error = 0;
	siginfo_t si = { 0 };

	ptrace(PTRACE_GETSIGINFO, uthread_tid(ut), 0, &si);
	t->signo = STOP_SIGNAL(ut->stop);
	t->code = si.si_code;
	t->addr = (u64)si.si_addr;
	if (t->signo == SIGSEGV || t->signo == SIGBUS)
		traced_fault(ut, &trapno, &error);
	else if (t->signo == SIGFPE)
		trapno = t->code == FPE_INTDIV ? 0 : 19;
	else if (t->signo == SIGILL)
		trapno = 6;
	else
		trapno = t->code == SI_KERNEL ? 3 : 1;
	t->trapno = (u32)trapno;
	t->error = (u32)error;
}

static enum port_entry traced_decode(struct uthread *ut, struct port_task *pt)
{
	struct user_regs *r = &pt->regs;
	int sig = STOP_SIGNAL(ut->stop);

	ut->fpu_here = false;
	if (ptrace(PTRACE_GETREGS, uthread_tid(ut), 0, r)) {
		stub_kill(ut->stub);
		return PORT_ENTRY_DEAD;
	}
	r->cs = 0x33, r->ss = 0x2b, r->ds = r->es = r->fs = r->gs = 0;
	pt->is32 = false;
	if (ut->stop == SYSCALL_STOP) {
		/* what the instruction itself does to these two; int 0x80 and sysenter do not */
		pt->is32 = r->rcx != r->rip || r->r11 != r->eflags || (r->orig_rax & 0x40000000);
		r->rax = (u64)-ENOSYS;
		return PORT_ENTRY_SYSCALL;
	}
	if (sig == SIGSYS) { /* the vsyscall page, by the filter */
		r->orig_rax = r->rax;
		r->rax = (u64)-ENOSYS;
		return PORT_ENTRY_SYSCALL;
	}
	r->orig_rax = (u64)-1;
	if (sig == STUB_KICK_SIGNAL)
		return PORT_ENTRY_KICK;
	trap_of(ut, &pt->trap);
	return stub_dead(ut->stub) ? PORT_ENTRY_DEAD : PORT_ENTRY_TRAP;
}

/* ---- start ---- */
static int traced_template_child(const struct stub *s)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(s->stub_sock, STUB_FD_SOCK) != STUB_FD_SOCK)
		return -1;
	return ptrace(PTRACE_TRACEME, 0, 0, 0) ? -1 : 0; /* of the thread that forked: vCPU 0's */
}

static void traced_prepare(void)
{
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGURG);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
}

static int traced_begin(const char **what)
{
	pthread_t t;

	*what = "start the thread that waits for ended stubs";
	if (pthread_create(&t, NULL, undertaker, NULL))
		return -EAGAIN;
	return traced_start(what);
}

const struct backend ptrace_backend = {
	.name = "ptrace",
	.ncpus_max = 1,
	.traced = true,
	.prepare = traced_prepare,
	.template_child = traced_template_child,
	.start = traced_begin,
	.resume = traced_resume,
	.wait = traced_user_wait,
	.decode = traced_decode,
	.end_ops = traced_run_ops,
	.inherit = traced_inherit,
	.fpu_fetch = traced_fpu_fetch,
	.poke = traced_poke,
	.killed = traced_killed,
	.is_dead = traced_is_dead,
};
