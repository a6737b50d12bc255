/*
 * Files without a name in any directory: pipes, sockets, eventfds, epoll sets... They sit on one private
 * superblock; anonymous ones share a single inode and differ by their dentries.
 */
#include "internal.h"
#include <umber/printk.h>

#define ANON_INODE_MAGIC 0x09041934

struct super_block *pseudo_sb;
static struct mount *pseudo_mnt;
static struct inode *anon_inode;

static int pseudo_fill(struct super_block *sb, const char *source, const char *data)
{
	struct inode *root = inode_new(sb);

	if (!root)
		return -ENOMEM;
	sb->magic = ANON_INODE_MAGIC;
	root->mode = S_IFDIR | 0555;
	sb->root = d_make_root(root);
	return IS_ERR(sb->root) ? (int)PTR_ERR(sb->root) : 0;
}

static struct fs_type pseudo_type = { .name = "anon_inodefs", .nodev = true, .fill_super = pseudo_fill };

void anon_init(void)
{
	pseudo_mnt = kern_mount(&pseudo_type, NULL);
	if (IS_ERR(pseudo_mnt))
		panic("cannot make the pseudo file system");
	pseudo_sb = pseudo_mnt->sb;
	anon_inode = inode_new(pseudo_sb);
	if (!anon_inode)
		panic("cannot make the anonymous inode");
	anon_inode->mode = 0600;
}

static char *name_end(char *buf, size_t n, const char *s)
{
	size_t len = strlen(s) + 1;

	if (len > n)
		return ERR_PTR(-ENAMETOOLONG);
	memcpy(buf + n - len, s, len);
	return buf + n - len;
}

static char *anon_dname(struct dentry *d, char *buf, size_t n)
{
	char tmp[80];

	scnprintf(tmp, sizeof(tmp), "anon_inode:%s", d->name.name);
	return name_end(buf, n, tmp);
}

static char *pseudo_dname(struct dentry *d, char *buf, size_t n)
{
	char tmp[80];

	if (strchr(d->name.name, '[') || !d->inode)
		return name_end(buf, n, d->name.name);
	scnprintf(tmp, sizeof(tmp), "%s:[%llu]", d->name.name, (unsigned long long)d->inode->ino);
	return name_end(buf, n, tmp);
}

static const struct dentry_ops anon_dops = { .dname = anon_dname };
static const struct dentry_ops pseudo_dops = { .dname = pseudo_dname };

/* Consumes inode. */
static struct file *make(struct inode *inode, const char *name, const struct file_ops *op, u32 flags,
			 const struct dentry_ops *dops)
{
	struct file *f = file_alloc(flags);
	struct dentry *d;

	if (IS_ERR(f)) {
		iput(inode);
		return f;
	}
	d = d_alloc_pseudo(inode->sb, name);
	if (IS_ERR(d)) {
		file_free_unopened(f);
		iput(inode);
		return ERR_PTR(PTR_ERR(d));
	}
	d->op = dops;
	d->inode = inode;
	list_add(&d->alias, &inode->dentries);
	ref_get(&pseudo_mnt->ref);
	f->path = (struct path){ pseudo_mnt, d };
	f->inode = inode;
	f->op = op;
	if (op->llseek)
		f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return f;
}

/* An open file (reference 1) with private data on the anonymous inode; name like "[eventfd]". ERR_PTR. */
struct file *anon_file(const char *name, const struct file_ops *op, void *priv, u32 flags)
{
	struct file *f = make(iget(anon_inode), name, op, flags, &anon_dops);

	if (!IS_ERR(f))
		f->priv = priv;
	return f;
}

/* An open file on a pipe's or socket's inode; op->open is not called. See vfs.h. */
struct file *pseudo_file(struct inode *inode, const char *name, const struct file_ops *op, u32 flags)
{
	return make(inode, name, op, flags, &pseudo_dops);
}
