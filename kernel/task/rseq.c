/*
 * rseq(2) and robust list registration.
 *
 * The scheduler calls rseq_on_return only when the task was switched out of user code or moved to another
 * cpu; a signal frame does the same for its own reason. A thread that another one interleaved with on this
 * cpu was switched out in the kernel, so nothing else needs a look. The cpu number is written when it changed.
 */
#include "task_priv.h"


static void die(struct task *t)
{
	signal_force(SIGSEGV, SEND_SIG_KERNEL, t);
}

/* In a critical section: on to its abort address. 0 or -EFAULT, -EINVAL (the program gets SIGSEGV). */
static int leave_critical_section(struct task *t)
{
	struct abi_rseq_cs cs;
	u64 ptr, ip = t->port.regs.rip;
	u32 sig;
	uaddr_t field = t->rseq + offsetof(struct abi_rseq, rseq_cs);
	if (get_user(ptr, field))
		return -EFAULT;
	if (!ptr)
		return 0;
	if (ptr >= PORT_TASK_SIZE || get_user(cs, ptr))
		return -EFAULT;
	if (cs.start_ip >= PORT_TASK_SIZE || cs.abort_ip >= PORT_TASK_SIZE ||
	    cs.post_commit_offset > PORT_TASK_SIZE - cs.start_ip || cs.version)
		return -EINVAL;
	if (ip - cs.start_ip >= cs.post_commit_offset) /* outside: forget it */
		return put_user((u64)0, field);
	if (cs.abort_ip - cs.start_ip < cs.post_commit_offset)
		return -EINVAL;
	if (get_user(sig, cs.abort_ip - 4))
		return -EFAULT;
	if (sig != t->rseq_sig)
		return -EINVAL;
	if (put_user((u64)0, field))
		return -EFAULT;
	t->port.regs.rip = cs.abort_ip;
	return 0;
}

void rseq_signal_deliver(struct task *t)
{
	if (t->rseq && leave_critical_section(t))
		die(t);
}

static int write_cpu(struct task *t, u32 start, u32 id)
{
	struct { u32 start, id; } cpu = { start, id };
	struct { u32 node, mm_cid; } more = { 0, start };
	bool late = t->copy_late;
	int r;
	t->copy_late = true; /* nobody but the thread itself looks */
	r = copy_to_user(t->rseq, &cpu, sizeof(cpu));
	if (!r)
		r = copy_to_user(t->rseq + offsetof(struct abi_rseq, node_id), &more, sizeof(more));
	t->copy_late = late;
	return r;
}

void rseq_on_return(struct task *t)
{
	if (!t->rseq || t->exiting)
		return;
	/* no system call is made inside a critical section */
	if (!t->se.last_entry_syscall && leave_critical_section(t)) {
		die(t);
		return;
	}
	if (t->rseq_cpu == t->se.cpu)
		return;
	t->rseq_cpu = t->se.cpu;
	if (write_cpu(t, (u32)t->se.cpu, (u32)t->se.cpu))
		die(t);
}

long sys_rseq(uaddr_t rseq, u32 len, int flags, u32 sig)
{
	struct task *t = current;
	if (flags & RSEQ_FLAG_UNREGISTER) {
		if (flags & ~RSEQ_FLAG_UNREGISTER)
			return -EINVAL;
		if (!t->rseq || t->rseq != rseq || t->rseq_len != len)
			return -EINVAL;
		if (t->rseq_sig != sig)
			return -EPERM;
		if (write_cpu(t, 0, RSEQ_CPU_ID_UNINITIALIZED))
			return -EFAULT;
		t->rseq = 0;
		return 0;
	}
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != rseq || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (len < RSEQ_MIN_BYTES || (rseq & (RSEQ_MIN_BYTES - 1)))
		return -EINVAL;
	if (rseq >= PORT_TASK_SIZE || len > PORT_TASK_SIZE - rseq)
		return -EFAULT;
	t->rseq = rseq;
	t->rseq_len = len;
	t->rseq_sig = sig;
	t->rseq_cpu = t->se.cpu;
	if (write_cpu(t, (u32)t->se.cpu, (u32)t->se.cpu) ||
	    put_user((u64)0, rseq + offsetof(struct abi_rseq, rseq_cs))) {
		t->rseq = 0;
		return -EFAULT;
	}
	return 0;
}
