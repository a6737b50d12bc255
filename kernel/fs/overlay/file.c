/*
 * overlay: open regular files. Each holds a real file and passes operations on. One that was opened for reading before
 * a copy-up reads the copy from then on (a second real file); mappings that it had stay on the lower file.
 */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/task.h>

#define PASSED_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT)

struct file *ovl_open_real(struct ovl_fs *ofs, const struct path *p, u32 flags)
{
	struct cred *old = ovl_su(ofs);
	struct path held = *p;
	struct file *f;

	path_get(&held);
	f = file_open_path(&held, flags);
	path_put(&held);
	ovl_unsu(old);
	return f;
}

static int ovl_open(struct inode *inode, struct file *f)
{
	struct ovl_fs *ofs = ovl_fs(inode->sb);
	struct ovl_file *of;
	struct path p;
	int r = 0;

	if ((f->flags & O_ACCMODE) != O_RDONLY)
		r = ovl_copy_up(f->path.dentry, U64_MAX);
	if (r)
		return r;
	of = kzalloc(sizeof(*of));
	if (!of)
		return -ENOMEM;
	p = ovl_real_path(ovl_i(inode));
	of->real = ovl_open_real(ofs, &p, (f->flags & ~(u32)(O_NOFOLLOW | O_DIRECTORY | O_ASYNC)) | O_LARGEFILE);
	if (IS_ERR(of->real)) {
		r = (int)PTR_ERR(of->real);
		kfree(of);
		return r;
	}
	f->priv = of;
	return 0;
}

static void ovl_release(struct file *f)
{
	struct ovl_file *of = f->priv;

	if (!of)
		return;
	f->priv = NULL;
	if (of->real)
		file_put(of->real);
	if (of->upper)
		file_put(of->upper);
	if (of->list)
		ovl_list_free(of->list);
	kfree(of);
}

/* The real file to use now. ERR_PTR. */
static struct file *real_of(struct file *f)
{
	struct ovl_file *of = f->priv;
	struct ovl_inode *oi = ovl_i(f->inode);
	struct file *real, *up;
	struct path p;

	if (of->upper) {
		real = of->upper;
	} else if (!oi->upper || of->real->inode == oi->upper->inode) {
		real = of->real;
	} else {
		p = ovl_real_path(oi);
		up = ovl_open_real(ovl_fs(f->inode->sb), &p, (f->flags & ~(u32)O_ACCMODE) | O_RDONLY);
		if (IS_ERR(up))
			return up;
		if (of->upper)
			file_put(up);
		else
			of->upper = up;
		real = of->upper;
	}
	real->flags = (real->flags & ~(u32)PASSED_FLAGS) | (f->flags & PASSED_FLAGS);
	return real;
}

static ssize_t ovl_read_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct file *real = real_of(f);

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->op->read_iter)
		return -EINVAL;
	return real->op->read_iter(real, it, pos);
}

static ssize_t ovl_write_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct file *real = real_of(f);
	ssize_t r;

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->op->write_iter)
		return -EINVAL;
	down_write(&real->inode->lock);
	if (f->flags & O_APPEND)
		*pos = (s64)real->inode->size;
	r = real->op->write_iter(real, it, pos);
	up_write(&real->inode->lock);
	ovl_fill(f->inode);
	f->inode->version++;
	return r;
}

static s64 ovl_llseek(struct file *f, s64 off, int whence)
{
	struct file *real;
	s64 r;

	if (whence == SEEK_SET || whence == SEEK_CUR) /* no need to look below */
		return generic_llseek(f, off, whence);
	real = real_of(f);
	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->op->llseek)
		return -ESPIPE;
	real->pos = f->pos;
	r = real->op->llseek(real, off, whence);
	if (r >= 0)
		f->pos = r;
	return r;
}

static hfd_t ovl_mmap(struct file *f, bool shared, bool writable, u64 *off)
{
	struct file *real = real_of(f);

	if (IS_ERR(real))
		return (hfd_t)PTR_ERR(real);
	return real->op->mmap ? real->op->mmap(real, shared, writable, off) : -ENODEV;
}

static int ovl_fsync(struct file *f, bool datasync)
{
	struct file *real = real_of(f);

	if (IS_ERR(real))
		return (int)PTR_ERR(real);
	if (!ovl_i(f->inode)->upper)
		return 0; /* lower files have nothing to be written */
	return real->op->fsync ? real->op->fsync(real, datasync) : 0;
}

static int ovl_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct file *real = real_of(f);
	int r;

	if (IS_ERR(real))
		return (int)PTR_ERR(real);
	if (!real->op->fallocate)
		return -EOPNOTSUPP;
	down_write(&real->inode->lock);
	r = real->op->fallocate(real, mode, off, len);
	up_write(&real->inode->lock);
	ovl_fill(f->inode);
	f->inode->version++;
	return r;
}

/* Directories open their real ones when they are read (readdir.c): many are only opened for openat. */
static int ovl_dir_open(struct inode *inode, struct file *f)
{
	struct ovl_file *of = kzalloc(sizeof(*of));

	if (!of)
		return -ENOMEM;
	f->priv = of;
	return 0;
}

static int ovl_dir_fsync(struct file *f, bool datasync)
{
	struct ovl_inode *oi = ovl_i(f->inode);
	struct path p;
	struct file *real;
	int r;

	if (!oi->upper)
		return 0;
	p = ovl_real_path(oi);
	real = ovl_open_real(ovl_fs(f->inode->sb), &p, O_RDONLY | O_DIRECTORY);
	if (IS_ERR(real))
		return (int)PTR_ERR(real);
	r = real->op->fsync ? real->op->fsync(real, datasync) : 0;
	file_put(real);
	return r;
}

const struct file_ops ovl_file_fops = {
	.llseek = ovl_llseek,
	.read_iter = ovl_read_iter,
	.write_iter = ovl_write_iter,
	.mmap = ovl_mmap,
	.open = ovl_open,
	.release = ovl_release,
	.fsync = ovl_fsync,
	.fallocate = ovl_fallocate,
	.nowait = true,
};
const struct file_ops ovl_dir_fops = {
	.llseek = ovl_dir_llseek,
	.iterate = ovl_iterate,
	.open = ovl_dir_open,
	.release = ovl_release,
	.fsync = ovl_dir_fsync,
};
