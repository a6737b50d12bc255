/*
 * overlay: copy-up. An object is made in the work directory, filled, and renamed into the upper parent; nobody sees a
 * half copy. Races: two openers - oi->lock, the second finds oi->upper set. Opener and unlink - whoever comes first in
 * oi->lock; if unlink was, its whiteout stands where the copy should go, and the copy stays without a name.
 */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/signal.h>

#define CHUNK (256UL << 10)
#define XATTR_MAX 65536

/* Copies [at, end) between open files. */
static int copy_range(struct file *from, struct file *to, u64 at, u64 end, char *buf, size_t size)
{
	s64 rpos = (s64)at, wpos = (s64)at;
	ssize_t n, w;

	while ((u64)rpos < end) {
		n = kernel_read(from, buf, (size_t)min(end - (u64)rpos, (u64)size), &rpos);
		if (n <= 0)
			return (int)n;
		for (ssize_t done = 0; done < n; done += w) {
			w = kernel_write(to, buf + done, (size_t)(n - done), &wpos);
			if (w <= 0)
				return w ? (int)w : -EIO;
		}
		if (current && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* The data parts only, if the file says that it has holes. */
static int copy_sparse(struct file *from, struct file *to, u64 end, char *buf, size_t size)
{
	s64 at = 0, hole;
	int r = 0;

	while (!r && (u64)at < end) {
		at = from->op->llseek(from, at, SEEK_DATA);
		if (at < 0)
			return at == -ENXIO ? 0 : (int)at;
		if ((u64)at >= end)
			break;
		hole = from->op->llseek(from, at, SEEK_HOLE);
		if (hole <= at)
			return -EIO;
		r = copy_range(from, to, (u64)at, min((u64)hole, end), buf, size);
		at = hole;
	}
	return r;
}

static int copy_data(struct ovl_fs *ofs, struct ovl_inode *oi, struct dentry *tmp, u64 limit)
{
	struct path from = ovl_real_path(oi), to = { ofs->upper.path.mnt, tmp };
	const struct inode *li = from.dentry->inode;
	u64 end = min(li->size, limit);
	struct iattr size = { .valid = ATTR_SIZE, .size = end };
	struct file *in, *out;
	size_t bufsize = CHUNK;
	char *buf;
	int r;

	if (!end)
		return 0;
	in = ovl_open_real(ofs, &from, O_RDONLY | O_LARGEFILE);
	if (IS_ERR(in))
		return (int)PTR_ERR(in);
	out = ovl_open_real(ofs, &to, O_WRONLY | O_LARGEFILE);
	if (IS_ERR(out)) {
		file_put(in);
		return (int)PTR_ERR(out);
	}
	buf = kmalloc(bufsize);
	if (!buf) {
		bufsize = PAGE_SIZE;
		buf = kmalloc(bufsize);
	}
	if (!buf) {
		r = -ENOMEM;
	} else if (end > 65536 && li->blocks * 512 < li->size && in->op->llseek) {
		r = copy_sparse(in, out, end, buf, bufsize);
		if (r == -EINVAL || r == -EOPNOTSUPP)
			r = copy_range(in, out, 0, end, buf, bufsize);
		else if (!r) /* a hole at the end */
			r = vfs_setattr(&to, &size);
	} else {
		r = copy_range(in, out, 0, end, buf, bufsize);
	}
	kfree(buf);
	file_put(out);
	file_put(in);
	return r;
}

static int copy_one_xattr(struct inode *from, struct inode *to, const char *name)
{
	ssize_t n = from->op->getxattr(from, name, NULL, 0), room = n;
	char *val;
	int r;

	if (n < 0)
		return 0; /* not ours to see, or gone meanwhile */
	if (n > XATTR_MAX)
		return -E2BIG;
	val = kmalloc((size_t)n + 1);
	if (!val)
		return -ENOMEM;
	/* An empty value is not asked for again: a room of 0 means "how long?", and it may have grown. */
	n = room ? from->op->getxattr(from, name, val, (size_t)room) : 0;
	r = n < 0 || n > room ? 0 : to->op->setxattr(to, name, val, (size_t)n, 0);
	kfree(val);
	return r == -EOPNOTSUPP || r == -EPERM ? 0 : r;
}

static int copy_xattrs(struct inode *from, struct inode *to)
{
	ssize_t n, got;
	char *names;
	int r = 0;

	if (!from->op || !from->op->listxattr || !from->op->getxattr || !to->op || !to->op->setxattr)
		return 0;
	n = from->op->listxattr(from, NULL, 0);
	if (n <= 0 || n > XATTR_MAX)
		return n > 0 ? -E2BIG : 0;
	names = kmalloc((size_t)n + 1);
	if (!names)
		return -ENOMEM;
	got = from->op->listxattr(from, names, (size_t)n);
	names[got > 0 ? got : 0] = 0;
	down_write(&to->lock);
	for (ssize_t at = 0; !r && at < got; at += (ssize_t)strlen(names + at) + 1)
		if (strncmp(names + at, OVL_XATTR, sizeof(OVL_XATTR) - 1))
			r = copy_one_xattr(from, to, names + at);
	up_write(&to->lock);
	kfree(names);
	return r;
}

static int set_times(struct ovl_fs *ofs, struct dentry *d, const struct inode *like)
{
	struct path p = { ofs->upper.path.mnt, d };
	struct iattr a = { .valid = ATTR_ATIME | ATTR_MTIME | ATTR_TIMES_SET, .atime = like->atime,
			   .mtime = like->mtime };

	return vfs_setattr(&p, &a);
}

/* Owner, mode, times, extended attributes; and the inode number, which programs remember. */
static int copy_meta(struct ovl_fs *ofs, struct ovl_inode *oi, struct dentry *tmp)
{
	struct inode *from = ovl_real(oi)->inode, *to = tmp->inode;
	struct path p = { ofs->upper.path.mnt, tmp };
	struct iattr a = { .valid = ATTR_UID | ATTR_GID, .uid = from->uid, .gid = from->gid };
	u64 ino = oi->inode->ino;
	int r = copy_xattrs(from, to);

	if (!r && !inode_is_dir(to) && to->op->setxattr) {
		down_write(&to->lock);
		to->op->setxattr(to, OVL_INO, &ino, sizeof(ino), 0); /* without it only the number changes later */
		up_write(&to->lock);
	}
	if (!r)
		r = vfs_setattr(&p, &a);
	if (!r && !inode_is_lnk(to)) {
		a = (struct iattr){ .valid = ATTR_MODE, .mode = (from->mode & 07777) | (to->mode & S_IFMT) };
		r = vfs_setattr(&p, &a);
	}
	if (!r)
		r = set_times(ofs, tmp, from);
	return r;
}

/* An object of the right kind, empty, in the work directory; referenced or ERR_PTR. */
static struct dentry *make_temp(struct ovl_fs *ofs, struct ovl_inode *oi)
{
	struct dentry *real = ovl_real(oi), *d;
	struct inode *wd = ofs->work->inode;
	char name[24], *target;
	int r;

	do { /* names may be left from an earlier mount */
		snprintf(name, sizeof(name), "#%llx", (unsigned long long)ofs->tmp_seq++);
		d = lookup_one(ofs->work, name, (u32)strlen(name));
		if (IS_ERR(d))
			return d;
		r = d->inode ? -EEXIST : 0;
		if (r)
			dput(d);
	} while (r);
	switch (real->inode->mode & S_IFMT) {
	case S_IFREG:
		r = vfs_create(wd, d, S_IFREG | 0600, true);
		break;
	case S_IFDIR:
		r = vfs_mkdir(wd, d, S_IFDIR | 0700);
		break;
	case S_IFLNK:
		target = real->inode->op->readlink(real);
		r = IS_ERR(target) ? (int)PTR_ERR(target) : vfs_symlink(wd, d, target);
		if (!IS_ERR(target))
			kfree(target);
		break;
	default:
		r = vfs_mknod(wd, d, real->inode->mode, real->inode->rdev);
	}
	if (r) {
		dput(d);
		return ERR_PTR(r);
	}
	return d;
}

/* Takes the name away; a further reference lets the dentry keep its inode (d_delete). */
static void remove_temp(struct ovl_fs *ofs, struct dentry *tmp)
{
	dget(tmp);
	if (inode_is_dir(tmp->inode))
		vfs_rmdir(ofs->work->inode, tmp);
	else
		vfs_unlink(ofs->work->inode, tmp);
	dput(tmp);
}

/* Gives the finished copy its name. The parent's times stay what they were: nothing happened in it. */
static int place(struct ovl_fs *ofs, struct dentry *d, struct dentry *tmp)
{
	struct dentry *up = ovl_i(d->parent->inode)->upper, *slot;
	struct inode keep = { .atime = up->inode->atime, .mtime = up->inode->mtime };
	int r;

	if (list_empty(&d->hash_node)) { /* removed, or never had a name */
		remove_temp(ofs, tmp);
		return 0;
	}
	slot = lookup_one(up, d->name.name, d->name.len);
	if (IS_ERR(slot))
		return (int)PTR_ERR(slot);
	if (ovl_is_whiteout(slot)) {
		remove_temp(ofs, tmp);
		r = 0;
	} else if (slot->inode) {
		r = -EEXIST; /* somebody changed the upper directory behind our back */
	} else {
		r = vfs_rename(ofs->work->inode, tmp, up->inode, slot, 0);
		if (!r)
			set_times(ofs, up, &keep);
	}
	dput(slot);
	return r;
}

/* oi->lock is held; the parent has an upper. */
static int copy_up_locked(struct ovl_fs *ofs, struct dentry *d, u64 limit)
{
	struct ovl_inode *oi = ovl_i(d->inode);
	struct cred *old = ovl_su(ofs);
	struct dentry *tmp = make_temp(ofs, oi);
	int r = 0;

	if (IS_ERR(tmp)) {
		ovl_unsu(old);
		return (int)PTR_ERR(tmp);
	}
	if (inode_is_reg(d->inode))
		r = copy_data(ofs, oi, tmp, limit);
	if (!r)
		r = copy_meta(ofs, oi, tmp);
	if (!r)
		r = place(ofs, d, tmp);
	if (r)
		remove_temp(ofs, tmp);
	ovl_unsu(old);
	if (r) {
		dput(tmp);
		return r;
	}
	oi->upper = tmp;
	ovl_hash(oi);
	ovl_fill(d->inode);
	ovl_fill(d->parent->inode);
	return 0;
}

static int copy_up_one(struct ovl_fs *ofs, struct dentry *d, u64 limit)
{
	struct inode *i = d->inode ? iget(d->inode) : NULL;
	int r;

	if (!i)
		return -ENOENT;
	r = mutex_lock_killable(&ovl_i(i)->lock);
	if (!r) {
		if (!ovl_i(i)->upper)
			r = d->inode == i ? copy_up_locked(ofs, d, limit) : -ENOENT;
		mutex_unlock(&ovl_i(i)->lock);
	}
	iput(i);
	return r;
}

int ovl_copy_up(struct dentry *d, u64 size)
{
	struct ovl_fs *ofs = ovl_fs(d->sb);
	struct dentry *top;
	int r = 0;

	if (!d->inode)
		return -ENOENT;
	if (ovl_i(d->inode)->upper)
		return 0;
	if (!ofs->has_upper)
		return -EROFS;
	while (!r && d->inode && !ovl_i(d->inode)->upper) {
		for (top = d; top->parent != top && top->parent->inode && !ovl_i(top->parent->inode)->upper;)
			top = top->parent;
		dget(top);
		r = copy_up_one(ofs, top, top == d ? size : U64_MAX);
		dput(top);
	}
	return r;
}
