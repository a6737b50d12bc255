/*
 * overlay: rename (rename(2), renameat2(2)). Both sides are copied up first; then the upper file system renames, and a
 * whiteout goes where a lower name would show again. Directories with a lower part are refused with EXDEV: mv(1) copies.
 */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/string.h>

static bool has_lower_part(const struct dentry *d)
{
	return d->inode && inode_is_dir(d->inode) && ovl_i(d->inode)->nr_lower;
}

/* Makes room at the target name: an empty directory's whiteouts and all, or a whiteout. */
static int clear_target(struct ovl_inode *ond, struct dentry *n, bool *whiteout)
{
	struct dentry *up = lookup_one(ond->upper, n->name.name, n->name.len);
	int r = 0;

	*whiteout = false;
	if (IS_ERR(up))
		return (int)PTR_ERR(up);
	if (up->inode && ovl_is_whiteout(up)) {
		r = vfs_unlink(ond->upper->inode, up);
		*whiteout = !r;
	} else if (up->inode && inode_is_dir(up->inode)) {
		r = ovl_clear_whiteouts(ovl_fs(ond->inode->sb), up);
	}
	dput(up);
	return r;
}

static int rename_upper(struct ovl_inode *ood, struct dentry *o, struct ovl_inode *ond, struct dentry *n, u32 flags)
{
	struct dentry *uo = lookup_one(ood->upper, o->name.name, o->name.len), *un;
	int r;

	if (IS_ERR(uo))
		return (int)PTR_ERR(uo);
	un = lookup_one(ond->upper, n->name.name, n->name.len);
	if (IS_ERR(un)) {
		dput(uo);
		return (int)PTR_ERR(un);
	}
	if (!uo->inode || uo->inode != ovl_i(o->inode)->upper->inode)
		r = -ESTALE;
	else
		r = vfs_rename(ood->upper->inode, uo, ond->upper->inode, un, flags);
	dput(un);
	dput(uo);
	return r;
}

static int check(struct dentry *o, struct dentry *n, u32 flags)
{
	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (has_lower_part(o) || ((flags & RENAME_EXCHANGE) && has_lower_part(n)))
		return -EXDEV;
	if (n->inode && inode_is_dir(n->inode) && !(flags & RENAME_EXCHANGE))
		return ovl_check_empty(n->inode);
	return 0;
}

static int copy_up_all(struct dentry *o, struct dentry *n, u32 flags)
{
	int r = ovl_copy_up(o->parent, U64_MAX);

	if (!r)
		r = ovl_copy_up(n->parent, U64_MAX);
	if (!r)
		r = ovl_copy_up(o, U64_MAX);
	if (!r && (flags & RENAME_EXCHANGE))
		r = ovl_copy_up(n, U64_MAX);
	return r;
}

/* A directory that comes under a merged parent must not be merged with a lower one of its new name. */
static int make_opaque(struct dentry *d, const struct ovl_inode *new_parent)
{
	if (!d->inode || !inode_is_dir(d->inode) || !new_parent->nr_lower)
		return 0;
	return ovl_set_opaque(ovl_i(d->inode)->upper);
}

int ovl_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	struct ovl_inode *ood = ovl_i(od), *ond = ovl_i(nd);
	bool exchange = flags & RENAME_EXCHANGE, below, white = false;
	struct inode *victim = n->inode;
	int r = check(o, n, flags);

	if (!r)
		r = copy_up_all(o, n, flags);
	if (r)
		return r;
	below = !exchange && ovl_lower_has(ood, o->name.name, o->name.len, &r);
	if (!r)
		r = make_opaque(o, ond);
	if (!r && exchange)
		r = make_opaque(n, ood);
	if (!r && !exchange)
		r = clear_target(ond, n, &white);
	if (r)
		return r;
	r = rename_upper(ood, o, ond, n, exchange ? RENAME_EXCHANGE : 0);
	if (r) {
		if (white)
			ovl_put_whiteout(ond, n->name.name, n->name.len);
		return r;
	}
	if (below)
		r = ovl_put_whiteout(ood, o->name.name, o->name.len);
	if (r) /* it moved all the same; without the whiteout the lower one shows under the old name */
		r = 0;
	if (victim && !exchange && (!ovl_i(victim)->upper || inode_is_dir(victim)))
		ovl_i(victim)->gone = true;
	if (victim)
		ovl_fill(victim);
	ovl_fill(o->inode);
	ovl_fill(od);
	ovl_fill(nd);
	od->version++;
	nd->version++;
	return 0;
}
