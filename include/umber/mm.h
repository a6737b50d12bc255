/*
 * Guest address spaces: VMAs in a balanced tree; no page tables, the host's stub holds the pages.
 *
 * A change of the tree and its host ops are one unit under mm->lock (a sleeping mutex), held until the
 * stub has answered; faults and fork take it too. mm->users: tasks. The last mm_put frees the stub.
 */
#ifndef UMBER_MM_H
#define UMBER_MM_H
#include <port/port.h>
#include <umber/rbtree.h>
#include <umber/sync.h>
#include <umber/types.h>

struct file;
struct inode;
struct vma;
struct seq_file;
struct mm_batch;
struct task;

#define VM_READ 1u
#define VM_WRITE 2u
#define VM_EXEC 4u
#define VM_SHARED 8u
#define VM_MAYREAD 0x10u
#define VM_MAYWRITE 0x20u
#define VM_MAYEXEC 0x40u
#define VM_GROWSDOWN 0x100u
#define VM_LOCKED 0x2000u
#define VM_DONTCOPY 0x20000u
#define VM_DONTDUMP 0x4000000u
#define VM_WIPEONFORK 0x2000000u
#define VM_STACK 0x10000000u
#define VM_HEAP 0x20000000u
#define VM_VDSO 0x40000000u
#define VM_NORESERVE 0x200000u

struct vma {
	struct rb_node node;
	uaddr_t start, end;
	u32 flags;
	u64 off;                 /* byte offset in file; anonymous: address at creation (merging) */
	struct file *file;       /* reference held; NULL: anonymous */
	struct mm *mm;
	char name[16];           /* "[heap]" etc. is derived from flags; prctl(PR_SET_VMA_ANON_NAME) */
};
struct mm {
	refcount_t users;        /* tasks */
	refcount_t ref;          /* pointers (/proc, process_vm) */
	port_mm_t port;
	struct mutex lock;
	struct rb_root vmas;
	struct vma *last_found;  /* what mm_find_vma() answered last; NULL: nothing, or it has left the tree */
	int nr_vmas;
	uaddr_t mmap_base, start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	uaddr_t arg_start, arg_end, env_start, env_end, vdso;
	u64 total_pages, locked_pages, shared_pages, exec_pages, stack_pages, data_pages;
	u64 hiwater_rss_pages;
	u64 auxv[48]; u32 auxv_n;
	struct file *exe_file;   /* /proc/PID/exe */
	bool dead;               /* the stub died: every entry ends in SIGKILL */
	bool dumpable;
	u32 def_flags;
	u32 membarrier_state;
	struct mm_batch *batch;  /* between mm_batch_begin and commit */
	uaddr_t gap_hint;        /* no gap of gap_min bytes or more lies in [gap_hint, mmap_base) */
	u64 gap_min;
	struct list_head all_node; /* every mm with a stub: OOM, mm_died */
};

struct mm *mm_new(void);                         /* fresh stub, users 1; ERR_PTR on failure; may sleep */
struct mm *mm_fork(struct task *child);          /* copies current's mm, incl. port_fork; ERR_PTR; may sleep */
static inline struct mm *mm_get(struct mm *mm) { ref_get(&mm->ref); return mm; }
void mm_drop(struct mm *mm);                     /* ref */
void mm_users_put(struct mm *mm);                /* last task: unmaps all, frees the stub */

/* mmap(2) in kernel terms. addr: hint or fixed by flags (MAP_*). Address or negative errno. mm->lock is
 * taken inside. `mm` is current's, or one being built by exec. */
s64 mm_map(struct mm *mm, struct file *file, uaddr_t addr, u64 len, u32 prot, u32 map_flags, u64 off);
int mm_unmap(struct mm *mm, uaddr_t addr, u64 len);
int mm_protect(struct mm *mm, uaddr_t addr, u64 len, u32 prot);
int mm_set_brk_start(struct mm *mm, uaddr_t brk);
/* Batching for exec: between begin and commit, mm_map etc. queue their host ops and commit sends them in
 * one hand-off. */
void mm_batch_begin(struct mm *mm);
int mm_batch_commit(struct mm *mm);
/* Stack for exec, mapped at its full limit (capped); returns top. */
s64 mm_map_stack(struct mm *mm, uaddr_t top, u64 limit_bytes, bool exec);
/* Maps the port's vDSO image near mmap_base and sets mm->vdso. Its address, 0 (there is none) or -errno. */
s64 mm_map_vdso(struct mm *mm);
struct vma *mm_find_vma(struct mm *mm, uaddr_t addr);   /* first with end > addr, or NULL */
struct vma *vma_next(struct vma *v);
#define mm_for_each_vma(v, mm) for (v = mm_find_vma(mm, 0); v; v = vma_next(v))
/* Are all of [addr, addr+n) mapped with these VM_ flags? */
bool mm_access_ok(struct mm *mm, uaddr_t addr, u64 n, u32 vm_flags);
/* A hardware fault of current's user side: fixes it (returns true: just go on) or sends the signal. */
void mm_handle_trap(struct port_trap *trap);
/* Lets the port rewrite the system-call site that became hot (port_patch), under mm->lock. current; may sleep. */
void mm_patch_site(void);
/* Inode's pages beyond new size disappear: nothing to do for hfd-backed ones but accounting. */
void mm_init(void);
u64 mm_committed_pages(void);
u64 mm_rss_pages(struct mm *mm);
/* Charges/uncharges pages against mem= (page cache, shmem). 0 or -ENOMEM. */
int mem_charge(u64 pages);
void mem_uncharge(u64 pages);
u64 mem_charged(void);
/* /proc/PID/maps, smaps: the whole text of mm. Takes mm->lock. The caller holds a ref. */
void mm_show_maps(struct seq_file *m, struct mm *mm, bool smaps);
/* prctl(PR_SET_VMA_ANON_NAME): names [addr, addr+len) of current's mm; name NULL or "": none. 0, -EBADF... */
int mm_set_anon_name(uaddr_t addr, u64 len, const char *name);
/* Looks at the guest's memory soon: called when something begins to run after idling, or when memory is short. */
void oom_poke(void);
/* /proc/sys/vm, /proc/sys/kernel/randomize_va_space, /proc/meminfo. */
struct vm_sysctl {
	s64 overcommit_memory, overcommit_ratio, overcommit_kbytes, max_map_count, mmap_min_addr, randomize_va_space;
	s64 oom_kill_allocating_task, panic_on_oom, oom_dump_tasks, swappiness, drop_caches;
};
extern struct vm_sysctl vm_sysctl;
u64 mm_commit_limit_pages(void);
u64 mm_all_rss_pages(void);                      /* upper bound: sum over all stubs, as of the last reading */
#endif
