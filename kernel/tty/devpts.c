/*
 * devpts: a directory with a node for each pty whose master is open, and ptmx. Every mount is an instance with
 * numbers of its own. Options: uid= gid= mode= ptmxmode= max= newinstance (which is always so).
 *
 * An instance (struct devpts) lives until it is unmounted and its last pty is gone. A pty's inode is made once and
 * kept by the pty, so owner and mode stay; inode->priv is the pty until the master closes.
 */
#include "tty_internal.h"
#include <umber/init.h>
#include <umber/sysctl.h>

#define DEVPTS_MAGIC 0x1cd1
#define PTMX_INO 2
#define FIRST_INO 3
#define PTYS_MAX 4096

struct devpts {
	struct xarray ptys;        /* index -> struct pty */
	struct idr ids;
	u32 uid, gid, mode, ptmxmode, max;
	bool has_uid, has_gid;
	u32 live;
	bool gone;
	struct inode *ptmx;        /* referenced until unmount */
};
static u32 nr_ptys;
static struct fs_type devpts_type;
static const struct inode_ops node_iops, dir_iops;
static const struct file_ops dir_fops;

static struct devpts *pts_of(const struct super_block *sb)
{
	return sb->priv;
}

static bool is_devpts(const struct super_block *sb)
{
	return sb->type == &devpts_type;
}

static void devpts_end(struct devpts *d)
{
	if (!d->gone || d->live)
		return;
	xa_destroy(&d->ptys);
	kfree(d->ids.bits);
	kfree(d);
}

/* ---- options ---- */
static int parse_one(struct devpts *d, char *opt)
{
	char *v = strchr(opt, '=');
	u64 n;

	if (v)
		*v++ = 0;
	if (!strcmp(opt, "newinstance") && !v)
		return 0;
	if (!v || !*v)
		return -EINVAL;
	if (!strcmp(opt, "mode") || !strcmp(opt, "ptmxmode")) {
		if (kstrtou64(v, 8, &n))
			return -EINVAL;
		*(opt[0] == 'm' ? &d->mode : &d->ptmxmode) = (u32)n & 07777;
		return 0;
	}
	if (kstrtou64(v, 10, &n) || n > U32_MAX - 1)
		return -EINVAL;
	if (!strcmp(opt, "uid")) {
		d->uid = (u32)n;
		d->has_uid = true;
	} else if (!strcmp(opt, "gid")) {
		d->gid = (u32)n;
		d->has_gid = true;
	} else if (!strcmp(opt, "max") && n <= PTYS_MAX) {
		d->max = (u32)n;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse_options(struct devpts *d, const char *data)
{
	char *copy, *p, *next;
	int err = 0;

	d->uid = d->gid = 0;
	d->has_uid = d->has_gid = false;
	d->mode = 0600;
	d->ptmxmode = 0;
	d->max = PTYS_MAX;
	if (!data || !*data)
		return 0;
	copy = kstrdup(data);
	if (!copy)
		return -ENOMEM;
	for (p = copy; p && !err; p = next) {
		next = strchr(p, ',');
		if (next)
			*next++ = 0;
		if (*p)
			err = parse_one(d, p);
	}
	kfree(copy);
	return err;
}

/* ---- ptys ---- */
/* The instance that an open of ptmx means: its own, or the one mounted on "pts" beside it. Referenced path. */
static int instance_of(struct file *f, struct path *root)
{
	struct path beside = { f->path.mnt, f->path.dentry->parent };
	int err;

	if (is_devpts(f->inode->sb)) {
		*root = (struct path){ f->path.mnt, f->inode->sb->root };
		path_get(root);
		return 0;
	}
	err = path_lookup_root(&beside, "pts", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, root);
	if (err || !is_devpts(root->dentry->sb)) {
		if (!err)
			path_put(root);
		err = path_lookup(AT_FDCWD, "/dev/pts", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, root);
	}
	if (err)
		return -ENODEV;
	if (!is_devpts(root->dentry->sb)) {
		path_put(root);
		return -ENODEV;
	}
	return 0;
}

static int pty_enter(struct super_block *sb, struct pty *p)
{
	struct devpts *d = pts_of(sb);
	struct inode *i;

	if (nr_ptys >= PTYS_MAX || !d->max)
		return -ENOSPC;
	p->index = ida_alloc(&d->ids, 0, d->max - 1);
	if (p->index < 0)
		return p->index;
	i = inode_new(sb);
	if (!i || xa_store(&d->ptys, (u64)p->index, p)) {
		if (i)
			iput(i);
		ida_free(&d->ids, (u32)p->index);
		return -ENOMEM;
	}
	init_special_inode(i, S_IFCHR | d->mode, MKDEV(136, (u32)p->index));
	i->ino = FIRST_INO + (u64)p->index;
	i->uid = d->has_uid ? d->uid : current->cred->fsuid;
	i->gid = d->has_gid ? d->gid : current->cred->fsgid;
	i->nlink = 1;
	i->op = &node_iops;
	i->atime = i->mtime = i->ctime = i->btime = current_time(i);
	i->priv = p;
	p->inode = i;
	d->live++;
	nr_ptys++;
	return 0;
}

int devpts_new(struct file *ptmx, struct pty *p)
{
	struct path root;
	int err = instance_of(ptmx, &root);

	if (err)
		return err;
	err = pty_enter(root.dentry->sb, p);
	path_put(&root);
	return err;
}

/* The master closes: number and node are free. May sleep. */
void devpts_del(struct pty *p)
{
	struct inode *i = p->inode;
	struct devpts *d = pts_of(i->sb);

	p->inode = NULL;
	i->priv = NULL;
	i->nlink = 0;
	xa_erase(&d->ptys, (u64)p->index);
	ida_free(&d->ids, (u32)p->index);
	nr_ptys--;
	d->live--;
	if (!list_empty(&i->dentries)) { /* no hard links: one name at most */
		struct dentry *e = dget(list_first_entry(&i->dentries, struct dentry, alias));

		d_drop(e);
		dput(e);
	}
	devpts_end(d);
	iput(i);
}

struct pty *devpts_pty(const struct inode *inode)
{
	return is_devpts(inode->sb) ? inode->priv : NULL;
}

struct file *devpts_open_peer(struct file *ptmx, struct pty *p, u32 flags)
{
	struct path root, node;
	struct file *f;
	char name[16];
	int err = instance_of(ptmx, &root);

	if (err)
		return ERR_PTR(-EIO);
	if (!p->inode || root.dentry->sb != p->inode->sb) {
		path_put(&root);
		return ERR_PTR(-EIO);
	}
	snprintf(name, sizeof(name), "%d", p->index);
	node.mnt = root.mnt;
	node.dentry = lookup_one(root.dentry, name, (u32)strlen(name));
	if (IS_ERR(node.dentry)) {
		path_put(&root);
		return (struct file *)node.dentry;
	}
	f = node.dentry->inode ? file_open_path(&node, flags) : ERR_PTR(-EIO);
	dput(node.dentry);
	path_put(&root);
	return f;
}

/* ---- the directory ---- */
static struct dentry *dir_lookup(struct inode *dir, struct dentry *e, u32 flags)
{
	struct devpts *d = pts_of(dir->sb);
	struct pty *p = NULL;
	u32 n = 0, len = e->name.len;

	if (len == 4 && !memcmp(e->name.name, "ptmx", 4) && d->ptmx) {
		d_add(e, iget(d->ptmx));
		return NULL;
	}
	for (u32 k = 0; k < len; k++) {
		char c = e->name.name[k];

		if (c < '0' || c > '9' || len > 6 || (c == '0' && k == 0 && len > 1)) {
			d_add(e, NULL);
			return NULL;
		}
		n = n * 10 + (u32)(c - '0');
	}
	p = xa_load(&d->ptys, n);
	d_add(e, p && p->inode ? iget(p->inode) : NULL);
	return NULL;
}

/* Names come and go with masters, behind the dcache's back: an absent one is looked up anew. */
static bool dir_revalidate(struct dentry *e, u32 flags)
{
	return e->inode != NULL;
}

static bool node_revalidate(struct dentry *e, u32 flags)
{
	return e->inode->nlink != 0;
}

static int dir_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct devpts *d = pts_of(f->inode->sb);
	struct pty *p;
	char name[16];

	for (; f->pos < 2; f->pos++)
		if (fill(ctx, "..", (int)f->pos + 1, (u64)f->pos + 1, 1, DT_DIR))
			return 0;
	if (f->pos == 2) {
		if (fill(ctx, "ptmx", 4, 3, PTMX_INO, DT_CHR))
			return 0;
		f->pos = 3;
	}
	for (;;) {
		u64 i = (u64)f->pos - 3;

		p = xa_find(&d->ptys, &i);
		if (!p)
			return 0;
		snprintf(name, sizeof(name), "%d", p->index);
		if (fill(ctx, name, (int)strlen(name), i + 4, FIRST_INO + i, DT_CHR))
			return 0;
		f->pos = (s64)i + 4;
	}
}

static int node_setattr(struct dentry *e, struct iattr *a)
{
	if (a->valid & ATTR_SIZE)
		a->valid &= ~(u32)ATTR_SIZE;
	setattr_copy(e->inode, a);
	return 0;
}

static const struct inode_ops node_iops = { .setattr = node_setattr, .revalidate = node_revalidate };
static const struct inode_ops dir_iops = { .lookup = dir_lookup, .setattr = node_setattr, .revalidate = dir_revalidate };
static const struct file_ops dir_fops = { .llseek = generic_llseek, .iterate = dir_iterate };

/* ---- superblock ---- */
static int devpts_statfs(struct super_block *sb, struct statfs64 *st)
{
	memset(st, 0, sizeof(*st));
	st->f_type = DEVPTS_MAGIC;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	return 0;
}

static void devpts_put_super(struct super_block *sb)
{
	struct devpts *d = pts_of(sb);
	struct inode *ptmx;

	if (!d)
		return;
	ptmx = d->ptmx;
	d->ptmx = NULL;
	d->gone = true;
	devpts_end(d);
	if (ptmx)
		iput(ptmx);
}

static void devpts_show_options(struct super_block *sb, struct seq_file *m)
{
	struct devpts *d = pts_of(sb);

	if (d->has_uid)
		seq_printf(m, ",uid=%u", d->uid);
	if (d->has_gid)
		seq_printf(m, ",gid=%u", d->gid);
	seq_printf(m, ",mode=%03o,ptmxmode=%03o", d->mode, d->ptmxmode);
	if (d->max < PTYS_MAX)
		seq_printf(m, ",max=%u", d->max);
}

static int devpts_remount(struct super_block *sb, u32 flags, const char *data)
{
	struct devpts *d = pts_of(sb), n = *d;
	int err = parse_options(&n, data);

	if (err)
		return err;
	d->uid = n.uid;
	d->gid = n.gid;
	d->has_uid = n.has_uid;
	d->has_gid = n.has_gid;
	d->mode = n.mode;
	d->ptmxmode = n.ptmxmode;
	d->max = n.max;
	if (d->ptmx)
		d->ptmx->mode = S_IFCHR | d->ptmxmode;
	return 0;
}

static const struct super_ops devpts_sops = {
	.statfs = devpts_statfs,
	.put_super = devpts_put_super,
	.show_options = devpts_show_options,
	.remount = devpts_remount,
};

static int devpts_fill(struct super_block *sb, const char *source, const char *data)
{
	struct devpts *d = kzalloc(sizeof(*d));
	struct inode *root = NULL;
	int err = d ? parse_options(d, data) : -ENOMEM;

	if (err)
		goto out;
	err = -ENOMEM;
	xa_init(&d->ptys);
	d->ptmx = inode_new(sb);
	root = inode_new(sb);
	if (!d->ptmx || !root)
		goto out;
	root->mode = S_IFDIR | 0755;
	root->ino = 1;
	root->nlink = 2;
	root->op = &dir_iops;
	root->fop = &dir_fops;
	root->atime = root->mtime = root->ctime = root->btime = current_time(root);
	init_special_inode(d->ptmx, S_IFCHR | d->ptmxmode, MKDEV(5, 2));
	d->ptmx->ino = PTMX_INO;
	d->ptmx->nlink = 1;
	d->ptmx->op = &node_iops;
	d->ptmx->atime = d->ptmx->mtime = d->ptmx->ctime = d->ptmx->btime = root->btime;
	sb->op = &devpts_sops;
	sb->magic = DEVPTS_MAGIC;
	sb->blocksize = 1024;
	sb->no_dcache = true;
	sb->root = d_make_root(root);
	root = NULL;
	if (!sb->root)
		goto out;
	sb->priv = d;
	return 0;
out:
	if (root)
		iput(root);
	if (d && d->ptmx)
		iput(d->ptmx);
	kfree(d);
	return err;
}

static struct fs_type devpts_type = {
	.name = "devpts", .nodev = true, .user_mountable = true, .fill_super = devpts_fill,
};

/* /proc/sys/kernel/pty */
static u32 ptys_max = PTYS_MAX, ptys_reserve;
static const struct ctl pty_ctl[] = {
	{ .path = "kernel/pty/max", .type = CTL_U32, .data = &ptys_max },
	{ .path = "kernel/pty/nr", .type = CTL_U32, .data = &nr_ptys },
	{ .path = "kernel/pty/reserve", .type = CTL_U32, .data = &ptys_reserve },
};

static int devpts_init(void)
{
	fs_register(&devpts_type);
	return sysctl_register(pty_ctl, ARRAY_SIZE(pty_ctl));
}
INITCALL(INIT_FS, devpts_init);
