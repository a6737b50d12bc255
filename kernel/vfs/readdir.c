/* getdents(2): entries go through a kernel buffer, since the directory's lock is held while they are produced. */
#include "internal.h"
#include <umber/syscall.h>

#define DENTS_BUF 32768u

struct dents {
	u8 *buf;
	size_t size, used;
	bool old;        /* struct linux_dirent: the type is the last byte */
	int err;
};

/* All entries from f->pos on until fill says stop (see vfs.h). 0 or negative errno. May sleep. */
int vfs_iterate(struct file *f, filldir_t fill, void *ctx)
{
	int err;

	if (!f->op->iterate)
		return -ENOTDIR;
	down_read(&f->inode->lock);
	if (f->inode->flags & I_DEAD) {
		err = -ENOENT;
	} else {
		err = f->op->iterate(f, fill, ctx);
		touch_atime(f);
		fsnotify_dentry(f->path.dentry, FSN_ACCESS | FSN_ISDIR);
	}
	up_read(&f->inode->lock);
	return err;
}

static int fill_dent(void *ctx, const char *name, int len, u64 off, u64 ino, u32 dtype)
{
	struct dents *d = ctx;
	size_t head = d->old ? 18 : 19, need;
	u8 *p;
	u16 reclen;

	if (len < 0 || len > NAME_MAX)
		return 0; /* a name that no one could open */
	need = ALIGN_UP(head + (size_t)len + (d->old ? 2u : 1u), 8u);
	if (need > d->size - d->used) {
		d->err = -EINVAL;
		return 1;
	}
	p = d->buf + d->used;
	memset(p, 0, need);
	reclen = (u16)need;
	memcpy(p, &ino, 8);
	memcpy(p + 8, &off, 8);
	memcpy(p + 16, &reclen, 2);
	if (d->old) {
		p[need - 1] = (u8)dtype;
		memcpy(p + 18, name, (size_t)len);
	} else {
		p[18] = (u8)dtype;
		memcpy(p + 19, name, (size_t)len);
	}
	d->used += need;
	return 0;
}

static long getdents(int fd, uaddr_t ubuf, u32 count, bool old)
{
	struct dents d = { .size = min(count, DENTS_BUF), .old = old };
	struct file *f = fd_get(fd);
	s64 start;
	long r;

	if (!f)
		return -EBADF;
	r = -ENOTDIR;
	if (!f->op->iterate)
		goto out;
	d.buf = kmalloc(d.size ? d.size : 1);
	r = -ENOMEM;
	if (!d.buf)
		goto out;
	mutex_lock(&f->pos_lock);
	start = f->pos;
	r = vfs_iterate(f, fill_dent, &d);
	if (d.used) {
		r = (long)d.used;
		if (copy_to_user(ubuf, d.buf, d.used)) {
			f->pos = start;
			r = -EFAULT;
		}
	} else if (!r) {
		r = d.err;
	}
	mutex_unlock(&f->pos_lock);
	kfree(d.buf);
out:
	file_put(f);
	return r;
}

long sys_getdents64(int fd, uaddr_t buf, u32 count)
{
	return getdents(fd, buf, count, false);
}

long sys_getdents(int fd, uaddr_t buf, u32 count)
{
	return getdents(fd, buf, count, true);
}
