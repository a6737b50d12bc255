/* Memory files without a name in any directory: shared anonymous mappings, SysV segments, memfd_create(2). Their
 * inodes are tmpfs ones on a mount of the kernel's own (kernel/fs/tmpfs/shmem.c). */
#ifndef UMBER_SHMEM_H
#define UMBER_SHMEM_H
#include <umber/types.h>

struct file;
struct inode;
struct seq_file;

/* An open file (O_RDWR) of `size` bytes; d_path shows "/NAME (deleted)" ("dev/zero", "SYSV00000000"). flags: SHMEM_*.
 * Reference or ERR_PTR. Pages are charged as they come to be. Does not sleep. */
#define SHMEM_SEALABLE 1u      /* memfd with MFD_ALLOW_SEALING; others answer F_SEAL_SEAL */
struct file *shmem_file(const char *name, u64 size, u32 flags);
/* F_ADD_SEALS, F_GET_SEALS for fcntl(2). -EINVAL for files that are no memory files. May sleep. */
long memfd_fcntl(struct file *f, unsigned cmd, unsigned long arg);
/* F_SEAL_* in force on f's inode, 0 for other files. mmap: when F_SEAL_WRITE or F_SEAL_FUTURE_WRITE is set a shared
 * mapping without PROT_WRITE is fine once VM_MAYWRITE is taken away (then ask file_ops.mmap with writable false). */
u32 shmem_seals(const struct file *f);
/* Reads again what the host has allocated for each memory file that is mapped and charges it: guests touch those
 * pages without asking. Call before a decision about memory pressure. */
void shmem_account(void);
/* Bytes in use by all tmpfs and memory files (Shmem in /proc/meminfo). */
u64 shmem_used_pages(void);
/* The text of /proc/sysvipc/shm (kernel/ipc/sysv_shm.c). */
int sysv_shm_show(struct seq_file *m, void *arg);
#endif
