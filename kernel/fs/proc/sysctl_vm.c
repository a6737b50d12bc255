/* /proc/sys/vm and /proc/sys/fs (proc_sys_vm(5), proc_sys_fs(5)). */
#include "proc.h"
#include <umber/pipe.h>
#include <umber/sysctl.h>

#define NR_OPEN_LIMIT 1048576

static s32 drop_what;

/* 1 asks for page cache, of which there is none that could be dropped, 2 for dentries and inodes; 4 is silence. */
static int set_drop_caches(const struct ctl *c, const char *text)
{
	if (drop_what & 2)
		vfs_drop_caches();
	return 0;
}

static void get_min_free(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%lu\n", kmem_total_pages() >> 8 << (PAGE_SHIFT - 10));
}

static void get_file_nr(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%lu\t0\t%lu\n", vfs_nr_files(), vfs_max_files);
}

static void get_inode_nr(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%lu\t0\n", vfs_nr_inodes());
}

static void get_inode_state(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%lu\t0\t0\t0\t0\t0\t0\n", vfs_nr_inodes());
}

static void get_dentry_state(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%lu\t%lu\t45\t0\t0\t0\n", vfs_nr_dentries(false), vfs_nr_dentries(true));
}

static void get_epoll_watches(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%lu\n", kmem_total_pages() * PAGE_SIZE / 25 / 128);
}

/* Rounded up to a power of two pages, as pipes are. */
static int set_pipe_max(const struct ctl *c, const char *text)
{
	u32 n = PAGE_SIZE;

	while (n < pipe_max_bytes && n < 1u << 31)
		n <<= 1;
	pipe_max_bytes = n;
	return 0;
}

#define CONST_(p, t) { .path = p, .type = CTL_CONST, .data = (void *)(uintptr_t)(t) }
#define VM_(n, field, lo, hi)                                                                      \
	{ .path = "vm/" n, .mode = 0644, .type = CTL_S64, .data = &vm_sysctl.field, .limited = true, .min = lo, .max = hi }
#define FS_FN_(n, fn) { .path = "fs/" n, .type = CTL_FN, .get = fn }
static const struct ctl tab[] = {
	VM_("overcommit_memory", overcommit_memory, 0, 2),
	VM_("overcommit_ratio", overcommit_ratio, 0, INT_MAX),
	VM_("overcommit_kbytes", overcommit_kbytes, 0, S64_MAX >> 12),
	VM_("max_map_count", max_map_count, 0, INT_MAX),
	VM_("mmap_min_addr", mmap_min_addr, PORT_USER_MIN, 1 << 30),
	VM_("oom_kill_allocating_task", oom_kill_allocating_task, 0, INT_MAX),
	VM_("panic_on_oom", panic_on_oom, 0, 2),
	VM_("oom_dump_tasks", oom_dump_tasks, 0, INT_MAX),
	VM_("swappiness", swappiness, 0, 200),
	{ .path = "vm/drop_caches", .mode = 0200, .type = CTL_S32, .data = &drop_what, .limited = true, .min = 1,
	  .max = 4, .set = set_drop_caches },
	{ .path = "vm/min_free_kbytes", .type = CTL_FN, .get = get_min_free },
	CONST_("vm/admin_reserve_kbytes", "8192"),
	CONST_("vm/user_reserve_kbytes", "131072"),
	CONST_("vm/dirty_background_bytes", "0"),
	CONST_("vm/dirty_background_ratio", "10"),
	CONST_("vm/dirty_bytes", "0"),
	CONST_("vm/dirty_ratio", "20"),
	CONST_("vm/dirty_expire_centisecs", "3000"),
	CONST_("vm/dirty_writeback_centisecs", "500"),
	CONST_("vm/nr_hugepages", "0"),
	CONST_("vm/nr_overcommit_hugepages", "0"),
	CONST_("vm/hugetlb_shm_group", "0"),
	CONST_("vm/laptop_mode", "0"),
	CONST_("vm/legacy_va_layout", "0"),
	CONST_("vm/memfd_noexec", "0"),
	CONST_("vm/mmap_rnd_bits", "28"),
	CONST_("vm/page-cluster", "3"),
	CONST_("vm/stat_interval", "1"),
	CONST_("vm/vfs_cache_pressure", "100"),
	CONST_("vm/watermark_scale_factor", "10"),
	CONST_("vm/zone_reclaim_mode", "0"),
	{ .path = "fs/file-max", .mode = 0644, .type = CTL_U64, .data = &vfs_max_files, .limited = true, .min = 1,
	  .max = S64_MAX },
	FS_FN_("file-nr", get_file_nr),
	FS_FN_("inode-nr", get_inode_nr),
	FS_FN_("inode-state", get_inode_state),
	FS_FN_("dentry-state", get_dentry_state),
	{ .path = "fs/nr_open", .mode = 0644, .type = CTL_U64, .data = &vfs_nr_open, .limited = true, .min = 64,
	  .max = NR_OPEN_LIMIT },
	{ .path = "fs/pipe-max-size", .mode = 0644, .type = CTL_U32, .data = &pipe_max_bytes, .limited = true,
	  .min = PAGE_SIZE, .max = 1u << 31, .set = set_pipe_max },
	CONST_("fs/pipe-user-pages-hard", "0"),
	CONST_("fs/pipe-user-pages-soft", "0"),
	{ .path = "fs/inotify/max_user_watches", .mode = 0644, .type = CTL_U32, .data = &inotify_max_user_watches,
	  .limited = true, .max = INT_MAX },
	{ .path = "fs/inotify/max_user_instances", .mode = 0644, .type = CTL_U32, .data = &inotify_max_user_instances,
	  .limited = true, .max = INT_MAX },
	{ .path = "fs/inotify/max_queued_events", .mode = 0644, .type = CTL_U32, .data = &inotify_max_queued_events,
	  .limited = true, .max = INT_MAX },
	{ .path = "fs/epoll/max_user_watches", .type = CTL_FN, .get = get_epoll_watches },
	CONST_("fs/mqueue/queues_max", "256"),
	CONST_("fs/mqueue/msg_max", "10"),
	CONST_("fs/mqueue/msgsize_max", "8192"),
	CONST_("fs/mqueue/msg_default", "10"),
	CONST_("fs/mqueue/msgsize_default", "8192"),
	CONST_("fs/protected_hardlinks", "0"),
	CONST_("fs/protected_symlinks", "0"),
	CONST_("fs/protected_fifos", "0"),
	CONST_("fs/protected_regular", "0"),
	CONST_("fs/suid_dumpable", "0"),
	CONST_("fs/aio-nr", "0"),
	CONST_("fs/aio-max-nr", "65536"),
	CONST_("fs/lease-break-time", "45"),
	CONST_("fs/leases-enable", "1"),
	CONST_("fs/mount-max", "20000"),
	CONST_("fs/overflowuid", "65534"),
	CONST_("fs/overflowgid", "65534"),
};

static int sysctl_vm_init(void)
{
	return sysctl_register(tab, ARRAY_SIZE(tab));
}
INITCALL(INIT_FS, sysctl_vm_init);
