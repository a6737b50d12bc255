/* process_vm_readv(2), process_vm_writev(2): copies between current and another process. */
#include <umber/syscall.h>

#include "mm_internal.h"

#define CHUNK_ORDER 4
#define CHUNK_BYTES (PAGE_SIZE << CHUNK_ORDER)
#define IOV_MAX_NR 1024

/* One remote range against the local iterator, through a bounce buffer. Bytes done; *err at a fault. */
static size_t copy_range(struct mm *mm, const struct iovec64 *r, struct iov_iter *it, bool write, void *buf,
			 int *err)
{
	size_t done = 0;

	while (done < r->len && it->count && !*err) {
		size_t left = min((size_t)r->len - done, it->count), n = min(left, (size_t)CHUNK_BYTES);
		ssize_t got;

		if (r->base + done < r->base || r->base + done > PORT_TASK_SIZE)
			got = 0;
		else if (write) {
			size_t in = copy_from_iter(buf, n, it);

			if (in < n)
				*err = -EFAULT;
			got = in ? port_copy_out(mm->port, r->base + done, buf, in, 0) : 0;
			n = in;
		} else {
			got = port_copy_in(mm->port, buf, r->base + done, n, 0);
			if (got > 0) {
				size_t out = copy_to_iter(buf, (size_t)got, it);

				if (out < (size_t)got)
					*err = -EFAULT;
				got = (ssize_t)out;
			}
		}
		if (got < 0) {
			*err = (int)got;
			break;
		}
		done += (size_t)got;
		if ((size_t)got < n && !*err)
			*err = -EFAULT;
		cond_resched();
	}
	return done;
}

static long process_vm_rw(int pid, uaddr_t lvec, u64 lnr, uaddr_t rvec, u64 rnr, u64 flags, bool write)
{
	struct iovec64 fast[IOV_FAST], *heap = NULL, r;
	struct iov_iter it;
	struct task *t;
	struct mm *mm = NULL;
	void *buf = NULL;
	long done = 0;
	int err;

	if (flags)
		return -EINVAL;
	if (rnr > IOV_MAX_NR)
		return -EINVAL;
	err = iter_init_iovec(&it, lvec, lnr, fast, &heap);
	if (err || !it.count)
		goto out;
	t = find_task(pid);
	err = t && t->mm ? ptrace_may_access(t) : -ESRCH;
	if (err)
		goto out;
	mm = mm_get(t->mm);
	buf = page_alloc(CHUNK_ORDER);
	err = buf ? 0 : -ENOMEM;
	for (u64 i = 0; i < rnr && !err && it.count; i++) {
		err = copy_from_user(&r, rvec + i * sizeof(r), sizeof(r));
		if (!err && (s64)r.len < 0)
			err = -EINVAL;
		if (!err)
			done += (long)copy_range(mm, &r, &it, write, buf, &err);
	}
out:
	if (buf)
		page_free(buf, CHUNK_ORDER);
	if (mm)
		mm_drop(mm);
	kfree(heap);
	return done ? done : err;
}

/* process_vm_readv(2) */
long sys_process_vm_readv(int pid, uaddr_t lvec, u64 lnr, uaddr_t rvec, u64 rnr, u64 flags)
{
	return process_vm_rw(pid, lvec, lnr, rvec, rnr, flags, false);
}

/* process_vm_writev(2) */
long sys_process_vm_writev(int pid, uaddr_t lvec, u64 lnr, uaddr_t rvec, u64 rnr, u64 flags)
{
	return process_vm_rw(pid, lvec, lnr, rvec, rnr, flags, true);
}
