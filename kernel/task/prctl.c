/* prctl(2), arch_prctl(2), personality(2). */
#include "task_priv.h"
#include <abi/mman.h>
#include <umber/vfs.h>

static long set_name(uaddr_t name)
{
	char comm[TASK_COMM_LEN];
	ssize_t n = strncpy_from_user(comm, name, sizeof(comm));
	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	comm[sizeof(comm) - 1] = 0;
	memset(current->comm, 0, sizeof(comm));
	strlcpy(current->comm, comm, sizeof(current->comm));
	return 0;
}

static long get_name(uaddr_t name)
{
	char comm[TASK_COMM_LEN] = { 0 };
	strlcpy(comm, current->comm, sizeof(comm));
	return copy_to_user(name, comm, sizeof(comm));
}

static long change_secbits(u64 bits)
{
	const struct cred *o = current->cred;
	u32 locked = (o->securebits & SECURE_ALL_LOCKS) >> 1;
	if ((locked & (o->securebits ^ bits)) || ((o->securebits & SECURE_ALL_LOCKS) & ~bits) ||
	    (bits & ~(u64)(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) || !capable(CAP_SETPCAP))
		return -EPERM;
	struct cred *n = cred_copy(o);
	if (!n)
		return -ENOMEM;
	n->securebits = (u32)bits;
	cred_install(n);
	return 0;
}

static long set_keepcaps(u64 on)
{
	const struct cred *o = current->cred;
	if (on > 1)
		return -EINVAL;
	if (o->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	struct cred *n = cred_copy(o);
	if (!n)
		return -ENOMEM;
	n->securebits = on ? n->securebits | SECBIT_KEEP_CAPS : n->securebits & ~SECBIT_KEEP_CAPS;
	cred_install(n);
	return 0;
}

static long bset_drop(u64 cap)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap >= CAP_LAST)
		return -EINVAL;
	struct cred *n = cred_copy(current->cred);
	if (!n)
		return -ENOMEM;
	n->cap_bset &= ~(1ULL << cap);
	cred_install(n);
	return 0;
}

static long ambient(u64 op, u64 cap, u64 a4, u64 a5)
{
	const struct cred *o = current->cred;
	if (a4 || a5)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap)
			return -EINVAL;
	} else if (cap >= CAP_LAST) {
		return -EINVAL;
	}
	if (op == PR_CAP_AMBIENT_IS_SET)
		return o->cap_ambient >> cap & 1;
	if (op != PR_CAP_AMBIENT_RAISE && op != PR_CAP_AMBIENT_LOWER && op != PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_RAISE && (!(o->cap_permitted & o->cap_inheritable & (1ULL << cap)) ||
					   (o->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	struct cred *n = cred_copy(o);
	if (!n)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		n->cap_ambient = 0;
	else if (op == PR_CAP_AMBIENT_RAISE)
		n->cap_ambient |= 1ULL << cap;
	else
		n->cap_ambient &= ~(1ULL << cap);
	cred_install(n);
	return 0;
}

/* The plain words of struct mm that PR_SET_MM may change; the rest is refused. */
static long set_mm(u64 what, u64 addr, u64 a4, u64 a5)
{
	struct mm *mm = current->mm;
	if (a5 || (a4 && what != PR_SET_MM_AUXV && what != PR_SET_MM_MAP && what != PR_SET_MM_MAP_SIZE))
		return -EINVAL;
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (what >= PR_SET_MM_AUXV || addr >= PORT_TASK_SIZE || addr < 65536)
		return -EINVAL;
	uaddr_t *const field[] = {
		NULL, &mm->start_code, &mm->end_code, &mm->start_data, &mm->end_data, &mm->start_stack, NULL,
		NULL, &mm->arg_start, &mm->arg_end, &mm->env_start, &mm->env_end,
	};
	if (what >= ARRAY_SIZE(field) || !field[what])
		return -EINVAL;
	struct vma *v = mm_find_vma(mm, addr);
	if (!v || v->start > addr)
		return -EINVAL;
	*field[what] = addr;
	return 0;
}

/* PR_SET_VMA_ANON_NAME: names whole VMAs that lie in the range; part of a VMA is not split for a name. */
static long set_vma_name(u64 what, u64 addr, u64 len, uaddr_t uname)
{
	char name[81] = { 0 };
	if (what != PR_SET_VMA_ANON_NAME)
		return -EINVAL;
	if (uname) {
		ssize_t n = strncpy_from_user(name, uname, 80);
		if (n < 0)
			return n == -ENAMETOOLONG ? -EINVAL : n;
		for (ssize_t i = 0; i < n; i++)
			if (name[i] < 32 || name[i] > 126 || strchr("[]\\$`", name[i]))
				return -EINVAL;
	}
	if (PAGE_OFFSET(addr))
		return -EINVAL;
	u64 end = addr + PAGE_ALIGN(len);
	if (end < addr || (len && !PAGE_ALIGN(len)))
		return -EINVAL;
	if (end == addr)
		return 0;
	struct mm *mm = current->mm;
	int err = mutex_lock_killable(&mm->lock);
	if (err)
		return err;
	struct vma *v = mm_find_vma(mm, addr);
	long ret = v && v->start < end ? 0 : -ENOMEM;
	for (; v && v->start < end; v = vma_next(v)) {
		if (v->file) {
			ret = -EBADF;
			break;
		}
		if (v->start >= addr && v->end <= end)
			strlcpy(v->name, name, sizeof(v->name));
	}
	mutex_unlock(&mm->lock);
	return ret;
}

static void mark_descendants(struct tgroup *tg)
{
	/* Depth-first without a stack of our own: the tree is walked by its parent pointers. */
	struct tgroup *at = tg;
	for (;;) {
		if (!list_empty(&at->children)) {
			at = list_first_entry(&at->children, struct tgroup, sibling);
			at->has_child_subreaper = true;
			continue;
		}
		while (at != tg && at->sibling.next == &at->parent->tg->children)
			at = at->parent->tg;
		if (at == tg)
			return;
		at = list_next_entry(at, sibling);
		at->has_child_subreaper = true;
	}
}

static long set_subreaper(u64 on)
{
	current->tg->is_subreaper = !!on;
	if (on)
		mark_descendants(current->tg);
	return 0;
}

static long set_timerslack(u64 ns)
{
	current->timerslack_ns = ns && ns <= S64_MAX ? ns : 50000;
	return 0;
}

static long prctl_caps(int option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	switch (option) {
	case PR_GET_KEEPCAPS:
		return !!(current->cred->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(a2);
	case PR_CAPBSET_READ:
		return a2 < CAP_LAST ? (long)(current->cred->cap_bset >> a2 & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return bset_drop(a2);
	case PR_GET_SECUREBITS:
		return current->cred->securebits;
	case PR_SET_SECUREBITS:
		return change_secbits(a2);
	case PR_CAP_AMBIENT:
		return ambient(a2, a3, a4, a5);
	}
	return -EINVAL;
}

static long set_dumpable(u64 v)
{
	if (v > 1)
		return -EINVAL;
	current->mm->dumpable = current->tg->dumpable_ = v;
	return 0;
}

static long set_nnp(u64 a2, u64 a3, u64 a4, u64 a5)
{
	if (a2 != 1 || a3 || a4 || a5)
		return -EINVAL;
	current->no_new_privs = true;
	return 0;
}

long sys_prctl(int option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct task *t = current;
	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > 64)
			return -EINVAL;
		t->pdeath_signal = (int)a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user((s32)t->pdeath_signal, a2);
	case PR_GET_DUMPABLE:
		return t->mm->dumpable;
	case PR_SET_DUMPABLE:
		return set_dumpable(a2);
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return a2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_SET_NAME:
		return set_name(a2);
	case PR_GET_NAME:
		return get_name(a2);
	case PR_GET_TSC:
		return put_user((s32)PR_TSC_ENABLE, a2);
	case PR_SET_TSC:
		return a2 == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK:
		return set_timerslack(a2);
	case PR_GET_TIMERSLACK:
		return (long)t->timerslack_ns;
	case PR_SET_MM:
		return set_mm(a2, a3, a4, a5);
	case PR_SET_CHILD_SUBREAPER:
		return set_subreaper(a2);
	case PR_GET_CHILD_SUBREAPER:
		return put_user((s32)t->tg->is_subreaper, a2);
	case PR_SET_NO_NEW_PRIVS:
		return set_nnp(a2, a3, a4, a5);
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : t->no_new_privs;
	case PR_GET_TID_ADDRESS:
		return put_user(t->clear_child_tid, a2);
	case PR_SET_THP_DISABLE: /* a hint about pages that the host manages */
		return a3 || a4 || a5 ? -EINVAL : (t->tg->thp_disable = !!a2, 0);
	case PR_GET_THP_DISABLE:
		return a2 || a3 || a4 || a5 ? -EINVAL : t->tg->thp_disable;
	case PR_SET_VMA:
		return set_vma_name(a2, a3, a4, a5);
	default:
		/* PR_GET_SECCOMP, PR_SET_SECCOMP, speculation control...: as a kernel without them */
		return prctl_caps(option, a2, a3, a4, a5);
	}
}

long sys_arch_prctl(int option, uaddr_t addr)
{
	struct user_regs *r = &current->port.regs;
	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= PORT_TASK_SIZE)
			return -EPERM;
		if (option == ARCH_SET_FS)
			r->fs_base = addr;
		else
			r->gs_base = addr;
		return 0;
	case ARCH_GET_FS:
		return put_user(r->fs_base, addr);
	case ARCH_GET_GS:
		return put_user(r->gs_base, addr);
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV; /* no CPUID faulting */
	}
	return -EINVAL;
}

long sys_personality(u32 persona)
{
	u32 old = current->personality;
	if (persona != 0xffffffffu)
		current->personality = persona;
	return old;
}
