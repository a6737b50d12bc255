/* stat(2), statx(2), access(2), readlink(2), statfs(2). */
#include "internal.h"
#include <umber/syscall.h>

#define STATX_ATTR_AUTOMOUNT 0x1000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u

/* Attributes of p; mask and flags as statx(2)'s. 0 or negative errno. May sleep. */
int vfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags)
{
	struct inode *i = p->dentry->inode;
	int err = 0;

	if (!i)
		return -ENOENT;
	if (i->op && i->op->getattr) {
		generic_fillattr(i, st);
		err = i->op->getattr(p->dentry, st, mask);
	} else {
		generic_fillattr(i, st);
	}
	if (err)
		return err;
	st->mnt_id = (u64)p->mnt->id;
	if (p->dentry == p->mnt->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	return 0;
}

static int put_stat(const struct kstat *k, uaddr_t ubuf)
{
	struct stat64k s = {
		.st_dev = k->dev, .st_ino = k->ino, .st_nlink = k->nlink, .st_mode = k->mode, .st_uid = k->uid,
		.st_gid = k->gid, .st_rdev = k->rdev, .st_size = (s64)k->size, .st_blksize = (s64)k->blksize,
		.st_blocks = (s64)k->blocks, .st_atime_s = k->atime.tv_sec, .st_atime_ns = k->atime.tv_nsec,
		.st_mtime_s = k->mtime.tv_sec, .st_mtime_ns = k->mtime.tv_nsec, .st_ctime_s = k->ctime.tv_sec,
		.st_ctime_ns = k->ctime.tv_nsec,
	};

	return copy_to_user(ubuf, &s, sizeof(s));
}

static int fd_getattr(int fd, struct kstat *st, u32 mask)
{
	struct file *f = fd_get_raw(fd);
	int err;

	if (!f)
		return -EBADF;
	err = vfs_getattr(&f->path, st, mask, 0);
	file_put(f);
	return err;
}

/* Is this "" or NULL with AT_EMPTY_PATH? Then dfd itself is meant, without a path walk. */
static bool means_fd(uaddr_t upath, int flags)
{
	char c;

	return (flags & AT_EMPTY_PATH) && (!upath || (!get_user(c, upath) && !c));
}

static int path_getattr(int dfd, uaddr_t upath, int flags, struct kstat *st, u32 mask)
{
	struct path p;
	int err;

	if (dfd >= 0 && means_fd(upath, flags))
		return fd_getattr(dfd, st, mask);
	err = user_path_at(dfd, upath, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	err = vfs_getattr(&p, st, mask, 0);
	path_put(&p);
	return err;
}

long sys_newfstatat(int dfd, uaddr_t path, uaddr_t ubuf, int flags)
{
	struct kstat st;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	err = path_getattr(dfd, path, flags, &st, STATX_BASIC_STATS);
	return err ? err : put_stat(&st, ubuf);
}

long sys_stat(uaddr_t path, uaddr_t st)
{
	return sys_newfstatat(AT_FDCWD, path, st, 0);
}

long sys_lstat(uaddr_t path, uaddr_t st)
{
	return sys_newfstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(int fd, uaddr_t ubuf)
{
	struct kstat st;
	int err = fd_getattr(fd, &st, STATX_BASIC_STATS);

	return err ? err : put_stat(&st, ubuf);
}

static struct statx_ts xts(struct timespec64 t)
{
	return (struct statx_ts){ t.tv_sec, (u32)t.tv_nsec, 0 };
}

long sys_statx(int dfd, uaddr_t path, u32 flags, u32 mask, uaddr_t ubuf)
{
	struct statx64 x;
	struct kstat k;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((mask & 0x80000000u) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = path_getattr(dfd, path, (int)flags, &k, mask);
	if (err)
		return err;
	memset(&x, 0, sizeof(x));
	x.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (k.has_btime ? STATX_BTIME : 0);
	x.stx_blksize = (u32)k.blksize;
	x.stx_attributes = k.attributes;
	x.stx_attributes_mask = STATX_ATTR_AUTOMOUNT | STATX_ATTR_MOUNT_ROOT;
	x.stx_nlink = (u32)k.nlink;
	x.stx_uid = (u32)k.uid;
	x.stx_gid = (u32)k.gid;
	x.stx_mode = (u16)k.mode;
	x.stx_ino = k.ino;
	x.stx_size = k.size;
	x.stx_blocks = k.blocks;
	x.stx_atime = xts(k.atime);
	x.stx_ctime = xts(k.ctime);
	x.stx_mtime = xts(k.mtime);
	if (k.has_btime)
		x.stx_btime = xts(k.btime);
	x.stx_rdev_major = MAJOR((u32)k.rdev);
	x.stx_rdev_minor = MINOR((u32)k.rdev);
	x.stx_dev_major = MAJOR((u32)k.dev);
	x.stx_dev_minor = MINOR((u32)k.dev);
	x.stx_mnt_id = k.mnt_id;
	return copy_to_user(ubuf, &x, sizeof(x));
}

/* Credentials with the real ids in force, as access(2) asks for. NULL: no memory. */
static struct cred *access_cred(void)
{
	struct cred *c = cred_copy(current->cred);

	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = c->uid ? 0 : c->cap_permitted;
	return c;
}

static int access_checks(const struct path *p, int mode)
{
	struct inode *i = p->dentry->inode;
	int err;

	if ((mode & X_OK) && inode_is_reg(i) && (p->mnt->flags & MS_NOEXEC))
		return -EACCES;
	err = inode_permission(i, (mode & R_OK ? MAY_READ : 0) | (mode & W_OK ? MAY_WRITE : 0) | (mode & X_OK ? MAY_EXEC : 0));
	if (err || !(mode & W_OK) || S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode) || S_ISSOCK(i->mode))
		return err;
	return mnt_want_write(p->mnt);
}

/* faccessat2(2) */
long sys_faccessat2(int dfd, uaddr_t path, int mode, int flags)
{
	struct cred *saved = current->cred, *mine = NULL;
	struct path p;
	int err;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && (saved->fsuid != saved->uid || saved->fsgid != saved->gid ||
				      saved->cap_effective != (saved->uid ? 0 : saved->cap_permitted))) {
		mine = access_cred();
		if (!mine)
			return -ENOMEM;
		current->cred = mine;
	}
	err = user_path_at(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (!err) {
		err = access_checks(&p, mode);
		path_put(&p);
	}
	if (mine) {
		current->cred = saved;
		cred_put(mine);
	}
	return err;
}

long sys_faccessat(int dfd, uaddr_t path, int mode)
{
	return sys_faccessat2(dfd, path, mode, 0);
}

long sys_access(uaddr_t path, int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

long sys_readlinkat(int dfd, uaddr_t upath, uaddr_t ubuf, int size)
{
	struct inode *i;
	struct path p;
	size_t n;
	char *name, *s;
	bool empty;
	long r;

	if (size <= 0)
		return -EINVAL;
	name = getname(upath, true);
	if (IS_ERR(name))
		return PTR_ERR(name);
	empty = !*name;
	r = path_lookup(dfd, name, LOOKUP_EMPTY, &p);
	putname(name);
	if (r)
		return r;
	i = p.dentry->inode;
	r = empty ? -ENOENT : -EINVAL;
	if (inode_is_lnk(i) && i->op && i->op->readlink) {
		s = i->op->readlink(p.dentry);
		r = PTR_ERR(s);
		if (!IS_ERR(s)) {
			n = min(strlen(s), (size_t)size);
			r = copy_to_user(ubuf, s, n) ? -EFAULT : (long)n;
			kfree(s);
		}
	}
	path_put(&p);
	return r;
}

long sys_readlink(uaddr_t path, uaddr_t buf, int size)
{
	return sys_readlinkat(AT_FDCWD, path, buf, size);
}

static int path_statfs(const struct path *p, struct statfs64 *st)
{
	struct super_block *sb = p->dentry->sb;
	u32 mf = p->mnt->flags;
	int err = 0;

	memset(st, 0, sizeof(*st));
	st->f_type = (s64)sb->magic;
	st->f_bsize = sb->blocksize;
	st->f_namelen = NAME_MAX;
	st->f_fsid[0] = (s32)sb->dev;
	if (sb->op && sb->op->statfs)
		err = sb->op->statfs(sb, st);
	if (!st->f_frsize)
		st->f_frsize = st->f_bsize;
	st->f_flags = 0x20 | ((mf | sb->flags) & (MS_RDONLY | MS_SYNCHRONOUS)) | (mf & (MS_NOSUID | MS_NODEV | MS_NOEXEC)) |
		      (mf & (MS_NOATIME | MS_NODIRATIME)) | (mf & MS_RELATIME ? 4096 : 0) |
		      (mf & MS_NOSYMFOLLOW ? 8192 : 0);
	return err;
}

long sys_statfs(uaddr_t path, uaddr_t buf)
{
	struct statfs64 st;
	struct path p;
	int err = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = path_statfs(&p, &st);
	path_put(&p);
	return err ? err : copy_to_user(buf, &st, sizeof(st));
}

long sys_fstatfs(int fd, uaddr_t buf)
{
	struct file *f = fd_get_raw(fd);
	struct statfs64 st;
	int err;

	if (!f)
		return -EBADF;
	err = path_statfs(&f->path, &st);
	file_put(f);
	return err ? err : copy_to_user(buf, &st, sizeof(st));
}

/* ustat(2): free blocks and inodes of the mounted device dev. */
long sys_ustat(u32 dev, uaddr_t buf)
{
	struct { s32 tfree, pad; u64 tinode; char fname[6], fpack[6], pad2[4]; } u = { 0 };
	struct statfs64 st;
	struct mount *m;

	list_for_each_entry(m, &init_mnt_ns->mounts, all) {
		struct path p = { m, m->root };
		int err;

		if (m->sb->dev != dev)
			continue;
		path_get(&p);
		err = path_statfs(&p, &st);
		path_put(&p);
		if (err)
			return err;
		u.tfree = (s32)st.f_bfree;
		u.tinode = st.f_ffree;
		return copy_to_user(buf, &u, sizeof(u));
	}
	return -EINVAL;
}

/* File handles name inodes without a path; no file system here can look them up. */
long sys_name_to_handle_at(int dfd, uaddr_t path, uaddr_t handle, uaddr_t mnt, int flags)
{
	return -EOPNOTSUPP;
}

long sys_open_by_handle_at(int mountfd, uaddr_t handle, int flags)
{
	return vfs_capable(CAP_DAC_READ_SEARCH) ? -EOPNOTSUPP : -EPERM;
}
