/*
 * Guest signal frames: Linux's own layout (struct rt_sigframe with the full XSAVE image above it) on the
 * user's stack, built from the register frame that the host left in the task's mailbox, and read back with
 * checks by rt_sigreturn. The image in guest memory is the guest's to forge: on the way back only user
 * components, known sizes and legal MXCSR bits are taken; whatever else is wrong the host's own rt_sigreturn
 * refuses by a SIGSEGV in that process alone.
 */
#include "../entry/backend.h"
#include "../mm/stubs.h"
#include "xstate.h"
#include <abi/errno.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#define FXSAVE_BYTES 512u
#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u
#define FPU_MAX 8192u
#define KEPT_FLAGS (0x00000100u | 0x00000400u | 0x00010000u) /* TF DF RF are cleared for the handler */

struct rt_sigframe {
	u64 restorer;
	struct host_ucontext uc;
	u8 info[128];
};

/* The FPU image of the frame in the mailbox: its address there, and its sizes as the host wrote them, bounded. */
static u8 *mbox_fpu(struct uthread *ut, struct sw_bytes *sw)
{
	u64 base = MBOX_BASE + (u64)ut->slot * MBOX_SIZE, at;
	u64 off;

	if (ut->fpu_init || (backend->fpu_fetch && backend->fpu_fetch(ut)))
		return NULL;
	at = READ_ONCE(uthread_uc(ut)->mc.fpstate);
	off = at - base;
	if (at < base || off < ut->uc_off || off + FXSAVE_BYTES + 64 > MBOX_STACK_END || (off & 63))
		return NULL;
	memcpy(sw, (u8 *)ut->mb + off + XSW_OFF, sizeof(*sw));
	if (sw->magic1 != FP_XSTATE_MAGIC1)
		sw->xstate_size = sw->extended_size = FXSAVE_BYTES;
	if (sw->xstate_size < FXSAVE_BYTES || sw->extended_size < sw->xstate_size || sw->extended_size > FPU_MAX ||
	    off + sw->extended_size > MBOX_STACK_END)
		return NULL;
	return (u8 *)ut->mb + off;
}

static void regs_to_mc(struct host_mcontext *mc, const struct user_regs *r)
{
	memset(mc, 0, sizeof(*mc));
	mc->r8 = r->r8, mc->r9 = r->r9, mc->r10 = r->r10, mc->r11 = r->r11;
	mc->r12 = r->r12, mc->r13 = r->r13, mc->r14 = r->r14, mc->r15 = r->r15;
	mc->rdi = r->rdi, mc->rsi = r->rsi, mc->rbp = r->rbp, mc->rbx = r->rbx;
	mc->rdx = r->rdx, mc->rax = r->rax, mc->rcx = r->rcx, mc->rsp = r->rsp;
	mc->rip = r->rip, mc->eflags = r->eflags;
	mc->cs = 0x33, mc->ss = 0x2b;
}

static void mc_to_regs(struct user_regs *r, const struct host_mcontext *mc)
{
	r->r8 = mc->r8, r->r9 = mc->r9, r->r10 = mc->r10, r->r11 = mc->r11;
	r->r12 = mc->r12, r->r13 = mc->r13, r->r14 = mc->r14, r->r15 = mc->r15;
	r->rdi = mc->rdi, r->rsi = mc->rsi, r->rbp = mc->rbp, r->rbx = mc->rbx;
	r->rdx = mc->rdx, r->rax = mc->rax, r->rcx = mc->rcx, r->rsp = mc->rsp;
	r->rip = mc->rip, r->eflags = (r->eflags & ~0x50dd5ull) | (mc->eflags & 0x50dd5);
	r->orig_rax = (u64)-1;
}

int port_sigframe_push(struct port_task *pt, const struct port_sigframe *f)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	struct user_regs *r = &pt->regs;
	struct rt_sigframe frame;
	unsigned late = f->late ? PORT_COPY_LATE : 0;
	struct sw_bytes sw = { 0 };
	u8 *fpu;
	u64 sp, fp_at = 0;

	if (!ut || uthread_need_full(ut))
		return -EFAULT;
	fpu = mbox_fpu(ut, &sw);
	sp = f->on_altstack ? f->ss_sp + f->ss_size : r->rsp - 128;
	if (fpu) {
		sp = (sp - sw.extended_size) & ~63ull;
		fp_at = sp;
	}
	sp = ((sp - sizeof(frame)) & ~15ull) - 8;
	if (sp >= PORT_TASK_SIZE || (f->on_altstack && sp < f->ss_sp))
		return -EFAULT;
	memset(&frame, 0, sizeof(frame));
	frame.restorer = f->restorer;
	frame.uc.flags = (fpu && sw.magic1 == FP_XSTATE_MAGIC1 ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS |
			 UC_STRICT_RESTORE_SS;
	frame.uc.ss_sp = f->ss_sp;
	frame.uc.ss_flags = (s32)f->ss_flags;
	frame.uc.ss_size = f->ss_size;
	regs_to_mc(&frame.uc.mc, r);
	frame.uc.mc.fpstate = fp_at;
	frame.uc.mc.oldmask = f->oldmask;
	frame.uc.mc.trapno = pt->trap.trapno;
	frame.uc.mc.err = pt->trap.error;
	frame.uc.mc.cr2 = pt->trap.signo == SIGSEGV || pt->trap.signo == SIGBUS ? pt->trap.addr : 0;
	frame.uc.sigmask = f->oldmask;
	memcpy(frame.info, f->info, sizeof(frame.info));
	if (fpu) {
		static u8 copy[FPU_MAX]; /* klock */

		memcpy(copy, fpu, sw.extended_size);
		if (port_copy_out(ut->stub->id, fp_at, copy, sw.extended_size, late) != (ssize_t)sw.extended_size)
			return -EFAULT;
	}
	if (port_copy_out(ut->stub->id, sp, &frame, sizeof(frame), late) != sizeof(frame))
		return -EFAULT;
	r->rdi = (u64)f->signo;
	r->rsi = sp + offsetof(struct rt_sigframe, info);
	r->rdx = sp + offsetof(struct rt_sigframe, uc);
	r->rax = 0;
	r->rip = f->handler;
	r->rsp = sp;
	r->eflags &= ~(u64)KEPT_FLAGS;
	r->orig_rax = (u64)-1;
	return 0;
}

/* Takes a guest's image into the mailbox. fp_at 0: initial state. */
static int load_fpu(struct uthread *ut, u64 fp_at, bool xstate)
{
	struct sw_bytes own = { 0 }, theirs;
	static u8 image[FPU_MAX]; /* klock */
	u8 *fpu = mbox_fpu(ut, &own);
	u32 n = FXSAVE_BYTES, magic2, mxcsr;
	u64 features;

	if (!fp_at) {
		uthread_uc(ut)->mc.fpstate = 0;
		ut->fpu_init = false;
		ut->fpu_dirty = true;
		return 0;
	}
	if (!fpu)
		return 0;
	if (port_copy_in(ut->stub->id, image, fp_at, FXSAVE_BYTES, 0) != FXSAVE_BYTES)
		return -EFAULT;
	memcpy(&theirs, image + XSW_OFF, sizeof(theirs));
	if (xstate && own.magic1 == FP_XSTATE_MAGIC1 && theirs.magic1 == FP_XSTATE_MAGIC1 &&
	    theirs.xstate_size == own.xstate_size && theirs.extended_size == own.extended_size) {
		if (port_copy_in(ut->stub->id, image, fp_at, own.extended_size, 0) != (ssize_t)own.extended_size)
			return -EFAULT;
		memcpy(&magic2, image + own.extended_size - 4, 4);
		if (magic2 == FP_XSTATE_MAGIC2)
			n = own.extended_size;
	}
	memcpy(&mxcsr, image + 24, 4);
	if (mxcsr & ~0xffffu)
		return -EFAULT;
	if (n > FXSAVE_BYTES) {
		memcpy(&features, image + XHDR_OFF, 8);
		features &= own.xfeatures;
		memset(image + XHDR_OFF, 0, 64);
		memcpy(image + XHDR_OFF, &features, 8);
	} else if (own.magic1 == FP_XSTATE_MAGIC1) { /* legacy image: the rest goes to its initial state */
		memset(image + FXSAVE_BYTES, 0, own.extended_size - FXSAVE_BYTES);
		features = 3;
		memcpy(image + XHDR_OFF, &features, 8);
		magic2 = FP_XSTATE_MAGIC2;
		memcpy(image + own.extended_size - 4, &magic2, 4);
		n = own.extended_size;
	}
	memcpy(image + XSW_OFF, &own, sizeof(own));
	memcpy(fpu, image, n);
	ut->fpu_dirty = true;
	return 0;
}

int port_sigframe_pop(struct port_task *pt, u64 *mask, uaddr_t *ss_sp, u64 *ss_size, u32 *ss_flags)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	struct rt_sigframe frame;

	if (!ut || uthread_need_full(ut) || port_copy_in(ut->stub->id, &frame, pt->regs.rsp - 8, sizeof(frame), 0) != sizeof(frame))
		return -EFAULT;
	if (load_fpu(ut, frame.uc.mc.fpstate, frame.uc.flags & UC_FP_XSTATE))
		return -EFAULT;
	mc_to_regs(&pt->regs, &frame.uc.mc);
	*mask = frame.uc.sigmask;
	*ss_sp = frame.uc.ss_sp;
	*ss_size = frame.uc.ss_size;
	*ss_flags = (u32)frame.uc.ss_flags;
	return 0;
}

ssize_t port_fpu_get(struct port_task *pt, void *buf, size_t max)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	struct sw_bytes sw = { 0 };
	u8 *fpu = ut && !uthread_need_full(ut) ? mbox_fpu(ut, &sw) : NULL;
	size_t n;

	if (!fpu)
		return -EINVAL;
	n = min_t(size_t, sw.xstate_size, max);
	memcpy(buf, fpu, n);
	if (n >= XHDR_OFF) { /* where a signal frame has its words, a debugger looks for XCR0 */
		memset((u8 *)buf + XSW_OFF, 0, XHDR_OFF - XSW_OFF);
		memcpy((u8 *)buf + XSW_OFF, &sw.xfeatures, sizeof(sw.xfeatures));
	}
	return (ssize_t)n;
}

int port_fpu_set(struct port_task *pt, const void *buf, size_t n)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	struct sw_bytes sw = { 0 };
	u8 *fpu = ut && !uthread_need_full(ut) ? mbox_fpu(ut, &sw) : NULL;
	u32 mxcsr;
	u64 features;

	if (!fpu || n < FXSAVE_BYTES || n > sw.xstate_size)
		return -EINVAL;
	memcpy(&mxcsr, (const u8 *)buf + 24, 4);
	if (mxcsr & ~0xffffu)
		return -EINVAL;
	memcpy(fpu, buf, XSW_OFF);
	if (n > FXSAVE_BYTES) {
		memcpy(fpu + FXSAVE_BYTES, (const u8 *)buf + FXSAVE_BYTES, n - FXSAVE_BYTES);
		memcpy(&features, fpu + XHDR_OFF, 8);
		features &= sw.xfeatures;
		memset(fpu + XHDR_OFF, 0, 64);
		memcpy(fpu + XHDR_OFF, &features, 8);
	}
	ut->fpu_dirty = true;
	return 0;
}
