/* The VMA tree: look-up, cut, split, merge, and the search for free addresses. */
#include "mm_internal.h"

static struct kmem_cache *vma_cache;

/* A zeroed VMA without place, or NULL. */
struct vma *vma_alloc(void)
{
	if (!vma_cache)
		vma_cache = kmem_cache_create("vm_area_struct", sizeof(struct vma));
	return vma_cache ? kmem_cache_zalloc(vma_cache) : NULL;
}

/* Frees a VMA that is in no tree and drops its file. May sleep. */
void vma_free(struct vma *v)
{
	struct file *f = v->file;

	kmem_cache_free(vma_cache, v);
	if (f)
		file_put(f);
}

struct vma *vma_next(struct vma *v)
{
	struct rb_node *n = rb_next(&v->node);

	return n ? rb_entry(n, struct vma, node) : NULL;
}

struct vma *vma_prev(struct vma *v)
{
	struct rb_node *n = rb_prev(&v->node);

	return n ? rb_entry(n, struct vma, node) : NULL;
}

/* First VMA with end > addr, or NULL. klock; valid until the next sleep unless mm->lock is held. */
struct vma *mm_find_vma(struct mm *mm, uaddr_t addr)
{
	struct rb_node *n = mm->vmas.node;
	struct vma *best = mm->last_found;

	if (best && best->start <= addr && addr < best->end)
		return best;
	best = NULL;
	while (n) {
		struct vma *v = rb_entry(n, struct vma, node);

		if (v->end > addr) {
			best = v;
			if (v->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best)
		mm->last_found = best;
	return best;
}

static struct vma *last_vma(struct mm *mm)
{
	struct rb_node *n = rb_last(&mm->vmas);

	return n ? rb_entry(n, struct vma, node) : NULL;
}

/* All counters of an mm follow from its VMAs: each change takes the old state off and adds the new. */
static void vma_account(struct mm *mm, const struct vma *v, s64 sign)
{
	s64 n = sign * (s64)vma_pages(v);

	mm->total_pages += n;
	if (v->flags & VM_LOCKED)
		mm->locked_pages += n;
	if (v->file)
		mm->shared_pages += n;
	if (v->flags & VM_STACK)
		mm->stack_pages += n;
	else if ((v->flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		mm->exec_pages += n;
	else if ((v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_pages += n;
	if (mm_accountable(v->flags))
		mm_commit(n);
}

void vma_link(struct mm *mm, struct vma *v)
{
	struct rb_node **link = &mm->vmas.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = v->start < rb_entry(parent, struct vma, node)->start ? &parent->left : &parent->right;
	}
	v->mm = mm;
	rb_insert(&mm->vmas, &v->node, parent, link);
	mm->nr_vmas++;
	vma_account(mm, v, 1);
}

void vma_unlink(struct mm *mm, struct vma *v)
{
	vma_account(mm, v, -1);
	rb_erase(&mm->vmas, &v->node);
	if (mm->last_found == v)
		mm->last_found = NULL;
	mm->nr_vmas--;
}

/* Moves the borders; the offset follows the start. The order in the tree must not change. */
void vma_set_range(struct mm *mm, struct vma *v, uaddr_t start, uaddr_t end)
{
	vma_account(mm, v, -1);
	v->off += start - v->start;
	v->start = start;
	v->end = end;
	vma_account(mm, v, 1);
}

void vma_set_flags(struct mm *mm, struct vma *v, u32 flags)
{
	vma_account(mm, v, -1);
	v->flags = flags;
	vma_account(mm, v, 1);
}

static void bury(struct mm_txn *t, struct vma *v)
{
	v->node.parent = t->dead ? &t->dead->node : NULL;
	t->dead = v;
}

/* Makes addr a border between two VMAs if it lies inside one. */
void mm_split(struct mm_txn *t, uaddr_t addr)
{
	struct vma *v = mm_find_vma(t->mm, addr), *n;
	uaddr_t end;

	if (!v || v->start >= addr)
		return;
	n = mm_txn_take(t);
	end = v->end;
	n->start = addr;
	n->end = end;
	n->flags = v->flags;
	n->off = v->off + (addr - v->start);
	n->file = v->file ? file_get(v->file) : NULL;
	memcpy(n->name, v->name, sizeof(n->name));
	vma_set_range(t->mm, v, v->start, addr);
	vma_link(t->mm, n);
}

/* Removes [start, end) from the tree. Needs one spare (a hole in the middle of one VMA). */
void mm_cut(struct mm_txn *t, uaddr_t start, uaddr_t end)
{
	struct vma *v = mm_find_vma(t->mm, start), *next;

	if (!v || v->start >= end)
		return;
	if (v->start < start) {
		if (v->end > end)
			mm_split(t, end);
		vma_set_range(t->mm, v, v->start, start);
		v = vma_next(v);
	}
	for (; v && v->start < end; v = next) {
		next = vma_next(v);
		if (v->end > end) {
			vma_set_range(t->mm, v, end, v->end);
			break;
		}
		vma_unlink(t->mm, v);
		bury(t, v);
	}
	mm_note_gap(t->mm, start);
}

static bool can_merge(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->flags == b->flags && a->file == b->file &&
	       a->off + (a->end - a->start) == b->off && !(a->flags & VM_VDSO) &&
	       !memcmp(a->name, b->name, sizeof(a->name));
}

/* Merges v into its successor's place as far as they fit. Returns the VMA that now covers v. */
static struct vma *merge_next(struct mm_txn *t, struct vma *v)
{
	struct vma *n = vma_next(v);

	if (n && can_merge(v, n)) {
		uaddr_t end = n->end;

		vma_unlink(t->mm, n);
		bury(t, n);
		vma_set_range(t->mm, v, v->start, end);
	}
	return v;
}

struct vma *mm_insert(struct mm_txn *t, struct vma *v)
{
	struct vma *p;

	vma_link(t->mm, v);
	merge_next(t, v);
	p = vma_prev(v);
	if (p && can_merge(p, v)) {
		merge_next(t, p);
		v = p;
	}
	return v;
}

/* Joins what became alike in and around [start, end]. */
void mm_merge_range(struct mm_txn *t, uaddr_t start, uaddr_t end)
{
	struct vma *v = mm_find_vma(t->mm, start ? start - 1 : 0), *n;

	while (v && v->start <= end) {
		n = vma_next(v);
		if (n && can_merge(v, n))
			merge_next(t, v);
		else
			v = n;
	}
}

void mm_change_flags(struct mm_txn *t, uaddr_t start, uaddr_t end, u32 set, u32 clear)
{
	struct vma *v;

	mm_split(t, start);
	mm_split(t, end);
	for (v = mm_find_vma(t->mm, start); v && v->start < end; v = vma_next(v))
		vma_set_flags(t->mm, v, (v->flags & ~clear) | set);
	mm_merge_range(t, start, end);
}

uaddr_t mm_contiguous_end(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = mm_find_vma(mm, start);

	while (v && v->start <= start && start < end) {
		start = min(v->end, end);
		v = vma_next(v);
	}
	return start;
}

bool mm_access_ok(struct mm *mm, uaddr_t addr, u64 n, u32 vm_flags)
{
	struct vma *v = mm_find_vma(mm, addr);
	uaddr_t end = addr + n;

	if (end < addr || end > PORT_TASK_SIZE)
		return false;
	for (; addr < end; v = vma_next(v)) {
		if (!v || v->start > addr || (v->flags & vm_flags) != vm_flags)
			return false;
		addr = v->end;
	}
	return true;
}

/* Bytes of [start, end) that are mapped. */
u64 mm_mapped_bytes(struct mm *mm, uaddr_t start, uaddr_t end)
{
	u64 sum = 0;

	for (struct vma *v = mm_find_vma(mm, start); v && v->start < end; v = vma_next(v))
		sum += min(v->end, end) - max(v->start, start);
	return sum;
}

/* Nothing is mapped in the range, nor does a growing stack want it as its guard gap. */
bool mm_range_free(struct mm *mm, uaddr_t addr, u64 len)
{
	struct vma *v = mm_find_vma(mm, addr);

	return !v || addr + len <= vma_start_gap(v);
}

/*
 * The highest gap of len bytes below mmap_base. gap_hint and gap_min spare the walk over what is known to be
 * full: no gap of gap_min bytes or more lies above the hint. Removals raise the hint (mm_note_gap).
 */
static s64 gap_down(struct mm *mm, uaddr_t lo, u64 len)
{
	bool from_hint = len >= mm->gap_min && mm->gap_hint <= mm->mmap_base;
	uaddr_t top = from_hint ? mm->gap_hint : mm->mmap_base, bottom;
	u64 largest = from_hint ? mm->gap_min : 0;
	struct vma *v = mm_find_vma(mm, top), *p = v ? vma_prev(v) : last_vma(mm);

	if (v && vma_start_gap(v) < top)
		top = vma_start_gap(v);
	for (;; p = vma_prev(p)) {
		bottom = p && p->end > lo ? p->end : lo;
		if (top > bottom) {
			if (top - bottom >= len)
				break;
			largest = max(largest, top - bottom + 1);
		}
		if (!p || p->end <= lo)
			return -ENOMEM;
		top = min(top, vma_start_gap(p));
	}
	mm->gap_hint = top - len;
	mm->gap_min = largest;
	return (s64)(top - len);
}

/* Tells the gap search that addr has become free (or was chosen and not used after all). */
void mm_note_gap(struct mm *mm, uaddr_t addr)
{
	struct vma *n = mm_find_vma(mm, addr);
	uaddr_t top = n && n->start > addr ? n->start : n ? addr : mm->mmap_base;

	top = min(top, mm->mmap_base);
	if (top > mm->gap_hint)
		mm->gap_hint = top;
}

/* The lowest gap of len bytes in [lo, hi). */
static s64 gap_up(struct mm *mm, uaddr_t lo, uaddr_t hi, u64 len)
{
	struct vma *v = mm_find_vma(mm, lo);

	for (;; v = vma_next(v)) {
		if (lo > hi || hi - lo < len)
			return -ENOMEM;
		if (!v || lo + len <= vma_start_gap(v))
			return (s64)lo;
		lo = max(lo, v->end);
	}
}

s64 mm_get_unmapped(struct mm *mm, uaddr_t hint, u64 len, u32 map_flags)
{
	uaddr_t lo = (uaddr_t)vm_sysctl.mmap_min_addr, hi = PORT_TASK_SIZE;
	s64 ret;

	if (len > PORT_TASK_SIZE)
		return -ENOMEM;
	if (map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (hint > PORT_TASK_SIZE - len)
			return -ENOMEM;
		if (PAGE_OFFSET(hint))
			return -EINVAL;
		if (hint < lo)
			return -EPERM; /* the host refuses it to everybody */
		if ((map_flags & MAP_FIXED_NOREPLACE) && mm_mapped_bytes(mm, hint, hint + len))
			return -EEXIST;
		return (s64)hint;
	}
	if (map_flags & MAP_32BIT) {
		lo = 0x40000000;
		hi = 0x80000000;
	}
	if (hint) {
		hint = max(PAGE_ALIGN(hint), (uaddr_t)vm_sysctl.mmap_min_addr);
		if (len <= hi && hint <= hi - len && mm_range_free(mm, hint, len))
			return (s64)hint;
	}
	if (map_flags & MAP_32BIT)
		return gap_up(mm, lo, hi, len);
	ret = gap_down(mm, lo, len);
	return ret >= 0 ? ret : gap_up(mm, MAP_BOTTOM_UP_BASE, PORT_TASK_SIZE, len);
}
