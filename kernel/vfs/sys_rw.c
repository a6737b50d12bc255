/* read(2), write(2), readv(2), pread(2), preadv2(2), lseek(2) and their like. */
#include "internal.h"
#include <umber/syscall.h>

/* Regular files and directories have one position for all who share the description. */
static bool lock_pos(struct file *f)
{
	u32 t = f->inode->mode & S_IFMT;

	if (t != S_IFREG && t != S_IFDIR)
		return false;
	mutex_lock(&f->pos_lock);
	return true;
}

static bool range_ok(uaddr_t buf, u64 n)
{
	return buf <= PORT_TASK_SIZE && n <= PORT_TASK_SIZE - buf;
}

static ssize_t rw_cur(struct file *f, struct iov_iter *it, bool write)
{
	bool locked = lock_pos(f);
	s64 pos = f->pos;
	ssize_t r = write ? vfs_write_iter(f, it, &pos) : vfs_read_iter(f, it, &pos);

	if (r > 0 || (r == 0 && write))
		f->pos = pos;
	if (locked)
		mutex_unlock(&f->pos_lock);
	return r;
}

static long rw_simple(int fd, uaddr_t buf, u64 count, bool write)
{
	struct file *f = fd_get(fd);
	struct iov_iter it;
	long r;

	if (!f)
		return -EBADF;
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		r = -EBADF;
	else if (write ? !f->op->write_iter : !f->op->read_iter)
		r = !write && inode_is_dir(f->inode) ? -EISDIR : -EINVAL;
	else if (!range_ok(buf, count))
		r = -EFAULT;
	else {
		iter_init_user(&it, buf, min(count, MAX_RW_COUNT));
		r = rw_cur(f, &it, write);
	}
	file_put(f);
	return r;
}

long sys_read(int fd, uaddr_t buf, u64 count)
{
	return rw_simple(fd, buf, count, false);
}

long sys_write(int fd, uaddr_t buf, u64 count)
{
	return rw_simple(fd, buf, count, true);
}

static long rw_at(int fd, uaddr_t buf, u64 count, s64 pos, bool write)
{
	struct file *f;
	struct iov_iter it;
	long r;

	if (pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!(f->mode & (write ? FMODE_PWRITE : FMODE_PREAD)))
		r = inode_is_dir(f->inode) && !write ? -EISDIR : -ESPIPE;
	else if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		r = -EBADF;
	else if (!range_ok(buf, count))
		r = -EFAULT;
	else {
		iter_init_user(&it, buf, min(count, MAX_RW_COUNT));
		r = write ? vfs_write_iter(f, &it, &pos) : vfs_read_iter(f, &it, &pos);
	}
	file_put(f);
	return r;
}

long sys_pread64(int fd, uaddr_t buf, u64 count, s64 pos)
{
	return rw_at(fd, buf, count, pos, false);
}

long sys_pwrite64(int fd, uaddr_t buf, u64 count, s64 pos)
{
	return rw_at(fd, buf, count, pos, true);
}

/* What RWF_* asks for beyond the plain call. 0 or -EOPNOTSUPP. */
static int check_rwf(struct file *f, int flags, bool write)
{
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if ((flags & RWF_NOWAIT) && !f->op->nowait)
		return -EOPNOTSUPP;
	if ((flags & RWF_APPEND) && !write)
		return -EOPNOTSUPP;
	return 0;
}

static ssize_t rw_vec(struct file *f, struct iov_iter *it, s64 *pos, int flags, bool write)
{
	bool locked = !pos && lock_pos(f);
	s64 cur = f->pos, *p = pos ? pos : &cur;
	ssize_t r;

	if (write)
		r = write_iter_flags(f, it, p, (f->flags & O_APPEND) || (flags & RWF_APPEND));
	else
		r = vfs_read_iter(f, it, p);
	if (!pos && r > 0)
		f->pos = cur;
	if (locked)
		mutex_unlock(&f->pos_lock);
	if (r > 0 && write && (flags & (RWF_DSYNC | RWF_SYNC)) && f->op->fsync) {
		int err = f->op->fsync(f, !(flags & RWF_SYNC));

		if (err)
			r = err;
	}
	return r;
}

/* pos NULL: at the file's position. */
static long do_vec(int fd, uaddr_t uiov, u64 nr, s64 *pos, int flags, bool write)
{
	struct iovec64 fast[IOV_FAST], *heap = NULL;
	struct iov_iter it;
	struct file *f;
	long r;

	if (pos && *pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (pos && !(f->mode & (write ? FMODE_PWRITE : FMODE_PREAD)) && !inode_is_dir(f->inode))
		r = -ESPIPE;
	else
		r = iter_init_iovec(&it, uiov, nr, fast, &heap);
	if (!r && !(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		r = -EBADF;
	if (!r && (write ? !f->op->write_iter : !f->op->read_iter) && !inode_is_dir(f->inode))
		r = -EINVAL;
	if (!r && it.count) {
		r = check_rwf(f, flags, write);
		if (!r)
			r = rw_vec(f, &it, pos, flags, write);
	}
	kfree(heap);
	file_put(f);
	return r;
}

long sys_readv(int fd, uaddr_t iov, u64 nr)
{
	return do_vec(fd, iov, nr, NULL, 0, false);
}

long sys_writev(int fd, uaddr_t iov, u64 nr)
{
	return do_vec(fd, iov, nr, NULL, 0, true);
}

/* On x86-64 pos_l is the whole position. */
long sys_preadv(int fd, uaddr_t iov, u64 nr, u64 pos_l, u64 pos_h)
{
	s64 pos = (s64)pos_l;

	return do_vec(fd, iov, nr, &pos, 0, false);
}

long sys_pwritev(int fd, uaddr_t iov, u64 nr, u64 pos_l, u64 pos_h)
{
	s64 pos = (s64)pos_l;

	return do_vec(fd, iov, nr, &pos, 0, true);
}

long sys_preadv2(int fd, uaddr_t iov, u64 nr, u64 pos_l, u64 pos_h, int flags)
{
	s64 pos = (s64)pos_l;

	return do_vec(fd, iov, nr, pos == -1 ? NULL : &pos, flags, false);
}

long sys_pwritev2(int fd, uaddr_t iov, u64 nr, u64 pos_l, u64 pos_h, int flags)
{
	s64 pos = (s64)pos_l;

	return do_vec(fd, iov, nr, pos == -1 ? NULL : &pos, flags, true);
}

long sys_lseek(int fd, s64 offset, int whence)
{
	struct file *f = fd_get(fd);
	bool locked;
	s64 r;

	if (!f)
		return -EBADF;
	r = whence < 0 || whence > SEEK_HOLE ? -EINVAL : -ESPIPE;
	if (r == -ESPIPE && (f->mode & FMODE_LSEEK)) {
		locked = lock_pos(f);
		r = f->op->llseek(f, offset, whence);
		if (locked)
			mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return r;
}
