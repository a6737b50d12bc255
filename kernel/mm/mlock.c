/* mlock(2), mlock2, munlock, mlockall, munlockall: accounting, and populating what gets locked. */
#include <umber/syscall.h>

#include "mm_internal.h"

#define MLOCK_ONFAULT 1

static bool can_mlock(void)
{
	return rlimit(RLIMIT_MEMLOCK) || capable(CAP_IPC_LOCK);
}

/* Touches all pages of the range, as far as that is allowed; errors come later as faults. Takes mm->lock. */
void mm_populate_range(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v;

	mutex_lock(&mm->lock);
	for (v = mm_find_vma(mm, start); v && v->start < end; v = vma_next(v)) {
		uaddr_t s = max(v->start, start), e = min(v->end, end);
		bool w = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

		if (v->flags & VM_ACCESS)
			mm_host_advise(mm, s, e - s, w ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	}
	mutex_unlock(&mm->lock);
}

static int lock_range(u64 addr, u64 len, bool lock, bool populate)
{
	struct mm *mm = current->mm;
	u64 locked = 0;
	uaddr_t end;
	struct mm_txn t;
	struct vma *v;
	int ret;

	len = PAGE_ALIGN(len + PAGE_OFFSET(addr));
	addr &= PAGE_MASK;
	end = addr + len;
	if (end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	ret = mm_txn_begin(&t, mm, 2);
	if (ret)
		return ret;
	for (v = mm_find_vma(mm, addr); v && v->start < end; v = vma_next(v))
		if (v->flags & VM_LOCKED)
			locked += min(v->end, end) - max(v->start, addr);
	if (lock && mm->locked_pages + ((len - locked) >> PAGE_SHIFT) > mm_memlock_limit_pages())
		ret = -ENOMEM;
	else if (mm->nr_vmas + 2 > vm_sysctl.max_map_count)
		ret = -ENOMEM;
	if (!ret) {
		uaddr_t stop = mm_contiguous_end(mm, addr, end);

		if (stop > addr)
			mm_change_flags(&t, addr, stop, lock ? VM_LOCKED : 0, lock ? 0 : VM_LOCKED);
		if (stop < end)
			ret = -ENOMEM;
	}
	mm_txn_end(&t);
	if (!ret && populate)
		mm_populate_range(mm, addr, end);
	return ret;
}

/* mlock(2) */
long sys_mlock(u64 addr, u64 len)
{
	return can_mlock() ? lock_range(addr, len, true, true) : -EPERM;
}

/* mlock2(2) */
long sys_mlock2(u64 addr, u64 len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return can_mlock() ? lock_range(addr, len, true, !(flags & MLOCK_ONFAULT)) : -EPERM;
}

/* munlock(2) */
long sys_munlock(u64 addr, u64 len)
{
	return lock_range(addr, len, false, false);
}

static void lock_all(struct mm *mm, bool lock)
{
	for (struct vma *v = mm_find_vma(mm, 0); v; v = vma_next(v)) {
		if (v->flags & VM_VDSO)
			continue;
		vma_set_flags(mm, v, lock ? v->flags | VM_LOCKED : v->flags & ~VM_LOCKED);
	}
}

/* mlockall(2) */
long sys_mlockall(int flags)
{
	struct mm *mm = current->mm;
	struct mm_txn t;
	u64 pages = 0;
	int ret;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_mlock())
		return -EPERM;
	ret = mm_txn_begin(&t, mm, 0);
	if (ret)
		return ret;
	/* The stack is mapped at its limit but counts as Linux would count it: not at all beyond its pages. */
	pages = mm->total_pages - mm->stack_pages;
	if ((flags & MCL_CURRENT) && pages > mm_memlock_limit_pages()) {
		ret = -ENOMEM;
	} else {
		mm->def_flags &= ~VM_LOCKED;
		if (flags & MCL_FUTURE)
			mm->def_flags |= VM_LOCKED;
		if (flags & MCL_CURRENT)
			lock_all(mm, true);
	}
	mm_txn_end(&t);
	if (!ret && (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT)) {
		struct vma *v;
		uaddr_t at = 0;

		while ((v = mm_find_vma(mm, at))) { /* the lazy stack is not populated */
			at = v->end;
			if (!(v->flags & VM_STACK))
				mm_populate_range(mm, v->start, at);
		}
	}
	return ret;
}

/* munlockall(2) */
long sys_munlockall(void)
{
	struct mm *mm = current->mm;
	struct mm_txn t;
	int ret = mm_txn_begin(&t, mm, 0);

	if (ret)
		return ret;
	mm->def_flags &= ~VM_LOCKED;
	lock_all(mm, false);
	mm_merge_range(&t, 0, PORT_TASK_SIZE);
	mm_txn_end(&t);
	return 0;
}
