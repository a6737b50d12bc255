/*
 * The virtual file system: superblocks, inodes, dentries, mounts, open files, fd tables.
 *
 * Lives. A dentry names an inode in its parent; it is kept in the dcache (LRU) when unreferenced. Negative
 * dentries have inode NULL. An inode lives while referenced or while cached by a dentry. A file (open file
 * description) lives while an fd, a VMA or a sleeper holds it. Mounts form a tree; a path is (mount, dentry),
 * both referenced. All under klock. inode->lock (rwsem "i_rwsem") covers directory changes and writes across
 * sleeps: held for write by the VFS around create, link, unlink, rename, rmdir, setattr, setxattr, write_iter and
 * fallocate (regular files); held for write around lookup too (names are instantiated
 * once), for read around readdir. Order: rename_mutex > parent dirs (ancestor first) > inode.
 */
#ifndef UMBER_VFS_H
#define UMBER_VFS_H
#include <abi/fcntl.h>
#include <abi/stat.h>
#include <abi/time.h>
#include <umber/list.h>
#include <umber/sync.h>
#include <umber/types.h>
#include <umber/uaccess.h>
#include <umber/xarray.h>

struct inode;
struct dentry;
struct file;
struct mount;
struct super_block;
struct task;
struct cred;
struct poll_table;
struct pipe;
struct vma;
struct path;

struct qstr { const char *name; u32 len; u32 hash; };

/* ---- superblock ---- */
struct statfs64 {
	s64 f_type, f_bsize; u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree; s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};
struct seq_file;
struct super_ops {
	void (*evict_inode)(struct inode *inode);           /* last reference: free private data */
	int (*statfs)(struct super_block *sb, struct statfs64 *st);
	void (*put_super)(struct super_block *sb);
	int (*sync)(struct super_block *sb);
	void (*show_options)(struct super_block *sb, struct seq_file *m); /* ",opt=val" for /proc/mounts */
	int (*remount)(struct super_block *sb, u32 flags, const char *data);
};
struct super_block {
	refcount_t ref;
	const struct fs_type *type;
	const struct super_ops *op;
	struct dentry *root;
	u32 active;                    /* mounts of it; put_super at 0 */
	u32 dev;                       /* st_dev: anonymous minor by default */
	u32 flags;                     /* MS_RDONLY... of the superblock */
	u64 magic, maxbytes;
	struct mutex rename_mutex;     /* renames between directories */
	u32 blocksize;
	u64 next_ino;
	bool no_dcache;                /* do not keep unreferenced dentries (proc) */
	void *priv;
	char source[64];
};
struct fs_type {
	const char *name;
	bool nodev;                    /* /proc/filesystems */
	bool user_mountable;
	/* Fills a new sb (type, dev, flags set). data: option string or NULL, kernel memory. 0 or -errno. */
	int (*fill_super)(struct super_block *sb, const char *source, const char *data);
	struct fs_type *next;
};
void fs_register(struct fs_type *t);
struct fs_type *fs_find(const char *name);
extern struct fs_type *fs_types;
u32 anon_dev(void);
#define MKDEV(ma, mi) ((u32)(((ma) << 8) | ((mi)&0xff) | (((mi) & ~0xffu) << 12)))
#define MAJOR(d) (((d) >> 8) & 0xfff)
#define MINOR(d) (((d)&0xff) | (((d) >> 12) & 0xfff00))

/* ---- inode ---- */
struct iattr {
	u32 valid;                     /* ATTR_* */
	u32 mode, uid, gid;
	u64 size;
	struct timespec64 atime, mtime, ctime;
	struct file *file;             /* ftruncate, fchmod...: the open file, else NULL */
};
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_CTIME = 64,
       ATTR_KILL_SUID = 128, ATTR_OPEN_TRUNC = 256,
       ATTR_TIMES_SET = 512 /* explicit times: owner only; else utimes(now) rules */ };
/* The VFS calls setattr_prepare() before op->setattr and always gives ATTR_CTIME; size is the fs's to change. */
struct kstat {
	u64 ino, size, blocks; u32 dev, rdev, mode, nlink, uid, gid, blksize;
	struct timespec64 atime, mtime, ctime, btime; u64 attributes; bool has_btime; u64 mnt_id;
};
struct inode_ops {
	/* dir->lock held (read). Finds `d` in dir: d_add(d, inode or NULL). May return another dentry, or NULL for
	 * d itself, or ERR_PTR. */
	struct dentry *(*lookup)(struct inode *dir, struct dentry *d, u32 flags);
	/* dir->lock held (write); d is negative; on success d_instantiate(d, inode). mode has the S_IF type for mknod,
	 * umask already applied. */
	int (*create)(struct inode *dir, struct dentry *d, u32 mode, bool excl);
	int (*mkdir)(struct inode *dir, struct dentry *d, u32 mode);
	int (*mknod)(struct inode *dir, struct dentry *d, u32 mode, u32 rdev);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *d);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	/* flags: RENAME_NOREPLACE/EXCHANGE/WHITEOUT. VFS has checked types, emptiness is the fs's to check. The VFS
	 * moves the dentries after success. */
	int (*rename)(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags);
	/* Link target, NUL-terminated, kmalloc'd (caller frees) or ERR_PTR. */
	char *(*readlink)(struct dentry *d);
	/* Magic links (/proc/PID/fd/N, exe, cwd): the target itself, referenced. NULL op: ordinary symlink. */
	int (*follow_magic)(struct dentry *d, struct path *out);
	int (*permission)(struct inode *inode, int mask);        /* NULL: generic_permission */
	int (*setattr)(struct dentry *d, struct iattr *a);       /* NULL: -EPERM; usually ends in setattr_copy */
	int (*getattr)(struct dentry *d, struct kstat *st, u32 mask); /* NULL: generic_fillattr */
	ssize_t (*listxattr)(struct inode *inode, char *buf, size_t n); /* n 0: size query; names with NULs */
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *val, size_t n);
	int (*setxattr)(struct inode *inode, const char *name, const void *val, size_t n, int flags); /* val NULL: remove */
	int (*tmpfile)(struct inode *dir, struct dentry *d, u32 mode); /* O_TMPFILE: nlink 0 inode, d_instantiate */
	/* Called on a cached dentry before use: false = stale, look up again. NULL: always valid. Taken from the
	 * dentry's own inode, or else from its parent's (always so for negative dentries). May sleep. */
	bool (*revalidate)(struct dentry *d, u32 flags);
};
struct inode {
	refcount_t ref;
	u32 mode, uid, gid, nlink;
	u64 ino, size;                 /* size: see i_size of the fs; fs may refresh it in getattr */
	u32 rdev, flags;
	u64 blocks;                    /* 512-byte units */
	struct timespec64 atime, mtime, ctime, btime;
	struct super_block *sb;
	const struct inode_ops *op;
	const struct file_ops *fop;    /* given to files opened on it */
	struct rwsem lock;
	struct list_head dentries;     /* dentry.alias */
	void *priv;                    /* file system's */
	u64 version;                   /* bumped at each change */
	int writecount;                /* >0: open for write; <0: being executed (ETXTBSY) */
	struct pipe *pipe;             /* FIFO */
	void *sock;                    /* bound AF_UNIX socket (struct usock) */
	struct list_head flocks;       /* kernel/vfs/locks.c */
	struct list_head watches;      /* inotify */
	struct wait_queue lock_wq;
};
/* inode.flags */
enum { I_DEAD = 1u << 16 /* removed directory */, I_LINKABLE = 1u << 17 /* O_TMPFILE without O_EXCL */ };
/* permission masks */
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4, MAY_APPEND = 8 };
struct inode *inode_new(struct super_block *sb);       /* ref 1, lock and lists ready, ino = sb->next_ino++ */
static inline struct inode *iget(struct inode *i) { ref_get(&i->ref); return i; }
void iput(struct inode *i);
int inode_permission(struct inode *i, int mask);       /* with read-only sb, capabilities, fsuid */
int generic_permission(struct inode *i, int mask);
void generic_fillattr(struct inode *i, struct kstat *st);
int setattr_prepare(struct dentry *d, struct iattr *a);/* chown/chmod/utimes permission rules */
void setattr_copy(struct inode *i, const struct iattr *a);
void inode_init_owner(struct inode *i, struct inode *dir, u32 mode); /* fsuid/fsgid, setgid dirs */
struct timespec64 current_time(struct inode *i);
void touch_mtime(struct inode *i);                     /* mtime = ctime = now, version++ */
void touch_atime(struct file *f);                      /* relatime, noatime honoured */
/* Sets fop for char, block, FIFO, socket inodes by mode and rdev. */
void init_special_inode(struct inode *i, u32 mode, u32 rdev);
static inline bool inode_is_dir(const struct inode *i) { return (i->mode & S_IFMT) == S_IFDIR; }
static inline bool inode_is_lnk(const struct inode *i) { return (i->mode & S_IFMT) == S_IFLNK; }
static inline bool inode_is_reg(const struct inode *i) { return (i->mode & S_IFMT) == S_IFREG; }

/* ---- dentry ---- */
struct dentry_ops {
	bool (*delete_)(struct dentry *d);             /* true: do not cache when unreferenced */
	void (*release)(struct dentry *d);
	char *(*dname)(struct dentry *d, char *buf, size_t n); /* name for d_path of pseudo files ("pipe:[12]") */
};
struct dentry {
	refcount_t ref;
	u32 flags;                     /* DENTRY_* in vfs */
	struct dentry *parent;         /* itself for a root; referenced */
	struct qstr name;
	char iname[40];                /* short names live here */
	struct inode *inode;           /* NULL: negative */
	struct super_block *sb;
	const struct dentry_ops *op;
	struct list_head hash_node, child, children, alias, lru;
	u32 nr_mounts;                 /* something is mounted here in some mount */
	u64 time;                      /* fs: when last validated */
	void *priv;
};
static inline struct dentry *dget(struct dentry *d) { ref_get(&d->ref); return d; }
void dput(struct dentry *d);
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name);     /* unhashed, ref 1 */
struct dentry *d_alloc_name(struct dentry *parent, const char *name);
struct dentry *d_make_root(struct inode *inode);                            /* consumes inode ref */
struct dentry *d_alloc_pseudo(struct super_block *sb, const char *name);    /* pipes, sockets, anon inodes */
void d_add(struct dentry *d, struct inode *inode);                          /* hash; consumes inode ref; NULL: negative */
void d_instantiate(struct dentry *d, struct inode *inode);                  /* consumes inode ref; hashes if needed */
void d_drop(struct dentry *d);                                              /* unhash: next lookup asks the fs */
void d_delete(struct dentry *d);                                            /* after unlink/rmdir: negative or dropped */
void d_move(struct dentry *d, struct dentry *target, bool exchange);
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name);    /* hashed one, referenced, or NULL */
struct dentry *lookup_one(struct dentry *parent, const char *name, u32 len);/* dcache, then fs; parent->inode locked by caller or not: takes read lock itself */
struct dentry *lookup_one_locked(struct dentry *parent, const char *name, u32 len);
u32 name_hash(const char *name, u32 len);
bool d_is_ancestor(struct dentry *a, struct dentry *d);
void shrink_dcache_sb(struct super_block *sb);

/* ---- mounts and paths ---- */
struct path { struct mount *mnt; struct dentry *dentry; };
struct mount {
	refcount_t ref;
	int id;
	struct mount *parent;          /* itself for the root of a tree */
	struct dentry *mountpoint;     /* in parent */
	struct dentry *root;           /* dentry shown there (bind mounts: any) */
	struct super_block *sb;
	u32 flags;                     /* MNT_*: MS_RDONLY NOSUID NODEV NOEXEC NOATIME... per mount */
	struct list_head children, child, all, hash;
	char *source;                  /* /proc/mounts first field */
	struct mnt_ns *ns;
	int propagation, peer_group;
};
struct mnt_ns { refcount_t ref; struct mount *root; struct list_head mounts; u64 event; struct wait_queue wq; };
extern struct mnt_ns *init_mnt_ns;
static inline void path_get(const struct path *p) { ref_get((refcount_t *)p->mnt); ref_get((refcount_t *)p->dentry); }
void path_put(const struct path *p);
void mntput(struct mount *m);
/* Mounts in the kernel. data may be NULL. */
int do_mount_kernel(const char *type, const char *source, const char *target, u32 flags, const char *data);
struct mount *kern_mount(struct fs_type *t, const char *data);               /* private, not in a namespace */
int mount_root(const char *type, const char *source, u32 flags, const char *data); /* first root */
struct mnt_ns *task_mnt_ns(struct task *t);
enum { MOUNTS_PLAIN, MOUNTS_INFO, MOUNTS_STATS };
void mounts_show(struct seq_file *m, struct task *t, int kind); /* /proc/PID/mounts, mountinfo, mountstats */
int mnt_want_write(struct mount *m);                                         /* 0 or -EROFS */

/* Path walk (path_resolution(7)). */
enum { LOOKUP_FOLLOW = 1, LOOKUP_DIRECTORY = 2, LOOKUP_PARENT = 4, LOOKUP_EMPTY = 8, LOOKUP_CREATE = 16, LOOKUP_EXCL = 32,
       LOOKUP_NO_XDEV = 0x100, LOOKUP_NO_MAGICLINKS = 0x200, LOOKUP_NO_SYMLINKS = 0x400, LOOKUP_BENEATH = 0x800,
       LOOKUP_IN_ROOT = 0x1000, LOOKUP_OPEN = 0x2000, LOOKUP_RENAME = 0x4000 };
/* name: kernel string. dfd: AT_FDCWD or an fd. On success *out is referenced. May sleep. */
int path_lookup(int dfd, const char *name, u32 flags, struct path *out);
int path_lookup_root(const struct path *root, const char *name, u32 flags, struct path *out);
int user_path_at(int dfd, uaddr_t upath, u32 flags, struct path *out);       /* getname + path_lookup */
/* Absolute name of p as seen from current's root into buf (built at its end); pointer or ERR_PTR. " (deleted)"
 * is appended for unlinked ones; unreachable ones get "(unreachable)". */
char *d_path(const struct path *p, char *buf, size_t n);
char *d_path_root(const struct path *p, const struct path *root, char *buf, size_t n);
/* Ops for kernel users (devtmpfs, initramfs, AF_UNIX bind): parent locked, dentry created and instantiated. */
int vfs_mknod_at(int dfd, const char *name, u32 mode, u32 rdev, struct path *out /* or NULL */);
int vfs_mkdir_at(int dfd, const char *name, u32 mode);
int vfs_symlink_at(int dfd, const char *name, const char *target);
int vfs_link_at(int odfd, const char *oname, int ndfd, const char *nname, int flags);
int vfs_unlink_at(int dfd, const char *name, int flags);
int vfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags);
int vfs_setattr(const struct path *p, struct iattr *a);                      /* takes inode->lock, notifies */
/* Lower-level: these lock dir(s) for write themselves, check types and state, move the dentries, notify; they do NOT check
 * permissions, mounts or umask (the *_at calls and system calls do). Used by overlay too (no path, no namespace). */
int vfs_create(struct inode *dir, struct dentry *d, u32 mode, bool excl);
int vfs_mkdir(struct inode *dir, struct dentry *d, u32 mode);
int vfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 rdev);
int vfs_symlink(struct inode *dir, struct dentry *d, const char *target);
int vfs_link(struct dentry *old, struct inode *dir, struct dentry *d);
int vfs_unlink(struct inode *dir, struct dentry *d);
int vfs_rmdir(struct inode *dir, struct dentry *d);
int vfs_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags);

/* ---- open files ---- */
/* off: d_off, the f->pos from which a later iterate goes on after this entry. When fill returns nonzero the entry was
 * not taken: leave f->pos at it and return 0. */
/* off: the f->pos that continues behind this entry (d_off). 0 go on; else stop, the entry was not taken. */
typedef int (*filldir_t)(void *ctx, const char *name, int len, u64 off, u64 ino, u32 dtype);
struct file_ops {
	s64 (*llseek)(struct file *f, s64 off, int whence);      /* NULL: -ESPIPE; generic_llseek for files */
	/* *pos is advanced; f->flags has O_NONBLOCK. May sleep. inode->lock held for write by the VFS around write_iter
	 * of regular files only. Returns bytes (short is fine) or negative errno. */
	ssize_t (*read_iter)(struct file *f, struct iov_iter *it, s64 *pos);
	ssize_t (*write_iter)(struct file *f, struct iov_iter *it, s64 *pos);
	int (*iterate)(struct file *f, filldir_t fill, void *ctx); /* uses and advances f->pos; emits . and .. */
	u32 (*poll)(struct file *f, struct poll_table *pt);      /* EPOLL* mask; NULL: always IN|OUT */
	long (*ioctl)(struct file *f, u32 cmd, u64 arg);
	/* mmap: returns the host file to map for this file (shared with `writable` if VM_SHARED may write). *off is the
	 * file offset, may be adjusted. -ENODEV where mapping makes no sense. The hfd stays owned by the fs and valid
	 * until unmap() balances it (file keeps a reference through the VMA). */
	hfd_t (*mmap)(struct file *f, bool shared, bool writable, u64 *off);
	int (*open)(struct inode *inode, struct file *f);
	int (*flush)(struct file *f);                            /* each close of an fd */
	void (*release)(struct file *f);                         /* last reference */
	int (*fsync)(struct file *f, bool datasync);
	int (*fallocate)(struct file *f, int mode, u64 off, u64 len); /* takes inode->lock itself */
	int (*fasync)(struct file *f, bool on);
	ssize_t (*splice_read)(struct file *f, s64 *pos, struct pipe *p, size_t n, u32 flags);
	void (*show_fdinfo)(struct file *f, struct seq_file *m);
	/* True if read(0..)/write never sleep on this file when data is there (used by sendfile, preadv2 NOWAIT). */
	bool nowait;
};
struct file {
	refcount_t ref;
	u32 flags;                     /* O_* incl. O_APPEND O_NONBLOCK O_DIRECT O_PATH; access mode */
	u32 mode;                      /* FMODE_* */
	s64 pos;
	struct mutex pos_lock;         /* read/write/lseek/getdents on shared descriptions of regular files and dirs */
	struct path path;
	struct inode *inode;           /* = path.dentry->inode, or the fs's (overlay real inode never) */
	const struct file_ops *op;
	void *priv;
	struct cred *cred;             /* opener's */
	struct list_head epitems;      /* epoll */
	int owner_pid, owner_sig, owner_type; /* F_SETOWN, F_SETSIG */
	u32 seals;
	void *dirbuf;                  /* fs's readdir state */
	u64 version;
};
enum { FMODE_READ = 1, FMODE_WRITE = 2, FMODE_EXEC = 4, FMODE_PATH = 8, FMODE_LSEEK = 16, FMODE_STREAM = 32,
       FMODE_PREAD = 64, FMODE_PWRITE = 128, FMODE_WRITER = 256 /* holds inode->writecount */ };
static inline struct file *file_get(struct file *f) { ref_get(&f->ref); return f; }
void file_put(struct file *f);
/* open(2) in kernel terms; flags O_*, kernel-string name. File or ERR_PTR. */
struct file *file_open(int dfd, const char *name, u32 flags, u32 mode);
struct file *file_open_path(const struct path *p, u32 flags);    /* references p itself */
struct file *file_open_exec(int dfd, const char *name, u32 lookup_flags); /* +x checks, ETXTBSY count; file_put undoes */
/* A file on a pseudo inode (pipe, socket, epoll...): anon_inodefs. name as in /proc/PID/fd, e.g. "[eventpoll]". */
struct file *anon_file(const char *name, const struct file_ops *op, void *priv, u32 flags);
/* Pipes and sockets: inode = inode_new(pseudo_sb). Consumes the inode reference, also on error (ERR_PTR). name "pipe"
 * is shown as "pipe:[ino]"; a name with '[' in it as it is. */
extern struct super_block *pseudo_sb;
extern const struct file_ops fifo_fops;            /* kernel/ipc */
struct file *pseudo_file(struct inode *inode, const char *name, const struct file_ops *op, u32 flags);
ssize_t kernel_read(struct file *f, void *buf, size_t n, s64 *pos);
ssize_t kernel_write(struct file *f, const void *buf, size_t n, s64 *pos);
ssize_t vfs_read_iter(struct file *f, struct iov_iter *it, s64 *pos);
ssize_t vfs_write_iter(struct file *f, struct iov_iter *it, s64 *pos);
s64 generic_llseek(struct file *f, s64 off, int whence);
s64 noop_llseek(struct file *f, s64 off, int whence);
int vfs_iterate(struct file *f, filldir_t fill, void *ctx);
int vfs_truncate(const struct path *p, u64 size, struct file *f);

/* ---- fd tables ---- */
struct files;
struct files *files_new(void);
struct files *files_copy(struct files *old);       /* fork */
struct files *files_get(struct files *f);
void files_put(struct files *f);
int files_unshare(void);                           /* current gets its own */
void files_close_on_exec(void);
struct file *fd_get(int fd);                       /* current's; referenced, NULL: EBADF. O_PATH files give NULL */
struct file *fd_get_raw(int fd);                   /* O_PATH too */
struct file *task_fd_get(struct task *t, int fd);
int task_fd_next(struct task *t, int fd);          /* lowest open fd >= fd or -1: /proc/PID/fd */
bool task_fd_cloexec(struct task *t, int fd);
int fd_install(struct file *f, u32 flags);         /* lowest free, O_CLOEXEC; consumes f even on error (-EMFILE) */
int fd_alloc(u32 flags);                           /* reserve; then fd_publish or fd_unreserve */
void fd_publish(int fd, struct file *f);
void fd_unreserve(int fd);
int fd_close(int fd);

/* ---- cwd, root, umask ---- */
struct fs_ctx { refcount_t ref; struct path root, cwd; u32 umask; bool in_exec; };
struct fs_ctx *fs_ctx_copy(struct fs_ctx *old);
void fs_ctx_put(struct fs_ctx *f);
extern struct fs_ctx *init_fs_ctx;

/* ---- generated text files (proc, sysfs) ---- */
struct seq_file {
	char *buf; size_t size, len;   /* grows as needed */
	bool overflow;                 /* no memory */
	void *priv;
};
void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);
void seq_write(struct seq_file *m, const void *p, size_t n);
void seq_path(struct seq_file *m, const struct path *p);   /* escapes space tab newline backslash as \ooo */
void seq_escape(struct seq_file *m, const char *s);

/* ---- locks, notification ---- */
long fcntl_lock(struct file *f, unsigned cmd, uaddr_t arg, int fd);     /* F_GETLK F_SETLK(W) F_OFD_* */
long fcntl_lease(struct file *f, unsigned cmd, unsigned long arg);      /* F_SETLEASE F_GETLEASE */
long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg);       /* F_SETPIPE_SZ F_GETPIPE_SZ */
long memfd_fcntl(struct file *f, unsigned cmd, unsigned long arg);      /* F_ADD_SEALS F_GET_SEALS */
void file_sigio(struct file *f);                   /* O_ASYNC: SIGIO to the owner; drivers call it */
/* Lists of O_ASYNC files for drivers: a fasync op puts f on (0 or -ENOMEM) and off; kill sends each that is open in
 * one of these FMODE_* modes its signal. */
int fasync_list_set(struct list_head *l, struct file *f, bool on);
void fasync_list_kill(struct list_head *l, u32 modes);
void epoll_file_gone(struct file *f);              /* last reference; called when f->epitems is not empty */
void locks_remove_file(struct file *f);            /* flock, OFD: last reference */
void locks_remove_posix(struct file *f, struct files *owner); /* close of an fd */
void locks_show(struct seq_file *m);               /* /proc/locks */
enum { FSN_ACCESS = 1, FSN_MODIFY = 2, FSN_ATTRIB = 4, FSN_CLOSE_WRITE = 8, FSN_CLOSE_NOWRITE = 16, FSN_OPEN = 32,
       FSN_MOVED_FROM = 64, FSN_MOVED_TO = 128, FSN_CREATE = 256, FSN_DELETE = 512, FSN_DELETE_SELF = 1024,
       FSN_MOVE_SELF = 2048, FSN_UNMOUNT = 0x2000, FSN_ISDIR = 0x40000000 };
/* inotify hooks; cheap when nobody watches. */
void fsnotify_dentry(struct dentry *d, u32 mask);          /* on the inode and, with its name, on the parent */
void fsnotify_name(struct inode *dir, const char *name, u32 mask, u32 cookie);
void fsnotify_inode(struct inode *i, u32 mask);
u32 fsnotify_cookie(void);
/* The last dentry of an inode with nlink 0 goes (before its iput: watches hold the inode). IN_DELETE_SELF, IN_IGNORED. */
void fsnotify_inode_gone(struct inode *i);
/* /proc/sys/fs/inotify/NAME */
extern u32 inotify_max_queued_events, inotify_max_user_instances, inotify_max_user_watches;
void fsnotify_sb_gone(struct super_block *sb);             /* last unmount, before inodes are evicted: IN_UNMOUNT */

/* ---- char devices ---- */
struct cdev_ops { const struct file_ops *fop; };
/* open() of a char device dispatches by (major, minor range). */
int chrdev_register(u32 major, u32 minor, u32 count, const struct file_ops *fop, const char *name);
const struct file_ops *chrdev_find(u32 rdev);
void chrdev_show(struct seq_file *m);              /* /proc/devices */
/* Makes a node in devtmpfs: name relative to /dev, e.g. "tty1"; mode S_IFCHR|0666. */
int devtmpfs_add(const char *name, u32 mode, u32 rdev);
void devtmpfs_del(const char *name);
/* Boot order of the VFS; initcalls of file systems. */
void vfs_init(void);
u64 vfs_nr_files(void);
u64 vfs_nr_dentries(bool unused_only);
u64 vfs_nr_inodes(void);
void vfs_drop_caches(void);                        /* /proc/sys/vm/drop_caches: unused dentries and inodes */
extern u64 vfs_max_files, vfs_nr_open;             /* /proc/sys/fs/file-max, nr_open */
#endif
