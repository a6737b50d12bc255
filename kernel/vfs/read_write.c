/*
 * Reading and writing open files: the checks that are common to all of them (read(2), write(2), pread(2)).
 *
 * Positions: file->pos is guarded by pos_lock for regular files and directories. Writes to regular files run with
 * inode->lock held for write, so O_APPEND (position = size) and RLIMIT_FSIZE are decided and used in one piece.
 */
#include "internal.h"

static ssize_t check_read(struct file *f, s64 pos)
{
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->op->read_iter)
		return inode_is_dir(f->inode) ? -EISDIR : -EINVAL;
	return pos < 0 && (f->mode & FMODE_PREAD) ? -EINVAL : 0;
}

static ssize_t check_write(struct file *f, s64 pos)
{
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->op->write_iter)
		return -EINVAL;
	return pos < 0 && (f->mode & FMODE_PWRITE) ? -EINVAL : 0;
}

/* Reads at *pos, which advances. Bytes or negative errno. May sleep. */
ssize_t vfs_read_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	ssize_t r = check_read(f, *pos);

	if (r)
		return r;
	if (!it->count && inode_is_reg(f->inode))
		return 0;
	r = f->op->read_iter(f, it, pos);
	if (current) {
		current->syscr++;
		if (r > 0)
			current->rchar += (u64)r;
	}
	if (r > 0)
		fsnotify_dentry(f->path.dentry, FSN_ACCESS);
	return r;
}

/* Cuts the write at RLIMIT_FSIZE and the file system's largest size. 0 or -EFBIG (with SIGXFSZ for the limit). */
static int limit_write(struct file *f, struct iov_iter *it, s64 pos)
{
	u64 lim = current && current->tg && !current->is_kthread ? rlimit(RLIMIT_FSIZE) : RLIM_INFINITY;
	u64 top = f->inode->sb->maxbytes && f->inode->sb->maxbytes < (u64)S64_MAX ? f->inode->sb->maxbytes : (u64)S64_MAX;

	if ((u64)pos >= lim) {
		signal_send_task(SIGXFSZ, SEND_SIG_KERNEL, current);
		return -EFBIG;
	}
	if ((u64)pos >= top)
		return -EFBIG;
	it->count = min(it->count, min(lim, top) - (u64)pos);
	return 0;
}

static ssize_t write_regular(struct file *f, struct iov_iter *it, s64 *pos, bool append)
{
	struct inode *i = f->inode;
	ssize_t r;

	down_write(&i->lock);
	if (append)
		*pos = (s64)i->size;
	r = *pos < 0 ? -EINVAL : limit_write(f, it, *pos);
	if (!r)
		r = file_remove_privs(f);
	if (!r)
		r = f->op->write_iter(f, it, pos);
	up_write(&i->lock);
	return r;
}

ssize_t write_iter_flags(struct file *f, struct iov_iter *it, s64 *pos, bool append)
{
	ssize_t r = check_write(f, append ? 0 : *pos);

	if (r)
		return r;
	if (inode_is_reg(f->inode)) {
		if (!it->count)
			return 0;
		r = write_regular(f, it, pos, append);
	} else {
		r = f->op->write_iter(f, it, pos);
	}
	if (current) {
		current->syscw++;
		if (r > 0)
			current->wchar += (u64)r;
	}
	if (r > 0) {
		fsnotify_dentry(f->path.dentry, FSN_MODIFY);
		if (unlikely(f->flags & O_DSYNC) && f->op->fsync && inode_is_reg(f->inode)) {
			int err = f->op->fsync(f, (f->flags & O_SYNC) != O_SYNC);

			if (err)
				return err;
		}
	}
	return r;
}

/* Writes at *pos (at the end with O_APPEND), which advances. Bytes or negative errno. May sleep. */
ssize_t vfs_write_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	return write_iter_flags(f, it, pos, f->flags & O_APPEND);
}

/* Reads into kernel memory at *pos. Bytes (0 at the end) or negative errno. */
ssize_t kernel_read(struct file *f, void *buf, size_t n, s64 *pos)
{
	struct iov_iter it;

	iter_init_kernel(&it, buf, min(n, MAX_RW_COUNT));
	return vfs_read_iter(f, &it, pos);
}

ssize_t kernel_write(struct file *f, const void *buf, size_t n, s64 *pos)
{
	struct iov_iter it;

	iter_init_kernel(&it, (void *)(uintptr_t)buf, min(n, MAX_RW_COUNT));
	return vfs_write_iter(f, &it, pos);
}

static s64 set_pos(struct file *f, s64 pos, u64 maxbytes)
{
	if (pos < 0 || (maxbytes && (u64)pos > maxbytes))
		return -EINVAL;
	if (pos != f->pos) {
		f->pos = pos;
		f->version = 0;
	}
	return pos;
}

/* lseek(2) for files with inode->size; no holes but the one at the end. */
s64 generic_llseek(struct file *f, s64 off, int whence)
{
	s64 size = (s64)f->inode->size, max = (s64)f->inode->sb->maxbytes;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (!off)
			return f->pos;
		if (__builtin_add_overflow(off, f->pos, &off))
			return -EOVERFLOW;
		break;
	case SEEK_END:
		if (__builtin_add_overflow(off, size, &off))
			return -EOVERFLOW;
		break;
	case SEEK_DATA:
		if (off < 0 || off >= size)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if (off < 0 || off >= size)
			return -ENXIO;
		off = size;
		break;
	default:
		return -EINVAL;
	}
	return set_pos(f, off, (u64)max);
}

/* Seeking succeeds and does nothing. */
s64 noop_llseek(struct file *f, s64 off, int whence)
{
	return f->pos;
}
