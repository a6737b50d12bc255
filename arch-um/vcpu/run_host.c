/*
 * Running user code: hand-off to a stub thread and back, decoding of what it came back with, kicks.
 *
 * Hand-off, two columns; both sides write first, then look (sequentially consistent), so that at least one
 * of them sees the other:
 *     vCPU: k_sleep = 1; read s2k; sleep if unchanged      stub: s2k++; read k_sleep; wake if 1
 *     stub: s_sleep = 1; read k2s; sleep if unchanged      vCPU: k2s = seq; read s_sleep; wake if 1
 * Both asleep cannot be. A stub that lies about s_sleep or k2s keeps its own thread asleep or spinning; the
 * vCPU's own wake-ups come through `attn`, which is private memory (I6).
 */
#include "vcpu.h"
#include "../entry/backend.h"
#include "../mm/stubs.h"
#include "../mm/stubs_int.h"
#include <abi/errno.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KICK_CPU_NS 15000000ULL      /* CPU time burned in spite of a kick: hostile */
#define KICK_FAIR_NS 100000ULL       /* CPU time between two kicks that can wait: many times what one costs */
#define OPS_PATIENCE_NS 100000000ULL
#define OPS_LOOKS 2
#define CLONE_LOOKS 10               /* an asked clone sleeps for long where the host starves our listener */
#define OPS_CPU_NS 200000000ULL
#define OPS_CPU_PAGE_NS 4000ULL      /* and for each resident page, for it may have to go, to move or to come */

#define UNBLOCKABLE (1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1))

struct waitv { u64 val, uaddr; u32 flags, reserved; };

static int futex_wait_two(u32 *shared, u32 v1, u32 *priv, u32 v2, u64 deadline_ns)
{
	struct waitv w[2] = {
		{ v1, (u64)shared, 2, 0 },
		{ v2, (u64)priv, 2 | FUTEX_PRIVATE_FLAG, 0 },
	};
	struct timespec ts = { (time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000) };

	return (int)syscall(SYS_futex_waitv, w, 2, 0, deadline_ns == U64_MAX ? NULL : &ts, CLOCK_MONOTONIC);
}

enum wait_result wait_entry(struct uthread *ut, u64 deadline_ns, u32 spin, bool ops)
{
	struct hvcpu *v = this_hvcpu();
	struct mailbox *mb = ut->mb;
	u32 now, seen = ut->seen;

	for (u32 i = spin; i; i--) {
		now = __atomic_load_n(&mb->s2k, __ATOMIC_ACQUIRE);
		if (now != seen) {
			ut->seen = now;
			v->spins_won++;
			return WAIT_ENTRY;
		}
		__builtin_ia32_pause();
	}
	for (;;) {
		u32 a = __atomic_load_n(&v->attn, __ATOMIC_SEQ_CST);
		int r = 0;

		now = __atomic_load_n(&mb->s2k, __ATOMIC_ACQUIRE);
		if (now != seen)
			break;
		if (stub_dead(ut->stub))
			return WAIT_DEAD;
		if (!ops && a != v->seen)
			return WAIT_ATTENTION;
		__atomic_store_n(&mb->k_sleep, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&v->sleeping, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&mb->s2k, __ATOMIC_SEQ_CST) == seen) {
			v->sleeps++;
			v->window_fails += !ops;
			r = futex_wait_two(&mb->s2k, seen, &v->attn, a, deadline_ns);
			r = r < 0 ? -errno : 0;
		}
		__atomic_store_n(&v->sleeping, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&mb->k_sleep, 0, __ATOMIC_RELAXED);
		now = __atomic_load_n(&mb->s2k, __ATOMIC_ACQUIRE);
		if (now != seen)
			break;
		if (r == -ETIMEDOUT)
			return WAIT_TIMEOUT;
	}
	ut->seen = now;
	return WAIT_ENTRY;
}

void answer(struct uthread *ut, u32 cmd)
{
	struct mailbox *mb = ut->mb;

	mb->cmd = cmd;
	__atomic_store_n(&mb->k2s, ut->seen, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&mb->s_sleep, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &mb->k2s, FUTEX_WAKE, 1, NULL, NULL, 0);
}

struct host_ucontext *uthread_uc(struct uthread *ut)
{
	return (struct host_ucontext *)((u8 *)ut->mb + ut->uc_off);
}

static void place(struct uthread *ut, struct hvcpu *v)
{
	int want = v->spin_cpu >= 0 ? v->spin_cpu : v->host_cpu;
	cpu_set_t set;

	if (want < 0 || ut->cpu == want)
		return;
	CPU_ZERO(&set);
	CPU_SET(want, &set);
	if (!sched_setaffinity(uthread_tid(ut), sizeof(set), &set))
		ut->cpu = want;
}

/*
 * The last one to enter on this vCPU waits for something else than its own call, if another goes on now. While it still
 * spins, its CPU is awake: it is told to sleep only when the other has been woken, and the host switches at once. (Waking
 * a CPU that has gone idle takes several times as long: that counts as a failure of spinning.) The mailbox to tell, NULL:
 * nobody spins.
 */
static struct mailbox *last_spinner(struct hvcpu *v, struct uthread *next)
{
	struct uthread *last = v->last_ut == next->id ? NULL : uthread_by_id(v->last_ut);
	bool spins = last && !last->running && !__atomic_load_n(&last->mb->s_sleep, __ATOMIC_RELAXED);

	v->window_fails += v->spin && !spins && __atomic_load_n(&next->mb->s_sleep, __ATOMIC_RELAXED);
	v->last_ut = next->id;
	return spins ? last->mb : NULL;
}

/* Answers ut, and lets who spun before it sleep. klock held; dropped on return. */
static void answer_and_drop(struct uthread *ut, u32 cmd, struct mailbox *spinner)
{
	if (!spinner)
		klock_drop();
	answer(ut, cmd);
	if (spinner) {
		__atomic_store_n(&spinner->nospin, 1, __ATOMIC_RELAXED);
		klock_drop();
	}
}

/* Kernel-built first frame of a thread that never entered. */
static void fresh_frame(struct uthread *ut)
{
	struct host_ucontext *uc;
	struct mailbox *mb = ut->mb;

	if (ut->fpu_init) {
		ut->uc_off = MBOX_FRAME_OFF;
		uc = uthread_uc(ut);
		memset(uc, 0, sizeof(*uc));
	}
	uc = uthread_uc(ut);
	uc->ss_sp = MBOX_BASE + (u64)ut->slot * MBOX_SIZE + MBOX_STACK_OFF;
	uc->ss_size = MBOX_STACK_END - MBOX_STACK_OFF;
	uc->ss_flags = 0;
	mb->start_off = ut->uc_off;
}

static bool frame_ok(u64 off)
{
	return off >= MBOX_STACK_OFF && !(off & 15) && off <= MBOX_STACK_END - sizeof(struct host_ucontext) - 128;
}

/* Only slot 0's thread can run in the mm: the fast path needs no gs to find the mailbox. */
static void look_multi(struct uthread *ut)
{
	struct stub *s = ut->stub;
	bool multi = ut->slot || s->nr_threads - s->nr_parked > 1;

	if (multi != s->multi)
		stub_multi(s, multi);
}

/* Base registers that the thread does not have loaded. gs leads to the mailbox if it must, unless the guest uses it. */
static void write_bases(struct uthread *ut, const struct user_regs *r)
{
	struct mailbox *mb = ut->mb;
	u64 gs = r->gs_base;
	u32 set = 0;

	if (!gs && patch_enabled && ut->stub->multi)
		gs = MBOX_BASE + (u64)ut->slot * MBOX_SIZE;
	if (r->fs_base != ut->fs_base) {
		set |= 1;
		mb->fs_base = ut->fs_base = r->fs_base;
	}
	if (gs != ut->gs_base) {
		set |= 2;
		mb->gs_base = ut->gs_base = gs;
	}
	mb->set_fs = set;
}

/* What the stub may answer by itself. The line is the kernel's, and cold: only changes are written. */
static void write_self(struct uthread *ut, const struct port_self *now)
{
	struct stub_self *m = &ut->mb->self_id;
	struct port_self *had = &ut->self;

	if (unlikely(memcmp(had, now, offsetof(struct port_self, sigmask)) || had->off != now->off)) {
		m->pid = now->pid, m->tid = now->tid;
		m->uid = now->uid, m->euid = now->euid;
		m->gid = now->gid, m->egid = now->egid;
		m->off = now->off;
	}
	if (had->sigmask != now->sigmask)
		m->sigmask = now->sigmask;
	if (had->pending != now->pending)
		m->ask = now->pending;
	*had = *now;
}

/* The mask that the user side has made for itself meanwhile. */
static void read_self(struct uthread *ut, struct port_self *out)
{
	out->sigmask = ut->self.sigmask = READ_ONCE(ut->mb->self_id.sigmask) & ~UNBLOCKABLE;
}

u64 port_user_mask(struct port_task *pt)
{
	struct uthread *ut = uthread_by_id(pt->uthread);

	if (!ut)
		return pt->self.sigmask;
	ut->self.pending = true;
	__atomic_store_n(&ut->mb->self_id.ask, 1, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&ut->mb->self_id.sigmask, __ATOMIC_SEQ_CST) & ~UNBLOCKABLE;
}

/* Only what is another than at the entry: lines that nobody writes stay in both CPUs' caches. */
static void write_fast(struct uthread *ut, const struct user_regs *r)
{
	struct fast_regs *f = &ut->mb->fast, *had = &ut->fast_seen;
	u64 flags = (r->eflags & 0x40cd5) | 2; /* what popf may set: no TF, no NT, no IOPL */

	f->rax = r->rax, f->rcx = r->rcx, f->r11 = r->r11, f->flags = flags;
	if (r->rsp != had->rsp || r->rdi != had->rdi)
		f->rsp = r->rsp, f->rdi = r->rdi;
	if (r->rsi != had->rsi || r->rdx != had->rdx || r->r10 != had->r10 || r->r8 != had->r8 || r->r9 != had->r9)
		f->rsi = r->rsi, f->rdx = r->rdx, f->r10 = r->r10, f->r8 = r->r8, f->r9 = r->r9;
	if (r->rbx != had->rbx || r->rbp != had->rbp || r->r12 != had->r12 || r->r13 != had->r13 ||
	    r->r14 != had->r14 || r->r15 != had->r15)
		f->rbx = r->rbx, f->rbp = r->rbp, f->r12 = r->r12, f->r13 = r->r13, f->r14 = r->r14, f->r15 = r->r15;
	if (r->rip != had->rip) {
		f->rip = r->rip;
		f->cont = patch_cont(ut->stub, r->rip);
	}
}

static void write_regs(struct uthread *ut, const struct user_regs *r)
{
	struct host_ucontext *uc;
	struct host_mcontext *mc;

	if (ut->fresh) {
		fresh_frame(ut);
		ut->fresh = false;
	}
	uc = uthread_uc(ut);
	mc = &uc->mc;
	mc->r8 = r->r8, mc->r9 = r->r9, mc->r10 = r->r10, mc->r11 = r->r11;
	mc->r12 = r->r12, mc->r13 = r->r13, mc->r14 = r->r14, mc->r15 = r->r15;
	mc->rdi = r->rdi, mc->rsi = r->rsi, mc->rbp = r->rbp, mc->rbx = r->rbx;
	mc->rdx = r->rdx, mc->rax = r->rax, mc->rcx = r->rcx, mc->rsp = r->rsp;
	mc->rip = r->rip, mc->eflags = r->eflags;
	mc->cs = 0x33, mc->ss = 0x2b, mc->fs = 0, mc->gs = 0;
	uc->sigmask = 0;
	if (ut->stub->patch)
		mc->rip = patch_cont(ut->stub, r->rip);
}

/* The copies that came with a call. Of the stub's words nothing counts but where its own memory is said to be. */
static void read_wins(struct uthread *ut)
{
	u32 n = READ_ONCE(ut->mb->nwins);

	if (n > STUB_WINS)
		n = 0;
	memcpy(ut->wins, (const void *)ut->mb->wins, n * sizeof(ut->wins[0]));
	ut->bulk_used = 0;
	for (u32 i = 0; i < n; i++) {
		u32 off = ut->wins[i].off, len = ut->wins[i].len & ~STUB_WIN_STRING;

		if (off > MBOX_BULK || len > MBOX_BULK - off)
			return;
		ut->bulk_used = max(ut->bulk_used, (off + len + 63) & ~63u);
	}
	ut->nwins = n;
}

static void read_fast(struct uthread *ut, struct user_regs *r)
{
	struct fast_regs *f = &ut->fast_seen;

	memcpy(f, (const void *)&ut->mb->fast, sizeof(*f));
	r->r15 = f->r15, r->r14 = f->r14, r->r13 = f->r13, r->r12 = f->r12;
	r->rbp = f->rbp, r->rbx = f->rbx, r->r10 = f->r10;
	r->r9 = f->r9, r->r8 = f->r8, r->rax = f->rax;
	r->rdx = f->rdx, r->rsi = f->rsi, r->rdi = f->rdi;
	r->rsp = f->rsp, r->rip = f->rip, r->eflags = (f->flags & 0x40cd5) | 0x202;
	r->rcx = f->rip, r->r11 = r->eflags;
	r->cs = 0x33, r->ss = 0x2b;
}

int uthread_need_full(struct uthread *ut)
{
	struct mailbox *mb = ut->mb;
	enum wait_result w;
	u64 off;

	if (!ut->fast)
		return 0;
	if (stub_dead(ut->stub))
		return -EIO;
	mb->fast.rip = ut->fast_seen.rip;
	if (stub_flush(ut->stub, true))
		return -EIO;
	klock_drop();
	for (int i = 0; i < 3; i++) { /* a kick that was noted is told first */
		answer(ut, MBOX_CMD_FULL);
		w = wait_ops(ut, false);
		if (w != WAIT_ENTRY || READ_ONCE(mb->kind) != MBOX_ENTRY_FAST_KICK)
			break;
	}
	klock_take();
	off = READ_ONCE(mb->uc_off);
	if (w != WAIT_ENTRY || READ_ONCE(mb->kind) != MBOX_ENTRY_FULL || !frame_ok(off)) {
		stub_kill(ut->stub);
		return -EIO;
	}
	ut->uc_off = off;
	ut->fast = false;
	ut->fpu_init = false;
	return 0;
}

/* Copies what the stub reported, once, and checks it. */
static enum port_entry decode(struct uthread *ut, struct port_task *pt)
{
	struct mailbox *mb = ut->mb;
	u64 off = READ_ONCE(mb->uc_off);
	struct { s32 signo, err, code, pad; u64 addr; s32 nr; u32 arch; } info;
	struct user_regs *r = &pt->regs;
	struct host_mcontext mc;
	u32 sig, kind = READ_ONCE(mb->kind);

	read_self(ut, &pt->self);
	ut->nwins = ut->bulk_used = 0;
	if (kind == MBOX_ENTRY_LATE) { /* pt->regs are still as they were told */
		r->rax = (u64)-EFAULT;
		r->orig_rax = (u64)-1;
		return PORT_ENTRY_KICK;
	}
	if (kind == MBOX_ENTRY_FAST || kind == MBOX_ENTRY_FAST_KICK) {
		ut->fast = true;
		pt->is32 = false;
		read_fast(ut, r);
		r->orig_rax = kind == MBOX_ENTRY_FAST ? r->rax : (u64)-1;
		if (kind == MBOX_ENTRY_FAST_KICK)
			return PORT_ENTRY_KICK;
		r->rax = (u64)-ENOSYS;
		read_wins(ut);
		return PORT_ENTRY_SYSCALL;
	}
	if (kind != MBOX_ENTRY_SIGNAL || !frame_ok(off)) {
		stub_kill(ut->stub);
		return PORT_ENTRY_DEAD;
	}
	ut->fast = false;
	ut->uc_off = off;
	ut->fpu_init = false;
	memcpy(&mc, (const void *)&uthread_uc(ut)->mc, sizeof(mc));
	memcpy(&info, (u8 *)mb + off + sizeof(struct host_ucontext), sizeof(info));
	sig = READ_ONCE(mb->signo);
	r->r8 = mc.r8, r->r9 = mc.r9, r->r10 = mc.r10, r->r11 = mc.r11;
	r->r12 = mc.r12, r->r13 = mc.r13, r->r14 = mc.r14, r->r15 = mc.r15;
	r->rdi = mc.rdi, r->rsi = mc.rsi, r->rbp = mc.rbp, r->rbx = mc.rbx;
	r->rdx = mc.rdx, r->rax = mc.rax, r->rcx = mc.rcx, r->rsp = mc.rsp;
	r->rip = mc.rip, r->eflags = mc.eflags;
	r->cs = 0x33, r->ss = 0x2b;
	if (sig == SIGSYS) {
		r->orig_rax = r->rax;
		r->rax = (u64)-ENOSYS;
		pt->is32 = info.arch != AUDIT_ARCH_X86_64 || (r->orig_rax & 0x40000000);
		pt->patch_nr = r->orig_rax;
		this_hvcpu()->traps++;
		if (!pt->is32) {
			read_wins(ut);
			patch_note(ut, pt);
		}
		return PORT_ENTRY_SYSCALL;
	}
	if (sig == SIGILL && patch_is_old_syscall(ut->stub, r->rip)) {
		r->orig_rax = r->rax;
		r->rax = (u64)-ENOSYS;
		r->rip += 2;
		r->rcx = r->rip;
		pt->is32 = false;
		return PORT_ENTRY_SYSCALL;
	}
	r->orig_rax = (u64)-1;
	if (sig == STUB_KICK_SIGNAL) {
		return PORT_ENTRY_KICK;
	}
	pt->trap = (struct port_trap){ (s32)sig, info.code, info.addr, (u32)mc.trapno, (u32)mc.err };
	return PORT_ENTRY_TRAP;
}

/* CPU time of a stub's thread, 0 if it is gone. While it runs on another CPU this lags behind by a tick of the host. */
static u64 thread_cpu_ns(const struct uthread *ut)
{
	unsigned long long ns = 0;
	char buf[64];
	u64 all;

	/* the process's clock is cheaper to read, and as good where nobody else runs in it */
	if (!ut->stub->multi && stub_cpu_ns(ut->stub, &all))
		return all;
	if (!stub_proc_read(ut->stub, uthread_tid(ut), "schedstat", buf, sizeof(buf)))
		return 0;
	return sscanf(buf, "%llu", &ns) == 1 ? ns : 0;
}

/* State letter and CPU time of a stub's thread as the host tells; 'X' when it is gone. */
static char thread_state(struct uthread *ut, u64 *cpu_ns)
{
	char buf[512], *p;

	if (!stub_proc_read(ut->stub, uthread_tid(ut), "stat", buf, sizeof(buf)))
		return 'X';
	*cpu_ns = thread_cpu_ns(ut);
	p = strrchr(buf, ')');
	return p && p[1] && p[2] ? p[2] : 'X';
}

bool uthread_entered(struct uthread *ut)
{
	return __atomic_load_n(&ut->mb->s2k, __ATOMIC_ACQUIRE) != ut->seen;
}

/*
 * Is a thread that should have answered a while ago hostile? User code and host ops never sleep interruptibly, but in
 * the wait for their kernel; so S at two looks, gone, or CPU burned in spite of what it was told is a crime. A slow
 * page fault (D), a frozen or traced host process (T, t) is none. klock not held.
 */
static bool hostile(struct uthread *ut, u64 pause_ns, u64 cpu_limit_ns, u64 *cpu_base)
{
	struct timespec ts = { 0, (long)pause_ns };
	u64 a = 0, b = 0;
	char s1 = thread_state(ut, &a), s2;

	if (uthread_entered(ut))
		return false;
	if (!*cpu_base)
		*cpu_base = a + 1;
	nanosleep(&ts, NULL);
	s2 = thread_state(ut, &b);
	if (uthread_entered(ut))
		return false;
	if (s2 == 'X' || s2 == 'Z')
		return true;
	if (s1 == 'S' && s2 == 'S' && a == b)
		return true;
	return b > *cpu_base + cpu_limit_ns;
}

enum wait_result wait_ops(struct uthread *ut, bool clone)
{
	u64 base = 0, most = 0;
	u32 looks = 0;

	for (;;) {
		/* a clone needs our listener thread: it may want this CPU */
		enum wait_result w = wait_entry(ut, port_monotonic_ns() + OPS_PATIENCE_NS,
						clone || !this_hvcpu() ? 0 : this_hvcpu()->spin, true);

		if (w != WAIT_TIMEOUT)
			return w;
		most = max(most, port_mm_rss_pages(ut->stub->id));
		if (hostile(ut, OPS_PATIENCE_NS / 2, OPS_CPU_NS + most * OPS_CPU_PAGE_NS, &base) &&
		    ++looks >= (clone ? CLONE_LOOKS : OPS_LOOKS))
			return WAIT_DEAD;
	}
}

static int seccomp_resume(struct uthread *ut, struct port_task *pt)
{
	struct hvcpu *v = this_hvcpu();
	u32 cmd = MBOX_CMD_RESUME;
	struct mailbox *spinner;

	if (++v->window >= POLICY_WINDOW)
		policy_look(v);
	if (!ut->started && uthread_wait_attached(ut))
		return -EIO;
	place(ut, v);
	look_multi(ut);
	if (pt->regs.gs_base && ut->stub->multi && !ut->stub->no_patch)
		patch_off(ut->stub);
	if (ut->fast && (pt->regs.rcx != pt->regs.rip || pt->regs.r11 != pt->regs.eflags) && uthread_need_full(ut))
		return -EIO;
	if (ut->fast)
		write_fast(ut, &pt->regs);
	else
		write_regs(ut, &pt->regs);
	write_bases(ut, &pt->regs);
	write_self(ut, &pt->self);
	late_hand_over(ut);
	spinner = last_spinner(v, ut);
	ut->mb->nospin = 0;
	ut->mb->spin = v->spin;
	ut->running = true;
	v->entries++;
	ut->stub->resumes++;
	if (ut->stub->deferred) {
		ut->mb->nr_ops = ut->stub->deferred;
		ut->stub->deferred = 0;
		cmd = MBOX_CMD_OPS_RESUME;
	}
	answer_and_drop(ut, cmd, spinner);
	return 0;
}

static enum wait_result seccomp_wait(struct uthread *ut, u64 deadline_ns)
{
	enum wait_result w;

	if (!ut->kicked_ns)
		return wait_entry(ut, deadline_ns, this_hvcpu()->spin, false);
	w = wait_entry(ut, ut->kicked_ns + KICK_PATIENCE_NS, 0, true);
	if (w == WAIT_TIMEOUT && hostile(ut, KICK_PATIENCE_NS, KICK_CPU_NS, &ut->kick_cpu))
		stub_kill(ut->stub);
	return w;
}

static void seccomp_start_ops(struct uthread *ut)
{
	answer(ut, MBOX_CMD_OPS);
}

static int seccomp_end_ops(struct uthread *ut, bool clone)
{
	return wait_ops(ut, clone) == WAIT_ENTRY && READ_ONCE(ut->mb->kind) == MBOX_ENTRY_OPS ? 0 : -EIO;
}

const struct backend seccomp_backend = {
	.name = "seccomp",
	.ncpus_max = NCPUS_MAX,
	.defers = true,
	.template_child = seccomp_template_child,
	.start = seccomp_start,
	.resume = seccomp_resume,
	.wait = seccomp_wait,
	.decode = decode,
	.start_ops = seccomp_start_ops,
	.end_ops = seccomp_end_ops,
	.inherit = inherit_frame,
};
const struct backend *backend = &seccomp_backend;

enum port_entry port_user_run(struct port_task *pt, u64 deadline_ns)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	struct hvcpu *v = this_hvcpu();
	enum wait_result w;
	enum port_entry e;

	if (!ut || stub_dead(ut->stub))
		return PORT_ENTRY_DEAD;
	if (ut->running) {
		klock_drop();
	} else {
		ut->fair_cpu = ut->by_kick ? thread_cpu_ns(ut) + 1 : 0;
		ut->by_kick = false;
		if (backend->resume(ut, pt))
			return PORT_ENTRY_DEAD;
	}
	w = backend->wait(ut, deadline_ns);
	klock_take();
	if (__atomic_load_n(&v->attn, __ATOMIC_ACQUIRE) != v->seen) {
		v->seen = __atomic_load_n(&v->attn, __ATOMIC_ACQUIRE);
		v->attns++;
		events_drain();
	}
	if (stub_dead(ut->stub) || w == WAIT_DEAD) {
		stub_kill(ut->stub);
		ut->running = false;
		return PORT_ENTRY_DEAD;
	}
	if (w != WAIT_ENTRY)
		return PORT_ENTRY_ATTENTION;
	ut->running = false;
	ut->kicked_ns = 0;
	v->last_ut = ut->id;
	e = backend->decode(ut, pt);
	ut->by_kick = e == PORT_ENTRY_KICK;
	return e;
}

/*
 * On a busy host a thread may wait for its CPU longer than the guest's timers wait: kicked each time before it has run at
 * all, it would never get anywhere. So between two kicks that can wait it gets some CPU time, whatever the clock says.
 */
bool port_user_kick(struct port_task *pt, bool at_once)
{
	struct uthread *ut = uthread_by_id(pt->uthread);

	if (!ut || !ut->running || ut->kicked_ns)
		return true;
	if (!at_once && ut->fair_cpu && thread_cpu_ns(ut) < ut->fair_cpu + KICK_FAIR_NS)
		return false;
	ut->kick_cpu = 0;
	ut->kicked_ns = port_monotonic_ns();
	if (syscall(SYS_tgkill, stub_pid(ut->stub), uthread_tid(ut), STUB_KICK_SIGNAL) && errno == ESRCH)
		stub_kill(ut->stub); /* the thread made itself go away */
	return true;
}
