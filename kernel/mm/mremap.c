/*
 * mremap(2). A move is a host REMAP of what is there plus, for growth, a plain mapping of the extension: one
 * host mremap cannot do both when the host keeps in two mappings what is one VMA here.
 */
#include <umber/syscall.h>

#include "mm_internal.h"

struct move {
	struct mm_txn t;
	struct mm *mm;
	struct vma *v;              /* holds [addr, addr + old_len) */
	uaddr_t addr, to;
	u64 old_len, new_len;
	u32 flags;
	/* The host file of v, asked for before mm->lock is taken: file systems' locks come before it. */
	struct file *file;
	hfd_t hfd;
	u32 file_flags;             /* v's when it was asked for */
	u64 host_delta;             /* host offset - file offset */
};
#define MAP_RIGHTS (VM_SHARED | VM_MAYWRITE)

/*
 * Moves len bytes on the host. The host may keep one of our VMAs in several mappings (anonymous memory with
 * different history) and refuses to move them in one call with EFAULT: then the halves are moved apart. After an
 * error everything is where it was, or *lost is set: part of it is at either place.
 */
static int host_move(struct mm *mm, uaddr_t from, uaddr_t to, u64 len, bool *lost)
{
	struct port_mmop op = { .kind = PORT_MM_REMAP, .addr = from, .len = len, .new_addr = to,
				.new_len = len, .hfd = HFD_NONE };
	int ret = mm_host_ops(mm, &op, 1, NULL);
	u64 half = PAGE_ALIGN(len / 2);

	if (ret != -EFAULT || len <= PAGE_SIZE)
		return ret;
	ret = host_move(mm, from, to, half, lost);
	if (ret)
		return ret;
	ret = host_move(mm, from + half, to + half, len - half, lost);
	if (ret && host_move(mm, to, from, half, lost))
		*lost = true;
	return ret;
}

/* Maps [addr, addr+len) like v, whose offset there is off. */
static int host_map_like(const struct move *m, const struct vma *v, uaddr_t addr, u64 len, u64 off)
{
	struct port_mmop op;
	hfd_t hfd = HFD_NONE;

	if (v->flags & VM_VDSO)
		return -EFAULT;
	if (v->file) {
		/* Another thread replaced the mapping between our two looks: it gets what it asked for. */
		if (v->file != m->file || ((v->flags ^ m->file_flags) & MAP_RIGHTS))
			return -EFAULT;
		if (m->hfd < 0)
			return m->hfd;
		hfd = m->hfd;
		off += m->host_delta;
	}
	mm_fill_map(&op, addr, len, v->flags, hfd, off);
	return mm_host_ops(m->mm, &op, 1, v->file);
}

/* Linux's vma_to_resize: may [addr, addr+old_len) become new_len long? */
static int check_resize(struct move *m)
{
	struct vma *v = m->v;
	u64 more;
	int ret;

	if (!m->old_len && !(v->flags & VM_SHARED))
		return -EINVAL;
	if (m->old_len > v->end - m->addr)
		return -EFAULT;
	if (m->new_len <= m->old_len && !(m->flags & MREMAP_DONTUNMAP))
		return 0;
	more = (m->new_len - (m->flags & MREMAP_DONTUNMAP ? 0 : m->old_len)) >> PAGE_SHIFT;
	if (v->file && v->off + (m->addr - v->start) + m->new_len < m->new_len)
		return -EINVAL;
	if (v->flags & VM_LOCKED) {
		ret = mm_check_memlock(m->mm, more);
		if (ret)
			return ret;
	}
	ret = mm_may_expand(m->mm, v->flags, more, 0);
	if (!ret && mm_accountable(v->flags))
		ret = mm_check_commit(more);
	return ret;
}

/* A VMA for [start, start+len) with everything else of v as of address `as`. */
static void insert_like(struct move *m, const struct vma *v, uaddr_t start, u64 len, u64 off)
{
	struct vma *n = mm_txn_take(&m->t);

	n->start = start;
	n->end = start + len;
	n->off = off;
	n->flags = v->flags;
	n->file = v->file ? file_get(v->file) : NULL;
	memcpy(n->name, v->name, sizeof(n->name));
	mm_insert(&m->t, n);
}

static s64 grow_in_place(struct move *m)
{
	uaddr_t end = m->addr + m->old_len;
	u64 off = m->v->off + (end - m->v->start);
	int ret = host_map_like(m, m->v, end, m->new_len - m->old_len, off);

	if (ret)
		return ret;
	insert_like(m, m->v, end, m->new_len - m->old_len, off);
	return (s64)m->addr;
}

/* Moves to m->to, which is free or to be replaced. */
static s64 do_move(struct move *m)
{
	struct vma like = *m->v; /* mm_cut may take v away; its file stays until mm_txn_end */
	u64 off = like.off + (m->addr - like.start), keep = min(m->old_len, m->new_len);
	bool dontunmap = m->flags & MREMAP_DONTUNMAP, lost = false;
	bool moved = false;
	int ret = 0;

	if (m->mm->nr_vmas + 3 > vm_sysctl.max_map_count)
		return -ENOMEM;
	if (keep)
		ret = host_move(m->mm, m->addr, m->to, keep, &lost);
	moved = keep && !ret;
	if (!ret && m->new_len > keep)
		ret = host_map_like(m, &like, m->to + keep, m->new_len - keep, off + keep);
	if (!ret && dontunmap)
		ret = host_map_like(m, &like, m->addr, keep, off);
	if (ret) {
		/* Back to where it was. The host may have emptied the target before it failed; what cannot be
		 * brought back is unmapped: the tree must say what is there. */
		if (moved && host_move(m->mm, m->to, m->addr, keep, &lost))
			lost = true;
		mm_host_unmap(m->mm, m->to, m->new_len);
		mm_cut(&m->t, m->to, m->to + m->new_len);
		if (lost) {
			mm_host_unmap(m->mm, m->addr, keep);
			mm_cut(&m->t, m->addr, m->addr + keep);
		}
		return ret;
	}
	if (keep && !dontunmap)
		mm_cut(&m->t, m->addr, m->addr + keep);
	mm_cut(&m->t, m->to, m->to + m->new_len);
	insert_like(m, &like, m->to, m->new_len, off);
	if (like.flags & VM_VDSO)
		m->mm->vdso = m->to + (m->mm->vdso - m->addr);
	if (dontunmap && (like.flags & VM_LOCKED))
		mm_change_flags(&m->t, m->addr, m->addr + keep, 0, VM_LOCKED);
	return (s64)m->to;
}

/* MREMAP_FIXED or DONTUNMAP: the caller says where, or at least that it moves. */
static s64 remap_to(struct move *m)
{
	s64 ret;

	if (m->flags & MREMAP_FIXED) {
		if (PAGE_OFFSET(m->to) || m->new_len > PORT_TASK_SIZE || m->to > PORT_TASK_SIZE - m->new_len)
			return -EINVAL;
		if (m->addr + m->old_len > m->to && m->to + m->new_len > m->addr)
			return -EINVAL;
		if (m->to < (uaddr_t)vm_sysctl.mmap_min_addr)
			return -EPERM;
		ret = mm_unmap_locked(&m->t, m->to, m->to + m->new_len);
		if (ret)
			return ret;
	}
	if (m->old_len > m->new_len) {
		ret = mm_unmap_locked(&m->t, m->addr + m->new_len, m->addr + m->old_len);
		if (ret)
			return ret;
		m->old_len = m->new_len;
	}
	m->v = mm_find_vma(m->mm, m->addr);
	if (!m->v || m->v->start > m->addr)
		return -EFAULT;
	ret = check_resize(m);
	if (ret)
		return ret;
	if (!(m->flags & MREMAP_FIXED)) {
		ret = mm_get_unmapped(m->mm, m->to, m->new_len, 0);
		if (ret < 0)
			return ret;
		m->to = (uaddr_t)ret;
	}
	return do_move(m);
}

static s64 remap_locked(struct move *m)
{
	s64 ret;

	m->v = mm_find_vma(m->mm, m->addr);
	if (!m->v || m->v->start > m->addr)
		return -EFAULT;
	if (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(m);
	if (m->old_len >= m->new_len) {
		ret = 0;
		if (m->old_len > m->new_len)
			ret = mm_unmap_locked(&m->t, m->addr + m->new_len, m->addr + m->old_len);
		return ret ? ret : (s64)m->addr;
	}
	ret = check_resize(m);
	if (ret)
		return ret;
	if (m->old_len && m->old_len == m->v->end - m->addr && !(m->v->flags & VM_VDSO) &&
	    m->new_len <= PORT_TASK_SIZE - m->addr &&
	    mm_range_free(m->mm, m->v->end, m->new_len - m->old_len))
		return grow_in_place(m);
	if (!(m->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	ret = mm_get_unmapped(m->mm, 0, m->new_len, 0);
	if (ret < 0)
		return ret;
	m->to = (uaddr_t)ret;
	return do_move(m);
}

/* Finds the host file that growing, duplicating or DONTUNMAP will have to map. May sleep. */
static void ask_for_file(struct move *m)
{
	struct vma *v = mm_find_vma(m->mm, m->addr);
	u64 off, host_off;

	m->hfd = HFD_NONE;
	if (!v || v->start > m->addr || !v->file || (v->flags & VM_VDSO))
		return;
	if (m->new_len <= m->old_len && !(m->flags & MREMAP_DONTUNMAP))
		return;
	m->file = file_get(v->file);
	m->file_flags = v->flags;
	off = host_off = v->off;
	m->hfd = mm_file_hfd(m->file, m->file_flags, &host_off);
	m->host_delta = host_off - off;
}

/* mremap(2) */
long sys_mremap(u64 addr, u64 old_len, u64 new_len, u64 flags, u64 new_addr)
{
	struct move m = { .mm = current->mm, .addr = addr, .to = new_addr, .old_len = PAGE_ALIGN(old_len),
			  .new_len = PAGE_ALIGN(new_len), .flags = (u32)flags };
	bool locked = false;
	s64 ret;

	if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && m.old_len != m.new_len)
		return -EINVAL;
	if (PAGE_OFFSET(addr) || !m.new_len)
		return -EINVAL;
	if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
		m.to = 0;
	if (addr >= PORT_TASK_SIZE || m.old_len > PORT_TASK_SIZE - addr)
		return -EFAULT;
	if (m.new_len > PORT_TASK_SIZE)
		return flags & MREMAP_FIXED ? -EINVAL : -ENOMEM;
	ask_for_file(&m);
	ret = mm_txn_begin(&m.t, m.mm, 4);
	if (ret)
		goto out;
	oom_poke();
	ret = remap_locked(&m);
	locked = ret > 0 && m.new_len > m.old_len && (m.mm->def_flags & VM_LOCKED);
	mm_txn_end(&m.t);
out:
	if (m.file)
		file_put(m.file);
	if (locked)
		mm_populate_range(m.mm, (uaddr_t)ret, (uaddr_t)ret + m.new_len);
	return ret;
}

/* remap_file_pages(2): as Linux since 4.0 emulates it, by a new mapping of the other part of the file. */
long sys_remap_file_pages(u64 addr, u64 size, u64 prot, u64 pgoff, u64 flags)
{
	struct mm *mm = current->mm;
	struct file *file;
	struct vma *v;
	u32 vm_flags;
	s64 ret;

	if (prot)
		return -EINVAL;
	addr &= PAGE_MASK;
	size &= PAGE_MASK;
	if (addr + size <= addr || pgoff + (size >> PAGE_SHIFT) < pgoff || pgoff > U64_MAX >> PAGE_SHIFT)
		return -EINVAL;
	v = mm_find_vma(mm, addr);
	if (!v || v->start > addr || addr + size > v->end || !(v->flags & VM_SHARED) || !v->file)
		return -EINVAL;
	file = file_get(v->file);
	vm_flags = v->flags;
	ret = mm_map(mm, file, addr, size,
		     (vm_flags & VM_READ ? PROT_READ : 0) | (vm_flags & VM_WRITE ? PROT_WRITE : 0) |
			     (vm_flags & VM_EXEC ? PROT_EXEC : 0),
		     MAP_SHARED | MAP_FIXED | (flags & MAP_NONBLOCK) | (vm_flags & VM_LOCKED ? MAP_LOCKED : 0),
		     pgoff << PAGE_SHIFT);
	file_put(file);
	return ret < 0 ? ret : 0;
}
