/*
 * Changes of directories: create, mkdir, mknod, symlink, link, unlink, rmdir, rename.
 *
 * X_locked(): the caller holds the directory's inode->lock for write and has looked d up under it. vfs_X(): takes
 * the lock and checks that d still is what it was. Both check types and state, call the file system, keep the dcache in
 * step and notify; neither checks permissions.
 */
#include "internal.h"

static int dir_state(struct inode *dir, struct dentry *d)
{
	if (!inode_is_dir(dir) || !dir->op)
		return -ENOTDIR;
	if (dir->flags & I_DEAD)
		return -ENOENT;
	return d->inode ? -EEXIST : 0;
}

static int created(struct inode *dir, struct dentry *d, int err, u32 isdir)
{
	if (!err)
		fsnotify_name(dir, d->name.name, FSN_CREATE | isdir, 0);
	return err;
}

int create_locked(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	int err = dir_state(dir, d);

	if (err)
		return err;
	if (!dir->op->create)
		return -EACCES;
	return created(dir, d, dir->op->create(dir, d, S_IFREG | (mode & 07777), excl), 0);
}

int mkdir_locked(struct inode *dir, struct dentry *d, u32 mode)
{
	int err = dir_state(dir, d);

	if (err)
		return err;
	if (!dir->op->mkdir)
		return -EPERM;
	return created(dir, d, dir->op->mkdir(dir, d, S_IFDIR | (mode & 01777)), FSN_ISDIR);
}

int mknod_locked(struct inode *dir, struct dentry *d, u32 mode, u32 rdev)
{
	int err = dir_state(dir, d);

	if (err)
		return err;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISREG(mode))
		return create_locked(dir, d, mode, true);
	if (!dir->op->mknod)
		return -EPERM;
	return created(dir, d, dir->op->mknod(dir, d, mode, rdev), 0);
}

int symlink_locked(struct inode *dir, struct dentry *d, const char *target)
{
	int err = dir_state(dir, d);

	if (err)
		return err;
	if (!dir->op->symlink)
		return -EPERM;
	return created(dir, d, dir->op->symlink(dir, d, target), 0);
}

int link_locked(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	int err = dir_state(dir, d);

	if (!i)
		return -ENOENT;
	if (err)
		return err;
	if (i->sb != dir->sb)
		return -EXDEV;
	if (inode_is_dir(i) || !dir->op->link)
		return -EPERM;
	if (!i->nlink && !(i->flags & I_LINKABLE))
		return -ENOENT;
	err = dir->op->link(old, dir, d);
	if (err)
		return err;
	i->flags &= ~(u32)I_LINKABLE;
	d_add(d, NULL); /* hashed, also where the inode had no links before */
	fsnotify_inode(i, FSN_ATTRIB);
	return created(dir, d, 0, 0);
}

int unlink_locked(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err;

	if (!i)
		return -ENOENT;
	if (inode_is_dir(i))
		return -EISDIR;
	if (!dir->op || !dir->op->unlink)
		return -EPERM;
	if (d->nr_mounts)
		return -EBUSY;
	iget(i);
	err = dir->op->unlink(dir, d);
	if (!err) {
		fsnotify_name(dir, d->name.name, FSN_DELETE, 0);
		if (i->nlink)
			fsnotify_inode(i, FSN_ATTRIB);
		d_delete(d);
	}
	iput(i);
	return err;
}

int rmdir_locked(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err;

	if (!i)
		return -ENOENT;
	if (!inode_is_dir(i))
		return -ENOTDIR;
	if (!dir->op || !dir->op->rmdir)
		return -EPERM;
	if (d->nr_mounts)
		return -EBUSY;
	iget(i);
	down_write(&i->lock);
	err = d->nr_mounts ? -EBUSY : dir->op->rmdir(dir, d);
	if (!err)
		i->flags |= I_DEAD;
	up_write(&i->lock);
	if (!err) {
		d_prune_children(d);
		fsnotify_name(dir, d->name.name, FSN_DELETE | FSN_ISDIR, 0);
		d_delete(d);
	}
	iput(i);
	return err;
}

static int rename_checks(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	struct inode *s = o->inode, *t = n->inode;

	if (!s)
		return -ENOENT;
	if (od->sb != nd->sb)
		return -EXDEV;
	if (t && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!t && (flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (nd->flags & I_DEAD)
		return -ENOENT;
	if (t && !(flags & RENAME_EXCHANGE)) {
		if (inode_is_dir(s) && !inode_is_dir(t))
			return -ENOTDIR;
		if (!inode_is_dir(s) && inode_is_dir(t))
			return -EISDIR;
	}
	if (!od->op || !od->op->rename)
		return -EPERM;
	if (o->nr_mounts || n->nr_mounts)
		return -EBUSY;
	return 0;
}

int rename_locked(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	struct inode *s = o->inode, *t = n->inode;
	char *oldname;
	u32 isdir, cookie;
	bool exchange = flags & RENAME_EXCHANGE;
	int err;

	if (s && s == t && !(exchange && o != n))
		return 0; /* two names of one file: nothing happens, rename(2) */
	err = rename_checks(od, o, nd, n, flags);
	if (err)
		return err;
	isdir = inode_is_dir(s) ? FSN_ISDIR : 0;
	oldname = kstrndup(o->name.name, o->name.len);
	if (!oldname)
		return -ENOMEM;
	iget(s);
	if (t) {
		iget(t);
		if (t != s && inode_is_dir(t))
			down_write(&t->lock);
	}
	err = od->op->rename(od, o, nd, n, flags);
	if (!err && t && !exchange && inode_is_dir(t))
		t->flags |= I_DEAD;
	if (t && t != s && inode_is_dir(t))
		up_write(&t->lock);
	if (!err) {
		if (t && !exchange && inode_is_dir(t))
			d_prune_children(n);
		d_move(o, n, exchange);
		cookie = fsnotify_cookie();
		fsnotify_name(od, oldname, FSN_MOVED_FROM | isdir, cookie);
		fsnotify_name(nd, o->name.name, FSN_MOVED_TO | isdir, cookie);
		fsnotify_inode(s, FSN_MOVE_SELF | isdir);
		if (t && exchange)
			fsnotify_inode(t, FSN_MOVE_SELF | (inode_is_dir(t) ? FSN_ISDIR : 0));
		else if (t && t->nlink)
			fsnotify_inode(t, FSN_ATTRIB);
	}
	kfree(oldname);
	iput(t);
	iput(s);
	return err;
}

/* Returns NULL, or the dentry directly below one of them that is an ancestor of the other (rename's trap). */
struct dentry *lock_rename(struct dentry *a, struct dentry *b)
{
	struct dentry *p;

	if (a == b || a->inode == b->inode) {
		down_write(&a->inode->lock);
		return NULL;
	}
	mutex_lock(&a->sb->rename_mutex); /* per superblock: overlay renames on its layers meanwhile */
	for (p = b; p->parent != p; p = p->parent) {
		if (p->parent == a) {
			down_write(&a->inode->lock);
			down_write(&b->inode->lock);
			return p;
		}
	}
	for (p = a; p->parent != p; p = p->parent) {
		if (p->parent == b) {
			down_write(&b->inode->lock);
			down_write(&a->inode->lock);
			return p;
		}
	}
	down_write(&a->inode->lock);
	down_write(&b->inode->lock);
	return NULL;
}

void unlock_rename(struct dentry *a, struct dentry *b)
{
	up_write(&a->inode->lock);
	if (a == b || a->inode == b->inode)
		return;
	up_write(&b->inode->lock);
	mutex_unlock(&a->sb->rename_mutex);
}

/* d, looked up before the lock was taken, may have become positive or another may have its name. */
static int recheck_new(struct inode *dir, struct dentry *d)
{
	struct dentry *other;
	int err = dir_state(dir, d);

	if (err)
		return err;
	other = d_lookup(d->parent, &d->name);
	if (other) {
		if (other != d && other->inode)
			err = -EEXIST;
		else if (other != d)
			d_drop(other);
		dput(other);
	}
	return err;
}

static int recheck_old(struct inode *dir, struct dentry *d)
{
	return d->inode && d->parent->inode == dir && (d->flags & DENTRY_HASHED) ? 0 : -ENOENT;
}

#define WITH_DIR(dir, check, call)                                                                 \
	({                                                                                         \
		int err_;                                                                          \
		down_write(&(dir)->lock);                                                          \
		err_ = check;                                                                      \
		if (!err_)                                                                         \
			err_ = call;                                                               \
		up_write(&(dir)->lock);                                                            \
		err_;                                                                              \
	})

int vfs_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return WITH_DIR(dir, recheck_new(dir, d), create_locked(dir, d, mode, excl));
}

int vfs_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	return WITH_DIR(dir, recheck_new(dir, d), mkdir_locked(dir, d, mode));
}

int vfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 rdev)
{
	return WITH_DIR(dir, recheck_new(dir, d), mknod_locked(dir, d, mode, rdev));
}

int vfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return WITH_DIR(dir, recheck_new(dir, d), symlink_locked(dir, d, target));
}

int vfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	return WITH_DIR(dir, recheck_new(dir, d), link_locked(old, dir, d));
}

int vfs_unlink(struct inode *dir, struct dentry *d)
{
	return WITH_DIR(dir, recheck_old(dir, d), unlink_locked(dir, d));
}

int vfs_rmdir(struct inode *dir, struct dentry *d)
{
	return WITH_DIR(dir, recheck_old(dir, d), rmdir_locked(dir, d));
}

/* Renames o (in od) to n (in nd). -EINVAL: o is above nd; -ENOTEMPTY: n is above od. */
int vfs_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	struct dentry *op = dget(o->parent), *np = dget(n->parent), *trap;
	int err;

	trap = lock_rename(op, np);
	err = recheck_old(od, o);
	if (!err && (o->parent != op || n->parent != np))
		err = -ENOENT;
	if (!err && trap == o)
		err = -EINVAL;
	if (!err && trap == n)
		err = -ENOTEMPTY;
	if (!err)
		err = rename_locked(od, o, nd, n, flags);
	unlock_rename(op, np);
	dput(op);
	dput(np);
	return err;
}
