/* chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2) and their families. */
#include "internal.h"
#include <umber/syscall.h>

/* One attribute change with inode->lock and the mount's right to write. 0 or negative errno. May sleep. */
int vfs_setattr(const struct path *p, struct iattr *a)
{
	struct inode *i = p->dentry->inode;
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	if (!i)
		return -ENOENT;
	if (i->sb->flags & MS_RDONLY)
		return -EROFS;
	down_write(&i->lock);
	err = notify_change(p->dentry, a);
	up_write(&i->lock);
	return err;
}

static int fd_setattr(int fd, struct iattr *a)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	a->file = f;
	err = vfs_setattr(&f->path, a);
	file_put(f);
	return err;
}

/* ---- chmod ---- */

long sys_fchmodat2(int dfd, uaddr_t path, u32 mode, u32 flags)
{
	struct iattr a = { .valid = ATTR_MODE, .mode = mode & 07777 };
	struct path p;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = user_path_at(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	err = inode_is_lnk(p.dentry->inode) ? -EOPNOTSUPP : vfs_setattr(&p, &a);
	path_put(&p);
	return err;
}

long sys_fchmodat(int dfd, uaddr_t path, u32 mode)
{
	return sys_fchmodat2(dfd, path, mode, 0);
}

long sys_chmod(uaddr_t path, u32 mode)
{
	return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

long sys_fchmod(int fd, u32 mode)
{
	struct iattr a = { .valid = ATTR_MODE, .mode = mode & 07777 };

	return fd_setattr(fd, &a);
}

/* ---- chown ---- */

/* -1 leaves an id as it is; set-id bits of files go whoever asks. */
static struct iattr chown_attr(const struct inode *i, u32 uid, u32 gid)
{
	struct iattr a = { .uid = uid, .gid = gid };

	if (uid != U32_MAX)
		a.valid |= ATTR_UID;
	if (gid != U32_MAX)
		a.valid |= ATTR_GID;
	if (!inode_is_dir(i))
		a.valid |= ATTR_KILL_SUID;
	return a;
}

long sys_fchownat(int dfd, uaddr_t path, u32 uid, u32 gid, int flags)
{
	struct iattr a;
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = user_path_at(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	a = chown_attr(p.dentry->inode, uid, gid);
	err = vfs_setattr(&p, &a);
	path_put(&p);
	return err;
}

long sys_chown(uaddr_t path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(uaddr_t path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, u32 uid, u32 gid)
{
	struct file *f = fd_get(fd);
	struct iattr a;
	int err;

	if (!f)
		return -EBADF;
	a = chown_attr(f->inode, uid, gid);
	err = vfs_setattr(&f->path, &a);
	file_put(f);
	return err;
}

/* ---- times ---- */

/* ts NULL: both now, which everybody may ask who may write. */
static int set_times(const struct path *p, const struct timespec64 *ts)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = { .valid = ATTR_ATIME | ATTR_MTIME };
	int err;

	a.atime = a.mtime = current_time(i);
	if (ts && ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW)
		ts = NULL;
	if (!ts) {
		if (!inode_owner_or_capable(i)) {
			err = inode_permission(i, MAY_WRITE);
			if (err)
				return err;
		}
		return vfs_setattr(p, &a);
	}
	a.valid |= ATTR_TIMES_SET;
	if (ts[0].tv_nsec == UTIME_OMIT)
		a.valid &= ~(u32)ATTR_ATIME;
	else if (ts[0].tv_nsec != UTIME_NOW)
		a.atime = ts[0];
	if (ts[1].tv_nsec == UTIME_OMIT)
		a.valid &= ~(u32)ATTR_MTIME;
	else if (ts[1].tv_nsec != UTIME_NOW)
		a.mtime = ts[1];
	return vfs_setattr(p, &a);
}

static bool nsec_ok(s64 ns)
{
	return ns == UTIME_NOW || ns == UTIME_OMIT || (ns >= 0 && ns < (s64)NSEC_PER_SEC);
}

static long do_utimes(int dfd, uaddr_t path, const struct timespec64 *ts, int flags)
{
	struct path p;
	int err;

	if (ts && (!nsec_ok(ts[0].tv_nsec) || !nsec_ok(ts[1].tv_nsec)))
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!path && dfd != AT_FDCWD) {
		struct file *f;

		if (flags)
			return -EINVAL;
		f = fd_get(dfd);
		if (!f)
			return -EBADF;
		err = set_times(&f->path, ts);
		file_put(f);
		return err;
	}
	err = user_path_at(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	err = set_times(&p, ts);
	path_put(&p);
	return err;
}

long sys_utimensat(int dfd, uaddr_t path, uaddr_t times, int flags)
{
	struct timespec64 ts[2];

	if (times) {
		if (copy_from_user(ts, times, sizeof(ts)))
			return -EFAULT;
		if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
			return 0;
	}
	return do_utimes(dfd, path, times ? ts : NULL, flags);
}

long sys_futimesat(int dfd, uaddr_t path, uaddr_t times)
{
	struct timeval64 tv[2];
	struct timespec64 ts[2];

	if (!times)
		return do_utimes(dfd, path, NULL, 0);
	if (copy_from_user(tv, times, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		ts[i] = (struct timespec64){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
	}
	return do_utimes(dfd, path, ts, 0);
}

long sys_utimes(uaddr_t path, uaddr_t times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

long sys_utime(uaddr_t path, uaddr_t times)
{
	struct timespec64 ts[2] = { { 0, 0 }, { 0, 0 } };
	s64 t[2];

	if (!times)
		return do_utimes(AT_FDCWD, path, NULL, 0);
	if (copy_from_user(t, times, sizeof(t)))
		return -EFAULT;
	ts[0].tv_sec = t[0];
	ts[1].tv_sec = t[1];
	return do_utimes(AT_FDCWD, path, ts, 0);
}

/* ---- sizes ---- */

/* May the file grow to size? -EFBIG, with SIGXFSZ for RLIMIT_FSIZE. */
static int newsize_ok(const struct inode *i, u64 size)
{
	if (size <= i->size)
		return 0;
	if (current && current->tg && size > rlimit(RLIMIT_FSIZE)) {
		signal_send_task(SIGXFSZ, SEND_SIG_KERNEL, current);
		return -EFBIG;
	}
	return i->sb->maxbytes && size > i->sb->maxbytes ? -EFBIG : 0;
}

/* truncate(2) without permission checks. f: the open file or NULL. 0 or negative errno. May sleep. */
int vfs_truncate(const struct path *p, u64 size, struct file *f)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = { .valid = ATTR_SIZE | ATTR_MTIME, .size = size, .file = f };
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	if (!inode_is_reg(i))
		return inode_is_dir(i) ? -EISDIR : -EINVAL;
	down_write(&i->lock);
	err = newsize_ok(i, size);
	if (!err) {
		a.mtime = current_time(i);
		if (!vfs_capable(CAP_FSETID))
			a.valid |= ATTR_KILL_SUID;
		err = notify_change(p->dentry, &a);
	}
	up_write(&i->lock);
	return err;
}

long sys_truncate(uaddr_t path, s64 len)
{
	struct inode *i;
	struct path p;
	int err;

	if (len < 0)
		return -EINVAL;
	err = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	if (inode_is_dir(i))
		err = -EISDIR;
	else if (!inode_is_reg(i))
		err = -EINVAL;
	else
		err = mnt_want_write(p.mnt);
	if (!err)
		err = inode_permission(i, MAY_WRITE);
	if (!err && i->writecount < 0)
		err = -ETXTBSY;
	if (!err)
		err = vfs_truncate(&p, (u64)len, NULL);
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, s64 len)
{
	struct file *f;
	int err;

	if (len < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!inode_is_reg(f->inode) || !(f->mode & FMODE_WRITE))
		err = -EINVAL;
	else
		err = vfs_truncate(&f->path, (u64)len, f);
	file_put(f);
	return err;
}

static int fallocate_checks(struct file *f, int mode, s64 off, s64 len)
{
	const int special = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE;
	int op = mode & special;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if ((mode & ~(special | FALLOC_FL_KEEP_SIZE)) || (op & (op - 1)))
		return -EOPNOTSUPP;
	if (op == FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if ((op & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) && (mode & FALLOC_FL_KEEP_SIZE))
		return -EINVAL;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (inode_is_dir(f->inode))
		return -EISDIR;
	if (!inode_is_reg(f->inode))
		return -ENODEV;
	if (off > S64_MAX - len)
		return -EFBIG;
	return f->op->fallocate ? 0 : -EOPNOTSUPP;
}

/* fallocate(2). inode->lock is held for write around the file system's part. */
long sys_fallocate(int fd, int mode, s64 off, s64 len)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	err = fallocate_checks(f, mode, off, len);
	if (!err) {
		down_write(&f->inode->lock);
		err = mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE) ? 0 : newsize_ok(f->inode, (u64)(off + len));
		if (!err)
			err = file_remove_privs(f);
		if (!err)
			err = f->op->fallocate(f, mode, (u64)off, (u64)len);
		up_write(&f->inode->lock);
	}
	if (!err)
		fsnotify_dentry(f->path.dentry, FSN_MODIFY);
	file_put(f);
	return err;
}
