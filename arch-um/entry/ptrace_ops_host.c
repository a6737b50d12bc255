/*
 * intercept=ptrace: host calls of stubs. The tracer gives a stopped thread the registers of one call, points it at the
 * `syscall; int3` in the stub's text and lets it go by PTRACE_CONT: the call is the only instruction that runs outside
 * SYSEMU, and its arguments were in registers that nobody else has. What a call has to have in memory lies in a scratch area
 * of the stub's, which its guest can write: that is only messages that bring it its own fds, and what comes back from there
 * (fd numbers, a fault's error code) is its own loss if it lies. Ops and results are in the mailbox, which no stub maps.
 */
#include "ptrace_int.h"
#include "../signal/xstate.h"
#include <abi/errno.h>
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define XSTATE_MAX 16384
#define XDYNAMIC 0x60000ull           /* AMX: no thread of ours has asked for it */
#define FPU_UC_OFF MBOX_STACK_OFF
#define FPU_OFF (MBOX_STACK_OFF + 0x200)
#define SCRATCH_TOP (MBOX_BASE + SCRATCH_BYTES - 256)
#define OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)

extern const u64 stub_traced_addr;
static s32 cloned; /* thread that the last call has made */

/* ---- one call ---- */

/* From these registers on, by `how`, until it stands at `end`. 0 (regs: as it stands), -EFAULT: a fault, -EIO. */
static int run_to(struct uthread *ut, struct user_regs *regs, long how, int sig, u64 end)
{
	s32 tid = uthread_tid(ut);
	unsigned long msg;

	if (ptrace(PTRACE_SETREGS, tid, 0, regs))
		return -EIO;
	for (;;) {
		if (ptrace(how, tid, 0, sig) || traced_wait(ut, U64_MAX, true, false) != WAIT_ENTRY)
			return -EIO;
		sig = 0; /* of what comes on the way (a kick that is late) nothing is let through */
		if (ut->stop == SIGTRAP) {
			if (ptrace(PTRACE_GETREGS, tid, 0, regs))
				return -EIO;
			return regs->rip == end ? 0 : -EIO;
		}
		if (ut->stop == SIGSEGV || ut->stop == SIGBUS)
			return -EFAULT;
		if (STOP_EVENT(ut->stop) == PTRACE_EVENT_CLONE && !ptrace(PTRACE_GETEVENTMSG, tid, 0, &msg))
			cloned = (s32)msg;
	}
}

static struct user_regs regs_at(u32 off)
{
	return (struct user_regs){ .rip = stub_traced_addr + off, .cs = 0x33, .ss = 0x2b, .eflags = 0x202,
				   .rsp = SCRATCH_TOP, .orig_rax = (u64)-1 };
}

int traced_call(struct uthread *ut, u64 nr, const u64 a[6], s64 *res)
{
	struct user_regs r = regs_at(0);
	int err;

	r.rax = nr;
	r.rdi = a[0], r.rsi = a[1], r.rdx = a[2], r.r10 = a[3], r.r8 = a[4], r.r9 = a[5];
	cloned = 0;
	err = run_to(ut, &r, PTRACE_CONT, 0, stub_traced_addr + TRACED_CALL_END);
	*res = (s64)r.rax;
	return err ? -EIO : 0;
}

#define CALL(ut, nr, res, ...) traced_call(ut, nr, (const u64[6]){ __VA_ARGS__ }, res)

static int scratch(struct stub *s, u32 off, void *buf, size_t n, bool write_it)
{
	return stub_transfer(s, buf, MBOX_BASE + (u64)off, n, write_it) == (ssize_t)n ? 0 : -EIO;
}

/*
 * The host's own signal frame is the only place where it tells a fault's error code. So the signal is let through to a handler
 * that is a breakpoint, with the stack in the scratch area; vector state, which a handler starts without, is put back.
 */
bool traced_fault(struct uthread *ut, u64 *trapno, u64 *error)
{
	struct { u64 restorer; struct host_ucontext uc; } frame;
	struct user_regs r = regs_at(0);
	static u8 image[XSTATE_MAX]; /* the tracer's thread */
	struct iovec x = { image, sizeof(image) };
	s32 tid = uthread_tid(ut);
	int sig = STOP_SIGNAL(ut->stop);

	if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &x) ||
	    run_to(ut, &r, PTRACE_SYSEMU, sig, stub_traced_addr + TRACED_HANDLER_END) ||
	    ptrace(PTRACE_SETREGSET, tid, NT_X86_XSTATE, &x)) {
		stub_kill(ut->stub);
		return false;
	}
	if (r.rsp < MBOX_BASE || r.rsp > SCRATCH_TOP || scratch(ut->stub, (u32)(r.rsp - MBOX_BASE), &frame, sizeof(frame), false))
		return false;
	*trapno = frame.uc.mc.trapno;
	*error = frame.uc.mc.err;
	return true;
}

/* ---- fds ---- */
struct fd_message {
	struct { u64 name, namelen, iov, iovlen, control, controllen, flags; } msg;
	struct { u64 base, len; } iov;
	u64 byte;
	struct { u64 len; s32 level, type, fd[STUB_MAX_FDS]; } c;
};

/* One message with `want` fds into mb->fds. */
static int recv_fds(struct uthread *ut, u32 want, s64 *res)
{
	struct mailbox *mb = ut->mb;
	struct fd_message m = { 0 };
	u32 n;

	m.msg.iov = MBOX_BASE + offsetof(struct fd_message, iov);
	m.msg.iovlen = 1;
	m.msg.control = MBOX_BASE + offsetof(struct fd_message, c);
	m.msg.controllen = sizeof(m.c);
	m.iov.base = MBOX_BASE + offsetof(struct fd_message, byte);
	m.iov.len = sizeof(m.byte);
	mb->nfds = 0;
	if (scratch(ut->stub, 0, &m, sizeof(m), true) ||
	    CALL(ut, SYS_recvmsg, res, STUB_FD_SOCK, MBOX_BASE, MSG_CMSG_CLOEXEC | MSG_DONTWAIT))
		return -EIO;
	if (host_failed(*res))
		return 0;
	if (scratch(ut->stub, 0, &m, sizeof(m), false))
		return -EIO;
	n = m.msg.controllen < 16 || m.c.len < 16 ? 0 : (u32)min_t(u64, (m.c.len - 16) / 4, STUB_MAX_FDS);
	memcpy(mb->fds, m.c.fd, n * sizeof(mb->fds[0]));
	mb->nfds = n;
	*res = n == want ? 0 : -EMFILE; /* the host could not install all */
	return 0;
}

static int close_fds(struct uthread *ut)
{
	struct mailbox *mb = ut->mb;
	int r = 0;
	s64 res;

	for (; mb->nfds && !r; mb->nfds--)
		r = CALL(ut, SYS_close, &res, (u32)mb->fds[mb->nfds - 1]);
	return r;
}

/* ---- new threads ---- */
static void serves(struct uthread *ut, s32 tid)
{
	ut->fresh = ut->fpu_init = ut->fast = false;
	ut->uc_off = FPU_UC_OFF;
	ut->bulk_used = MBOX_BULK; /* no late copies: nobody would make them */
	ut->started = true;
	__atomic_store_n(&ut->tid, tid, __ATOMIC_RELEASE);
	__atomic_store_n(&ut->attached, 1, __ATOMIC_RELEASE);
}

/* The child of an ordered clone, whose id the host has told: to its first stop. */
static int attach(struct uthread *child, s32 tid, bool process)
{
	struct stub *s = child->stub;
	int fd;

	if (process) {
		fd = (int)syscall(SYS_pidfd_open, tid, 0);
		if (fd < 0)
			return -errno;
		stub_attached(s, tid, fd);
	}
	order_cancel(child);
	serves(child, tid);
	return traced_wait(child, U64_MAX, true, true) == WAIT_ENTRY ? 0 : -EIO;
}

static int clone_thread(struct uthread *ut, struct uthread *child, s64 *res)
{
	if (CALL(ut, SYS_clone, res, STUB_THREAD_FLAGS))
		return -EIO;
	if (host_failed(*res))
		return 0;
	return cloned ? attach(child, cloned, false) : -EIO;
}

/* The child's socket goes to it by way of its parent, which has it for a moment in which it runs no code of its guest's. */
static int clone_process(struct uthread *ut, struct uthread *child, s64 *res)
{
	struct stub *s = child->stub;
	s64 fd, ignored;
	s32 tid;
	int r;

	r = stub_send_fds(ut->stub, &s->stub_sock, 1);
	if (r) {
		*res = r;
		return 0;
	}
	if (recv_fds(ut, 1, res))
		return -EIO;
	if (host_failed(*res))
		return close_fds(ut);
	fd = ut->mb->fds[0];
	if (CALL(ut, SYS_clone, res, STUB_FORK_FLAGS))
		return -EIO;
	tid = cloned;
	if (close_fds(ut))
		return -EIO;
	if (host_failed(*res))
		return 0;
	if (!tid)
		return -EIO;
	r = attach(child, tid, true);
	if (!r && (CALL(child, SYS_dup3, &ignored, (u64)fd, STUB_FD_SOCK, O_CLOEXEC) || ignored != STUB_FD_SOCK ||
		   CALL(child, SYS_close, &ignored, (u64)fd)))
		r = -EIO;
	close(s->stub_sock);
	s->stub_sock = -1;
	if (r)
		*res = -EAGAIN; /* port_fork() does away with the child */
	return 0;
}

static int run_clone(struct uthread *ut, const struct stub_op *op, s64 *res)
{
	struct uthread *child = order_find(op->a[0]);

	*res = -EINVAL;
	if (!child)
		return 0;
	if (traced_fpu_flush(ut))
		return -EIO;
	return op->kind == STUB_OP_FORK ? clone_process(ut, child, res) : clone_thread(ut, child, res);
}

/* ---- ops ---- */
static int cmpxchg(struct uthread *ut, const struct stub_op *op, s64 *res)
{
	struct user_regs r = regs_at(TRACED_CMPXCHG);
	int err;

	r.rdi = op->a[0];
	r.rax = (u32)op->a[1];
	r.rdx = (u32)op->a[2];
	err = run_to(ut, &r, PTRACE_SYSEMU, 0, stub_traced_addr + TRACED_CMPXCHG_END);
	*res = err ? -EFAULT : (s64)(u32)r.rax;
	return err == -EFAULT ? 0 : err;
}

static int run_op(struct uthread *ut, struct stub_op *op)
{
	switch (op->kind) {
	case STUB_OP_SYSCALL:
		if (op->flags & STUB_OPF_FD)
			op->a[4] = (u64)(s64)ut->mb->fds[op->a[4] % STUB_MAX_FDS];
		return traced_call(ut, op->nr, op->a, &op->res);
	case STUB_OP_RECVFDS:
		return recv_fds(ut, (u32)op->a[0], &op->res);
	case STUB_OP_CLOSEFDS:
		op->res = 0;
		return close_fds(ut);
	case STUB_OP_FORK:
	case STUB_OP_THREAD:
		return run_clone(ut, op, &op->res);
	case STUB_OP_CMPXCHG:
		return cmpxchg(ut, op, &op->res);
	default:
		op->res = -EINVAL;
		return 0;
	}
}

int traced_run_ops(struct uthread *ut, bool clone)
{
	struct mailbox *mb = ut->mb;

	(void)clone;
	for (u32 i = 0; i < mb->nr_ops && i < STUB_MAX_OPS; i++) {
		struct stub_op *op = &mb->ops[i];

		if (run_op(ut, op))
			return -EIO;
		if (host_failed(op->res) && !(op->flags & STUB_OPF_GOON))
			return close_fds(ut); /* what came by fd is closed whatever happened */
	}
	return 0;
}

/* ---- vector state: in the mailbox as the host's signal frames have it (signal/sigframe_host.c) ---- */
static u32 xstate_size(u64 features)
{
	u32 size = XHDR_OFF + 64, a, b, c, d;

	for (u32 i = 2; i < 63; i++)
		if ((features >> i & 1) && __get_cpuid_count(0xd, i, &a, &b, &c, &d) && b + a > size)
			size = b + a;
	return size;
}

static u8 xstate[XSTATE_MAX]; /* the tracer's thread */

static int xstate_get(struct uthread *ut, struct iovec *v)
{
	*v = (struct iovec){ xstate, sizeof(xstate) };
	return ptrace(PTRACE_GETREGSET, uthread_tid(ut), NT_X86_XSTATE, v) || v->iov_len < XHDR_OFF + 64 ? -EIO : 0;
}

int traced_fpu_fetch(struct uthread *ut)
{
	u8 *to = (u8 *)ut->mb + FPU_OFF;
	struct sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1 };
	u32 magic2 = FP_XSTATE_MAGIC2;
	struct iovec v;
	u64 have;

	if (ut->fpu_here)
		return 0;
	if (xstate_get(ut, &v))
		return -EIO;
	memcpy(&sw.xfeatures, xstate + XSW_OFF, 8);
	sw.xfeatures &= ~XDYNAMIC;
	sw.xstate_size = min_t(u32, xstate_size(sw.xfeatures), (u32)v.iov_len);
	sw.extended_size = sw.xstate_size + 4;
	memcpy(&have, xstate + XHDR_OFF, 8);
	have &= sw.xfeatures;
	memcpy(xstate + XHDR_OFF, &have, 8);
	memcpy(to, xstate, sw.xstate_size);
	memcpy(to + XSW_OFF, &sw, sizeof(sw));
	memcpy(to + sw.xstate_size, &magic2, 4);
	memset(uthread_uc(ut), 0, sizeof(struct host_ucontext));
	uthread_uc(ut)->mc.fpstate = MBOX_BASE + (u64)ut->slot * MBOX_SIZE + FPU_OFF;
	ut->fpu_here = true;
	ut->fpu_dirty = false;
	return 0;
}

int traced_fpu_flush(struct uthread *ut)
{
	const u8 *from = (const u8 *)ut->mb + FPU_OFF;
	struct sw_bytes sw;
	struct iovec v;

	if (!ut->fpu_here || !ut->fpu_dirty)
		return 0;
	if (xstate_get(ut, &v))
		return -EIO;
	if (uthread_uc(ut)->mc.fpstate) {
		memcpy(&sw, from + XSW_OFF, sizeof(sw));
		memcpy(xstate, from, XSW_OFF);
		memcpy(xstate + XHDR_OFF, from + XHDR_OFF, min_t(size_t, sw.xstate_size, v.iov_len) - XHDR_OFF);
	} else { /* a frame without an image: the initial state */
		u32 fcw = 0x37f, mxcsr = 0x1f80;

		memset(xstate, 0, XSW_OFF);
		memset(xstate + XHDR_OFF, 0, v.iov_len - XHDR_OFF);
		memcpy(xstate, &fcw, 4);
		memcpy(xstate + 24, &mxcsr, 4);
	}
	ut->fpu_dirty = false;
	return ptrace(PTRACE_SETREGSET, uthread_tid(ut), NT_X86_XSTATE, &v) ? -EIO : 0;
}

void traced_inherit(struct uthread *child, struct uthread *parent)
{
	struct iovec v;

	if (!uthread_tid(child)) /* its clone does it */
		return;
	if (traced_fpu_flush(parent) || xstate_get(parent, &v) ||
	    ptrace(PTRACE_SETREGSET, uthread_tid(child), NT_X86_XSTATE, &v))
		stub_kill(child->stub);
	child->fpu_here = child->fpu_dirty = false;
}

/* ---- the template ---- */
static int install_filter(struct uthread *ut)
{
	u32 at = offsetof(struct mailbox, bulk);
	s64 res;

	if (!*(const u16 *)ut->mb->bulk)
		return 0;
	/* as template_start() wrote it: struct sock_fprog with addresses of the mailbox's place, then the program */
	if (scratch(ut->stub, at, ut->mb->bulk, SCRATCH_BYTES - 0x1000 - at, true))
		return -EIO;
	return CALL(ut, SYS_seccomp, &res, 1, 4 /* SPEC_ALLOW */, MBOX_BASE + at); /* where it may not: one line less */
}

int traced_start(const char **what)
{
	struct uthread *ut = template_ut;
	struct { u64 handler, flags, restorer, mask; } act = {
		.handler = stub_traced_addr + TRACED_HANDLER,
		.flags = SA_SIGINFO | SA_NODEFER | 0x04000000 /* SA_RESTORER */,
	};
	const struct { u64 nr, a[6]; } calls[] = {
		{ SYS_close_range, { 0, 0, 0 } },
		{ SYS_close_range, { STUB_FD_SOCK + 1, ~0u, 0 } },
		{ SYS_mmap, { MBOX_BASE, SCRATCH_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, (u64)-1, 0 } },
	};
	s64 res;

	*what = "trace the template stub (ptrace)";
	if (traced_wait(ut, port_monotonic_ns() + 5000000000ULL, true, true) != WAIT_ENTRY)
		return -EIO;
	if (ptrace(PTRACE_SETOPTIONS, uthread_tid(ut), 0, OPTIONS))
		return -errno;
	serves(ut, uthread_tid(ut));
	*what = "prepare the traced template stub";
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (traced_call(ut, calls[i].nr, calls[i].a, &res))
			return -EIO;
		if (host_failed(res))
			return (int)res;
	}
	for (int i = 0; i < 2; i++) {
		if (scratch(ut->stub, 0, &act, sizeof(act), true) ||
		    CALL(ut, SYS_rt_sigaction, &res, i ? SIGBUS : SIGSEGV, MBOX_BASE, 0, 8))
			return -EIO;
		if (host_failed(res))
			return (int)res;
	}
	return install_filter(ut);
}
