/* hostfs: changes to the tree (create, link, unlink, rename...). All are the host's own calls below the path fd of the
 * directory; the VFS holds the directories' locks and moves the dentries. */
#include "hostfs.h"
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/time.h>

/* Copies the name (a rename may free the dentry's while klock is dropped) and pins the directory. */
static int begin(struct inode *dir, const struct dentry *d, char name[NAME_MAX + 1])
{
	int r = hostfs_may_write(dir);

	if (r)
		return r;
	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	if (hnode(dir)->blocked)
		return -EACCES;
	memcpy(name, d->name.name, d->name.len);
	name[d->name.len] = 0;
	return hnode_pin(hnode(dir));
}

static void end(struct inode *dir)
{
	hnode_unpin(hnode(dir));
	hostfs_stale(dir);
	dir->version++;
}

static struct hostfs_new new_of(const struct inode *dir, u32 mode, u32 rdev, const char *target)
{
	const struct cred *c = current ? current->cred : NULL; /* none on the boot fibre */
	bool setgid = dir->mode & S_ISGID;

	if (setgid && S_ISDIR(mode))
		mode |= S_ISGID;
	return (struct hostfs_new){ .mode = mode, .uid = c ? c->fsuid : 0,
				    .gid = setgid ? dir->gid : c ? c->fsgid : 0,
				    .rdev_major = MAJOR(rdev), .rdev_minor = MINOR(rdev), .target = target };
}

static int make(struct inode *dir, struct dentry *d, u32 mode, u32 rdev, const char *target)
{
	struct hostfs_new n = new_of(dir, mode, rdev, target);
	struct hostfs_stat st;
	char name[NAME_MAX + 1];
	struct inode *i;
	hfd_t fd;
	int r = begin(dir, d, name);

	if (r)
		return r;
	r = hostfs_make(hnode(dir)->path, name, &n, &st, &fd);
	end(dir);
	if (r)
		return r;
	i = hostfs_iget(dir->sb, &st);
	if (IS_ERR(i)) {
		if (fd >= 0)
			port_hfd_close(fd);
		return (int)PTR_ERR(i);
	}
	if (fd >= 0) {
		if (hnode(i)->fresh >= 0)
			port_hfd_close(hnode(i)->fresh);
		hnode(i)->fresh = fd;
		hnode(i)->fresh_tid = current ? current->tid : 0;
	}
	d->time = ktime_mono_ns() | 1;
	d_instantiate(d, i);
	return 0;
}

static int hostfs_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return make(dir, d, S_IFREG | (mode & 07777), 0, NULL);
}

static int hostfs_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, S_IFDIR | (mode & 07777), 0, NULL);
}

static int hostfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 rdev)
{
	return make(dir, d, mode, rdev, NULL);
}

static int hostfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return make(dir, d, S_IFLNK | 0777, 0, target);
}

static int hostfs_mktmp(struct inode *dir, struct dentry *d, u32 mode)
{
	struct hostfs_new n = new_of(dir, S_IFREG | (mode & 07777), 0, NULL);
	struct hostfs_stat st;
	char name[NAME_MAX + 1];
	struct inode *i;
	hfd_t fd, path;
	int r = begin(dir, d, name);

	if (r)
		return r;
	r = hostfs_tmpfile(hnode(dir)->path, &n, &st, &fd);
	hnode_unpin(hnode(dir));
	if (r)
		return r;
	r = hostfs_dup_path(fd, &path);
	if (r)
		goto out;
	i = hostfs_iget(dir->sb, &st);
	if (IS_ERR(i)) {
		port_hfd_close(path);
		r = (int)PTR_ERR(i);
		goto out;
	}
	hnode(i)->keep = true;
	hnode_set_path(hnode(i), path);
	hnode(i)->fresh = fd;
	hnode(i)->fresh_tid = current ? current->tid : 0;
	d_instantiate(d, i);
	return 0;
out:
	port_hfd_close(fd);
	return r;
}

static int hostfs_do_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	char name[NAME_MAX + 1];
	int r = begin(dir, d, name);

	if (r)
		return r;
	r = hnode_pin(hnode(i));
	if (!r) {
		r = hostfs_link(hnode(i)->path, hnode(dir)->path, name);
		hnode_unpin(hnode(i));
	}
	end(dir);
	if (r)
		return r;
	hostfs_stale(i);
	i->nlink++;
	d->time = ktime_mono_ns() | 1;
	d_instantiate(d, iget(i));
	return 0;
}

static int remove(struct inode *dir, struct dentry *d, bool is_dir)
{
	struct inode *i = d->inode;
	char name[NAME_MAX + 1];
	int r;

	if (hnode(dir)->hsb->append)
		return -EPERM;
	r = begin(dir, d, name);
	if (r)
		return r;
	r = hostfs_unlink(hnode(dir)->path, name, is_dir);
	end(dir);
	if (r)
		return r;
	hostfs_stale(i);
	if (is_dir)
		i->nlink = 0;
	else if (i->nlink)
		i->nlink--;
	d->time = ktime_mono_ns() | 1;
	return 0;
}

static int hostfs_do_unlink(struct inode *dir, struct dentry *d)
{
	return remove(dir, d, false);
}

static int hostfs_rmdir(struct inode *dir, struct dentry *d)
{
	return remove(dir, d, true);
}

static int hostfs_do_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	char oname[NAME_MAX + 1], nname[NAME_MAX + 1];
	struct inode *victim = n->inode;
	int r;

	if (hnode(od)->hsb->append)
		return -EPERM;
	r = begin(od, o, oname);
	if (r)
		return r;
	r = begin(nd, n, nname);
	if (!r) {
		r = hostfs_rename(hnode(od)->path, oname, hnode(nd)->path, nname, flags);
		end(nd);
	}
	end(od);
	if (r)
		return r;
	if (victim && !(flags & RENAME_EXCHANGE)) {
		if (inode_is_dir(victim))
			victim->nlink = 0;
		else if (victim->nlink)
			victim->nlink--;
	}
	if (victim)
		hostfs_stale(victim);
	hostfs_stale(o->inode);
	o->time = n->time = ktime_mono_ns() | 1;
	return 0;
}

static char *hostfs_do_readlink(struct dentry *d)
{
	struct inode *i = d->inode;
	struct hnode *hn = hnode(i);
	char *buf;
	ssize_t n;

	if (hn->target) {
		buf = kstrdup(hn->target);
		return buf ? buf : ERR_PTR(-ENOMEM);
	}
	buf = kmalloc(PATH_MAX);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	n = hnode_pin(hn);
	if (!n) {
		n = hostfs_readlink(hn->path, buf, PATH_MAX - 1);
		hnode_unpin(hn);
	}
	if (n < 0) {
		kfree(buf);
		return ERR_PTR(n);
	}
	buf[n] = 0;
	if (!hn->target && n < TARGET_KEPT_MAX)
		hn->target = kstrdup(buf);
	return buf;
}

ssize_t hostfs_iget_xattr(struct inode *i, const char *name, void *val, size_t n)
{
	ssize_t r;

	if (inode_is_lnk(i) || hnode(i)->blocked)
		return -EOPNOTSUPP;
	r = hnode_pin(hnode(i));
	if (r)
		return r;
	r = hostfs_getxattr(hnode(i)->path, name, val, n);
	hnode_unpin(hnode(i));
	return r;
}

ssize_t hostfs_ilist_xattr(struct inode *i, char *buf, size_t n)
{
	ssize_t r;

	if (inode_is_lnk(i) || hnode(i)->blocked)
		return 0;
	r = hnode_pin(hnode(i));
	if (r)
		return r;
	r = hostfs_listxattr(hnode(i)->path, buf, n);
	hnode_unpin(hnode(i));
	return r;
}

int hostfs_iset_xattr(struct inode *i, const char *name, const void *val, size_t n, int flags)
{
	int r = hostfs_may_write(i);

	if (r)
		return r;
	if (inode_is_lnk(i) || hnode(i)->blocked)
		return -EOPNOTSUPP;
	r = hnode_pin(hnode(i));
	if (r)
		return r;
	r = hostfs_setxattr(hnode(i)->path, name, val, n, flags);
	hnode_unpin(hnode(i));
	hostfs_stale(i);
	return r;
}

#define COMMON_IOPS                                                                                \
	.getattr = hostfs_getattr, .setattr = hostfs_sb_setattr, .revalidate = hostfs_revalidate,  \
	.getxattr = hostfs_iget_xattr, .listxattr = hostfs_ilist_xattr, .setxattr = hostfs_iset_xattr

const struct inode_ops hostfs_dir_iops = {
	COMMON_IOPS,
	.lookup = hostfs_lookup,
	.create = hostfs_create,
	.mkdir = hostfs_mkdir,
	.mknod = hostfs_mknod,
	.symlink = hostfs_symlink,
	.link = hostfs_do_link,
	.unlink = hostfs_do_unlink,
	.rmdir = hostfs_rmdir,
	.rename = hostfs_do_rename,
	.tmpfile = hostfs_mktmp,
};
const struct inode_ops hostfs_file_iops = { COMMON_IOPS };
const struct inode_ops hostfs_special_iops = { COMMON_IOPS };
const struct inode_ops hostfs_link_iops = { COMMON_IOPS, .readlink = hostfs_do_readlink };
