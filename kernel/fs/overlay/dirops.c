/* overlay: making and removing names. The VFS holds the overlay directory's lock for write. */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/time.h>

int ovl_set_opaque(struct dentry *upper)
{
	struct inode *i = upper->inode;
	int r = -EOPNOTSUPP;

	if (i->op && i->op->setxattr) {
		down_write(&i->lock);
		r = i->op->setxattr(i, OVL_OPAQUE, "y", 1, 0);
		up_write(&i->lock);
	}
	return r;
}

int ovl_put_whiteout(struct ovl_inode *odir, const char *name, u32 len)
{
	struct dentry *d = lookup_one(odir->upper, name, len);
	int r;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	r = d->inode ? 0 : vfs_mknod(odir->upper->inode, d, S_IFCHR, 0);
	dput(d);
	return r;
}

struct dentry *ovl_upper_slot(struct ovl_inode *odir, const char *name, u32 len, bool *whiteout)
{
	struct dentry *d = lookup_one(odir->upper, name, len);
	int r;

	*whiteout = false;
	if (IS_ERR(d) || !d->inode)
		return d;
	if (!ovl_is_whiteout(d)) {
		dput(d);
		return ERR_PTR(-EEXIST);
	}
	r = vfs_unlink(odir->upper->inode, d);
	dput(d);
	if (r)
		return ERR_PTR(r);
	*whiteout = true;
	d = lookup_one(odir->upper, name, len);
	if (IS_ERR(d))
		ovl_put_whiteout(odir, name, len);
	return d;
}

struct new_thing { u32 mode, rdev; const char *target; struct dentry *old; bool excl; };

static int make_upper(struct inode *updir, struct dentry *d, const struct new_thing *n)
{
	if (n->old)
		return vfs_link(ovl_i(n->old->inode)->upper, updir, d);
	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		return vfs_mkdir(updir, d, n->mode);
	case S_IFLNK:
		return vfs_symlink(updir, d, n->target);
	case S_IFREG:
		return vfs_create(updir, d, n->mode, n->excl);
	default:
		return vfs_mknod(updir, d, n->mode, n->rdev);
	}
}

static int make(struct inode *dir, struct dentry *d, const struct new_thing *n)
{
	struct ovl_inode *odir = ovl_i(dir);
	bool whiteout;
	struct dentry *up;
	struct inode *i;
	int r = ovl_copy_up(d->parent, U64_MAX);

	if (!r && n->old)
		r = ovl_copy_up(n->old, U64_MAX);
	if (r)
		return r;
	up = ovl_upper_slot(odir, d->name.name, d->name.len, &whiteout);
	if (IS_ERR(up))
		return (int)PTR_ERR(up);
	r = make_upper(odir->upper->inode, up, n);
	if (!r && !n->old && S_ISDIR(n->mode) && odir->nr_lower) {
		/* A lower directory of this name must not shine through, now or when the lower changes. */
		r = ovl_set_opaque(up);
		if (r == -EOPNOTSUPP && !whiteout)
			r = 0;
		if (r)
			vfs_rmdir(odir->upper->inode, up);
	}
	if (r) {
		dput(up);
		if (whiteout)
			ovl_put_whiteout(odir, d->name.name, d->name.len);
		return r;
	}
	if (n->old) {
		dput(up);
		i = iget(n->old->inode);
		ovl_fill(i);
	} else {
		i = ovl_inode_get(dir->sb, up, NULL, 0);
		if (IS_ERR(i))
			return (int)PTR_ERR(i);
	}
	d->time = ktime_mono_ns();
	d_instantiate(d, i);
	ovl_fill(dir);
	dir->version++;
	return 0;
}

int ovl_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return make(dir, d, &(struct new_thing){ .mode = S_IFREG | (mode & 07777), .excl = excl });
}

int ovl_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, &(struct new_thing){ .mode = S_IFDIR | (mode & 07777) });
}

int ovl_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 rdev)
{
	if (S_ISCHR(mode) && !rdev)
		return -EPERM; /* would be a whiteout */
	return make(dir, d, &(struct new_thing){ .mode = mode, .rdev = rdev });
}

int ovl_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return make(dir, d, &(struct new_thing){ .mode = S_IFLNK | 0777, .target = target });
}

int ovl_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	return make(dir, d, &(struct new_thing){ .mode = old->inode->mode, .old = old });
}

int ovl_tmpfile(struct inode *dir, struct dentry *d, u32 mode)
{
	struct ovl_inode *odir = ovl_i(dir);
	struct inode *updir, *i;
	struct dentry *up;
	int r = ovl_copy_up(d->parent, U64_MAX);

	if (r)
		return r;
	updir = odir->upper->inode;
	if (!updir->op->tmpfile)
		return -EOPNOTSUPP;
	up = d_alloc_name(odir->upper, "#tmp");
	if (IS_ERR(up))
		return (int)PTR_ERR(up);
	r = updir->op->tmpfile(updir, up, mode);
	if (r) {
		dput(up);
		return r;
	}
	d_drop(up);
	up->inode->flags |= I_LINKABLE; /* the overlay inode's own flag decides */
	i = ovl_inode_get(dir->sb, up, NULL, 0);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	d_instantiate(d, i);
	return 0;
}

/* Takes the upper object of d's name away; the name may be another link of it than oi->upper. */
static int remove_upper(struct ovl_inode *odir, struct dentry *d, bool is_dir)
{
	struct dentry *up = lookup_one(odir->upper, d->name.name, d->name.len);
	int r;

	if (IS_ERR(up))
		return (int)PTR_ERR(up);
	if (!up->inode || ovl_is_whiteout(up) || up->inode != ovl_i(d->inode)->upper->inode) {
		r = -ESTALE;
	} else if (is_dir) {
		r = ovl_clear_whiteouts(ovl_fs(odir->inode->sb), up);
		if (!r)
			r = vfs_rmdir(odir->upper->inode, up);
	} else {
		r = vfs_unlink(odir->upper->inode, up);
	}
	dput(up);
	return r;
}

static int do_remove(struct inode *dir, struct dentry *d, bool is_dir)
{
	struct ovl_inode *odir = ovl_i(dir), *oi = ovl_i(d->inode);
	bool below;
	int r = ovl_copy_up(d->parent, U64_MAX);

	if (r)
		return r;
	below = ovl_lower_has(odir, d->name.name, d->name.len, &r);
	if (r)
		return r;
	if (oi->upper)
		r = remove_upper(odir, d, is_dir);
	if (!r && below)
		r = ovl_put_whiteout(odir, d->name.name, d->name.len);
	if (r)
		return r;
	if (!oi->upper || is_dir)
		oi->gone = true;
	ovl_fill(d->inode);
	ovl_fill(dir);
	dir->version++;
	d->time = ktime_mono_ns();
	return 0;
}

static int locked_remove(struct inode *dir, struct dentry *d, bool is_dir)
{
	struct inode *i = iget(d->inode);
	int r = mutex_lock_killable(&ovl_i(i)->lock);

	if (!r) {
		r = do_remove(dir, d, is_dir);
		mutex_unlock(&ovl_i(i)->lock);
	}
	iput(i);
	return r;
}

int ovl_unlink(struct inode *dir, struct dentry *d)
{
	return locked_remove(dir, d, false);
}

int ovl_rmdir(struct inode *dir, struct dentry *d)
{
	int r = ovl_check_empty(d->inode);

	return r ? r : locked_remove(dir, d, true);
}
