/*
 * devtmpfs: a tmpfs (mode 0755) that has a node for each device that drivers announced.
 *
 * The list `nodes` is the truth. Each devtmpfs superblock is filled from it when it is made; devtmpfs_add/del
 * afterwards change every one that lives. What the guest itself makes or removes there is its own affair: an add over
 * an existing name leaves that, a del of a missing one is no error. Entries are changed at the inode, below the
 * dcache, so names that the dcache remembers are unhashed.
 */
#include "../tmpfs/tmpfs.h"
#include <abi/errno.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/string.h>

struct dev_node {
	struct list_head node;
	u32 mode, rdev;
	const char *target;            /* symlinks */
	char name[];
};

static struct list_head nodes = LIST_HEAD_INIT(nodes), instances = LIST_HEAD_INIT(instances);

/* The dcache may know a name in dir, as absent or as what it was. */
static void forget_dentry(struct inode *dir, const char *name, u32 len)
{
	struct qstr q = { name, len, name_hash(name, len) };
	struct dentry *parent, *d;

	list_for_each_entry(parent, &dir->dentries, alias) {
		d = d_lookup(parent, &q);
		if (d) {
			d_drop(d);
			dput(d);
			break;         /* dput may have slept: the list is not to be walked on; a directory has one */
		}
	}
}

static int enter_new(struct inode *dir, const char *name, u32 len, const struct dev_node *n, u32 mode)
{
	struct inode *i = tmpfs_inode(dir->sb, dir, mode, n->rdev);
	int err;

	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	i->uid = i->gid = 0;
	if (S_ISLNK(mode)) {
		tnode(i)->target = kstrdup(n->target);
		i->size = strlen(n->target);
	}
	err = S_ISLNK(mode) && !tnode(i)->target ? -ENOMEM : tmpfs_enter(dir, name, len, i);
	if (!err && S_ISDIR(mode))
		dir->nlink++;
	iput(i);
	if (!err)
		forget_dentry(dir, name, len);
	return err;
}

/* Walks to the last component, making directories on the way. The directory (no reference: entries hold it). */
static struct inode *walk(struct inode *dir, const struct dev_node *n, const char **last, bool make)
{
	const char *p = n->name, *e;

	while ((e = strchr(p, '/'))) {
		struct tent *t = tmpfs_find(dir, p, (u32)(e - p));

		if (!t && make) {
			int err = enter_new(dir, p, (u32)(e - p), n, S_IFDIR | 0755);

			if (err)
				return ERR_PTR(err);
			t = tmpfs_find(dir, p, (u32)(e - p));
		}
		if (!t)
			return ERR_PTR(-ENOENT);
		if (!S_ISDIR(t->inode->mode))
			return ERR_PTR(-ENOTDIR);
		dir = t->inode;
		p = e + 1;
	}
	*last = p;
	return dir;
}

static int node_make(struct super_block *sb, const struct dev_node *n)
{
	const char *name;
	struct inode *dir = walk(sb->root->inode, n, &name, true);
	u32 len;

	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	len = (u32)strlen(name);
	return tmpfs_find(dir, name, len) ? 0 : enter_new(dir, name, len, n, n->mode);
}

static struct dev_node *node_find(const char *name)
{
	struct dev_node *n;

	list_for_each_entry(n, &nodes, node)
		if (!strcmp(n->name, name))
			return n;
	return NULL;
}

static int announce(const char *name, u32 mode, u32 rdev, const char *target)
{
	struct tmpfs_sb *s;
	struct dev_node *n;
	size_t len = strlen(name);

	if (!len || len > NAME_MAX || name[0] == '/')
		return -EINVAL;
	if (node_find(name))
		return -EEXIST;
	n = kzalloc(sizeof(*n) + len + 1);
	if (!n)
		return -ENOMEM;
	n->mode = mode;
	n->rdev = rdev;
	n->target = target;
	memcpy(n->name, name, len);
	list_add_tail(&n->node, &nodes);
	list_for_each_entry(s, &instances, dev_node) {
		int err = s->sb->root ? node_make(s->sb, n) : 0;

		if (err)
			return err;
	}
	return 0;
}

int devtmpfs_add(const char *name, u32 mode, u32 rdev)
{
	return announce(name, mode, rdev, NULL);
}

void devtmpfs_del(const char *name)
{
	struct dev_node *n = node_find(name);
	struct tmpfs_sb *s;

	if (!n)
		return;
	list_del(&n->node);
	list_for_each_entry(s, &instances, dev_node) {
		const char *last;
		struct inode *dir = s->sb->root ? walk(s->sb->root->inode, n, &last, false) : ERR_PTR(-ENOENT);
		struct tent *t = IS_ERR(dir) ? NULL : tmpfs_find(dir, last, (u32)strlen(last));

		if (!t || t->inode->mode >> 12 != n->mode >> 12 || t->inode->rdev != n->rdev)
			continue;
		t->inode->nlink = 0;
		tmpfs_leave(dir, t);
		forget_dentry(dir, last, (u32)strlen(last));
	}
	kfree(n);
}

static int devtmpfs_fill_super(struct super_block *sb, const char *source, const char *data)
{
	char opts[160];
	struct dev_node *n;
	int err;

	snprintf(opts, sizeof(opts), "mode=0755,uid=0,gid=0%s%s", data && *data ? "," : "", data ? data : "");
	err = tmpfs_fill(sb, opts, false);
	if (err)
		return err;
	list_for_each_entry(n, &nodes, node) {
		err = node_make(sb, n);
		if (err)
			break;
	}
	if (!err)
		list_add_tail(&tmpfs_sbi(sb)->dev_node, &instances);
	else
		tmpfs_sbi(sb)->gone = true; /* goes with the root's eviction */
	return err;
}

static struct fs_type devtmpfs_fs_type = {
	.name = "devtmpfs", .nodev = true, .fill_super = devtmpfs_fill_super,
};

static int devtmpfs_init(void)
{
	static const struct { const char *name; u32 mode; const char *target; } fixed[] = {
		{ "fd", S_IFLNK | 0777, "/proc/self/fd" },
		{ "stdin", S_IFLNK | 0777, "/proc/self/fd/0" },
		{ "stdout", S_IFLNK | 0777, "/proc/self/fd/1" },
		{ "stderr", S_IFLNK | 0777, "/proc/self/fd/2" },
		{ "core", S_IFLNK | 0777, "/proc/kcore" },
		{ "pts", S_IFDIR | 0755, NULL },
		{ "shm", S_IFDIR | S_ISVTX | 0777, NULL },
		{ "mqueue", S_IFDIR | S_ISVTX | 0777, NULL },
	};

	fs_register(&devtmpfs_fs_type);
	for (unsigned k = 0; k < ARRAY_SIZE(fixed); k++) {
		int err = announce(fixed[k].name, fixed[k].mode, 0, fixed[k].target);

		if (err)
			return err;
	}
	return 0;
}
INITCALL(INIT_SUBSYS, devtmpfs_init);
