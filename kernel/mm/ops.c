/* Transactions on an address space and the host ops that carry them out. */
#include "mm_internal.h"

int mm_txn_begin(struct mm_txn *t, struct mm *mm, unsigned spares)
{
	t->mm = mm;
	t->dead = NULL;
	for (t->nr_spare = 0; t->nr_spare < spares; t->nr_spare++) {
		t->spare[t->nr_spare] = vma_alloc();
		if (!t->spare[t->nr_spare]) {
			while (t->nr_spare)
				vma_free(t->spare[--t->nr_spare]);
			return -ENOMEM;
		}
	}
	mutex_lock(&mm->lock);
	return 0;
}

struct vma *mm_txn_take(struct mm_txn *t)
{
	BUG_ON(!t->nr_spare);
	return t->spare[--t->nr_spare];
}

void mm_txn_end(struct mm_txn *t)
{
	mutex_unlock(&t->mm->lock);
	while (t->nr_spare)
		vma_free(t->spare[--t->nr_spare]);
	while (t->dead) {
		struct vma *v = t->dead;

		t->dead = v->node.parent ? rb_entry(v->node.parent, struct vma, node) : NULL;
		vma_free(v);
	}
}

/* Host ops that wait for mm_batch_commit; files: references that keep their hfds valid until then. */
struct mm_batch {
	struct port_mmop *ops;
	struct file **files;
	unsigned nr, room;
	int error;
};
#define MM_BATCH_MAX 4096u

static int batch_add(struct mm_batch *b, const struct port_mmop *op, struct file *file)
{
	if (b->nr == b->room) {
		unsigned room = b->room ? b->room * 2 : 16;
		struct port_mmop *ops;
		struct file **files;

		if (room > MM_BATCH_MAX)
			return b->error = -ENOMEM;
		ops = krealloc(b->ops, room * sizeof(*ops));
		if (ops)
			b->ops = ops;
		files = krealloc(b->files, room * sizeof(*files));
		if (files)
			b->files = files;
		if (!ops || !files)
			return b->error = -ENOMEM;
		b->room = room;
	}
	b->ops[b->nr] = *op;
	b->files[b->nr++] = file ? file_get(file) : NULL;
	return 0;
}

int mm_host_ops(struct mm *mm, struct port_mmop *ops, unsigned nr, struct file *file)
{
	int ret = 0;

	if (!mm->batch)
		return mm->port ? port_mm_ops(mm->port, ops, nr) : -ESRCH;
	for (unsigned i = 0; i < nr && !ret; i++) {
		ret = batch_add(mm->batch, &ops[i], file);
		ops[i].result = ret;
	}
	return ret;
}

/* From now on the host ops of mm are queued; one caller at a time (exec builds mm alone). */
void mm_batch_begin(struct mm *mm)
{
	if (!mm->batch)
		mm->batch = kzalloc(sizeof(*mm->batch)); /* no memory: simply no batching */
}

/* Sends what is queued in one hand-off. 0 or the errno of the first failure; then mm is only fit to be
 * dropped. May sleep. */
int mm_batch_commit(struct mm *mm)
{
	struct mm_batch *b = mm->batch;
	int ret;

	if (!b)
		return 0;
	mutex_lock(&mm->lock);
	mm->batch = NULL;
	ret = b->error;
	if (!ret && b->nr)
		ret = port_mm_ops(mm->port, b->ops, b->nr);
	mutex_unlock(&mm->lock);
	for (unsigned i = 0; i < b->nr; i++)
		if (b->files[i])
			file_put(b->files[i]);
	kfree(b->ops);
	kfree(b->files);
	kfree(b);
	return ret;
}

/* Executable means readable, as on processors without protection keys. */
u32 mm_host_prot(u32 vm_flags)
{
	u32 prot = 0;

	if (vm_flags & (VM_READ | VM_EXEC))
		prot |= PROT_READ;
	if (vm_flags & VM_WRITE)
		prot |= PROT_WRITE;
	if (vm_flags & VM_EXEC)
		prot |= PROT_EXEC;
	return prot;
}

int mm_host_unmap(struct mm *mm, uaddr_t start, u64 len)
{
	struct port_mmop op = { .kind = PORT_MM_UNMAP, .addr = start, .len = len, .hfd = HFD_NONE };

	return mm_host_ops(mm, &op, 1, NULL);
}

int mm_host_protect(struct mm *mm, uaddr_t start, u64 len, u32 vm_flags)
{
	struct port_mmop op = { .kind = PORT_MM_PROTECT, .addr = start, .len = len, .hfd = HFD_NONE,
				.prot = mm_host_prot(vm_flags) };

	return mm_host_ops(mm, &op, 1, NULL);
}

int mm_host_advise(struct mm *mm, uaddr_t start, u64 len, int advice)
{
	struct port_mmop op = { .kind = PORT_MM_ADVISE, .addr = start, .len = len, .hfd = HFD_NONE,
				.prot = (u32)advice };

	return mm_host_ops(mm, &op, 1, NULL);
}

void mm_fill_map(struct port_mmop *op, uaddr_t addr, u64 len, u32 vm_flags, hfd_t hfd, u64 off)
{
	memset(op, 0, sizeof(*op));
	op->kind = hfd == HFD_NONE ? PORT_MM_MAP_ANON : PORT_MM_MAP_FILE;
	op->addr = addr;
	op->len = len;
	op->prot = mm_host_prot(vm_flags);
	op->hfd = hfd;
	op->off = hfd == HFD_NONE ? 0 : off;
	if (vm_flags & VM_SHARED) {
		op->flags |= PORT_MAP_SHARED;
		if (vm_flags & VM_MAYWRITE)
			op->flags |= PORT_MAP_WRITABLE;
	}
	if (vm_flags & VM_STACK)
		op->flags |= PORT_MAP_STACK;
}

hfd_t mm_file_hfd(struct file *file, u32 vm_flags, u64 *off)
{
	bool shared = vm_flags & VM_SHARED;

	if (!file->op || !file->op->mmap)
		return -ENODEV;
	/* Negative is an errno, also -1 (EPERM: a seal). */
	return file->op->mmap(file, shared, shared && (vm_flags & VM_MAYWRITE), off);
}

void mm_patch_site(void)
{
	struct mm *mm = current->mm;

	if (!mm || mm->dead) {
		current->port.patch_wanted = 0;
		return;
	}
	mutex_lock(&mm->lock);
	port_patch(&current->port);
	mutex_unlock(&mm->lock);
}
