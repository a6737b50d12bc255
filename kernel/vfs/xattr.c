/*
 * Extended attributes (xattr(7)). Name spaces: user (regular files and directories, by mode), trusted (CAP_SYS_ADMIN),
 * security (reading free, writing privileged), system (ACLs: not supported).
 */
#include "internal.h"
#include <umber/syscall.h>

#define XATTR_SIZE_MAX 65536u
#define XATTR_LIST_MAX 65536u

static bool has_prefix(const char *s, const char *p)
{
	return !strncmp(s, p, strlen(p)) && s[strlen(p)];
}

static int xattr_permission(struct inode *i, const char *name, bool write)
{
	if (write && (i->sb->flags & MS_RDONLY))
		return -EROFS;
	if (has_prefix(name, "security.")) {
		if (!write)
			return 0;
		return vfs_capable(strcmp(name, "security.capability") ? CAP_SYS_ADMIN : CAP_SETFCAP) ? 0 : -EPERM;
	}
	if (has_prefix(name, "trusted."))
		return vfs_capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (!has_prefix(name, "user."))
		return -EOPNOTSUPP;
	if (!inode_is_reg(i) && !inode_is_dir(i))
		return write ? -EPERM : -ENODATA;
	if (inode_is_dir(i) && (i->mode & S_ISVTX) && write && !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, write ? MAY_WRITE : MAY_READ);
}

/* The object of a call: path with or without following, or a descriptor. */
struct xtarget { bool by_fd; int fd; uaddr_t path; bool follow; };

static int xresolve(const struct xtarget *t, struct path *p)
{
	struct file *f;

	if (!t->by_fd)
		return user_path_at(AT_FDCWD, t->path, t->follow ? LOOKUP_FOLLOW : 0, p);
	f = fd_get(t->fd);
	if (!f)
		return -EBADF;
	*p = f->path;
	path_get(p);
	file_put(f);
	return 0;
}

static int xname(uaddr_t uname, char name[NAME_MAX + 1])
{
	ssize_t n = strncpy_from_user(name, uname, NAME_MAX + 1);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	if (n < 0)
		return (int)n;
	/* a name space alone is no name (xattr(7)) */
	return strcmp(name, "user.") && strcmp(name, "trusted.") && strcmp(name, "security.") ? 0 : -EINVAL;
}

/* value NULL: remove. */
static int change(const struct path *p, const char *name, const void *value, size_t size, int flags)
{
	struct inode *i = p->dentry->inode;
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	down_write(&i->lock);
	err = xattr_permission(i, name, true);
	if (!err)
		err = i->op && i->op->setxattr ? i->op->setxattr(i, name, value, size, flags) : -EOPNOTSUPP;
	up_write(&i->lock);
	if (!err)
		fsnotify_dentry(p->dentry, FSN_ATTRIB);
	return err;
}

static long do_set(const struct xtarget *t, uaddr_t uname, uaddr_t uval, u64 size, int flags)
{
	char name[NAME_MAX + 1];
	struct path p;
	void *val;
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = xname(uname, name);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	val = kmalloc(size ? size : 1);
	if (!val)
		return -ENOMEM;
	err = size && copy_from_user(val, uval, size) ? -EFAULT : xresolve(t, &p);
	if (!err) {
		err = change(&p, name, val, size, flags);
		path_put(&p);
	}
	kfree(val);
	return err;
}

static long do_remove(const struct xtarget *t, uaddr_t uname)
{
	char name[NAME_MAX + 1];
	struct path p;
	int err = xname(uname, name);

	if (err)
		return err;
	err = xresolve(t, &p);
	if (!err) {
		err = change(&p, name, NULL, 0, XATTR_REPLACE);
		path_put(&p);
	}
	return err;
}

static long do_get(const struct xtarget *t, uaddr_t uname, uaddr_t uval, u64 size)
{
	char name[NAME_MAX + 1];
	struct inode *i;
	struct path p;
	void *val = NULL;
	ssize_t r = xname(uname, name);

	if (r)
		return r;
	size = min(size, (u64)XATTR_SIZE_MAX);
	r = xresolve(t, &p);
	if (r)
		return r;
	i = p.dentry->inode;
	r = xattr_permission(i, name, false);
	if (!r && size) {
		val = kmalloc(size);
		if (!val)
			r = -ENOMEM;
	}
	if (!r)
		r = i->op && i->op->getxattr ? i->op->getxattr(i, name, val, size) : -EOPNOTSUPP;
	if (r > 0 && size && copy_to_user(uval, val, min((size_t)r, (size_t)size)))
		r = -EFAULT;
	kfree(val);
	path_put(&p);
	return r;
}

/* Takes trusted.* names out for those who may not see them. New length. */
static ssize_t filter_list(char *buf, ssize_t n)
{
	ssize_t out = 0;

	if (vfs_capable(CAP_SYS_ADMIN))
		return n;
	for (ssize_t in = 0; in < n;) {
		ssize_t len = (ssize_t)strnlen(buf + in, (size_t)(n - in)) + 1;

		if (in + len > n)
			break;
		if (strncmp(buf + in, "trusted.", 8)) {
			memmove(buf + out, buf + in, (size_t)len);
			out += len;
		}
		in += len;
	}
	return out;
}

static long do_list(const struct xtarget *t, uaddr_t ulist, u64 size)
{
	struct inode *i;
	struct path p;
	char *buf = NULL;
	ssize_t r = xresolve(t, &p);

	if (r)
		return r;
	i = p.dentry->inode;
	if (!i->op || !i->op->listxattr)
		goto out;
	r = i->op->listxattr(i, NULL, 0);
	if (r <= 0)
		goto out;
	buf = (size_t)r <= XATTR_LIST_MAX ? kmalloc((size_t)r) : NULL;
	if (!buf) {
		r = (size_t)r > XATTR_LIST_MAX ? -E2BIG : -ENOMEM;
		goto out;
	}
	r = i->op->listxattr(i, buf, (size_t)r);
	if (r > 0)
		r = filter_list(buf, r);
	if (r > 0 && size)
		r = (u64)r > size ? -ERANGE : copy_to_user(ulist, buf, (size_t)r) ? -EFAULT : r;
out:
	kfree(buf);
	path_put(&p);
	return r;
}

#define BY_PATH(p) (&(struct xtarget){ false, -1, p, true })
#define BY_LPATH(p) (&(struct xtarget){ false, -1, p, false })
#define BY_FD(n) (&(struct xtarget){ true, n, 0, false })

long sys_setxattr(uaddr_t path, uaddr_t name, uaddr_t value, u64 size, int flags)
{
	return do_set(BY_PATH(path), name, value, size, flags);
}

long sys_lsetxattr(uaddr_t path, uaddr_t name, uaddr_t value, u64 size, int flags)
{
	return do_set(BY_LPATH(path), name, value, size, flags);
}

long sys_fsetxattr(int fd, uaddr_t name, uaddr_t value, u64 size, int flags)
{
	return do_set(BY_FD(fd), name, value, size, flags);
}

long sys_getxattr(uaddr_t path, uaddr_t name, uaddr_t value, u64 size)
{
	return do_get(BY_PATH(path), name, value, size);
}

long sys_lgetxattr(uaddr_t path, uaddr_t name, uaddr_t value, u64 size)
{
	return do_get(BY_LPATH(path), name, value, size);
}

long sys_fgetxattr(int fd, uaddr_t name, uaddr_t value, u64 size)
{
	return do_get(BY_FD(fd), name, value, size);
}

long sys_listxattr(uaddr_t path, uaddr_t list, u64 size)
{
	return do_list(BY_PATH(path), list, size);
}

long sys_llistxattr(uaddr_t path, uaddr_t list, u64 size)
{
	return do_list(BY_LPATH(path), list, size);
}

long sys_flistxattr(int fd, uaddr_t list, u64 size)
{
	return do_list(BY_FD(fd), list, size);
}

long sys_removexattr(uaddr_t path, uaddr_t name)
{
	return do_remove(BY_PATH(path), name);
}

long sys_lremovexattr(uaddr_t path, uaddr_t name)
{
	return do_remove(BY_LPATH(path), name);
}

long sys_fremovexattr(int fd, uaddr_t name)
{
	return do_remove(BY_FD(fd), name);
}
