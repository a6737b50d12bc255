/* mprotect(2), pkey_mprotect(2). */
#include <umber/syscall.h>

#include "mm_internal.h"

static u32 vm_bits(u64 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

/*
 * How far from start the change may go: Linux changes VMA by VMA and stops at the first hole (ENOMEM) or
 * forbidden one (EACCES); what came before is changed. *need: pages that become accountable.
 */
static uaddr_t allowed_end(struct mm *mm, uaddr_t start, uaddr_t end, u32 bits, int *err, u64 *need,
			   bool *differs)
{
	struct vma *v = mm_find_vma(mm, start);

	for (; start < end; v = vma_next(v)) {
		if (!v || v->start > start) {
			*err = -ENOMEM;
			break;
		}
		if (bits & ~(v->flags >> 4) & VM_ACCESS) { /* VM_MAYx is VM_x << 4 */
			*err = -EACCES;
			break;
		}
		if ((v->flags & VM_ACCESS) != bits)
			*differs = true;
		if (!mm_accountable(v->flags) && mm_accountable((v->flags & ~VM_ACCESS) | bits))
			*need += (min(v->end, end) - start) >> PAGE_SHIFT;
		start = min(v->end, end);
	}
	return start;
}

/* Host refused in the middle: give each VMA the protection that the tree says. */
static void restore_host(struct mm *mm, uaddr_t start, uaddr_t end)
{
	for (struct vma *v = mm_find_vma(mm, start); v && v->start < end; v = vma_next(v)) {
		uaddr_t s = max(v->start, start), e = min(v->end, end);

		mm_host_protect(mm, s, e - s, v->flags);
	}
}

static int protect_locked(struct mm_txn *t, uaddr_t start, uaddr_t end, u32 bits)
{
	struct mm *mm = t->mm;
	bool differs = false;
	u64 need = 0;
	int err = 0, ret;

	end = allowed_end(mm, start, end, bits, &err, &need, &differs);
	if (end == start || !differs)
		return err;
	if (mm->nr_vmas + 2 > vm_sysctl.max_map_count)
		return -ENOMEM;
	if (need) {
		ret = mm_check_commit(need);
		if (!ret) /* only RLIMIT_DATA can forbid: the address space stays as large as it is */
			ret = mm_may_expand(mm, VM_WRITE, need, need);
		if (ret)
			return ret;
	}
	ret = mm_host_protect(mm, start, end - start, bits);
	if (ret) {
		restore_host(mm, start, end);
		return ret;
	}
	mm_change_flags(t, start, end, bits, VM_ACCESS);
	return err;
}

int mm_do_mprotect(struct mm *mm, u64 addr, u64 len, u64 prot)
{
	u64 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	uaddr_t end = addr + PAGE_ALIGN(len);
	struct mm_txn t;
	struct vma *v;
	int ret;

	prot &= ~(u64)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || PAGE_OFFSET(addr))
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr || end > PORT_TASK_SIZE)
		return -ENOMEM;
	if (prot & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | 8 /* PROT_SEM */))
		return -EINVAL;
	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	ret = mm_txn_begin(&t, mm, 2);
	if (ret)
		return ret;
	v = mm_find_vma(mm, addr);
	if (grows & PROT_GROWSUP) {
		ret = v ? -EINVAL : -ENOMEM;
	} else if (grows) {
		if (!v || v->start >= end)
			ret = -ENOMEM;
		else if (!(v->flags & VM_GROWSDOWN))
			ret = -EINVAL;
		else
			addr = v->start;
	}
	if (!ret)
		ret = protect_locked(&t, addr, end, vm_bits(prot));
	mm_txn_end(&t);
	return ret;
}

/* mprotect(2) in kernel terms. 0 or negative errno. Takes mm->lock; may sleep. */
int mm_protect(struct mm *mm, uaddr_t addr, u64 len, u32 prot)
{
	return mm_do_mprotect(mm, addr, len, prot);
}

/* mprotect(2) */
long sys_mprotect(u64 addr, u64 len, u64 prot)
{
	return mm_do_mprotect(current->mm, addr, len, prot);
}

/* pkey_mprotect(2): as on a processor without protection keys. */
long sys_pkey_mprotect(u64 addr, u64 len, u64 prot, int pkey)
{
	if (pkey != -1)
		return -EINVAL;
	return mm_do_mprotect(current->mm, addr, len, prot);
}

/* pkey_alloc(2) */
long sys_pkey_alloc(u64 flags, u64 rights)
{
	if (flags || (rights & ~3UL))
		return -EINVAL;
	return -ENOSPC;
}

/* pkey_free(2) */
long sys_pkey_free(int pkey)
{
	return -EINVAL;
}
