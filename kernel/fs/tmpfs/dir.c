/* tmpfs directories: the entries, and the inode operations that change names. No function here sleeps. */
#include "tmpfs.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>

#define BOGO_DIRENT 20

/* ---- entries ---- */
static int tent_cmp(const struct tent *e, u32 hash, const char *name, u32 len)
{
	if (e->hash != hash)
		return hash < e->hash ? -1 : 1;
	if (e->len != len)
		return len < e->len ? -1 : 1;
	return memcmp(name, e->name, len);
}

struct tent *tmpfs_find(struct inode *dir, const char *name, u32 len)
{
	struct rb_node *n = tnode(dir)->names.node;
	u32 hash = name_hash(name, len);

	while (n) {
		struct tent *e = rb_entry(n, struct tent, node);
		int c = tent_cmp(e, hash, name, len);

		if (!c)
			return e;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static struct tent *tent_new(const char *name, u32 len)
{
	struct tent *e = kzalloc(sizeof(*e) + len + 1);

	if (!e)
		return NULL;
	memcpy(e->name, name, len);
	e->len = len;
	e->hash = name_hash(name, len);
	list_init(&e->reap);
	return e;
}

/* Puts a tent that has its inode into dir. 0 or -ENOMEM. */
static int tent_link(struct inode *dir, struct tent *e)
{
	struct tnode *tn = tnode(dir);
	struct rb_node **link = &tn->names.node, *parent = NULL;

	e->off = tn->next_off;
	if (xa_store(&tn->offs, e->off, e))
		return -ENOMEM;
	tn->next_off++;
	while (*link) {
		parent = *link;
		link = tent_cmp(rb_entry(parent, struct tent, node), e->hash, e->name, e->len) < 0 ?
			&parent->left : &parent->right;
	}
	rb_insert(&tn->names, &e->node, parent, link);
	tn->nr_ents++;
	dir->size += BOGO_DIRENT;
	return 0;
}

/* Takes a tent out of dir; it keeps its inode. */
static void tent_unlink(struct inode *dir, struct tent *e)
{
	struct tnode *tn = tnode(dir);

	rb_erase(&tn->names, &e->node);
	xa_erase(&tn->offs, e->off);
	tn->nr_ents--;
	dir->size -= BOGO_DIRENT;
}

int tmpfs_enter(struct inode *dir, const char *name, u32 len, struct inode *inode)
{
	struct tent *e;

	if (!len || len > NAME_MAX)
		return len ? -ENAMETOOLONG : -ENOENT;
	e = tent_new(name, len);
	if (!e)
		return -ENOMEM;
	if (tent_link(dir, e)) {
		kfree(e);
		return -ENOMEM;
	}
	e->inode = iget(inode);
	touch_mtime(dir);
	return 0;
}

void tmpfs_leave(struct inode *dir, struct tent *e)
{
	tent_unlink(dir, e);
	touch_mtime(dir);
	iput(e->inode);
	kfree(e);
}

/*
 * The last of a directory: gives up its entries. A tree is taken down level by level from one list, since an
 * eviction of a subdirectory comes back here and kernel stacks are small.
 */
void tmpfs_dir_free(struct tnode *tn)
{
	static struct list_head reap = LIST_HEAD_INIT(reap);
	static bool reaping;
	struct tent *e;
	u64 off = 0;

	for (; (e = xa_find(&tn->offs, &off)); off++)
		list_add_tail(&e->reap, &reap);
	xa_destroy(&tn->offs);
	tn->names = RB_ROOT;
	if (reaping)
		return;
	reaping = true;
	while (!list_empty(&reap)) {
		e = list_first_entry(&reap, struct tent, reap);
		list_del(&e->reap);
		iput(e->inode);
		kfree(e);
	}
	reaping = false;
}

/* ---- operations ---- */
static struct dentry *tmpfs_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct tent *e;

	if (d->name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	e = tmpfs_find(dir, d->name.name, d->name.len);
	d_add(d, e ? iget(e->inode) : NULL);
	return NULL;
}

/* A new inode under the name of d; *out without a reference of its own (the entry has it). */
static int make_node(struct inode *dir, struct dentry *d, u32 mode, u32 rdev, const char *target)
{
	struct inode *i = tmpfs_inode(dir->sb, dir, mode, rdev);
	int err;

	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	if (target) {
		tnode(i)->target = kstrdup(target);
		i->size = strlen(target);
		if (!tnode(i)->target) {
			err = -ENOMEM;
			goto out;
		}
	}
	if (!dir->nlink) {
		err = -ENOENT;
		goto out;
	}
	err = tmpfs_enter(dir, d->name.name, d->name.len, i);
	if (err)
		goto out;
	if (S_ISDIR(mode))
		dir->nlink++;
	d_instantiate(d, i);
	return 0;
out:
	iput(i);
	return err;
}

static int tmpfs_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return make_node(dir, d, S_IFREG | (mode & 07777), 0, NULL);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	return make_node(dir, d, S_IFDIR | (mode & 07777), 0, NULL);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 rdev)
{
	return make_node(dir, d, mode & S_IFMT ? mode : mode | S_IFREG, rdev, NULL);
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	size_t n = strlen(target);

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	return make_node(dir, d, S_IFLNK | 0777, 0, target);
}

static int tmpfs_tmpfile(struct inode *dir, struct dentry *d, u32 mode)
{
	struct inode *i = tmpfs_inode(dir->sb, dir, S_IFREG | (mode & 07777), 0);

	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	i->nlink = 0;
	d_instantiate(d, i);
	return 0;
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct tmpfs_sb *sbi = tmpfs_sbi(dir->sb);
	struct inode *i = old->inode;
	bool extra = i->nlink > 0;     /* each name beyond the first counts as an inode, so names are bounded too */
	int err;

	if (!dir->nlink)
		return -ENOENT;
	if (extra && sbi->max_inodes && sbi->used_inodes >= sbi->max_inodes)
		return -ENOSPC;
	err = tmpfs_enter(dir, d->name.name, d->name.len, i);
	if (err)
		return err;
	sbi->used_inodes += extra;
	i->nlink++;
	i->ctime = current_time(i);
	d_instantiate(d, iget(i));
	return 0;
}

/* One name of i is gone; the entry still has its reference. */
static void drop_name(struct inode *i)
{
	if (S_ISDIR(i->mode)) {
		i->nlink = 0;
	} else if (i->nlink) {
		if (i->nlink > 1)
			tmpfs_sbi(i->sb)->used_inodes--;
		i->nlink--;
	}
	i->ctime = current_time(i);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	struct tent *e = tmpfs_find(dir, d->name.name, d->name.len);

	if (!e || e->inode != d->inode)
		return -ENOENT;
	drop_name(e->inode);
	tmpfs_leave(dir, e);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	struct tent *e = tmpfs_find(dir, d->name.name, d->name.len);

	if (!e || e->inode != d->inode)
		return -ENOENT;
	if (tnode(e->inode)->nr_ents)
		return -ENOTEMPTY;
	drop_name(e->inode);
	dir->nlink--;
	tmpfs_leave(dir, e);
	return 0;
}

static int rename_exchange(struct inode *od, struct tent *oe, struct inode *nd, struct tent *ne)
{
	struct inode *t = oe->inode;
	bool odir = S_ISDIR(oe->inode->mode), ndir = S_ISDIR(ne->inode->mode);

	oe->inode = ne->inode;
	ne->inode = t;
	if (od != nd && odir != ndir) {
		if (odir) {
			od->nlink--;
			nd->nlink++;
		} else {
			od->nlink++;
			nd->nlink--;
		}
	}
	oe->inode->ctime = ne->inode->ctime = current_time(od);
	touch_mtime(od);
	touch_mtime(nd);
	return 0;
}

/*
 * Everything that can fail is made first (the new entry, the whiteout), then names change.
 * `fresh` stands for the new name and gets the old entry's inode.
 */
static int tmpfs_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	struct tent *oe = tmpfs_find(od, o->name.name, o->name.len), *ne, *fresh;
	struct inode *wh = NULL, *i;
	bool isdir;

	if (!oe || oe->inode != o->inode)
		return -ENOENT;
	ne = tmpfs_find(nd, n->name.name, n->name.len);
	if (flags & RENAME_EXCHANGE)
		return ne ? rename_exchange(od, oe, nd, ne) : -ENOENT;
	if (ne && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (ne && ne->inode == oe->inode)
		return 0;
	if (ne && S_ISDIR(ne->inode->mode) && tnode(ne->inode)->nr_ents)
		return -ENOTEMPTY;
	if (!nd->nlink)
		return -ENOENT;
	if (n->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	if (flags & RENAME_WHITEOUT) {
		wh = tmpfs_inode(od->sb, od, S_IFCHR, 0);
		if (IS_ERR(wh))
			return (int)PTR_ERR(wh);
	}
	i = oe->inode;
	isdir = S_ISDIR(i->mode);
	if (!ne) {
		fresh = tent_new(n->name.name, n->name.len);
		if (!fresh || tent_link(nd, fresh)) {
			kfree(fresh);
			if (wh)
				iput(wh);
			return -ENOMEM;
		}
		fresh->inode = iget(i);
	} else {
		struct inode *victim = ne->inode;

		ne->inode = iget(i);
		if (S_ISDIR(victim->mode))
			nd->nlink--;
		drop_name(victim);
		iput(victim);
	}
	if (isdir) {
		od->nlink--;
		nd->nlink++;
	}
	if (wh) {
		oe->inode = wh;
		iput(i);
	} else {
		tmpfs_leave(od, oe);
	}
	i->ctime = current_time(i);
	touch_mtime(od);
	touch_mtime(nd);
	return 0;
}

static int tmpfs_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct inode *dir = f->inode, *up = f->path.dentry->parent->inode;
	struct tent *e;
	u64 off;

	if (f->pos < 0)
		return -EINVAL;
	if (f->pos == 0) {
		if (fill(ctx, ".", 1, 1, dir->ino, DT_DIR))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (fill(ctx, "..", 2, 2, up ? up->ino : dir->ino, DT_DIR))
			return 0;
		f->pos = 2;
	}
	/* The next entry is searched afresh after each one: fill may sleep, and names may go meanwhile. */
	for (off = (u64)f->pos; (e = xa_find(&tnode(dir)->offs, &off)); off++) {
		if (fill(ctx, e->name, (int)e->len, off + 1, e->inode->ino, (e->inode->mode & S_IFMT) >> 12))
			return 0;
		f->pos = (s64)off + 1;
	}
	return 0;
}

static char *tmpfs_readlink(struct dentry *d)
{
	char *s = kstrdup(tnode(d->inode)->target);

	return s ? s : ERR_PTR(-ENOMEM);
}

static int tmpfs_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int err = setattr_prepare(d, a);

	if (err)
		return err;
	if ((a->valid & ATTR_MODE) && (tnode(i)->seals & F_SEAL_EXEC) && ((i->mode ^ a->mode) & 0111))
		return -EPERM;
	if ((a->valid & ATTR_SIZE) && S_ISREG(i->mode)) {
		bool same = a->size == i->size;

		err = tmpfs_truncate(i, a->size);
		if (err)
			return err;
		if (!same || (a->valid & ATTR_OPEN_TRUNC))
			touch_mtime(i);
	}
	setattr_copy(i, a);
	return 0;
}

static int tmpfs_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	struct inode *i = d->inode;

	if (S_ISREG(i->mode) && tnode(i)->hfd >= 0)
		tmpfs_resample(i);
	generic_fillattr(i, st);
	st->blksize = PAGE_SIZE;
	st->btime = i->btime;
	st->has_btime = true;
	return 0;
}

static int tmpfs_fsync(struct file *f, bool datasync)
{
	return 0;
}

#define XATTR_OPS .listxattr = tmpfs_listxattr, .getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr
const struct inode_ops tmpfs_dir_iops = {
	.lookup = tmpfs_lookup, .create = tmpfs_create, .mkdir = tmpfs_mkdir, .mknod = tmpfs_mknod,
	.symlink = tmpfs_symlink, .link = tmpfs_link, .unlink = tmpfs_unlink, .rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename, .tmpfile = tmpfs_tmpfile, .setattr = tmpfs_setattr, .getattr = tmpfs_getattr,
	XATTR_OPS,
};
const struct inode_ops tmpfs_file_iops = { .setattr = tmpfs_setattr, .getattr = tmpfs_getattr, XATTR_OPS };
const struct inode_ops tmpfs_special_iops = { .setattr = tmpfs_setattr, .getattr = tmpfs_getattr, XATTR_OPS };
const struct inode_ops tmpfs_link_iops = {
	.readlink = tmpfs_readlink, .setattr = tmpfs_setattr, .getattr = tmpfs_getattr, XATTR_OPS,
};
const struct file_ops tmpfs_dir_fops = {
	.llseek = generic_llseek, .iterate = tmpfs_iterate, .fsync = tmpfs_fsync, .nowait = true,
};
