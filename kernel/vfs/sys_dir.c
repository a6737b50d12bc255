/* Names: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2), rename(2) and their *at forms; the same for
 * the kernel's own use (vfs_*_at). All permission checks of these are here. */
#include "internal.h"
#include <umber/syscall.h>

struct new_name { struct path parent; struct dentry *d; };

/*
 * The place for a new name: parent referenced and locked, d negative. isdir: a trailing slash is fine.
 * -EEXIST, -ENOENT, -EROFS, and permission errors. finish_new() unlocks.
 */
static int start_new(int dfd, const char *name, bool isdir, struct new_name *nn)
{
	struct qstr last;
	struct inode *dir;
	bool slash;
	int err, ro, type;

	err = path_parent(dfd, name, LOOKUP_CREATE | LOOKUP_EXCL, &nn->parent, &last, &type, &slash);
	if (err)
		return err;
	err = -EEXIST;
	if (type != LAST_NORM)
		goto out;
	ro = mnt_want_write(nn->parent.mnt);
	dir = nn->parent.dentry->inode;
	down_write(&dir->lock);
	nn->d = lookup_locked_q(nn->parent.dentry, &last, LOOKUP_CREATE | LOOKUP_EXCL);
	if (IS_ERR(nn->d)) {
		err = (int)PTR_ERR(nn->d);
		goto unlock;
	}
	if (nn->d->inode)
		err = -EEXIST;
	else if (slash && !isdir)
		err = -ENOENT;
	else
		err = ro ? ro : may_create(dir);
	if (!err)
		return 0;
	dput(nn->d);
unlock:
	up_write(&dir->lock);
out:
	path_put(&nn->parent);
	return err;
}

static void finish_new(struct new_name *nn)
{
	up_write(&nn->parent.dentry->inode->lock);
	dput(nn->d);
	path_put(&nn->parent);
}

/* mkdir(2) with a kernel string; umask is applied. */
int vfs_mkdir_at(int dfd, const char *name, u32 mode)
{
	struct new_name nn;
	int err = start_new(dfd, name, true, &nn);

	if (err)
		return err;
	err = mkdir_locked(nn.parent.dentry->inode, nn.d, mode & 01777 & ~cur_fs()->umask);
	finish_new(&nn);
	return err;
}

/* mknod(2) without its capability check. out (may be NULL): the new node, referenced. umask is applied. */
int vfs_mknod_at(int dfd, const char *name, u32 mode, u32 rdev, struct path *out)
{
	struct new_name nn;
	int err = start_new(dfd, name, false, &nn);

	if (err)
		return err;
	err = mknod_locked(nn.parent.dentry->inode, nn.d, mode & ~cur_fs()->umask, rdev);
	if (!err && out) {
		*out = (struct path){ nn.parent.mnt, nn.d };
		path_get(out);
	}
	finish_new(&nn);
	return err;
}

int vfs_symlink_at(int dfd, const char *name, const char *target)
{
	struct new_name nn;
	int err = start_new(dfd, name, false, &nn);

	if (err)
		return err;
	err = symlink_locked(nn.parent.dentry->inode, nn.d, target);
	finish_new(&nn);
	return err;
}

/* linkat(2); flags AT_SYMLINK_FOLLOW, AT_EMPTY_PATH. */
int vfs_link_at(int odfd, const char *oname, int ndfd, const char *nname, int flags)
{
	u32 lf = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct new_name nn;
	struct path old;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !*oname && !vfs_capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = path_lookup(odfd, oname, lf, &old);
	if (err)
		return err;
	err = start_new(ndfd, nname, false, &nn);
	if (!err) {
		if (old.mnt != nn.parent.mnt)
			err = -EXDEV;
		else
			err = link_locked(old.dentry, nn.parent.dentry->inode, nn.d);
		finish_new(&nn);
	}
	path_put(&old);
	return err;
}

static int last_type_error(int type, bool rmdir)
{
	if (!rmdir)
		return -EISDIR;
	return type == LAST_DOTDOT ? -ENOTEMPTY : type == LAST_DOT ? -EINVAL : -EBUSY;
}

/* unlinkat(2); flags AT_REMOVEDIR. */
int vfs_unlink_at(int dfd, const char *name, int flags)
{
	bool rmdir = flags & AT_REMOVEDIR, slash;
	struct path parent;
	struct dentry *d;
	struct inode *dir;
	struct qstr last;
	int err, type;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = path_parent(dfd, name, 0, &parent, &last, &type, &slash);
	if (err)
		return err;
	err = last_type_error(type, rmdir);
	if (type != LAST_NORM)
		goto out;
	err = mnt_want_write(parent.mnt);
	if (err)
		goto out;
	dir = parent.dentry->inode;
	down_write(&dir->lock);
	d = lookup_locked_q(parent.dentry, &last, 0);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else {
		if (!d->inode)
			err = -ENOENT;
		else if (!rmdir && slash)
			err = inode_is_dir(d->inode) ? -EISDIR : -ENOTDIR;
		else
			err = may_delete(dir, d);
		if (!err)
			err = rmdir ? rmdir_locked(dir, d) : unlink_locked(dir, d);
	}
	up_write(&dir->lock);
	if (!IS_ERR(d))
		dput(d);
out:
	path_put(&parent);
	return err;
}

struct rename_ends {
	struct path op, np;
	struct qstr ol, nl;
	int otype, ntype;
	bool oslash, nslash;
};

static int rename_permissions(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	bool exchange = flags & RENAME_EXCHANGE;
	int err = may_delete(od, o);

	if (err)
		return err;
	err = n->inode ? may_delete(nd, n) : may_create(nd);
	/* A directory that changes its parent changes itself: its "..". */
	if (!err && od != nd && inode_is_dir(o->inode))
		err = inode_permission(o->inode, MAY_WRITE);
	if (!err && od != nd && exchange && n->inode && inode_is_dir(n->inode))
		err = inode_permission(n->inode, MAY_WRITE);
	if (!err && (flags & RENAME_WHITEOUT) && !vfs_capable(CAP_MKNOD))
		err = -EPERM;
	return err;
}

/* Both parents are locked; trap as from lock_rename. */
static int rename_in(struct rename_ends *e, struct dentry *trap, u32 flags)
{
	struct inode *od = e->op.dentry->inode, *nd = e->np.dentry->inode;
	struct dentry *o = lookup_locked_q(e->op.dentry, &e->ol, 0), *n;
	bool exchange = flags & RENAME_EXCHANGE;
	int err = 0;

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	n = lookup_locked_q(e->np.dentry, &e->nl, LOOKUP_RENAME);
	if (IS_ERR(n)) {
		dput(o);
		return (int)PTR_ERR(n);
	}
	if (!o->inode)
		err = -ENOENT;
	else if ((flags & RENAME_NOREPLACE) && n->inode)
		err = -EEXIST;
	else if (exchange && !n->inode)
		err = -ENOENT;
	else if (exchange && e->nslash && !inode_is_dir(n->inode))
		err = -ENOTDIR;
	else if (!inode_is_dir(o->inode) && (e->oslash || (!exchange && e->nslash)))
		err = -ENOTDIR;
	else if (o == trap)
		err = -EINVAL;
	else if (n == trap)
		err = exchange ? -EINVAL : -ENOTEMPTY;
	else if (o->inode != n->inode)
		err = rename_permissions(od, o, nd, n, flags);
	if (!err)
		err = rename_locked(od, o, nd, n, flags);
	dput(n);
	dput(o);
	return err;
}

static int do_rename(int odfd, const char *from, int ndfd, const char *to, u32 flags)
{
	struct dentry *trap;
	struct rename_ends e;
	int err;

	if ((flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
	    ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))))
		return -EINVAL;
	err = path_parent(odfd, from, 0, &e.op, &e.ol, &e.otype, &e.oslash);
	if (err)
		return err;
	err = path_parent(ndfd, to, LOOKUP_RENAME, &e.np, &e.nl, &e.ntype, &e.nslash);
	if (err)
		goto out_old;
	err = -EXDEV;
	if (e.op.mnt != e.np.mnt)
		goto out;
	err = -EBUSY;
	if (e.otype != LAST_NORM)
		goto out;
	err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (e.ntype != LAST_NORM)
		goto out;
	err = mnt_want_write(e.op.mnt);
	if (err)
		goto out;
	trap = lock_rename(e.op.dentry, e.np.dentry);
	err = rename_in(&e, trap, flags);
	unlock_rename(e.op.dentry, e.np.dentry);
out:
	path_put(&e.np);
out_old:
	path_put(&e.op);
	return err;
}

/* ---- the system calls ---- */

long sys_mkdirat(int dfd, uaddr_t path, u32 mode)
{
	char *name = getname(path, false);
	long err = PTR_ERR(name);

	if (!IS_ERR(name)) {
		err = vfs_mkdir_at(dfd, name, mode);
		putname(name);
	}
	return err;
}

long sys_mkdir(uaddr_t path, u32 mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

/* mknod(2): device nodes need CAP_MKNOD, but for whiteouts (0:0). */
long sys_mknodat(int dfd, uaddr_t path, u32 mode, u32 dev)
{
	char *name;
	long err = 0;

	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		dev = 0;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!(S_ISCHR(mode) && !dev) && !vfs_capable(CAP_MKNOD))
			err = -EPERM;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	name = getname(path, false);
	if (IS_ERR(name))
		return PTR_ERR(name);
	if (!err)
		err = vfs_mknod_at(dfd, name, mode, dev, NULL);
	putname(name);
	return err;
}

long sys_mknod(uaddr_t path, u32 mode, u32 dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

long sys_unlinkat(int dfd, uaddr_t path, int flags)
{
	char *name = getname(path, false);
	long err = PTR_ERR(name);

	if (flags & ~AT_REMOVEDIR)
		err = -EINVAL;
	else if (!IS_ERR(name))
		err = vfs_unlink_at(dfd, name, flags);
	putname(name);
	return err;
}

long sys_unlink(uaddr_t path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(uaddr_t path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

long sys_symlinkat(uaddr_t utarget, int dfd, uaddr_t path)
{
	char *target = getname(utarget, false), *name;
	long err;

	if (IS_ERR(target))
		return PTR_ERR(target);
	name = getname(path, false);
	err = PTR_ERR(name);
	if (!IS_ERR(name)) {
		err = vfs_symlink_at(dfd, name, target);
		putname(name);
	}
	putname(target);
	return err;
}

long sys_symlink(uaddr_t target, uaddr_t path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

long sys_linkat(int odfd, uaddr_t uold, int ndfd, uaddr_t unew, int flags)
{
	char *from, *to;
	long err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	from = getname(uold, flags & AT_EMPTY_PATH);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = getname(unew, false);
	err = PTR_ERR(to);
	if (!IS_ERR(to)) {
		err = vfs_link_at(odfd, from, ndfd, to, flags);
		putname(to);
	}
	putname(from);
	return err;
}

long sys_link(uaddr_t old, uaddr_t new)
{
	return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

long sys_renameat2(int odfd, uaddr_t uold, int ndfd, uaddr_t unew, u32 flags)
{
	char *from = getname(uold, false), *to;
	long err;

	if (IS_ERR(from))
		return PTR_ERR(from);
	to = getname(unew, false);
	err = PTR_ERR(to);
	if (!IS_ERR(to)) {
		err = do_rename(odfd, from, ndfd, to, flags);
		putname(to);
	}
	putname(from);
	return err;
}

long sys_renameat(int odfd, uaddr_t old, int ndfd, uaddr_t new)
{
	return sys_renameat2(odfd, old, ndfd, new, 0);
}

long sys_rename(uaddr_t old, uaddr_t new)
{
	return sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}
