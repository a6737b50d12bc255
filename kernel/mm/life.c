/*
 * Birth, fork and death of address spaces.
 *
 * mm_new/mm_fork: users 1, ref 1 (held by the users together). mm_users_put of the last task frees the stub and
 * the VMAs; the struct stays for those who hold a ref (/proc, process_vm) and shows an empty space.
 */
#include "mm_internal.h"

struct list_head all_mms = LIST_HEAD_INIT(all_mms);
static struct kmem_cache *mm_cache;

static struct mm *mm_alloc(void)
{
	struct mm *mm;

	if (!mm_cache)
		mm_cache = kmem_cache_create("mm_struct", sizeof(struct mm));
	mm = mm_cache ? kmem_cache_zalloc(mm_cache) : NULL;
	if (!mm)
		return NULL;
	ref_set(&mm->users, 1);
	ref_set(&mm->ref, 1);
	mutex_init(&mm->lock);
	mm->vmas = RB_ROOT;
	mm->dumpable = true;
	list_init(&mm->all_node);
	return mm;
}

/* Where top-down mappings begin: below the stack at its limit, with room for the stack's random offset. */
static uaddr_t choose_mmap_base(void)
{
	u64 gap = current && current->tg ? rlimit(RLIMIT_STACK) : 8 << 20, rnd = 0;

	gap = PAGE_ALIGN(min(max(gap, 128UL << 20), 1UL << 30)) + (16UL << 30) + STACK_GUARD_BYTES;
	if (vm_sysctl.randomize_va_space && !(current && (current->personality & ADDR_NO_RANDOMIZE))) {
		port_random(&rnd, sizeof(rnd));
		rnd = (rnd & ((1UL << 28) - 1)) << PAGE_SHIFT;
	}
	return PORT_TASK_SIZE - gap - rnd;
}

/* A fresh empty address space with its stub, for exec and the first process. ERR_PTR on failure. May sleep. */
struct mm *mm_new(void)
{
	struct mm *mm = mm_alloc();
	int ret;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	ret = port_mm_new(&mm->port);
	if (ret) {
		kmem_cache_free(mm_cache, mm);
		return ERR_PTR(ret);
	}
	mm->mmap_base = choose_mmap_base();
	mm->gap_hint = U64_MAX; /* nothing known; exec may still move mmap_base */
	list_add_tail(&mm->all_node, &all_mms);
	oom_poke();
	return mm;
}

/* The tree of `from` but for MADV_DONTFORK, and what an mm inherits. Locked memory is not inherited. */
static int copy_tree(struct mm *mm, struct mm *from)
{
	struct vma *v, *n;

	mm_for_each_vma(v, from) {
		if (v->flags & VM_DONTCOPY)
			continue;
		n = vma_alloc();
		if (!n)
			return -ENOMEM;
		*n = *v;
		n->flags &= ~VM_LOCKED;
		if (n->file)
			file_get(n->file);
		vma_link(mm, n);
	}
	mm->mmap_base = from->mmap_base;
	mm->gap_hint = U64_MAX; /* holes left by DONTFORK may be above the parent's hint */
	mm->start_code = from->start_code;
	mm->end_code = from->end_code;
	mm->start_data = from->start_data;
	mm->end_data = from->end_data;
	mm->start_brk = from->start_brk;
	mm->brk = from->brk;
	mm->start_stack = from->start_stack;
	mm->arg_start = from->arg_start;
	mm->arg_end = from->arg_end;
	mm->env_start = from->env_start;
	mm->env_end = from->env_end;
	mm->vdso = from->vdso;
	memcpy(mm->auxv, from->auxv, sizeof(mm->auxv));
	mm->auxv_n = from->auxv_n;
	mm->dumpable = from->dumpable;
	mm->def_flags = from->def_flags & ~VM_LOCKED;
	mm->membarrier_state = from->membarrier_state;
	mm->exe_file = from->exe_file ? file_get(from->exe_file) : NULL;
	return 0;
}

/* What the host copied and the child shall not have: DONTFORK ranges go, WIPEONFORK ranges become zero. */
static int fix_child(struct mm *mm, struct mm *from)
{
	struct port_mmop op;
	struct vma *v;
	int ret = 0;

	mm_for_each_vma(v, from) {
		u64 len = v->end - v->start;

		if (ret || !(v->flags & (VM_DONTCOPY | VM_WIPEONFORK)))
			continue;
		mm_fill_map(&op, v->start, len, v->flags, HFD_NONE, 0);
		if (v->flags & VM_DONTCOPY)
			op.kind = PORT_MM_UNMAP;
		ret = mm_host_ops(mm, &op, 1, NULL);
	}
	return ret;
}

static void free_vmas(struct mm *mm)
{
	struct vma *v;

	/* One by one: dropping a file may sleep, and the tree is true at each of these points. */
	while ((v = mm_find_vma(mm, 0))) {
		vma_unlink(mm, v);
		vma_free(v);
	}
}

/*
 * fork(2): copies current's address space into a new stub whose first user side is the child's. child->mm is
 * the caller's to set. ERR_PTR on failure (nothing is left then). May sleep; takes current->mm->lock, so no
 * change of the tree is under way in the parent.
 */
struct mm *mm_fork(struct task *child)
{
	struct mm *from = current->mm, *mm = mm_alloc();
	int ret;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&from->lock);
	mutex_lock(&mm->lock);
	ret = copy_tree(mm, from);
	if (!ret && vm_sysctl.overcommit_memory == 2)
		ret = mm_check_commit(0);
	if (!ret)
		ret = port_fork(&current->port, &child->port, &mm->port);
	if (!ret) {
		list_add_tail(&mm->all_node, &all_mms);
		ret = fix_child(mm, from);
		if (ret) /* the child's user side goes with its stub */
			port_task_exit(&child->port);
	}
	mutex_unlock(&mm->lock);
	mutex_unlock(&from->lock);
	if (ret) {
		mm_users_put(mm);
		return ERR_PTR(ret);
	}
	oom_poke();
	return mm;
}

/* Drops a pointer's reference. The last one frees the struct. */
void mm_drop(struct mm *mm)
{
	if (ref_put(&mm->ref))
		kmem_cache_free(mm_cache, mm);
}

/* A task leaves. With the last one all mappings and the stub go. May sleep. */
void mm_users_put(struct mm *mm)
{
	struct mm_batch *batch = mm->batch;
	struct file *exe;

	if (!ref_put(&mm->users))
		return;
	if (batch) { /* exec gave up half-way: only the references in the batch count */
		port_mm_t port = mm->port;

		mm->port = 0;
		mm_batch_commit(mm);
		mm->port = port;
	}
	mutex_lock(&mm->lock);
	list_del(&mm->all_node);
	if (mm->port)
		port_mm_free(mm->port);
	mm->port = 0;
	free_vmas(mm);
	exe = mm->exe_file;
	mm->exe_file = NULL;
	mutex_unlock(&mm->lock);
	if (exe)
		file_put(exe);
	mm_drop(mm);
}

u64 mm_rss_pages(struct mm *mm)
{
	u64 rss = mm->port ? port_mm_rss_pages(mm->port) : 0;

	mm->hiwater_rss_pages = max(mm->hiwater_rss_pages, rss);
	return rss;
}
