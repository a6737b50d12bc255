/* hostfs, host side: data of open files, and changes to the tree (include/port/hostfs.h). */
#include "hostfs_host.h"
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

ssize_t hostfs_pread(hfd_t h, void *buf, size_t n, u64 off, bool try_only)
{
	int fd = hfd_fd(h);
	ssize_t r;

	if (try_only) {
		struct iovec iov = { buf, n };

		r = preadv2(fd, &iov, 1, (off_t)off, RWF_NOWAIT);
		return r < 0 ? -errno : r;
	}
	return HOST(pread(fd, buf, n, (off_t)off));
}

ssize_t hostfs_pwrite(hfd_t h, const void *buf, size_t n, u64 *off, bool append)
{
	struct iovec iov = { (void *)buf, n };
	int fd = hfd_fd(h);
	ssize_t r;

	if (!append)
		return HOST(pwrite(fd, buf, n, (off_t)*off));
	r = HOST(pwritev2(fd, &iov, 1, 0, RWF_APPEND));
	if (r >= 0) {
		s64 end = HOST(lseek(fd, 0, SEEK_END));

		if (end >= r)
			*off = (u64)(end - r);
	}
	return r;
}

s64 hostfs_lseek(hfd_t h, s64 off, int whence)
{
	int fd = hfd_fd(h);

	return HOST(lseek(fd, off, whence));
}

ssize_t hostfs_getdents(hfd_t h, void *buf, size_t n, u64 off)
{
	int fd = hfd_fd(h);
	ssize_t r;

	klock_drop();
	r = off != HOSTFS_HERE && lseek(fd, (off_t)off, SEEK_SET) < 0 ? -errno : syscall(SYS_getdents64, fd, buf, n);
	if (r == -1)
		r = -errno;
	klock_take();
	return r;
}

int hostfs_fsync(hfd_t h, bool datasync)
{
	int fd = hfd_fd(h);

	return (int)HOST(datasync ? fdatasync(fd) : fsync(fd));
}

int hostfs_fallocate(hfd_t h, int mode, u64 off, u64 len)
{
	int fd = hfd_fd(h);

	return (int)HOST(fallocate(fd, mode, (off_t)off, (off_t)len));
}

int hostfs_ftruncate(hfd_t h, u64 size)
{
	int fd = hfd_fd(h);

	return (int)HOST(ftruncate(fd, (off_t)size));
}

int hostfs_syncfs(hfd_t h)
{
	int fd = hfd_fd(h);

	return (int)HOST(syncfs(fd));
}

/* Owner and mode of something just made, where they came out different (umask, our own uid). What the host refuses
 * stays as it is: new files then belong to the host user. fd: the new object itself (open, or a path handle), never its
 * name again: by now somebody else may have put a link to another file there. */
static void fix_new(int fd, const struct hostfs_new *n, struct hostfs_stat *st)
{
	char path[FD_PATH_MAX];
	bool changed = false;

	if (st->uid != n->uid || st->gid != n->gid)
		changed |= !fchownat(fd, "", n->uid, n->gid, AT_EMPTY_PATH);
	if (((st->mode ^ n->mode) & 07777) && (n->mode & S_IFMT) != S_IFLNK) {
		hostfs_fd_path(path, fd);
		changed |= !chmod(path, n->mode & 07777);
	}
	if (changed)
		hostfs_do_stat(fd, "", AT_EMPTY_PATH, st);
}

static int make_node(int dir, const char *name, const struct hostfs_new *n)
{
	int r;

	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		r = mkdirat(dir, name, n->mode & 07777);
		break;
	case S_IFLNK:
		r = symlinkat(n->target, dir, name);
		break;
	default:
		r = mknodat(dir, name, n->mode, makedev(n->rdev_major, n->rdev_minor));
	}
	return r ? -errno : 0;
}

int hostfs_make(hfd_t dir, const char *name, const struct hostfs_new *n, struct hostfs_stat *st, hfd_t *fd)
{
	int r, f = -1, new = -1, d = hfd_fd(dir);

	*fd = HFD_NONE;
	if (hostfs_bad_name(name))
		return -EINVAL;
	klock_drop();
	if ((n->mode & S_IFMT) == S_IFREG) {
		do
			f = openat(d, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
				   n->mode & 07777);
		while (f < 0 && errno == EINTR);
		r = f < 0 ? -errno : hostfs_do_stat(f, "", AT_EMPTY_PATH, st);
		if (!r)
			fix_new(f, n, st);
	} else {
		r = make_node(d, name, n);
		if (!r) {
			new = openat(d, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
			r = new < 0 ? -errno : hostfs_do_stat(new, "", AT_EMPTY_PATH, st);
		}
		if (!r && ((st->mode ^ n->mode) & S_IFMT))
			r = -ESTALE; /* somebody on the host was faster */
		if (!r)
			fix_new(new, n, st);
		if (new >= 0)
			close(new);
	}
	klock_take();
	if (r) {
		if (f >= 0)
			close(f);
		return r;
	}
	if (f >= 0) {
		*fd = hfd_add(f);
		if (*fd < 0)
			return *fd;
	}
	return 0;
}

int hostfs_tmpfile(hfd_t dir, const struct hostfs_new *n, struct hostfs_stat *st, hfd_t *fd)
{
	char path[FD_PATH_MAX];
	int r, f;

	hostfs_fd_path(path, hfd_fd(dir));
	klock_drop();
	do
		f = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, n->mode & 07777);
	while (f < 0 && errno == EINTR);
	r = f < 0 ? -errno : hostfs_do_stat(f, "", AT_EMPTY_PATH, st);
	if (!r)
		fix_new(f, n, st);
	klock_take();
	if (r) {
		if (f >= 0)
			close(f);
		return r;
	}
	*fd = hfd_add(f);
	return *fd < 0 ? *fd : 0;
}

int hostfs_link(hfd_t path, hfd_t dir, const char *name)
{
	int d = hfd_fd(dir);
	char old[FD_PATH_MAX];

	if (hostfs_bad_name(name))
		return -EINVAL;
	hostfs_fd_path(old, hfd_fd(path));
	return (int)HOST(linkat(AT_FDCWD, old, d, name, AT_SYMLINK_FOLLOW));
}

int hostfs_unlink(hfd_t dir, const char *name, bool is_dir)
{
	int d = hfd_fd(dir);

	if (hostfs_bad_name(name))
		return -EINVAL;
	return (int)HOST(unlinkat(d, name, is_dir ? AT_REMOVEDIR : 0));
}

int hostfs_rename(hfd_t odir, const char *oname, hfd_t ndir, const char *nname, u32 flags)
{
	int od = hfd_fd(odir), nd = hfd_fd(ndir);

	if (hostfs_bad_name(oname) || hostfs_bad_name(nname))
		return -EINVAL;
	return (int)HOST(syscall(SYS_renameat2, od, oname, nd, nname, flags));
}

int hostfs_setattr(hfd_t path, const struct hostfs_attr *a)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	char name[FD_PATH_MAX];
	int fd = hfd_fd(path), r = 0;

	if (a->valid & HOSTFS_ATIME)
		ts[0] = (struct timespec){ a->atime.sec, a->atime.nsec };
	if (a->valid & HOSTFS_MTIME)
		ts[1] = (struct timespec){ a->mtime.sec, a->mtime.nsec };
	hostfs_fd_path(name, fd);
	klock_drop();
	if (a->valid & (HOSTFS_UID | HOSTFS_GID))
		r = fchownat(fd, "", a->valid & HOSTFS_UID ? a->uid : (uid_t)-1,
			     a->valid & HOSTFS_GID ? a->gid : (gid_t)-1, AT_EMPTY_PATH);
	if (!r && (a->valid & HOSTFS_MODE)) /* chown takes the set-id bits away, so the mode comes after it */
		r = chmod(name, a->mode & 07777);
	if (!r && (a->valid & (HOSTFS_ATIME | HOSTFS_MTIME))) {
		r = (int)syscall(SYS_utimensat, fd, "", ts, AT_EMPTY_PATH);
		if (r && errno == EINVAL)
			r = utimensat(AT_FDCWD, name, ts, 0);
	}
	if (r)
		r = -errno;
	klock_take();
	return r;
}

ssize_t hostfs_getxattr(hfd_t path, const char *name, void *val, size_t n)
{
	char p[FD_PATH_MAX];

	hostfs_fd_path(p, hfd_fd(path));
	return HOST(getxattr(p, name, val, n));
}

ssize_t hostfs_listxattr(hfd_t path, char *buf, size_t n)
{
	char p[FD_PATH_MAX];

	hostfs_fd_path(p, hfd_fd(path));
	return HOST(listxattr(p, buf, n));
}

int hostfs_setxattr(hfd_t path, const char *name, const void *val, size_t n, int flags)
{
	char p[FD_PATH_MAX];

	hostfs_fd_path(p, hfd_fd(path));
	return (int)HOST(val ? setxattr(p, name, val, n, flags) : removexattr(p, name));
}
