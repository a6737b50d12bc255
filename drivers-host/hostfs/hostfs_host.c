/*
 * hostfs, host side: opening and looking (include/port/hostfs.h is the interface and states the rules).
 *
 * Two steps: a name is first opened with O_PATH|O_NOFOLLOW, which has no effect on anything; its type and file system
 * are then looked at; and only a regular file or directory is opened again, through /proc/self/fd, so that what is
 * opened is what was looked at. A path that a guest composed never reaches the host.
 */
#include "hostfs_host.h"
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define STAT_MASK (STATX_BASIC_STATS | STATX_BTIME)
#define FUSE_MAGIC 0x65735546

/* File systems that store data. devtmpfs says that it is a tmpfs: it has nothing that would be opened. */
static const u32 data_fs[] = {
	0xEF53 /* ext2-4 */, 0x58465342 /* xfs */, 0x9123683E /* btrfs */, 0x01021994 /* tmpfs */,
	0x858458f6 /* ramfs */, 0x794c7630 /* overlay */, 0x6969 /* nfs */, 0x01021997 /* 9p */,
	0xF2F52010 /* f2fs */, 0x2FC12FC1 /* zfs */, 0xCA451A4E /* bcachefs */, 0x3153464a /* jfs */,
	0x52654973 /* reiserfs */, 0x4d44 /* vfat */, 0x2011BAB0 /* exfat */, 0x5346544e /* ntfs */,
	0x7366746e /* ntfs3 */, 0x9660 /* iso9660 */, 0x15013346 /* udf */, 0x73717368 /* squashfs */,
	0xE0F5E1E2 /* erofs */, 0x28cd3d45 /* cramfs */, 0xFF534D42 /* cifs */, 0xFE534D42 /* smb2 */,
	0x00c36400 /* ceph */, 0x7461636f /* ocfs2 */, 0x01161970 /* gfs2 */, 0x3434 /* nilfs */,
	0x137F, 0x138F, 0x2468, 0x2478 /* minix */, 0x482b, 0x4244 /* hfs */, 0x00c0ffee /* hostfs */,
	0xf15f /* ecryptfs */, 0x786f4256 /* vboxsf */, 0x958458f6 /* hugetlbfs */,
};

static bool is_data_fs(int fd, bool fuse, int *err)
{
	struct statfs sf;

	*err = 0;
	if (fstatfs(fd, &sf)) {
		*err = -errno;
		return false;
	}
	for (size_t i = 0; i < sizeof(data_fs) / sizeof(data_fs[0]); i++)
		if ((u32)sf.f_type == data_fs[i])
			return true;
	return fuse && (u32)sf.f_type == FUSE_MAGIC;
}

bool hostfs_bad_name(const char *name)
{
	return !name[0] || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..");
}

void hostfs_fd_path(char buf[FD_PATH_MAX], int fd)
{
	snprintf(buf, FD_PATH_MAX, "/proc/self/fd/%d", fd);
}

/* Opens the object behind fd again: from a kept descriptor of /proc/self/fd, which is half the cost of the whole path. */
static int open_fd_again(int fd, int flags)
{
	static int fd_dir = -1; /* two threads may both open it at first: one descriptor too many, once */
	char name[FD_PATH_MAX];
	int r;

	if (fd_dir < 0)
		fd_dir = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(name, sizeof(name), "%d", fd);
	do
		r = openat(fd_dir, name, flags);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* The same for what O_DIRECTORY in flags lets be a directory only: nothing else is opened, so it need not be asked what it
 * is. By its own name, half the cost of /proc, which is for those that may be read and not searched. */
static int open_dir_again(int fd, int flags)
{
	int r = openat(fd, ".", flags);

	return r < 0 ? open_fd_again(fd, flags) : r;
}

static struct hostfs_time get_time(const struct statx_timestamp *t)
{
	return (struct hostfs_time){ t->tv_sec, t->tv_nsec };
}

int hostfs_do_stat(int dir, const char *name, int flags, struct hostfs_stat *st)
{
	struct statx x;

	if (statx(dir, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STAT_MASK, &x))
		return -errno;
	*st = (struct hostfs_stat){
		.dev = (u64)x.stx_dev_major << 32 | x.stx_dev_minor, .ino = x.stx_ino, .size = x.stx_size,
		.blocks = x.stx_blocks, .attributes = x.stx_attributes, .mode = x.stx_mode, .nlink = x.stx_nlink,
		.uid = x.stx_uid, .gid = x.stx_gid, .blksize = x.stx_blksize, .rdev_major = x.stx_rdev_major,
		.rdev_minor = x.stx_rdev_minor, .atime = get_time(&x.stx_atime), .mtime = get_time(&x.stx_mtime),
		.ctime = get_time(&x.stx_ctime), .btime = get_time(&x.stx_btime),
		.has_btime = x.stx_mask & STATX_BTIME,
	};
	return 0;
}

static int do_openat2(int dir, const char *name, u64 flags, u64 resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	int fd, tries = 0;

	/* EAGAIN: something was renamed meanwhile. Who does that for ever gets it for an answer. */
	do
		fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 1000)));
	return fd < 0 ? -errno : fd;
}

/* One component as a path fd, with its attributes and whether it may be entered. fd or negative errno. */
static int open_component(int dir, u64 dir_dev, bool fuse, const char *name, struct hostfs_stat *st)
{
	int r, fd = do_openat2(dir, name, O_PATH | O_NOFOLLOW,
			       RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);

	if (fd == -ELOOP) /* NO_SYMLINKS refuses a final link even with O_PATH: open the link itself */
		fd = do_openat2(dir, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return fd;
	r = hostfs_do_stat(fd, "", AT_EMPTY_PATH, st);
	if (!r && st->dev != dir_dev)
		st->blocked = !is_data_fs(fd, fuse, &r);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

u64 hostfs_fd_limit(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) ? 1024 : r.rlim_cur;
}

int hostfs_open_root(const char *path, hfd_t *out, struct hostfs_stat *st, bool *fuse)
{
	struct statfs sf;
	int r, fd;

	klock_drop();
	fd = open(path, O_PATH | O_CLOEXEC);
	r = fd < 0 ? -errno : hostfs_do_stat(fd, "", AT_EMPTY_PATH, st);
	if (!r && !S_ISDIR(st->mode) && !S_ISREG(st->mode)) /* a single file can be a root: --bind */
		r = -ENOTDIR;
	if (!r && fstatfs(fd, &sf))
		r = -errno;
	if (!r) {
		*fuse = (u32)sf.f_type == FUSE_MAGIC;
		if (!is_data_fs(fd, true, &r) && !r)
			r = -EACCES;
	}
	klock_take();
	if (r) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
}

int hostfs_open_in(hfd_t jail, bool fuse, const char *path, hfd_t *out, struct hostfs_stat *st)
{
	int r = 0, fd, dir = hfd_fd(jail);

	klock_drop();
	fd = do_openat2(dir, path[0] ? path : ".", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		r = fd;
	else if (!is_data_fs(fd, fuse, &r))
		r = r ? r : -EACCES;
	else
		r = hostfs_do_stat(fd, "", AT_EMPTY_PATH, st);
	klock_take();
	if (r) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
}

int hostfs_stat_at(hfd_t dir, u64 dir_dev, bool fuse, const char *name, struct hostfs_stat *st)
{
	int r, fd, d = hfd_fd(dir);

	if (hostfs_bad_name(name))
		return -EINVAL;
	klock_drop();
	r = hostfs_do_stat(d, name, 0, st);
	if (!r && st->dev != dir_dev) {
		fd = open_component(d, dir_dev, fuse, name, st);
		r = fd < 0 ? fd : 0;
		if (fd >= 0)
			close(fd);
	}
	klock_take();
	return r;
}

int hostfs_open_path(hfd_t dir, u64 dir_dev, bool fuse, const char *name, hfd_t *out, struct hostfs_stat *st)
{
	int fd, d = hfd_fd(dir);

	if (hostfs_bad_name(name))
		return -EINVAL;
	klock_drop();
	fd = open_component(d, dir_dev, fuse, name, st);
	klock_take();
	if (fd < 0)
		return fd;
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
}

int hostfs_dup_path(hfd_t h, hfd_t *out)
{
	int fd = open_fd_again(hfd_fd(h), O_PATH | O_CLOEXEC);

	if (fd < 0)
		return fd;
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
}

int hostfs_reopen(hfd_t path, u32 how, hfd_t *out)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK, fd = hfd_fd(path), r;
	struct stat st;

	flags |= how & HOSTFS_WR ? (how & HOSTFS_RD ? O_RDWR : O_WRONLY) : O_RDONLY;
	flags |= how & HOSTFS_SYNC ? O_SYNC : how & HOSTFS_DSYNC ? O_DSYNC : 0;
	flags |= how & HOSTFS_DIR ? O_DIRECTORY : 0;
	klock_drop();
	if (how & HOSTFS_DIR)
		r = open_dir_again(fd, flags);
	else if (how & HOSTFS_SEEN)
		r = open_fd_again(fd, flags);
	else if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EACCES;
	else
		r = open_fd_again(fd, flags);
	klock_take();
	if (r < 0)
		return r;
	*out = hfd_add(r);
	return *out < 0 ? *out : 0;
}

int hostfs_fstat(hfd_t h, struct hostfs_stat *st)
{
	int fd = hfd_fd(h), r;

	klock_drop();
	r = hostfs_do_stat(fd, "", AT_EMPTY_PATH, st);
	klock_take();
	return r;
}

ssize_t hostfs_readlink(hfd_t path, char *buf, size_t n)
{
	int fd = hfd_fd(path);

	return HOST(readlinkat(fd, "", buf, n));
}

int hostfs_statfs(hfd_t h, struct hostfs_statfs *st)
{
	struct statfs sf;
	int fd = hfd_fd(h);
	long r = HOST(fstatfs(fd, &sf));

	if (r)
		return (int)r;
	*st = (struct hostfs_statfs){ (u64)sf.f_bsize, sf.f_blocks, sf.f_bfree, sf.f_bavail, sf.f_files, sf.f_ffree,
				      (u64)sf.f_namelen, (u64)sf.f_frsize, { 0, 0 } };
	memcpy(st->fsid, &sf.f_fsid, sizeof(st->fsid));
	return 0;
}
