/*
 * Guest memory, private to kernel/mm (the interface is umber/mm.h).
 *
 * The VMA tree says what the guest owns; the stub's host mappings follow it. A change goes so:
 * mm_txn_begin() (spare VMAs, then mm->lock) - checks - host ops - tree - mm_txn_end() (unlock, free what
 * left the tree). The tree changes only after the host said yes, and between two sleeping points, so
 * whoever holds the kernel lock may read it without mm->lock; to rely on it across a sleep, take the lock.
 * Files: vma.c the tree; ops.c host ops and transactions; life.c birth, fork, death; mmap.c; unmap.c (munmap,
 * brk); mprotect.c; mremap.c; madvise.c; mlock.c; msync.c; fault.c; account.c limits; oom.c; process_vm.c;
 * numa.c; membarrier.c; show.c.
 */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H
#include <abi/errno.h>
#include <abi/mman.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_MAYALL (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define STACK_GUARD_BYTES (256 * PAGE_SIZE)
#define MAP_BOTTOM_UP_BASE PAGE_ALIGN(PORT_TASK_SIZE / 3)
#define ADDR_NO_RANDOMIZE 0x0040000u
#define READ_IMPLIES_EXEC 0x0400000u
#define MMAP_PAGE_ZERO 0x0100000u

struct mm_txn {
	struct mm *mm;
	struct vma *spare[4];
	unsigned nr_spare;
	struct vma *dead;     /* chained by dead_next (node.parent) */
};
/* Allocates `spares` (<= 4) VMAs and takes mm->lock. 0 or -ENOMEM (nothing held). May sleep. */
int mm_txn_begin(struct mm_txn *t, struct mm *mm, unsigned spares);
/* Unlocks and frees spares and dead VMAs. May sleep (last reference to a file). */
void mm_txn_end(struct mm_txn *t);
struct vma *mm_txn_take(struct mm_txn *t);

/* Sends ops to the stub, or queues them in a batch. mm->lock held. Errno of the first failure. */
int mm_host_ops(struct mm *mm, struct port_mmop *ops, unsigned nr, struct file *file);
int mm_host_unmap(struct mm *mm, uaddr_t start, u64 len);
int mm_host_protect(struct mm *mm, uaddr_t start, u64 len, u32 vm_flags);
int mm_host_advise(struct mm *mm, uaddr_t start, u64 len, int advice);
/* Fills a MAP op for [addr, addr+len) of a mapping with these flags and file offset. hfd only for files. */
void mm_fill_map(struct port_mmop *op, uaddr_t addr, u64 len, u32 vm_flags, hfd_t hfd, u64 off);
u32 mm_host_prot(u32 vm_flags);
/* The host file for mapping `file`; *off may be adjusted. Negative errno. May sleep. */
hfd_t mm_file_hfd(struct file *file, u32 vm_flags, u64 *off);

/* ---- tree (vma.c); mm->lock held, none sleeps ---- */
struct vma *vma_alloc(void);
void vma_free(struct vma *v);                 /* drops the file; may sleep */
struct vma *vma_prev(struct vma *v);
void vma_link(struct mm *mm, struct vma *v);
void vma_unlink(struct mm *mm, struct vma *v);
void vma_set_range(struct mm *mm, struct vma *v, uaddr_t start, uaddr_t end);
void vma_set_flags(struct mm *mm, struct vma *v, u32 flags);
static inline u64 vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }
/* Start with the guard gap of a growing stack. */
static inline uaddr_t vma_start_gap(const struct vma *v)
{
	if (!(v->flags & VM_GROWSDOWN))
		return v->start;
	return v->start > STACK_GUARD_BYTES ? v->start - STACK_GUARD_BYTES : 0;
}
void mm_cut(struct mm_txn *t, uaddr_t start, uaddr_t end);    /* removes; one spare */
void mm_split(struct mm_txn *t, uaddr_t addr);                /* boundary at addr; one spare */
struct vma *mm_insert(struct mm_txn *t, struct vma *v);       /* links and merges */
void mm_merge_range(struct mm_txn *t, uaddr_t start, uaddr_t end);
/* set/clear flags of all VMAs in the range; two spares; merges. */
void mm_change_flags(struct mm_txn *t, uaddr_t start, uaddr_t end, u32 set, u32 clear);
bool mm_range_free(struct mm *mm, uaddr_t addr, u64 len);
u64 mm_mapped_bytes(struct mm *mm, uaddr_t start, uaddr_t end);
/* A place of len bytes by mmap(2)'s rules. Address or -ENOMEM/-EEXIST/-EINVAL/-EPERM. */
s64 mm_get_unmapped(struct mm *mm, uaddr_t hint, u64 len, u32 map_flags);
void mm_note_gap(struct mm *mm, uaddr_t addr);
/* End of the contiguous mapped range from start, at most end; start itself if it is not mapped. */
uaddr_t mm_contiguous_end(struct mm *mm, uaddr_t start, uaddr_t end);

/* ---- limits (account.c) ---- */
bool mm_accountable(u32 vm_flags);
void mm_commit(s64 pages);
int mm_check_commit(u64 pages);                              /* overcommit; 0 or -ENOMEM */
int mm_may_expand(struct mm *mm, u32 vm_flags, u64 pages, u64 replaced_pages); /* RLIMIT_AS, DATA */
int mm_check_memlock(struct mm *mm, u64 more_pages);         /* 0, -EPERM, -EAGAIN */
u64 mm_memlock_limit_pages(void);

int mm_unmap_locked(struct mm_txn *t, uaddr_t start, uaddr_t end);
void mm_populate_range(struct mm *mm, uaddr_t start, uaddr_t end);
extern struct list_head all_mms;
int mm_do_madvise(struct mm *mm, u64 addr, u64 len, int advice, bool remote);
int mm_do_mprotect(struct mm *mm, u64 addr, u64 len, u64 prot);
#endif
