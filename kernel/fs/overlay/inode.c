/* overlay: inodes, lookup through the layers, attributes (see overlay.h). */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/time.h>

struct path ovl_real_path(const struct ovl_inode *oi)
{
	struct ovl_fs *ofs = ovl_fs(oi->inode->sb);

	if (oi->upper)
		return (struct path){ ofs->upper.path.mnt, oi->upper };
	return (struct path){ ofs->lower[oi->lower[0].layer].path.mnt, oi->lower[0].d };
}

bool ovl_is_whiteout(const struct dentry *d)
{
	return d->inode && S_ISCHR(d->inode->mode) && d->inode->rdev == 0;
}

bool ovl_is_opaque(struct dentry *d)
{
	const struct inode_ops *op = d->inode ? d->inode->op : NULL;
	char val[2];

	return op && op->getxattr && op->getxattr(d->inode, OVL_OPAQUE, val, sizeof(val)) == 1 && val[0] == 'y';
}

/* One number space for all layers: the bottom file system's own, others with their index above it. */
u64 ovl_ino(u32 fsid, u64 ino)
{
	return ino ^ (u64)(fsid & 63) << 56;
}

void ovl_fill(struct inode *i)
{
	struct ovl_inode *oi = ovl_i(i);
	const struct inode *r = ovl_real(oi)->inode;

	if (!r)
		return;
	i->mode = (i->mode & S_IFMT) | (r->mode & 07777);
	i->uid = r->uid;
	i->gid = r->gid;
	i->nlink = oi->gone ? 0 : inode_is_dir(i) && ovl_merged(oi) ? 1 : r->nlink;
	i->size = r->size;
	i->blocks = r->blocks;
	i->atime = r->atime;
	i->mtime = r->mtime;
	i->ctime = r->ctime;
	i->btime = r->btime;
}

static void set_ops(struct inode *i, u32 rdev)
{
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		i->op = &ovl_dir_iops;
		i->fop = &ovl_dir_fops;
		break;
	case S_IFREG:
		i->op = &ovl_file_iops;
		i->fop = &ovl_file_fops;
		break;
	case S_IFLNK:
		i->op = &ovl_link_iops;
		break;
	default:
		i->op = &ovl_special_iops;
		init_special_inode(i, i->mode, rdev);
	}
}

static struct list_head *bucket(struct ovl_fs *ofs, const struct inode *key)
{
	return &ofs->hash[((u64)(uintptr_t)key * 0x9E3779B97F4A7C15ULL >> 40) % OVL_HASH];
}

void ovl_hash(struct ovl_inode *oi)
{
	struct ovl_fs *ofs = ovl_fs(oi->inode->sb);

	if (oi->upper && oi->upper->inode && !inode_is_dir(oi->inode) && list_empty(&oi->hash))
		list_add(&oi->hash, bucket(ofs, oi->upper->inode));
}

static struct inode *find_hashed(struct ovl_fs *ofs, const struct inode *key)
{
	struct ovl_inode *oi;

	list_for_each_entry(oi, bucket(ofs, key), hash)
		if (oi->inode->ref.n && oi->upper->inode == key)
			return iget(oi->inode);
	return NULL;
}

static u64 number_of(struct ovl_fs *ofs, struct dentry *upper, const struct ovl_low *low, u32 nr)
{
	const struct inode *r = upper ? upper->inode : NULL;
	u64 ino;

	if (nr)
		return ovl_ino(ofs->lower[low[0].layer].fsid, low[0].d->inode->ino);
	if (!inode_is_dir(r) && r->op->getxattr &&
	    r->op->getxattr(upper->inode, OVL_INO, &ino, sizeof(ino)) == (ssize_t)sizeof(ino))
		return ino;
	return ovl_ino(ofs->upper.fsid, r->ino);
}

struct inode *ovl_inode_get(struct super_block *sb, struct dentry *upper, const struct ovl_low *low, u32 nr)
{
	struct ovl_fs *ofs = ovl_fs(sb);
	struct dentry *real = upper ? upper : low[0].d;
	struct ovl_inode *oi = NULL;
	struct inode *i = NULL;

	if (upper && !inode_is_dir(upper->inode))
		i = find_hashed(ofs, upper->inode);
	if (i)
		goto drop;
	oi = kzalloc(sizeof(*oi) + nr * sizeof(oi->lower[0]));
	i = oi ? inode_new(sb) : NULL;
	if (!i) {
		kfree(oi);
		i = ERR_PTR(-ENOMEM);
		goto drop;
	}
	oi->inode = i;
	oi->upper = upper;
	list_init(&oi->hash);
	mutex_init(&oi->lock);
	oi->nr_lower = nr;
	if (nr)
		memcpy(oi->lower, low, nr * sizeof(*low));
	i->priv = oi;
	i->mode = real->inode->mode;
	i->ino = number_of(ofs, upper, low, nr);
	ovl_fill(i);
	set_ops(i, real->inode->rdev);
	ovl_hash(oi);
	return i;
drop:
	if (upper)
		dput(upper);
	for (u32 k = 0; k < nr; k++)
		dput(low[k].d);
	return i;
}

void ovl_evict(struct inode *i)
{
	struct ovl_inode *oi = ovl_i(i);

	if (!oi)
		return;
	i->priv = NULL;
	list_del(&oi->hash);
	if (oi->upper)
		dput(oi->upper);
	for (u32 k = 0; k < oi->nr_lower; k++)
		dput(oi->lower[k].d);
	kfree(oi);
}

struct found { struct dentry *upper; struct ovl_low low[OVL_MAX_LOWER]; u32 nr; };

static void found_put(struct found *f)
{
	if (f->upper)
		dput(f->upper);
	while (f->nr)
		dput(f->low[--f->nr].d);
}

/* Takes d (referenced) if it is part of the answer. True: nothing below it counts any more. */
static bool consider(struct ovl_fs *ofs, struct found *f, struct dentry *d, int layer)
{
	bool first = !f->upper && !f->nr, is_dir, bottom = layer == (int)ofs->nr_lower - 1;

	if (!d->inode || ovl_is_whiteout(d)) {
		bool stop = d->inode != NULL;

		dput(d);
		return stop;
	}
	is_dir = inode_is_dir(d->inode);
	if (!first && !is_dir) {
		dput(d);
		return true;
	}
	if (layer < 0)
		f->upper = d;
	else
		f->low[f->nr++] = (struct ovl_low){ d, (u32)layer };
	return !is_dir || (!bottom && ovl_is_opaque(d));
}

static int find(struct inode *dir, const char *name, u32 len, struct found *f)
{
	struct ovl_inode *odir = ovl_i(dir);
	struct ovl_fs *ofs = ovl_fs(dir->sb);
	struct dentry *d;
	bool stop = false;

	f->upper = NULL;
	f->nr = 0;
	if (odir->upper) {
		d = lookup_one(odir->upper, name, len);
		if (IS_ERR(d))
			return (int)PTR_ERR(d);
		stop = consider(ofs, f, d, -1);
	}
	for (u32 k = 0; k < odir->nr_lower && !stop; k++) {
		d = lookup_one(odir->lower[k].d, name, len);
		if (IS_ERR(d)) {
			found_put(f);
			return (int)PTR_ERR(d);
		}
		stop = consider(ofs, f, d, (int)odir->lower[k].layer);
	}
	return 0;
}

struct dentry *ovl_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct inode *i = NULL;
	struct dentry *other;
	struct found f; /* 2 KiB of the fibre's stack */
	int r = find(dir, d->name.name, d->name.len, &f);

	if (r)
		return ERR_PTR(r);
	if (f.upper || f.nr) {
		i = ovl_inode_get(dir->sb, f.upper, f.low, f.nr);
		if (IS_ERR(i))
			return (struct dentry *)i;
	}
	/* The layers may have slept: somebody else may have looked up the same name meanwhile. */
	other = d_lookup(d->parent, &d->name);
	if (other && other != d) {
		if (i)
			iput(i);
		return other;
	}
	if (other)
		dput(other);
	d->time = ktime_mono_ns();
	d_add(d, i);
	return NULL;
}

static bool layer_valid(struct dentry *d)
{
	const struct inode *i = d->inode;

	return !i || !i->op || !i->op->revalidate || i->op->revalidate(d, 0);
}

/* Over layers that may change by themselves (hostfs): asks them, each with its own idea of how often. */
bool ovl_revalidate(struct dentry *d, u32 flags)
{
	struct ovl_fs *ofs = ovl_fs(d->sb);
	struct ovl_inode *oi;
	struct inode *i;
	bool ok = true;

	if (!ofs->reval || d->parent == d)
		return true;
	if (!d->inode)
		return ktime_mono_ns() - d->time < OVL_NEG_NS;
	i = iget(d->inode);
	oi = ovl_i(i);
	if (oi->upper)
		ok = layer_valid(oi->upper);
	else
		for (u32 k = 0; ok && k < oi->nr_lower; k++)
			ok = layer_valid(oi->lower[k].d);
	if (ok)
		ovl_fill(i);
	iput(i);
	return ok;
}

/* Is there something of that name in the lower layers of odir (below its upper)? */
bool ovl_lower_has(struct ovl_inode *odir, const char *name, u32 len, int *err)
{
	*err = 0;
	for (u32 k = 0; k < odir->nr_lower; k++) {
		struct dentry *d = lookup_one(odir->lower[k].d, name, len);
		bool there, white;

		if (IS_ERR(d)) {
			*err = (int)PTR_ERR(d);
			return false;
		}
		there = d->inode != NULL;
		white = ovl_is_whiteout(d);
		dput(d);
		if (there)
			return !white;
	}
	return false;
}

int ovl_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	struct inode *i = d->inode;
	struct ovl_inode *oi;
	struct dentry *real;
	int r = 0;

	if (!i)
		return -ENOENT;
	iget(i);
	oi = ovl_i(i);
	real = dget(ovl_real(oi));
	if (real->inode && real->inode->op && real->inode->op->getattr)
		r = real->inode->op->getattr(real, st, mask);
	else if (real->inode)
		generic_fillattr(real->inode, st);
	else
		generic_fillattr(i, st);
	if (!r) {
		ovl_fill(i);
		st->ino = i->ino;
		st->dev = i->sb->dev;
		st->nlink = i->nlink;
	}
	dput(real);
	iput(i);
	return r;
}

int ovl_setattr(struct dentry *d, struct iattr *a)
{
	struct ovl_inode *oi = ovl_i(d->inode);
	struct ovl_fs *ofs = ovl_fs(d->sb);
	struct iattr b = *a;
	struct ovl_file *of = a->file ? a->file->priv : NULL;
	struct cred *old;
	struct path p;
	int r = ovl_copy_up(d, a->valid & ATTR_SIZE ? a->size : U64_MAX);

	if (r)
		return r;
	b.valid &= ~(u32)(ATTR_KILL_SUID | ATTR_CTIME | ATTR_OPEN_TRUNC);
	b.file = of && a->file->inode == d->inode && inode_is_reg(d->inode) ? of->upper ? of->upper : of->real : NULL;
	p = (struct path){ ofs->upper.path.mnt, oi->upper };
	old = ovl_su(ofs);
	r = vfs_setattr(&p, &b);
	ovl_unsu(old);
	ovl_fill(d->inode);
	d->inode->version++;
	return r;
}

static char *ovl_readlink(struct dentry *d)
{
	struct dentry *real = dget(ovl_real(ovl_i(d->inode)));
	char *s = ERR_PTR(-EINVAL);

	if (real->inode && real->inode->op->readlink)
		s = real->inode->op->readlink(real);
	dput(real);
	return s;
}

/* ---- extended attributes: the real file's, but for overlay's own ---- */

static bool is_private(const char *name)
{
	return !strncmp(name, OVL_XATTR, sizeof(OVL_XATTR) - 1);
}

ssize_t ovl_listxattr(struct inode *i, char *buf, size_t n)
{
	struct inode *real = ovl_real(ovl_i(i))->inode;
	ssize_t r, at, out = 0;
	char *all;
	size_t len;

	if (!real || !real->op->listxattr)
		return 0;
	r = real->op->listxattr(real, NULL, 0);
	if (r <= 0)
		return r;
	all = kmalloc((size_t)r);
	if (!all)
		return -ENOMEM;
	r = real->op->listxattr(real, all, (size_t)r);
	for (at = 0; at < r; at += (ssize_t)len + 1) {
		len = strnlen(all + at, (size_t)(r - at));
		if (at + (ssize_t)len >= r)
			break;
		if (is_private(all + at))
			continue;
		if (n) {
			if ((size_t)out + len + 1 > n) {
				out = -ERANGE;
				break;
			}
			memcpy(buf + out, all + at, len + 1);
		}
		out += (ssize_t)len + 1;
	}
	kfree(all);
	return r < 0 ? r : out;
}

ssize_t ovl_getxattr(struct inode *i, const char *name, void *val, size_t n)
{
	struct inode *real = ovl_real(ovl_i(i))->inode;

	if (is_private(name) || !real || !real->op->getxattr)
		return is_private(name) ? -ENODATA : -EOPNOTSUPP;
	return real->op->getxattr(real, name, val, n);
}

int ovl_setxattr(struct inode *i, const char *name, const void *val, size_t n, int flags)
{
	struct inode *up;
	struct dentry *d;
	int r;

	if (is_private(name))
		return -EPERM;
	if (list_empty(&i->dentries))
		return -ESTALE;
	d = dget(list_first_entry(&i->dentries, struct dentry, alias));
	r = ovl_copy_up(d, U64_MAX);
	dput(d);
	if (r)
		return r;
	up = ovl_i(i)->upper->inode;
	if (!up || !up->op->setxattr)
		return -EOPNOTSUPP;
	down_write(&up->lock);
	r = up->op->setxattr(up, name, val, n, flags);
	up_write(&up->lock);
	ovl_fill(i);
	return r;
}

#define COMMON_IOPS                                                                                \
	.getattr = ovl_getattr, .setattr = ovl_setattr, .revalidate = ovl_revalidate,              \
	.listxattr = ovl_listxattr, .getxattr = ovl_getxattr, .setxattr = ovl_setxattr

const struct inode_ops ovl_dir_iops = {
	COMMON_IOPS,
	.lookup = ovl_lookup,
	.create = ovl_create,
	.mkdir = ovl_mkdir,
	.mknod = ovl_mknod,
	.symlink = ovl_symlink,
	.link = ovl_link,
	.unlink = ovl_unlink,
	.rmdir = ovl_rmdir,
	.rename = ovl_rename,
	.tmpfile = ovl_tmpfile,
};
const struct inode_ops ovl_file_iops = { COMMON_IOPS };
const struct inode_ops ovl_special_iops = { COMMON_IOPS };
const struct inode_ops ovl_link_iops = { COMMON_IOPS, .readlink = ovl_readlink };
