/*
 * procfs, private to kernel/fs/proc.
 *
 * Two kinds of inodes share a superblock. Fixed names (/proc/meminfo, /proc/sys) are pseudofs nodes built at boot.
 * What belongs to a task is made at each lookup and never cached unreferenced: its inode has I_PROC set and a
 * struct pid_inode in priv, which holds the task (or the group, whose leader may change by exec). A task that has been
 * released makes every such inode stale: lookups give ENOENT, reads ESRCH.
 *
 * Files: root.c /proc itself; pid.c the inodes and the table of /proc/PID; pid_*.c their contents; net.c; sysctl.c and
 * sysctl_*.c /proc/sys; stat.c meminfo.c cpuinfo.c misc.c kmsg.c the rest of the fixed files.
 *
 * Access: mode and owner of the inode (effective ids; root if not dumpable), and ptrace_may_access() for what the
 * mode alone must not give. Address spaces are bound at open (f->dirbuf), so an fd opened before an exec of a set-id
 * program shows the old one, which is empty then.
 */
#ifndef PROC_H
#define PROC_H
#include <abi/errno.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/procfs.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define I_PROC (1u << 24)      /* inode.flags: priv is a struct pid_inode */
#define PROC_ROOT_INO 1
#define TICK_NS 10000000UL    /* USER_HZ 100 */

struct pid_entry;
struct pid_inode {
	struct tgroup *tg;     /* referenced; or NULL: */
	struct task *task;     /* referenced */
	u32 mask;              /* PE_TGID or PE_TID: which table entries are below */
	const struct pid_entry *e;
	int fd;                /* of /proc/PID/fd/N and fdinfo/N */
	void *arg;             /* net files */
};
enum {
	PE_TGID = 1, PE_TID = 2, PE_BOTH = 3,
	PE_PTRACE = 4,         /* each read needs ptrace access */
	PE_MM = 8,             /* open binds the address space, which needs ptrace access */
};
struct pid_entry {
	const char *name;
	u32 mode, flags;
	int (*show)(struct seq_file *m, struct task *t);
	ssize_t (*write)(struct task *t, const char *buf, size_t n);
	int (*link)(struct task *t, struct path *out);   /* magic link: the target, referenced */
	const struct inode_ops *iop;                     /* directories */
	const struct file_ops *fop;
};

/* Inode numbers: one block of 2^24 a task. */
enum { INO_TGID, INO_TID, INO_FD, INO_FDINFO, INO_NS, INO_NET };
static inline u64 pid_ino(int tid, int kind, u32 n)
{
	return 1ULL << 48 | (u64)tid << 24 | (u64)kind << 20 | n;
}

/* pid.c */
static inline struct pid_inode *pid_i(const struct inode *i) { return i->priv; }
/* The living (or zombie) task of an inode, no reference; NULL: released. */
struct task *pid_inode_task(const struct inode *i);
/* An inode of t (of its group if it leads one): I_PROC, owner set; op and fop are the caller's. NULL: no memory. */
struct inode *pid_inode_new(struct super_block *sb, struct task *t, u32 mode, u64 ino);
void pid_inode_free(struct inode *i);
void pid_owner(struct inode *i, struct task *t);
bool pid_revalidate(struct dentry *d, u32 flags);
int pid_setattr(struct dentry *d, struct iattr *a);
int pid_getattr(struct dentry *d, struct kstat *st, u32 mask);
/* A decimal number without sign and leading zeros, at most INT_MAX; -1: none. */
int name_to_nr(const struct qstr *q);
/* "." and ".." of a directory; false: the buffer is full. f->pos becomes 2. */
bool emit_dots(struct file *f, filldir_t fill, void *ctx, u64 parent_ino);
struct dentry *pid_root_lookup(struct inode *dir, struct dentry *d, u32 flags);
int pid_root_iterate(struct file *f, filldir_t fill, void *ctx);
struct task *pid_task_get(const struct inode *i);        /* referenced; NULL */
struct mm *task_mm(struct task *t);                      /* referenced (mm_drop), or NULL */
static inline struct mm *file_mm(const struct file *f) { return f->dirbuf; }
/* Name of p as current sees it: kmalloc'd or ERR_PTR. */
char *path_text(const struct path *p);
extern const struct file_ops pid_seq_fops;

/* pid_stat.c, pid_status.c */
int show_stat_tgid(struct seq_file *m, struct task *t);
int show_stat_tid(struct seq_file *m, struct task *t);
int show_statm(struct seq_file *m, struct task *t);
int show_status(struct seq_file *m, struct task *t);
const char *state_name(struct task *t);                  /* "S (sleeping)" */
void seq_comm(struct seq_file *m, const char *comm);

/* pid_mm.c */
int show_maps(struct seq_file *m, struct task *t);
int show_smaps(struct seq_file *m, struct task *t);
int show_rollup(struct seq_file *m, struct task *t);
int show_numa_maps(struct seq_file *m, struct task *t);
int show_auxv(struct seq_file *m, struct task *t);
ssize_t write_clear_refs(struct task *t, const char *buf, size_t n);
extern const struct file_ops cmdline_fops, environ_fops, mem_fops, pagemap_fops;

/* pid_fd.c, pid_link.c, net.c */
extern const struct inode_ops fd_dir_iops, fdinfo_dir_iops, ns_dir_iops, net_dir_iops;
extern const struct file_ops fd_dir_fops, fdinfo_dir_fops, ns_dir_fops, net_dir_fops;
int link_exe(struct task *t, struct path *out);
int link_cwd(struct task *t, struct path *out);
int link_root(struct task *t, struct path *out);

/* pid_misc.c */
int show_limits(struct seq_file *m, struct task *t);
int show_io_tgid(struct seq_file *m, struct task *t);
int show_io_tid(struct seq_file *m, struct task *t);
int show_comm(struct seq_file *m, struct task *t);
int show_oom_score(struct seq_file *m, struct task *t);
int show_oom_adj(struct seq_file *m, struct task *t);
int show_oom_score_adj(struct seq_file *m, struct task *t);
int show_cgroup(struct seq_file *m, struct task *t);
int show_wchan(struct seq_file *m, struct task *t);
int show_syscall(struct seq_file *m, struct task *t);
int show_personality(struct seq_file *m, struct task *t);
int show_sched(struct seq_file *m, struct task *t);
int show_schedstat(struct seq_file *m, struct task *t);
int show_timerslack(struct seq_file *m, struct task *t);
int show_id_map(struct seq_file *m, struct task *t);
int show_setgroups(struct seq_file *m, struct task *t);
int show_coredump_filter(struct seq_file *m, struct task *t);
int show_cpuset(struct seq_file *m, struct task *t);
int show_children(struct seq_file *m, struct task *t);
ssize_t write_comm(struct task *t, const char *buf, size_t n);
ssize_t write_oom_adj(struct task *t, const char *buf, size_t n);
ssize_t write_oom_score_adj(struct task *t, const char *buf, size_t n);
ssize_t write_timerslack(struct task *t, const char *buf, size_t n);
ssize_t write_id_map(struct task *t, const char *buf, size_t n);

/* Fixed files; each returns 0 or -ENOMEM. */
int proc_build_stat(struct pseudo_dir *root);
int proc_build_meminfo(struct pseudo_dir *root);
int proc_build_cpuinfo(struct pseudo_dir *root);
int proc_build_misc(struct pseudo_dir *root);
int proc_build_kmsg(struct pseudo_dir *root);
#endif
