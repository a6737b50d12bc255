/* madvise(2), process_madvise(2), prctl(PR_SET_VMA_ANON_NAME). */
#include <umber/syscall.h>

#include "mm_internal.h"

#define PM_IOV_MAX 1024

/* Flag changes that an advice means. False if it is none of these. */
static bool advice_flags(int advice, u32 *set, u32 *clear)
{
	*set = *clear = 0;
	switch (advice) {
	case MADV_DONTFORK: *set = VM_DONTCOPY; return true;
	case MADV_DOFORK: *clear = VM_DONTCOPY; return true;
	case MADV_DONTDUMP: *set = VM_DONTDUMP; return true;
	case MADV_DODUMP: *clear = VM_DONTDUMP; return true;
	case MADV_WIPEONFORK: *set = VM_WIPEONFORK; return true;
	case MADV_KEEPONFORK: *clear = VM_WIPEONFORK; return true;
	default: return false;
	}
}

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTNEED:
	case MADV_FREE: case MADV_REMOVE: case MADV_DONTFORK: case MADV_DOFORK: case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE: case MADV_DONTDUMP: case MADV_DODUMP: case MADV_WIPEONFORK:
	case MADV_KEEPONFORK: case MADV_COLD: case MADV_PAGEOUT: case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default: /* MERGEABLE, COLLAPSE, HWPOISON...: as a kernel without KSM, THP's khugepaged, memory-failure */
		return false;
	}
}

/* May this advice be given to v? 0 or negative errno. */
static int check_vma(const struct vma *v, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return v->flags & VM_LOCKED ? -EINVAL : 0;
	case MADV_FREE:
		return v->file || (v->flags & (VM_SHARED | VM_LOCKED)) ? -EINVAL : 0;
	case MADV_WIPEONFORK:
		return v->file || (v->flags & VM_SHARED) ? -EINVAL : 0;
	case MADV_REMOVE:
		if ((v->flags & VM_LOCKED) || !v->file || !v->file->op->fallocate)
			return v->flags & VM_LOCKED || !v->file ? -EINVAL : -EOPNOTSUPP;
		return (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE) ? 0 : -EACCES;
	case MADV_POPULATE_READ:
		return v->flags & VM_ACCESS ? 0 : -EFAULT;
	case MADV_POPULATE_WRITE:
		return v->flags & VM_WRITE ? 0 : -EFAULT;
	default:
		return 0;
	}
}

/* Advice that the host carries out, for [s, e) inside v. */
static int host_advice(struct mm *mm, const struct vma *v, uaddr_t s, uaddr_t e, int advice)
{
	int ret;

	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return mm_host_advise(mm, s, e - s, advice);
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
		if (v->file)
			return 0;
		ret = mm_host_advise(mm, s, e - s, advice); /* a hint: a host without THP is no error */
		return ret == -ESRCH ? ret : 0;
	default:
		return 0;
	}
}

/* Punches [s, e) of v out of its file. Drops mm->lock meanwhile, so the caller looks v up again. */
static int remove_range(struct mm *mm, const struct vma *v, uaddr_t s, uaddr_t e)
{
	struct file *f = file_get(v->file);
	u64 off = v->off + (s - v->start);
	int ret;

	mutex_unlock(&mm->lock);
	ret = f->op->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, e - s);
	file_put(f);
	mutex_lock(&mm->lock);
	return ret;
}

/* VMA by VMA as Linux: stops at the first refusal; holes are skipped and make the result -ENOMEM. */
static int advise_locked(struct mm_txn *t, uaddr_t start, uaddr_t end, int advice)
{
	bool populate = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	struct mm *mm = t->mm;
	int ret = 0, hole = 0;
	u32 set, clear;

	while (start < end) {
		struct vma *v = mm_find_vma(mm, start);
		uaddr_t e;

		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > start) {
			hole = -ENOMEM;
			if (populate)
				return hole;
			start = v->start;
		}
		e = min(v->end, end);
		ret = check_vma(v, advice);
		if (ret)
			return ret;
		if (advice_flags(advice, &set, &clear)) {
			if (((v->flags & ~clear) | set) != v->flags) {
				if (mm->nr_vmas + 2 > vm_sysctl.max_map_count)
					return -ENOMEM;
				mm_change_flags(t, start, e, set, clear);
			}
		} else if (advice == MADV_REMOVE) {
			ret = remove_range(mm, v, start, e);
		} else {
			ret = host_advice(mm, v, start, e, advice);
		}
		if (ret)
			return ret;
		start = e;
	}
	return hole;
}

/*
 * A change of flags splits at both ends of the range, and only there: boundaries inside are borders of VMAs
 * already, so two spares are enough for the whole call.
 */
int mm_do_madvise(struct mm *mm, u64 addr, u64 len, int advice, bool remote)
{
	u64 size = PAGE_ALIGN(len);
	struct mm_txn t;
	int ret;

	if (!advice_known(advice) || PAGE_OFFSET(addr) || (len && !size) || addr + size < addr)
		return -EINVAL;
	if (!size)
		return 0;
	if (addr + size > PORT_TASK_SIZE)
		return -ENOMEM;
	if (remote && advice != MADV_COLD && advice != MADV_PAGEOUT && advice != MADV_WILLNEED)
		return -EINVAL;
	ret = mm_txn_begin(&t, mm, 2);
	if (ret)
		return ret;
	ret = advise_locked(&t, addr, addr + size, advice);
	mm_txn_end(&t);
	return ret;
}

/* madvise(2) */
long sys_madvise(u64 addr, u64 len, int advice)
{
	return mm_do_madvise(current->mm, addr, len, advice, false);
}

/* process_madvise(2): bytes advised, or the error if the first range fails. */
long sys_process_madvise(int pidfd, uaddr_t uiov, u64 nr, int advice, u32 flags)
{
	struct file *f;
	struct tgroup *tg;
	struct task *leader;
	struct mm *mm;
	long done = 0;
	int ret = 0;

	if (flags)
		return -EINVAL;
	if (nr > PM_IOV_MAX)
		return -EINVAL;
	f = fd_get(pidfd);
	if (!f)
		return -EBADF;
	tg = pidfd_tgroup(f);
	leader = tg ? tg->leader : NULL;
	file_put(f);
	if (!leader)
		return tg ? -ESRCH : -EBADF;
	if (leader->tg != current->tg) {
		ret = ptrace_may_access(leader);
		if (!ret && !capable(CAP_SYS_NICE))
			ret = -EPERM;
		if (ret)
			return ret;
	}
	mm = leader->mm;
	if (!mm)
		return -ESRCH;
	mm_get(mm);
	for (u64 i = 0; i < nr && !ret; i++) {
		struct iovec64 v;

		ret = copy_from_user(&v, uiov + i * sizeof(v), sizeof(v));
		if (!ret)
			ret = mm_do_madvise(mm, v.base, v.len, advice, mm != current->mm);
		if (!ret)
			done = (long)min((u64)done + v.len, (u64)MAX_RW_COUNT);
	}
	mm_drop(mm);
	return done ? done : ret;
}

int mm_set_anon_name(uaddr_t addr, u64 len, const char *name)
{
	struct mm *mm = current->mm;
	char pad[16] = "";
	struct mm_txn t;
	uaddr_t end = addr + PAGE_ALIGN(len);
	struct vma *v;
	int ret;

	if (PAGE_OFFSET(addr) || (len && !PAGE_ALIGN(len)) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (name)
		strlcpy(pad, name, sizeof(pad));
	for (size_t i = strlen(pad); i < sizeof(pad); i++)
		pad[i] = 0; /* names are compared whole */
	ret = mm_txn_begin(&t, mm, 2);
	if (ret)
		return ret;
	if (mm_contiguous_end(mm, addr, end) < end)
		ret = -ENOMEM;
	for (v = mm_find_vma(mm, addr); !ret && v && v->start < end; v = vma_next(v))
		if (v->file && !(v->flags & VM_SHARED))
			ret = -EBADF;
	if (!ret && mm->nr_vmas + 2 > vm_sysctl.max_map_count)
		ret = -ENOMEM;
	if (!ret) {
		mm_split(&t, addr);
		mm_split(&t, end);
		for (v = mm_find_vma(mm, addr); v && v->start < end; v = vma_next(v))
			memcpy(v->name, pad, sizeof(pad));
		mm_merge_range(&t, addr, end);
	}
	mm_txn_end(&t);
	return ret;
}
