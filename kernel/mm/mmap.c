/* mmap(2), exec's stack and the vDSO. */
#include <umber/shmem.h>
#include <umber/syscall.h>

#include "mm_internal.h"

#define LEGACY_MAP_FLAGS                                                                           \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE |        \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |   \
	 MAP_HUGETLB | 0x4000000 | (0x3f << 26) | MAP_FIXED_NOREPLACE)

struct map_req {
	struct mm *mm;
	struct file *file;    /* borrowed; the VMA takes its own reference */
	hfd_t hfd;
	u64 off, host_off;    /* of the file; of hfd */
	uaddr_t addr;
	u64 len;
	u32 vm_flags, map_flags;
};

/* Limits that a new mapping of r meets. mm->lock held, r->addr final. */
static int check_limits(const struct map_req *r)
{
	struct mm *mm = r->mm;
	u64 replaced = r->map_flags & MAP_FIXED ? mm_mapped_bytes(mm, r->addr, r->addr + r->len) : 0;
	u64 pages = r->len >> PAGE_SHIFT;
	int ret;

	if (mm->nr_vmas + 2 > vm_sysctl.max_map_count)
		return -ENOMEM;
	ret = mm_may_expand(mm, r->vm_flags, pages, replaced >> PAGE_SHIFT);
	if (!ret && (r->vm_flags & VM_LOCKED))
		ret = mm_check_memlock(mm, pages);
	if (!ret && mm_accountable(r->vm_flags))
		ret = mm_check_commit(pages);
	return ret;
}

static int populate_advice(u32 vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
}

/* A seal that came after check_file(): who sets it looks at this mm, under its lock, after setting it. */
static int check_seals(struct map_req *r)
{
	if (!r->file || !(r->vm_flags & VM_SHARED) || !(shmem_seals(r->file) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return 0;
	if (r->vm_flags & VM_WRITE)
		return -EPERM;
	r->vm_flags &= ~VM_MAYWRITE;
	return 0;
}

/* Host first, then the tree. mm->lock is taken here. Address or negative errno. */
static s64 map_commit(struct map_req *r)
{
	struct port_mmop ops[2];
	struct mm_txn t;
	struct vma *v;
	unsigned nr = 1;
	s64 ret = mm_txn_begin(&t, r->mm, 2);

	if (ret)
		return ret;
	ret = check_seals(r);
	if (ret)
		goto out;
	ret = mm_get_unmapped(r->mm, r->addr, r->len, r->map_flags);
	if (ret < 0)
		goto out;
	r->addr = (uaddr_t)ret;
	ret = check_limits(r);
	if (!ret) {
		mm_fill_map(&ops[0], r->addr, r->len, r->vm_flags, r->hfd, r->host_off);
		if (((r->map_flags & MAP_POPULATE) && !(r->map_flags & MAP_NONBLOCK)) ||
		    (r->vm_flags & VM_LOCKED)) {
			memset(&ops[1], 0, sizeof(ops[1]));
			ops[1].kind = PORT_MM_ADVISE;
			ops[1].prot = (u32)populate_advice(r->vm_flags);
			ops[1].addr = r->addr;
			ops[1].len = r->len;
			ops[1].hfd = HFD_NONE;
			nr = r->vm_flags & VM_ACCESS ? 2 : 1;
		}
		ret = mm_host_ops(r->mm, ops, nr, r->file);
		if (ret && nr == 2 && !ops[0].result)
			ret = 0; /* populating is best effort: faults come later */
	}
	if (ret) {
		mm_note_gap(r->mm, r->addr);
		goto out;
	}
	mm_cut(&t, r->addr, r->addr + r->len);
	v = mm_txn_take(&t);
	v->start = r->addr;
	v->end = r->addr + r->len;
	v->flags = r->vm_flags;
	v->off = r->file ? r->off : r->addr;
	v->file = r->file ? file_get(r->file) : NULL;
	mm_insert(&t, v);
	ret = (s64)r->addr;
out:
	mm_txn_end(&t);
	return ret;
}

/* mmap(2)'s rules for a file: what the open mode allows, now and later by mprotect. */
static int check_file(struct file *f, u32 prot, u32 map_flags, u32 *vm_flags)
{
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if ((map_flags & MAP_TYPE) != MAP_PRIVATE) {
		if ((prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
			return -EACCES;
		*vm_flags |= VM_SHARED;
		if (!(f->mode & FMODE_WRITE))
			*vm_flags &= ~VM_MAYWRITE;
		if (shmem_seals(f) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
			if (prot & PROT_WRITE)
				return -EPERM;
			*vm_flags &= ~VM_MAYWRITE;
		}
	}
	if (f->path.mnt && (f->path.mnt->flags & MS_NOEXEC)) {
		if (prot & PROT_EXEC)
			return -EPERM;
		*vm_flags &= ~VM_MAYEXEC;
	}
	if (!f->op || !f->op->mmap)
		return -ENODEV;
	return map_flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

static u32 prot_to_vm(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

static bool is_dev_zero(const struct file *f)
{
	return f->inode && (f->inode->mode & S_IFMT) == S_IFCHR && f->inode->rdev == MKDEV(1, 5);
}

/* Turns arguments into vm_flags. 0 or negative errno. *file may become NULL (private /dev/zero) */
static int map_flags_to_vm(struct mm *mm, struct file **file, u32 prot, u32 flags, u32 *out)
{
	u32 type = flags & MAP_TYPE, vm = prot_to_vm(prot) | VM_MAYALL | mm->def_flags;

	if (flags & MAP_LOCKED)
		vm |= VM_LOCKED;
	if (type == MAP_SHARED_VALIDATE && *file && (flags & ~LEGACY_MAP_FLAGS))
		return -EOPNOTSUPP;
	if (type != MAP_SHARED && type != MAP_PRIVATE && !(type == MAP_SHARED_VALIDATE && *file))
		return -EINVAL;
	*out = vm;
	if (*file) {
		int ret = check_file(*file, prot, flags, out);

		if (ret && !(ret == -ENODEV && is_dev_zero(*file)))
			return ret;
		if (is_dev_zero(*file))
			*file = NULL;
	} else if (type == MAP_SHARED) {
		if (flags & MAP_GROWSDOWN)
			return -EINVAL;
		*out |= VM_SHARED;
	}
	if ((flags & MAP_GROWSDOWN) && !(*out & VM_SHARED))
		*out |= VM_GROWSDOWN;
	if ((flags & MAP_NORESERVE) && vm_sysctl.overcommit_memory != 2)
		*out |= VM_NORESERVE;
	if ((flags & MAP_LOCKED) && !rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	return 0;
}

/*
 * mmap(2) in kernel terms; see umber/mm.h. `off` is in bytes and page aligned; file is borrowed. Address or
 * negative errno. May sleep; takes mm->lock, after the file system's locks (op->mmap).
 */
s64 mm_map(struct mm *mm, struct file *file, uaddr_t addr, u64 len, u32 prot, u32 map_flags, u64 off)
{
	struct map_req r = { .mm = mm, .addr = addr, .hfd = HFD_NONE, .map_flags = map_flags, .off = off };
	struct file *shm = NULL;
	s64 ret;

	if (!len)
		return -EINVAL;
	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC) &&
	    !(file && file->path.mnt && (file->path.mnt->flags & MS_NOEXEC)))
		prot |= PROT_EXEC;
	if (map_flags & MAP_FIXED_NOREPLACE)
		r.map_flags = map_flags &= ~MAP_FIXED;
	r.len = PAGE_ALIGN(len);
	if (!r.len || r.len > PORT_TASK_SIZE)
		return -ENOMEM;
	if (off + r.len < off)
		return -EOVERFLOW;
	ret = map_flags_to_vm(mm, &file, prot, map_flags, &r.vm_flags);
	if (ret)
		return ret;
	if (!file && (r.vm_flags & VM_SHARED)) {
		shm = shmem_file("dev/zero", r.len, 0);
		if (IS_ERR(shm))
			return PTR_ERR(shm);
		file = shm;
		r.off = 0;
	}
	if (file) {
		r.file = file;
		r.host_off = r.off;
		r.hfd = mm_file_hfd(file, r.vm_flags, &r.host_off);
		ret = r.hfd < 0 ? r.hfd : 0;
	}
	if (!ret)
		ret = map_commit(&r);
	if (shm)
		file_put(shm);
	return ret;
}

/* mmap(2) */
long sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, int fd, u64 off)
{
	struct file *f = NULL;
	s64 ret;

	if (PAGE_OFFSET(off))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get(fd);
		if (!f)
			return -EBADF;
		ret = -EINVAL;
		if (flags & MAP_HUGETLB) /* no hugetlbfs here, so f is not of it */
			goto out;
	} else if (flags & MAP_HUGETLB) {
		return len ? -ENOMEM : -EINVAL; /* the pool of huge pages is empty */
	}
	oom_poke();
	ret = mm_map(current->mm, f, addr, len, (u32)prot, (u32)flags, f ? off : 0);
out:
	if (f)
		file_put(f);
	return ret;
}

/*
 * exec's stack: [top - limit, top), mapped at its full limit (at most 1 GiB); the host pages it lazily. top is
 * page aligned. Returns top or a negative errno. `exec`: executable stack.
 */
s64 mm_map_stack(struct mm *mm, uaddr_t top, u64 limit_bytes, bool exec)
{
	u64 len = PAGE_ALIGN(min(max(limit_bytes, 128UL << 10), 1UL << 30));
	struct map_req r = {
		.mm = mm, .addr = top - len, .len = len, .hfd = HFD_NONE, .map_flags = MAP_FIXED,
		.vm_flags = VM_READ | VM_WRITE | (exec ? VM_EXEC : 0) | VM_MAYALL | VM_STACK | VM_GROWSDOWN |
			    mm->def_flags,
	};
	s64 ret;

	if (top > PORT_TASK_SIZE || top < len || PAGE_OFFSET(top))
		return -ENOMEM;
	ret = map_commit(&r);
	if (ret < 0)
		return ret;
	if (mm->mmap_base > top - len - STACK_GUARD_BYTES) {
		mm->mmap_base = top - len - STACK_GUARD_BYTES;
		mm->gap_hint = U64_MAX;
	}
	return (s64)top;
}

s64 mm_map_vdso(struct mm *mm)
{
	struct map_req r = {
		.mm = mm, .hfd = HFD_NONE, .addr = 0,
		.vm_flags = VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC | VM_VDSO,
	};
	s64 ret;

	r.len = PAGE_ALIGN(port_vdso(&r.hfd));
	if (!r.len || r.hfd < 0)
		return 0;
	ret = map_commit(&r);
	if (ret > 0)
		mm->vdso = (uaddr_t)ret;
	return ret;
}
