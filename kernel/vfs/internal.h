/*
 * Private to kernel/vfs: the pieces that its files share.
 *
 * Files: dcache.c (names), inode.c (inodes, permissions), super.c (superblocks), mount.c (tree) + sys_mount.c,
 * namei.c (path walk), dirops.c (vfs_create..vfs_rename) + sys_dir.c, file.c (open file descriptions),
 * fdtable.c + sys_fd.c, open.c, read_write.c + sys_rw.c, iov_iter.c, readdir.c, stat.c, attr.c, xattr.c,
 * fs_ctx.c, dpath.c, seq_file.c, chrdev.c, anon.c, sync.c.
 *
 * Path-walk rule: between two sleeping points raw pointers to dentries are valid without references, because
 * nothing else runs. Whatever may sleep (lookup, revalidate, permission ops, dput, path_put) is called only after
 * nd_pin() has referenced where the walk stands. kmalloc may free unused negative dentries (the shrinker).
 */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H
#include <abi/errno.h>
#include <port/port.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

/* dentry.flags */
enum {
	DENTRY_HASHED = 1,
	DENTRY_ROOT = 2,       /* root of a superblock or a pseudo dentry: no parent */
	DENTRY_PSEUDO = 4,
	DENTRY_REFERENCED = 8, /* used since the shrinker last saw it */
	DENTRY_LONGNAME = 16,  /* name.name is kmalloc'd */
};
#define MNT_EXPIRED (1u << 30)   /* mount.flags: umount2(MNT_EXPIRE) was here once */
#define MNT_DETACHED (1u << 31)  /* not in a namespace (any more, or private to the kernel) */
#define MNT_USER_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | \
			MS_NOSYMFOLLOW)
#define MAX_SYMLINKS 40
#define MAX_MOUNTS 20000

enum { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT, LAST_JUMPED };

struct nameidata {
	struct path path;           /* where the walk stands; unreferenced unless equal to pin */
	struct path pin;            /* referenced, or mnt NULL */
	struct path root;
	bool root_held;
	u32 flags;                  /* LOOKUP_* */
	struct qstr last;           /* final component (walk with LOOKUP_PARENT) */
	int last_type;
	bool slash;                 /* it has a trailing slash */
	int depth, nlinks;
	const char *rest[MAX_SYMLINKS];
	char *bodies[MAX_SYMLINKS];
};

static inline struct fs_ctx *cur_fs(void)
{
	return current && current->fs ? current->fs : init_fs_ctx;
}
static inline const struct cred *cur_cred(void)
{
	return current ? current->cred : NULL;
}
/* As capable(), and true for the boot fibre, which has no credentials. */
static inline bool vfs_capable(int cap)
{
	return !cur_cred() || cred_capable(cur_cred(), cap);
}
static inline bool inode_owner_or_capable(const struct inode *i)
{
	return !cur_cred() || cur_cred()->fsuid == i->uid || vfs_capable(CAP_FOWNER);
}

/* dcache.c */
void dcache_init(void);
struct dentry *d_lookup_raw(struct dentry *parent, const struct qstr *name); /* no reference */
void d_prune_children(struct dentry *d);      /* drops unused children of d */
bool d_valid(struct dentry *d, u32 flags);    /* revalidate; d referenced; may sleep */
bool d_needs_revalidate(const struct dentry *d);

/* inode.c */
void inode_cache_init(void);
/* What sgid/suid bits a write or chown by current takes away: 0 or the new mode to set. */
bool inode_should_kill_priv(const struct inode *i, u32 *new_mode);
int notify_change(struct dentry *d, struct iattr *a);   /* inode->lock held for write */
int file_remove_privs(struct file *f);                  /* inode->lock held for write */

/* super.c */
struct super_block *sb_new(struct fs_type *t, u32 flags, const char *source, const char *data);
void sb_activate(struct super_block *sb);
void sb_deactivate(struct super_block *sb);
void sb_put(struct super_block *sb);

/* mount.c */
struct mount *mount_find(struct mount *parent, struct dentry *d); /* topmost on top of (parent, d), or NULL */
struct mount *mount_alloc(struct super_block *sb, struct dentry *root, const char *source, u32 flags);
int mount_graft(struct mount *m, const struct path *where);       /* m and its children become part of where's tree */
void mount_tree_detach(struct mount *m);
void mount_attach(struct mount *m, struct mount *parent, struct dentry *d);
void mount_unhook(struct mount *m, struct path *where);           /* then put *where */
void mount_ns_changed(void);
struct mount *mount_next(struct mount *m, struct mount *top);     /* pre-order; NULL after the last */
bool mount_is_ours(const struct mount *m);                        /* in current's namespace */
extern struct mutex mount_mutex;                                  /* changes of mount trees */
int do_new_mount(const char *type, const char *source, const struct path *where, u32 flags, const char *data);
int do_pivot(const struct path *new_root, const struct path *put_old);

/* namei.c */
int nd_init(struct nameidata *nd, int dfd, const char *name, u32 flags, const struct path *root);
void nd_pin(struct nameidata *nd);
void nd_done(struct nameidata *nd);
int nd_walk(struct nameidata *nd, const char *name);
int nd_finish(struct nameidata *nd, struct path *out);
/* Follows symlink d (consumes the reference), found in nd->path. *body: text to walk on with, NULL: jumped. */
int nd_follow(struct nameidata *nd, struct dentry *d, const char **body);
int nd_dotdot(struct nameidata *nd);
int nd_cross_mounts(struct nameidata *nd);
struct dentry *lookup_locked_q(struct dentry *parent, const struct qstr *q, u32 flags);
/* The directory of name's last component: *out referenced; last->name points into name. type LAST_*. */
int path_parent(int dfd, const char *name, u32 flags, struct path *out, struct qstr *last, int *type, bool *slash);
int may_create(struct inode *dir);
int may_delete(struct inode *dir, struct dentry *victim);

/* dirops.c: the caller holds dir->lock for write */
int create_locked(struct inode *dir, struct dentry *d, u32 mode, bool excl);
int unlink_locked(struct inode *dir, struct dentry *d);
int rmdir_locked(struct inode *dir, struct dentry *d);
int rename_locked(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags);
int link_locked(struct dentry *old, struct inode *dir, struct dentry *d);
int mknod_locked(struct inode *dir, struct dentry *d, u32 mode, u32 rdev);
int mkdir_locked(struct inode *dir, struct dentry *d, u32 mode);
int symlink_locked(struct inode *dir, struct dentry *d, const char *target);
/* Locks both for write, ancestor first; takes the rename mutex when they differ. */
struct dentry *lock_rename(struct dentry *a, struct dentry *b);
void unlock_rename(struct dentry *a, struct dentry *b);

/* file.c */
struct file *file_alloc(u32 flags);
int file_bind(struct file *f, const struct path *p, bool exec); /* path referenced inside; calls op->open */
void file_free_unopened(struct file *f);
void file_cache_init(void);
int filp_close(struct file *f, struct files *owner);
extern const struct file_ops chrdev_fops, no_open_fops, empty_fops;

/* open.c */
struct open_args { u32 flags, mode, lookup; };
struct file *do_open(int dfd, const char *name, const struct open_args *a, const struct path *root);
int may_open(const struct path *p, u32 acc, u32 flags);

/* read_write.c */
ssize_t write_iter_flags(struct file *f, struct iov_iter *it, s64 *pos, bool append);

/* fdtable.c */
int fd_install_min(struct file *f, u32 flags, u32 min_fd);
int fd_replace(struct file *f, int newfd, u32 flags);  /* dup2; consumes f */
int fd_set_cloexec(int fd, bool on);
int fd_get_cloexec(int fd);
int fd_close_range(u32 first, u32 last, bool cloexec);

void anon_init(void);
void fs_ctx_init(void);
#endif
