/*
 * What drivers-host/hostfs offers to kernel/fs/hostfs: the host's files, below fds only.
 *
 * Every function is called with klock held and gives it up (klock_drop/klock_take, the fibre stays on its vCPU) around
 * host calls that may touch a disk. Handles passed in must be kept open by the caller meanwhile. Returns are 0, a
 * count, or a negative errno; host and guest numbers are the same. A name is one component: "", ".", ".." and anything
 * with a slash is refused with -EINVAL, so no call can leave the directory it is given. Nothing but regular files and
 * directories is ever opened for more than its path, and no file system that is not on the list of those which store
 * data: such a place is reported as `blocked` and never entered.
 */
#ifndef PORT_HOSTFS_H
#define PORT_HOSTFS_H
#include <umber/types.h>

struct hostfs_time { s64 sec; u32 nsec; };
struct hostfs_stat {
	u64 dev, ino, size, blocks, attributes;
	u32 mode, nlink, uid, gid, blksize, rdev_major, rdev_minor;
	struct hostfs_time atime, mtime, ctime, btime;
	bool has_btime;
	bool blocked;           /* on a file system that is never entered (proc, sysfs, ...) */
};
struct hostfs_statfs { u64 bsize, blocks, bfree, bavail, files, ffree, namelen, frsize; s32 fsid[2]; };
struct hostfs_new {             /* something to be made; the mode has its S_IF type */
	u32 mode, uid, gid, rdev_major, rdev_minor;
	const char *target;     /* of a symbolic link */
};
enum { HOSTFS_MODE = 1, HOSTFS_UID = 2, HOSTFS_GID = 4, HOSTFS_ATIME = 8, HOSTFS_MTIME = 16 };
struct hostfs_attr { u32 valid, mode, uid, gid; struct hostfs_time atime, mtime; };

/* hostfs_reopen. SEEN: the caller knows from the attributes that came with this handle that it is a regular file (what a
 * handle stands for never changes), so it is not asked again. */
enum { HOSTFS_RD = 1, HOSTFS_WR = 2, HOSTFS_SYNC = 4, HOSTFS_DSYNC = 8, HOSTFS_DIR = 16, HOSTFS_SEEN = 32 };

/* How many descriptors the process may have open: what caches of them are measured by. */
u64 hostfs_fd_limit(void);
/* Root (a directory, or one regular file) by a path that the user of umber gave: links are followed. *fuse: the user named a FUSE file system. */
int hostfs_open_root(const char *path, hfd_t *out, struct hostfs_stat *st, bool *fuse);
/* A directory below `jail` by a path that the guest gave; links and .. cannot leave jail. */
int hostfs_open_in(hfd_t jail, bool fuse, const char *path, hfd_t *out, struct hostfs_stat *st);
/* dir_dev: st.dev of the directory as open now: what lies on the same device needs no further check. */
int hostfs_stat_at(hfd_t dir, u64 dir_dev, bool fuse, const char *name, struct hostfs_stat *st);
int hostfs_open_path(hfd_t dir, u64 dir_dev, bool fuse, const char *name, hfd_t *out, struct hostfs_stat *st);
/* A second path handle of the object behind any handle. Does not sleep. */
int hostfs_dup_path(hfd_t h, hfd_t *out);
/* The object behind a path handle itself, if it is a regular file (or a directory, with HOSTFS_DIR). */
int hostfs_reopen(hfd_t path, u32 how, hfd_t *out);
int hostfs_fstat(hfd_t h, struct hostfs_stat *st);
ssize_t hostfs_readlink(hfd_t path, char *buf, size_t n);

/* try_only: does not drop klock, and fails with -EAGAIN (or -EOPNOTSUPP) if it might have to wait. */
ssize_t hostfs_pread(hfd_t h, void *buf, size_t n, u64 off, bool try_only);
/* append: *off is where the file ended before; else the data goes to *off. */
ssize_t hostfs_pwrite(hfd_t h, const void *buf, size_t n, u64 *off, bool append);
s64 hostfs_lseek(hfd_t h, s64 off, int whence);
/* struct linux_dirent64 records from directory position off, or from where the descriptor is. */
#define HOSTFS_HERE (~0ull)
ssize_t hostfs_getdents(hfd_t h, void *buf, size_t n, u64 off);
int hostfs_fsync(hfd_t h, bool datasync);
int hostfs_fallocate(hfd_t h, int mode, u64 off, u64 len);
int hostfs_ftruncate(hfd_t h, u64 size);
int hostfs_syncfs(hfd_t h); /* h: opened for reading */
int hostfs_statfs(hfd_t h, struct hostfs_statfs *st);

/* Makes `n`. A regular file is made exclusively and comes back open for reading and writing in *fd (else HFD_NONE).
 * Owner and mode are set as far as the host lets us. */
int hostfs_make(hfd_t dir, const char *name, const struct hostfs_new *n, struct hostfs_stat *st, hfd_t *fd);
int hostfs_tmpfile(hfd_t dir, const struct hostfs_new *n, struct hostfs_stat *st, hfd_t *fd);
int hostfs_link(hfd_t path, hfd_t dir, const char *name);
int hostfs_unlink(hfd_t dir, const char *name, bool is_dir);
int hostfs_rename(hfd_t odir, const char *oname, hfd_t ndir, const char *nname, u32 flags);
int hostfs_setattr(hfd_t path, const struct hostfs_attr *a);
ssize_t hostfs_getxattr(hfd_t path, const char *name, void *val, size_t n);
ssize_t hostfs_listxattr(hfd_t path, char *buf, size_t n);
int hostfs_setxattr(hfd_t path, const char *name, const void *val, size_t n, int flags); /* val NULL: remove */
#endif
