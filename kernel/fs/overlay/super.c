/*
 * overlay: mounting. Options: lowerdir=A:B:C (topmost first; "\:" and "\\" escape), upperdir=, workdir=; without
 * upperdir the mount is read-only. redirect_dir=, index=, metacopy=, nfs_export=, xino=, uuid=, verity= are accepted
 * only with a value that asks for what is done here anyway.
 */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>

/* Credentials of the mounter for work on the layers. The task's own come back with ovl_unsu; nothing that happens in
 * between may install others. The boot fibre has no task and needs none. */
struct cred *ovl_su(struct ovl_fs *ofs)
{
	struct cred *old;

	if (!current || !ofs->cred)
		return NULL;
	old = current->cred;
	current->cred = ofs->cred;
	return old;
}

void ovl_unsu(struct cred *old)
{
	if (current && old)
		current->cred = old;
}

static struct cred *mounter_cred(void)
{
	struct cred *c;

	if (current && current->cred)
		return cred_get(current->cred);
	c = kzalloc(sizeof(*c));
	if (c) {
		ref_set(&c->ref, 1);
		c->cap_permitted = c->cap_effective = c->cap_bset = CAP_FULL_SET;
	}
	return c;
}

struct ovl_opts { char *lower, *upper, *work; };

/* The value of `key` if `opt` is "key=value". */
static const char *value_of(const char *opt, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(opt, key, n) && opt[n] == '=' ? opt + n + 1 : NULL;
}

static int take(char **slot, const char *val)
{
	kfree(*slot);
	*slot = kstrdup(val);
	return *slot ? 0 : -ENOMEM;
}

static int parse_one(const char *opt, struct ovl_opts *o)
{
	static const char *const off_keys[] = { "index", "metacopy", "nfs_export", "redirect_dir", "verity" };
	const char *v;

	if ((v = value_of(opt, "lowerdir")))
		return take(&o->lower, v);
	if ((v = value_of(opt, "upperdir")))
		return take(&o->upper, v);
	if ((v = value_of(opt, "workdir")))
		return take(&o->work, v);
	for (size_t i = 0; i < ARRAY_SIZE(off_keys); i++)
		if ((v = value_of(opt, off_keys[i])))
			return !strcmp(v, "off") || !strcmp(v, "nofollow") ? 0 : -EINVAL;
	if (value_of(opt, "xino") || value_of(opt, "uuid"))
		return 0;
	if (!strcmp(opt, "volatile") || !strcmp(opt, "default_permissions") || !opt[0])
		return 0;
	pr_info("overlay: unrecognized mount option \"%s\"", opt);
	return -EINVAL;
}

static int parse(char *s, struct ovl_opts *o)
{
	char *opt = s;
	int r = 0;

	for (; !r && s; opt = s) {
		/* A comma behind a backslash belongs to the value. */
		for (s = opt; *s && *s != ','; s++)
			if (*s == '\\' && s[1])
				s++;
		s = *s ? (*s = 0, s + 1) : NULL;
		r = parse_one(opt, o);
	}
	return r;
}

static int find_dir(const char *name, struct path *out)
{
	int r = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, out);

	if (!r && !inode_is_dir(out->dentry->inode)) {
		path_put(out);
		r = -ENOTDIR;
	}
	return r;
}

/* Numbers the file systems under the overlay, the bottom one 0: its inode numbers are shown as they are. */
static void number_layers(struct ovl_fs *ofs)
{
	u32 next = 0;

	for (u32 i = ofs->nr_lower; i-- > 0;) {
		struct ovl_layer *l = &ofs->lower[i];
		u32 j = i + 1;

		while (j < ofs->nr_lower && ofs->lower[j].path.mnt->sb != l->path.mnt->sb)
			j++;
		l->fsid = j < ofs->nr_lower ? ofs->lower[j].fsid : next++;
	}
	ofs->upper.fsid = next;
	for (u32 i = 0; ofs->has_upper && i < ofs->nr_lower; i++)
		if (ofs->lower[i].path.mnt->sb == ofs->upper.path.mnt->sb)
			ofs->upper.fsid = ofs->lower[i].fsid;
}

static int add_lowers(struct ovl_fs *ofs, const char *spec, u32 max)
{
	char *name = kmalloc(PATH_MAX);
	size_t n;
	int r = 0;

	if (!name)
		return -ENOMEM;
	while (!r && *spec) {
		for (n = 0; *spec && *spec != ':' && n < PATH_MAX - 1; spec++) {
			if (*spec == '\\' && spec[1])
				spec++;
			name[n++] = *spec;
		}
		if (*spec && *spec != ':') {
			r = -ENAMETOOLONG;
			break;
		}
		name[n] = 0;
		if (*spec)
			spec++;
		if (!n || ofs->nr_lower == max) {
			r = -EINVAL;
			break;
		}
		r = find_dir(name, &ofs->lower[ofs->nr_lower].path);
		if (!r)
			ofs->nr_lower++;
	}
	kfree(name);
	return r ? r : ofs->nr_lower ? 0 : -EINVAL;
}

/* The private directory "work" in workdir, where copies are made before they get their name. */
static int make_work(struct ovl_fs *ofs, const struct path *wp)
{
	struct dentry *d = lookup_one(wp->dentry, "work", 4);
	int r = 0;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	if (!d->inode)
		r = vfs_mkdir(wp->dentry->inode, d, S_IFDIR);
	if (!r && (!d->inode || !inode_is_dir(d->inode)))
		r = -ENOTDIR;
	if (r) {
		dput(d);
		return r;
	}
	ofs->work = d;
	return 0;
}

static int add_upper(struct ovl_fs *ofs, const struct ovl_opts *o)
{
	struct path wp;
	int r;

	if (!o->work)
		return -EINVAL;
	r = find_dir(o->upper, &ofs->upper.path);
	if (r)
		return r;
	ofs->has_upper = true;
	r = find_dir(o->work, &wp);
	if (r)
		return r;
	if (wp.mnt->sb != ofs->upper.path.mnt->sb || d_is_ancestor(wp.dentry, ofs->upper.path.dentry) ||
	    d_is_ancestor(ofs->upper.path.dentry, wp.dentry)) {
		pr_info("overlay: workdir and upperdir must be separate subtrees of one mount");
		r = -EINVAL;
	} else {
		r = mnt_want_write(ofs->upper.path.mnt);
		if (!r)
			r = make_work(ofs, &wp);
	}
	path_put(&wp);
	return r;
}

static void ovl_free(struct ovl_fs *ofs)
{
	if (ofs->work)
		dput(ofs->work);
	if (ofs->has_upper)
		path_put(&ofs->upper.path);
	for (u32 i = 0; i < ofs->nr_lower; i++)
		path_put(&ofs->lower[i].path);
	if (ofs->cred)
		cred_put(ofs->cred);
	kfree(ofs->lowerdir);
	kfree(ofs->upperdir);
	kfree(ofs->workdir);
	kfree(ofs);
}

static void ovl_put_super(struct super_block *sb)
{
	struct ovl_fs *ofs = ovl_fs(sb);

	sb->priv = NULL;
	if (!ofs)
		return;
	for (size_t i = 0; i < OVL_HASH; i++)
		while (!list_empty(&ofs->hash[i]))
			list_del(ofs->hash[i].next);
	ovl_free(ofs);
}

static int ovl_statfs(struct super_block *sb, struct statfs64 *st)
{
	struct ovl_fs *ofs = ovl_fs(sb);
	struct super_block *real = ofs->has_upper ? ofs->upper.path.mnt->sb : ofs->lower[0].path.mnt->sb;
	int r = real->op && real->op->statfs ? real->op->statfs(real, st) : -ENOSYS;

	st->f_type = OVERLAY_MAGIC;
	return r;
}

static int ovl_sync(struct super_block *sb)
{
	struct ovl_fs *ofs = ovl_fs(sb);
	struct super_block *up = ofs->has_upper ? ofs->upper.path.mnt->sb : NULL;

	return up && up->op && up->op->sync ? up->op->sync(up) : 0;
}

static void ovl_show_options(struct super_block *sb, struct seq_file *m)
{
	struct ovl_fs *ofs = ovl_fs(sb);

	seq_puts(m, ",lowerdir=");
	seq_escape(m, ofs->lowerdir);
	if (ofs->has_upper) {
		seq_puts(m, ",upperdir=");
		seq_escape(m, ofs->upperdir);
		seq_puts(m, ",workdir=");
		seq_escape(m, ofs->workdir);
	}
}

static int ovl_remount(struct super_block *sb, u32 flags, const char *data)
{
	return !ovl_fs(sb)->has_upper && !(flags & MS_RDONLY) ? -EROFS : 0;
}

static const struct super_ops ovl_sops = {
	.evict_inode = ovl_evict,
	.statfs = ovl_statfs,
	.put_super = ovl_put_super,
	.sync = ovl_sync,
	.show_options = ovl_show_options,
	.remount = ovl_remount,
};

static bool may_change(const struct path *p)
{
	const struct inode *i = p->dentry->inode;

	return i->op && i->op->revalidate;
}

static int make_root(struct super_block *sb, struct ovl_fs *ofs)
{
	struct ovl_low *low = kcalloc(ofs->nr_lower, sizeof(*low));
	struct dentry *upper = NULL;
	struct inode *i;

	if (!low)
		return -ENOMEM;
	if (ofs->has_upper)
		upper = dget(ofs->upper.path.dentry);
	for (u32 k = 0; k < ofs->nr_lower; k++)
		low[k] = (struct ovl_low){ dget(ofs->lower[k].path.dentry), k };
	i = ovl_inode_get(sb, upper, low, ofs->nr_lower);
	kfree(low);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	sb->root = d_make_root(i);
	return IS_ERR(sb->root) ? (int)PTR_ERR(sb->root) : 0;
}

static u32 count_lowers(const char *s)
{
	u32 n = 1;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == ':')
			n++;
	}
	return n;
}

static int setup(struct super_block *sb, struct ovl_opts *o)
{
	u32 nr = o->lower ? count_lowers(o->lower) : 0;
	struct ovl_fs *ofs;
	int r;

	if (!nr || nr > OVL_MAX_LOWER)
		return -EINVAL;
	ofs = kzalloc(sizeof(*ofs) + nr * sizeof(ofs->lower[0]));
	if (!ofs)
		return -ENOMEM;
	ofs->sb = sb;
	for (size_t i = 0; i < OVL_HASH; i++)
		list_init(&ofs->hash[i]);
	ofs->cred = mounter_cred();
	r = ofs->cred ? add_lowers(ofs, o->lower, nr) : -ENOMEM;
	if (!r && o->upper)
		r = add_upper(ofs, o);
	if (r) {
		ovl_free(ofs);
		return r;
	}
	number_layers(ofs);
	ofs->reval = ofs->has_upper && may_change(&ofs->upper.path);
	for (u32 i = 0; i < ofs->nr_lower; i++)
		ofs->reval |= may_change(&ofs->lower[i].path);
	ofs->lowerdir = o->lower;
	ofs->upperdir = o->upper;
	ofs->workdir = o->work;
	*o = (struct ovl_opts){ 0 };
	sb->priv = ofs;
	sb->op = &ovl_sops;
	sb->magic = OVERLAY_MAGIC;
	if (!ofs->has_upper)
		sb->flags |= MS_RDONLY;
	r = make_root(sb, ofs);
	if (r) {
		sb->root = NULL;
		ovl_put_super(sb);
	}
	return r;
}

static int ovl_fill_super(struct super_block *sb, const char *source, const char *data)
{
	char *copy = kstrdup(data ? data : "");
	struct ovl_opts o = { 0 };
	int r = copy ? parse(copy, &o) : -ENOMEM;

	if (!r)
		r = setup(sb, &o);
	kfree(copy);
	kfree(o.lower);
	kfree(o.upper);
	kfree(o.work);
	return r;
}

static struct fs_type overlay_type = { .name = "overlay", .nodev = true, .fill_super = ovl_fill_super };

static int overlay_init(void)
{
	fs_register(&overlay_type);
	return 0;
}
INITCALL(INIT_FS, overlay_init);
