/* msync(2) and mincore(2). */
#include <umber/syscall.h>

#include "mm_internal.h"

#define MINCORE_CHUNK 4096u

/* msync(2). The host keeps mappings and file coherent; MS_SYNC asks the file system to write them out. */
long sys_msync(u64 addr, u64 len, int flags)
{
	struct mm *mm = current->mm;
	uaddr_t end = addr + PAGE_ALIGN(len), at = addr;
	struct vma *v;
	int ret = 0, hole = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || PAGE_OFFSET(addr) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	while (at < end && !ret) {
		struct file *f = NULL;

		v = mm_find_vma(mm, at); /* fsync sleeps: look it up again each time */
		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > at)
			hole = -ENOMEM;
		if ((flags & MS_INVALIDATE) && (v->flags & VM_LOCKED))
			return -EBUSY;
		if ((flags & MS_SYNC) && v->file && (v->flags & VM_SHARED) && v->file->op->fsync)
			f = file_get(v->file);
		at = v->end;
		if (f) {
			ret = f->op->fsync(f, true);
			file_put(f);
		}
	}
	return ret ? ret : hole;
}

/* mincore(2). Where the host cannot tell, everything mapped counts as resident. */
long sys_mincore(u64 addr, u64 len, uaddr_t vec)
{
	struct mm *mm = current->mm;
	u64 pages = len / PAGE_SIZE + !!PAGE_OFFSET(len);
	u8 *buf;
	long ret = 0;

	if (PAGE_OFFSET(addr))
		return -EINVAL;
	if (addr > PORT_TASK_SIZE || len > PORT_TASK_SIZE - addr)
		return -ENOMEM;
	if (vec > PORT_TASK_SIZE || pages > PORT_TASK_SIZE - vec)
		return -EFAULT;
	buf = kmalloc(MINCORE_CHUNK);
	if (!buf)
		return -EAGAIN;
	while (pages && !ret) {
		u64 n = min(pages, (u64)MINCORE_CHUNK);
		uaddr_t end = mm_contiguous_end(mm, addr, addr + (n << PAGE_SHIFT));

		n = (end - addr) >> PAGE_SHIFT;
		if (!n) {
			ret = -ENOMEM;
			break;
		}
		if (port_mm_mincore(mm->port, addr, n, buf))
			memset(buf, 1, n);
		for (u64 i = 0; i < n; i++)
			buf[i] &= 1;
		if (copy_to_user(vec, buf, n))
			ret = -EFAULT;
		vec += n;
		addr = end;
		pages -= n;
	}
	kfree(buf);
	return ret;
}
