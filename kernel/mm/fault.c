/*
 * Faults and traps of user code.
 *
 * The host has mapped everything that the tree allows, so a memory fault is the guest's own error, a stack
 * that grows, or spurious: another thread's mprotect finished between the fault and our look (mm->lock is taken,
 * so the host and the tree agree by then). A spurious fault is retried, with a bound, because a host mapping
 * may for its own reasons deny what the tree grants for ever.
 */
#include <umber/signal.h>
#include <umber/time.h>

#include "mm_internal.h"

#define X86_TRAP_DF 8
#define X86_TRAP_SS 12
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14
#define X86_TRAP_AC 17
#define PF_WRITE 2u
#define PF_FETCH 16u
#define SPURIOUS_MAX 50
#define SPURIOUS_WINDOW_NS (200 * NSEC_PER_MSEC)

static void force_fault(int sig, int code, u64 addr)
{
	struct siginfo si;

	memset(&si, 0, sizeof(si));
	si.si_signo = sig;
	si.si_code = code;
	si.u.fault.addr = addr;
	signal_force(sig, &si, current);
}

static bool access_allowed(const struct vma *v, u32 error)
{
	if (error & PF_FETCH)
		return v->flags & VM_EXEC;
	if (error & PF_WRITE)
		return v->flags & VM_WRITE;
	return v->flags & VM_ACCESS; /* x86: writable or executable is readable */
}

/* Extends a MAP_GROWSDOWN mapping v down to addr's page. 0 or negative errno. mm->lock held. */
static int grow_stack(struct mm *mm, struct vma *v, uaddr_t addr)
{
	uaddr_t to = addr & PAGE_MASK;
	u64 more = v->start - to, limit = rlimit(RLIMIT_STACK);
	struct vma *p = vma_prev(v);
	struct port_mmop op;
	int ret;

	if (to < (uaddr_t)vm_sysctl.mmap_min_addr || (limit != RLIM_INFINITY && v->end - to > limit))
		return -ENOMEM;
	if (p && (p->flags & VM_ACCESS) && to - p->end < STACK_GUARD_BYTES && !(p->flags & VM_GROWSDOWN))
		return -ENOMEM;
	ret = mm_may_expand(mm, v->flags, more >> PAGE_SHIFT, 0);
	if (!ret && (v->flags & VM_LOCKED))
		ret = mm_check_memlock(mm, more >> PAGE_SHIFT);
	if (!ret && mm_accountable(v->flags))
		ret = mm_check_commit(more >> PAGE_SHIFT);
	if (ret)
		return ret;
	mm_fill_map(&op, to, more, v->flags, HFD_NONE, 0);
	ret = mm_host_ops(mm, &op, 1, NULL);
	if (!ret)
		vma_set_range(mm, v, to, v->end);
	return ret;
}

/* Counts a fault that the tree cannot explain. True: retry once more. */
static bool retry_spurious(u64 addr)
{
	struct task *t = current;
	u64 now = ktime_mono_ns();

	if (t->spurious_addr != addr || now - t->spurious_ns > SPURIOUS_WINDOW_NS) {
		t->spurious_addr = addr;
		t->spurious_ns = now;
		t->spurious_count = 0;
	}
	return ++t->spurious_count <= SPURIOUS_MAX;
}

static void page_fault(struct mm *mm, uaddr_t addr, u32 error)
{
	int code = 0, sig = SIGSEGV;
	struct vma *v;

	mutex_lock(&mm->lock);
	v = addr < PORT_TASK_SIZE ? mm_find_vma(mm, addr) : NULL;
	if (!v)
		code = SEGV_MAPERR;
	else if (v->start > addr && (!(v->flags & VM_GROWSDOWN) || grow_stack(mm, v, addr)))
		code = SEGV_MAPERR;
	else if (!access_allowed(v, error))
		code = SEGV_ACCERR;
	mutex_unlock(&mm->lock);
	if (!code) {
		if (retry_spurious(addr))
			return;
		pr_warn_ratelimited("%s[%d]: host denies access to %lx (error %u)", current->comm,
				    current->tid, addr, error);
		sig = SIGBUS;
		code = BUS_ADRERR;
	}
	force_fault(sig, code, addr);
}

/*
 * A trap of current's user side, as the host saw it. Fixes it (then user code just goes on) or sends the
 * signal. Task context, klock; may sleep (mm->lock, host op).
 */
void mm_handle_trap(struct port_trap *trap)
{
	struct mm *mm = current->mm;

	oom_poke();
	switch (trap->signo) {
	case SIGSEGV:
		/* No page fault: non-canonical address, privileged instruction. There is no address then. */
		if (trap->trapno != X86_TRAP_PF && (trap->trapno == X86_TRAP_GP ||
		    trap->trapno == X86_TRAP_SS || trap->code == SI_KERNEL)) {
			force_fault(SIGSEGV, SI_KERNEL, 0);
			break;
		}
		current->minflt++;
		page_fault(mm, trap->addr, trap->error);
		break;
	case SIGBUS: /* beyond the end of a file, or unaligned with AC set */
		force_fault(SIGBUS, trap->trapno == X86_TRAP_AC ? BUS_ADRALN : BUS_ADRERR, trap->addr);
		break;
	case SIGTRAP:
	case SIGFPE:
	case SIGILL:
		force_fault(trap->signo, trap->code, trap->code == SI_KERNEL ? 0 : trap->addr);
		break;
	default: /* the port reports nothing else; whatever it is, it must not be retried for ever */
		force_fault(SIGSEGV, SI_KERNEL, 0);
		break;
	}
}
