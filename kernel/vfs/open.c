/* open(2), openat2(2), creat(2): from a name to an open file. The one place that joins path walk, creation and files. */
#include "internal.h"
#include <umber/syscall.h>

#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | \
		    O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

static u32 acc_mode(u32 flags)
{
	static const u8 map[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	u32 acc = map[flags & O_ACCMODE];

	return flags & O_TRUNC ? acc | MAY_WRITE : acc;
}

/* Type, mount and permission checks of opening an object that exists. */
int may_open(const struct path *p, u32 acc, u32 flags)
{
	struct inode *i = p->dentry->inode;
	int err;

	switch (i->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (acc & MAY_WRITE)
			return -EISDIR;
		if (acc & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mnt->flags & MS_NODEV)
			return -EACCES;
		/* fall through */
	case S_IFIFO:
	case S_IFSOCK:
		if (acc & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFREG:
		if ((acc & MAY_EXEC) && (p->mnt->flags & MS_NOEXEC))
			return -EACCES;
		if ((acc & MAY_WRITE) && (err = mnt_want_write(p->mnt)))
			return err;
		break;
	}
	err = inode_permission(i, (int)acc);
	if (err)
		return err;
	if ((flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

/* Opens p; created: it is new, so no permission is asked. */
static struct file *open_at(const struct path *p, u32 flags, bool created)
{
	struct inode *i = p->dentry->inode;
	struct file *f;
	int err;

	if (!(flags & O_PATH) && !created) {
		err = may_open(p, acc_mode(flags), flags);
		if (err)
			return ERR_PTR(err);
	}
	f = file_alloc(flags);
	if (IS_ERR(f))
		return f;
	err = file_bind(f, p, false);
	if (err) {
		file_free_unopened(f);
		return ERR_PTR(err);
	}
	if ((flags & O_TRUNC) && !(flags & O_PATH) && !created && inode_is_reg(i)) {
		if (i->writecount < 0)
			err = -ETXTBSY;
		else
			err = vfs_truncate(p, 0, f);
		if (err) {
			file_put(f);
			return ERR_PTR(err);
		}
	}
	return f;
}

/* open(2) of a path that is resolved already: reopens it with permission checks. */
struct file *file_open_path(const struct path *p, u32 flags)
{
	if (!p->dentry->inode)
		return ERR_PTR(-ENOENT);
	if ((flags & O_DIRECTORY) && !inode_is_dir(p->dentry->inode))
		return ERR_PTR(-ENOTDIR);
	return open_at(p, flags, false);
}

static int create_in(struct nameidata *nd, const struct open_args *a, struct dentry **out, bool *created)
{
	struct dentry *parent = nd->path.dentry, *d;
	struct inode *dir = parent->inode;
	int err = 0, ro;

	d = d_lookup(parent, &nd->last);
	if (d && d->inode && d_valid(d, nd->flags)) {
		*out = d;
		return 0;
	}
	if (d)
		dput(d);
	ro = mnt_want_write(nd->path.mnt);
	down_write(&dir->lock);
	d = lookup_locked_q(parent, &nd->last, nd->flags | LOOKUP_CREATE);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else if (!d->inode) {
		err = ro ? ro : may_create(dir);
		if (!err)
			err = create_locked(dir, d, S_IFREG | (a->mode & 07777 & ~cur_fs()->umask), a->flags & O_EXCL);
		*created = !err;
		if (err)
			dput(d);
	}
	up_write(&dir->lock);
	*out = d;
	return err;
}

/* The O_CREAT way: walks to the parent, then looks up or creates the last component; again for each symlink there. */
static struct file *open_create(struct nameidata *nd, const char *name, const struct open_args *a)
{
	bool created = false;
	struct dentry *d;
	struct file *f;
	int err;

	nd->flags |= LOOKUP_PARENT;
	err = nd_walk(nd, name);
	while (!err && nd->last_type == LAST_NORM) {
		const char *body;

		if (nd->slash)
			return ERR_PTR(-EISDIR);
		nd_pin(nd);
		err = create_in(nd, a, &d, &created);
		if (err)
			break;
		if ((a->flags & O_EXCL) && !created) {
			dput(d);
			return ERR_PTR(-EEXIST);
		}
		if (!inode_is_lnk(d->inode)) {
			struct dentry *old = nd->pin.dentry;

			nd->path.dentry = nd->pin.dentry = d; /* pinned above: takes the reference over */
			dput(old);
			err = nd_cross_mounts(nd);
			break;
		}
		if (a->flags & O_NOFOLLOW) {
			dput(d);
			return ERR_PTR(-ELOOP);
		}
		err = nd_follow(nd, d, &body);
		if (err)
			break;
		if (!body) {
			nd->last_type = LAST_JUMPED;
			break;
		}
		err = nd_walk(nd, body);
	}
	if (!err && nd->last_type == LAST_DOTDOT)
		err = nd_dotdot(nd);
	if (err)
		return ERR_PTR(err);
	if ((a->flags & O_EXCL) && !created)
		return ERR_PTR(-EEXIST);
	if (!nd->path.dentry->inode)
		return ERR_PTR(-ENOENT);
	if (inode_is_dir(nd->path.dentry->inode))
		return ERR_PTR(-EISDIR);
	nd_pin(nd);
	f = open_at(&nd->pin, a->flags, created);
	return f;
}

static struct file *open_tmpfile(const struct path *dirp, const struct open_args *a)
{
	struct inode *dir = dirp->dentry->inode;
	struct path p = { dirp->mnt, NULL };
	struct file *f;
	int err = mnt_want_write(dirp->mnt);

	if (!err)
		err = may_create(dir);
	if (!err && (!dir->op || !dir->op->tmpfile))
		err = -EOPNOTSUPP;
	if (err)
		return ERR_PTR(err);
	p.dentry = d_alloc_name(dirp->dentry, "#tmp");
	if (IS_ERR(p.dentry))
		return ERR_PTR(PTR_ERR(p.dentry));
	err = dir->op->tmpfile(dir, p.dentry, S_IFREG | (a->mode & 07777 & ~cur_fs()->umask));
	if (err) {
		dput(p.dentry);
		return ERR_PTR(err);
	}
	d_drop(p.dentry);
	if (!(a->flags & O_EXCL))
		p.dentry->inode->flags |= I_LINKABLE;
	f = open_at(&p, a->flags & ~(u32)(O_EXCL | O_TMPFILE), true);
	dput(p.dentry);
	return f;
}

/* a->flags are clean (open_flags). File or ERR_PTR. May sleep. */
struct file *do_open(int dfd, const char *name, const struct open_args *a, const struct path *root)
{
	struct nameidata nd;
	struct file *f;
	struct path p;
	u32 lf = a->lookup | LOOKUP_OPEN;
	int err;

	if (!(a->flags & O_NOFOLLOW) && (a->flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		lf |= LOOKUP_FOLLOW;
	if (a->flags & O_DIRECTORY)
		lf |= LOOKUP_DIRECTORY;
	err = nd_init(&nd, dfd, name, lf, root);
	if (err)
		goto out;
	if (a->flags & O_CREAT) {
		f = open_create(&nd, name, a);
		nd_done(&nd);
		return f;
	}
	err = nd_walk(&nd, name);
	if (err)
		goto out;
	if ((a->flags & O_NOFOLLOW) && (a->flags & O_DIRECTORY) == 0 && !(a->flags & O_PATH) &&
	    inode_is_lnk(nd.path.dentry->inode))
		err = -ELOOP;
	if (err)
		goto out;
	err = nd_finish(&nd, &p);
	if (err)
		return ERR_PTR(err);
	f = a->flags & TMPFILE_BIT ? open_tmpfile(&p, a) : open_at(&p, a->flags, false);
	path_put(&p);
	return f;
out:
	nd_done(&nd);
	return ERR_PTR(err);
}

/* Brings open(2) flags into canonical form. 0 or -EINVAL. */
static int open_flags(struct open_args *a)
{
	if (a->flags & TMPFILE_BIT) {
		if (!(a->flags & O_DIRECTORY) || (a->flags & O_CREAT) || !(acc_mode(a->flags & O_ACCMODE) & MAY_WRITE))
			return -EINVAL;
	} else if ((a->flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
		return -EINVAL;
	}
	if (!(a->flags & (O_CREAT | TMPFILE_BIT)))
		a->mode = 0;
	if (a->flags & O_PATH)
		a->flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	else
		a->flags |= O_LARGEFILE;
	return 0;
}

struct file *file_open(int dfd, const char *name, u32 flags, u32 mode)
{
	struct open_args a = { flags & OPEN_FLAGS, mode & 07777, 0 };
	int err = open_flags(&a);

	return err ? ERR_PTR(err) : do_open(dfd, name, &a, NULL);
}

/* A regular file to execute: -EACCES for others, without x, or on a noexec mount; -ETXTBSY while open for writing. */
struct file *file_open_exec(int dfd, const char *name, u32 lookup_flags)
{
	struct file *f = NULL;
	struct path p;
	int err = path_lookup(dfd, name, lookup_flags, &p);

	if (err)
		return ERR_PTR(err);
	if (inode_is_lnk(p.dentry->inode))
		err = -ELOOP;
	else if (!inode_is_reg(p.dentry->inode))
		err = -EACCES;
	else
		err = may_open(&p, MAY_EXEC, 0);
	if (!err) {
		f = file_alloc(O_RDONLY | O_LARGEFILE);
		err = IS_ERR(f) ? (int)PTR_ERR(f) : file_bind(f, &p, true);
		if (err && !IS_ERR(f))
			file_free_unopened(f);
	}
	path_put(&p);
	return err ? ERR_PTR(err) : f;
}

static long open_user(int dfd, uaddr_t upath, struct open_args *a)
{
	char *name;
	struct file *f;
	int err = open_flags(a), fd;

	if (err)
		return err;
	name = getname(upath, false);
	if (IS_ERR(name))
		return PTR_ERR(name);
	fd = fd_alloc(a->flags);
	if (fd >= 0) {
		f = do_open(dfd, name, a, NULL);
		if (IS_ERR(f)) {
			fd_unreserve(fd);
			fd = (int)PTR_ERR(f);
		} else {
			fd_publish(fd, f);
		}
	}
	putname(name);
	return fd;
}

long sys_openat(int dfd, uaddr_t path, int flags, u32 mode)
{
	struct open_args a = { (u32)flags & OPEN_FLAGS, mode & 07777, 0 };

	return open_user(dfd, path, &a);
}

long sys_open(uaddr_t path, int flags, u32 mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(uaddr_t path, u32 mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* openat2(2): unknown flags and modes without creation are errors here. */
long sys_openat2(int dfd, uaddr_t path, uaddr_t uhow, u64 size)
{
	struct open_how64 how;
	struct open_args a;
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	err = copy_struct_from_user(&how, sizeof(how), uhow, size);
	if (err)
		return err;
	if ((how.flags & ~(u64)OPEN_FLAGS) || (how.resolve & ~0x3fULL) ||
	    (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how.flags & (O_CREAT | TMPFILE_BIT) ? how.mode & ~07777ULL : how.mode)
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(u64)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)))
		return -EINVAL;
	if (how.resolve & RESOLVE_CACHED) /* never sure beforehand that nothing will sleep */
		return -EAGAIN;
	a = (struct open_args){ (u32)how.flags, (u32)how.mode, 0 };
	a.lookup |= how.resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0;
	a.lookup |= how.resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0;
	a.lookup |= how.resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS : 0;
	a.lookup |= how.resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0;
	a.lookup |= how.resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0;
	return open_user(dfd, path, &a);
}
