/* munmap(2) and brk(2). */
#include <umber/syscall.h>

#include "mm_internal.h"

/* Removes [start, end), page aligned. mm->lock held, one spare in t. May sleep (host op). */
int mm_unmap_locked(struct mm_txn *t, uaddr_t start, uaddr_t end)
{
	struct vma *v = mm_find_vma(t->mm, start);
	int ret;

	if (!v || v->start >= end)
		return 0;
	if (v->start < start && v->end > end && t->mm->nr_vmas >= vm_sysctl.max_map_count)
		return -ENOMEM;
	ret = mm_host_unmap(t->mm, start, end - start);
	if (!ret)
		mm_cut(t, start, end);
	return ret;
}

/* munmap(2) in kernel terms. 0 or negative errno. Takes mm->lock; may sleep. */
int mm_unmap(struct mm *mm, uaddr_t addr, u64 len)
{
	struct mm_txn t;
	int ret;

	if (PAGE_OFFSET(addr) || addr > PORT_TASK_SIZE || len > PORT_TASK_SIZE - addr)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	if (!len)
		return -EINVAL;
	ret = mm_txn_begin(&t, mm, 1);
	if (ret)
		return ret;
	ret = mm_unmap_locked(&t, addr, addr + len);
	mm_txn_end(&t);
	return ret;
}

/* munmap(2) */
long sys_munmap(u64 addr, u64 len)
{
	return mm_unmap(current->mm, addr, len);
}

/* exec tells where the heap begins (already randomised if it shall be). 0 or -EINVAL. */
int mm_set_brk_start(struct mm *mm, uaddr_t brk)
{
	if (brk > PORT_TASK_SIZE)
		return -EINVAL;
	mm->start_brk = mm->brk = PAGE_ALIGN(brk);
	return 0;
}

/* Maps [old, end) as heap. mm->lock held. */
static int grow_heap(struct mm_txn *t, uaddr_t old, uaddr_t end)
{
	struct mm *mm = t->mm;
	u32 flags = VM_READ | VM_WRITE | VM_MAYALL | VM_HEAP | mm->def_flags;
	u64 pages = (end - old) >> PAGE_SHIFT;
	struct port_mmop op;
	struct vma *v;
	int ret;

	if (end > PORT_TASK_SIZE - PAGE_SIZE || !mm_range_free(mm, old, end - old + PAGE_SIZE))
		return -ENOMEM;
	if (mm->nr_vmas >= vm_sysctl.max_map_count)
		return -ENOMEM;
	ret = mm_may_expand(mm, flags, pages, 0);
	if (!ret && (flags & VM_LOCKED))
		ret = mm_check_memlock(mm, pages);
	if (!ret)
		ret = mm_check_commit(pages);
	if (ret)
		return ret;
	mm_fill_map(&op, old, end - old, flags, HFD_NONE, 0);
	ret = mm_host_ops(mm, &op, 1, NULL);
	if (ret)
		return ret;
	v = mm_txn_take(t);
	v->start = v->off = old;
	v->end = end;
	v->flags = flags;
	mm_insert(t, v);
	return 0;
}

/* brk(2): the new break, or the old one if it cannot be changed. */
long sys_brk(u64 brk)
{
	struct mm *mm = current->mm;
	struct mm_txn t;
	uaddr_t old, end;
	u64 limit = rlimit(RLIMIT_DATA);
	int ret = 0;

	if (brk < mm->start_brk || brk > PORT_TASK_SIZE)
		return (long)mm->brk;
	if (brk == mm->brk)
		return (long)brk;
	if (mm_txn_begin(&t, mm, 1))
		return (long)mm->brk;
	oom_poke();
	old = PAGE_ALIGN(mm->brk);
	end = PAGE_ALIGN(brk);
	if (brk > mm->brk && limit != RLIM_INFINITY &&
	    (brk - mm->start_brk) + (mm->end_data - mm->start_data) > limit)
		ret = -ENOMEM;
	else if (end < old)
		ret = mm_unmap_locked(&t, end, old);
	else if (end > old)
		ret = grow_heap(&t, old, end);
	if (!ret)
		mm->brk = brk;
	else
		brk = mm->brk;
	mm_txn_end(&t);
	return (long)brk;
}
