/*
 * Trees of generated files: nodes, and how a superblock shows them (umber/pseudofs.h is the interface).
 *
 * Life of a node: made (ref 1, held by the tree), linked in its parent; each inode that shows it holds one more;
 * pseudo_remove() unlinks it, marks it dead and drops the tree's reference. Names never change. Children are kept
 * in the order of their numbers, which is what makes directory offsets stable: offset = number of the next node.
 * Dentries are not cached when unreferenced and revalidated when found, so a removed or added node is seen at once.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/pseudofs.h>
#include <umber/string.h>

struct pseudo_dir {
	refcount_t ref;
	struct list_head child, children;
	struct pseudo_dir *parent;     /* no reference: a child never outlives its linkage */
	char *name;
	u32 namelen, mode, uid, gid;
	u64 ino;
	bool dead;
	pseudo_show_fn show;
	pseudo_write_fn write;
	void *arg;
	char *text;                    /* constant contents, or link target */
	char *(*get_link)(void *arg);
	const struct file_ops *fop;
	struct dentry *(*dyn_lookup)(struct inode *, struct dentry *, u32);
	int (*dyn_iterate)(struct file *, filldir_t, void *);
	u64 subdirs;
};

#define PSEUDO_WRITE_MAX 65536UL

static u64 next_ino = 3;               /* 0..2 are directory offsets of "." and ".." */
static const struct inode_ops dir_iops, file_iops, link_iops;
static const struct file_ops dir_fops, file_fops;

static void node_put(struct pseudo_dir *n)
{
	if (!ref_put(&n->ref))
		return;
	kfree(n->text);
	kfree(n->name);
	kfree(n);
}

static struct pseudo_dir *node_new(struct pseudo_dir *parent, const char *name, u32 mode)
{
	struct pseudo_dir *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_set(&n->ref, 1);
	list_init(&n->child);
	list_init(&n->children);
	n->name = kstrdup(name);
	if (!n->name) {
		kfree(n);
		return NULL;
	}
	n->namelen = (u32)strlen(name);
	n->mode = mode;
	n->ino = next_ino++;
	n->parent = parent;
	if (parent) {
		list_add_tail(&n->child, &parent->children);
		if (S_ISDIR(mode))
			parent->subdirs++;
	}
	return n;
}

static struct pseudo_dir *find_n(struct pseudo_dir *parent, const char *name, size_t len)
{
	struct pseudo_dir *n;

	list_for_each_entry(n, &parent->children, child)
		if (n->namelen == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

struct pseudo_dir *pseudo_find(struct pseudo_dir *parent, const char *name)
{
	return parent ? find_n(parent, name, strlen(name)) : NULL;
}

struct pseudo_dir *pseudo_mkdir(struct pseudo_dir *parent, const char *name, u32 mode)
{
	struct pseudo_dir *n = pseudo_find(parent, name);

	if (n)
		return S_ISDIR(n->mode) ? n : NULL;
	return node_new(parent, name, S_IFDIR | (mode & 07777));
}

struct pseudo_dir *pseudo_mkdir_path(struct pseudo_dir *root, const char *path, u32 mode)
{
	char name[NAME_MAX + 1];

	while (root && *path) {
		const char *e = strchr(path, '/');
		size_t n = e ? (size_t)(e - path) : strlen(path);

		if (n > NAME_MAX)
			return NULL;
		memcpy(name, path, n);
		name[n] = 0;
		if (n)
			root = pseudo_mkdir(root, name, mode);
		path += n + (e != NULL);
	}
	return root;
}

struct pseudo_dir *pseudo_mkfile(struct pseudo_dir *parent, const char *name, u32 mode, pseudo_show_fn show,
				 pseudo_write_fn write, void *arg)
{
	struct pseudo_dir *n = parent ? node_new(parent, name, S_IFREG | (mode & 07777)) : NULL;

	if (n) {
		n->show = show;
		n->write = write;
		n->arg = arg;
	}
	return n;
}

struct pseudo_dir *pseudo_mkfile_ops(struct pseudo_dir *parent, const char *name, u32 mode,
				     const struct file_ops *fop, void *arg)
{
	struct pseudo_dir *n = pseudo_mkfile(parent, name, mode, NULL, NULL, arg);

	if (n)
		n->fop = fop;
	return n;
}

static int show_text(struct seq_file *m, void *arg)
{
	seq_puts(m, ((struct pseudo_dir *)arg)->text);
	return 0;
}

struct pseudo_dir *pseudo_mktext(struct pseudo_dir *parent, const char *name, u32 mode, const char *text)
{
	char *copy = kstrdup(text);
	struct pseudo_dir *n = copy ? pseudo_mkfile(parent, name, mode, show_text, NULL, NULL) : NULL;

	if (!n) {
		kfree(copy);
		return NULL;
	}
	n->text = copy;
	n->arg = n;
	return n;
}

struct pseudo_dir *pseudo_symlink(struct pseudo_dir *parent, const char *name, const char *target)
{
	char *copy = parent ? kstrdup(target) : NULL;
	struct pseudo_dir *n = copy ? node_new(parent, name, S_IFLNK | 0777) : NULL;

	if (!n) {
		kfree(copy);
		return NULL;
	}
	n->text = copy;
	return n;
}

struct pseudo_dir *pseudo_symlink_fn(struct pseudo_dir *parent, const char *name, char *(*get)(void *arg), void *arg)
{
	struct pseudo_dir *n = parent ? node_new(parent, name, S_IFLNK | 0777) : NULL;

	if (n) {
		n->get_link = get;
		n->arg = arg;
	}
	return n;
}

void pseudo_set_dynamic(struct pseudo_dir *dir, struct dentry *(*lookup)(struct inode *, struct dentry *, u32),
			int (*iterate)(struct file *f, filldir_t fill, void *ctx))
{
	dir->dyn_lookup = lookup;
	dir->dyn_iterate = iterate;
}

void pseudo_remove(struct pseudo_dir *n)
{
	if (!n || n->dead)
		return;
	while (!list_empty(&n->children))
		pseudo_remove(list_first_entry(&n->children, struct pseudo_dir, child));
	if (n->parent && S_ISDIR(n->mode))
		n->parent->subdirs--;
	list_del(&n->child);
	n->parent = NULL;
	n->dead = true;
	node_put(n);
}

/* ---- inodes ---- */
struct pseudo_dir *pseudo_node(const struct inode *inode)
{
	return inode->priv;
}

void *pseudo_arg(const struct inode *inode)
{
	struct pseudo_dir *n = inode->priv;

	return n->arg;
}

static bool is_ours(const struct inode *i)
{
	return i->op == &dir_iops || i->op == &file_iops || i->op == &link_iops;
}

void pseudo_evict_inode(struct inode *inode)
{
	if (is_ours(inode) && inode->priv) {
		node_put(inode->priv);
		inode->priv = NULL;
	}
}

/* File size that a superblock shows for its files. */
static u64 sb_file_size(const struct super_block *sb)
{
	return (u64)(uintptr_t)sb->priv;
}

static struct inode *node_inode(struct super_block *sb, struct pseudo_dir *n)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	ref_get(&n->ref);
	i->priv = n;
	i->ino = n->ino;
	i->mode = n->mode;
	i->uid = n->uid;
	i->gid = n->gid;
	i->nlink = 1;
	i->atime = i->mtime = i->ctime = current_time(i);
	if (S_ISDIR(n->mode)) {
		i->op = &dir_iops;
		i->fop = &dir_fops;
		i->nlink = 2;
	} else if (S_ISLNK(n->mode)) {
		i->op = &link_iops;
		i->size = n->text ? strlen(n->text) : 0;
	} else {
		i->op = &file_iops;
		i->fop = n->fop ? n->fop : &file_fops;
		i->size = sb_file_size(sb);
	}
	return i;
}

static struct dentry *dir_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct pseudo_dir *p = dir->priv, *n = p->dead ? NULL : find_n(p, d->name.name, d->name.len);
	struct inode *i = NULL;

	if (!n && p->dyn_lookup && !p->dead)
		return p->dyn_lookup(dir, d, flags);
	if (n) {
		i = node_inode(dir->sb, n);
		if (!i)
			return ERR_PTR(-ENOMEM);
	}
	d_add(d, i);
	return NULL;
}

/* Called for a cached dentry: on the directory's operations or the found inode's own, whichever the VFS asks. */
static bool node_revalidate(struct dentry *d, u32 flags)
{
	struct inode *i = d->inode;

	if (!i)
		return false;
	if (!is_ours(i))
		return i->op && i->op->revalidate && i->op->revalidate != node_revalidate ?
			i->op->revalidate(d, flags) : true;
	return !((struct pseudo_dir *)i->priv)->dead;
}

static int node_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	struct pseudo_dir *n = i->priv;
	int err = setattr_prepare(d, a);

	if (err)
		return err;
	a->valid &= ~(u32)ATTR_SIZE;   /* O_TRUNC on a control file means nothing */
	setattr_copy(i, a);
	n->mode = i->mode;
	n->uid = i->uid;
	n->gid = i->gid;
	return 0;
}

static int node_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	struct pseudo_dir *n = d->inode->priv;

	generic_fillattr(d->inode, st);
	if (S_ISDIR(n->mode))
		st->nlink = 2 + (u32)n->subdirs;
	return 0;
}

static char *link_readlink(struct dentry *d)
{
	struct pseudo_dir *n = d->inode->priv;
	char *s;

	if (n->get_link)
		return n->get_link(n->arg);
	s = kstrdup(n->text);
	return s ? s : ERR_PTR(-ENOMEM);
}

static u32 node_dtype(const struct pseudo_dir *n)
{
	return (n->mode & S_IFMT) >> 12;
}

static int dir_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct pseudo_dir *p = f->inode->priv, *n;

	if (f->pos == 0) {
		if (fill(ctx, ".", 1, 1, p->ino, DT_DIR))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (fill(ctx, "..", 2, 2, p->parent ? p->parent->ino : p->ino, DT_DIR))
			return 0;
		f->pos = 2;
	}
	if (f->pos < PSEUDO_DYN_POS) {
		list_for_each_entry(n, &p->children, child) {
			if ((s64)n->ino < f->pos)
				continue;
			if (fill(ctx, n->name, (int)n->namelen, n->ino + 1, n->ino, node_dtype(n)))
				return 0;
			f->pos = (s64)n->ino + 1;
		}
		f->pos = PSEUDO_DYN_POS;
	}
	if (p->dyn_iterate && !p->dead)
		return p->dyn_iterate(f, fill, ctx);
	return 0;
}

/* ---- files ---- */
ssize_t seq_render_read(struct file *f, struct iov_iter *it, s64 *pos, pseudo_show_fn show, void *arg)
{
	struct seq_file *m = f->priv;
	size_t n;

	if (!m) {
		m = kzalloc(sizeof(*m));
		if (!m)
			return -ENOMEM;
		f->priv = m;
	}
	if (*pos == 0 || !m->buf) {
		int err;

		/* Rendered aside: show may sleep while another reader uses the text that is there. */
		struct seq_file fresh = { .priv = f };

		err = show(&fresh, arg);
		if (!err && fresh.overflow)
			err = -ENOMEM;
		if (err) {
			kfree(fresh.buf);
			return err;
		}
		kfree(m->buf);
		*m = fresh;
	}
	if (*pos < 0)
		return -EINVAL;
	if ((u64)*pos >= m->len || !it->count)
		return 0;
	n = min(m->len - (size_t)*pos, it->count);
	n = copy_to_iter(m->buf + *pos, n, it);
	if (!n)
		return -EFAULT;
	*pos += (s64)n;
	return (ssize_t)n;
}

void seq_render_release(struct file *f)
{
	struct seq_file *m = f->priv;

	if (m) {
		kfree(m->buf);
		kfree(m);
		f->priv = NULL;
	}
}

char *seq_copy_write(struct iov_iter *it, size_t max, size_t *n)
{
	size_t len = min(it->count, max);
	char *buf = kmalloc(len + 1);

	if (!buf)
		return ERR_PTR(-ENOMEM);
	if (copy_from_iter(buf, len, it) != len) {
		kfree(buf);
		return ERR_PTR(-EFAULT);
	}
	buf[len] = 0;
	*n = len;
	return buf;
}

static ssize_t file_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct pseudo_dir *n = f->inode->priv;

	if (n->dead)
		return -ENODEV;
	if (!n->show)
		return -EIO;
	return seq_render_read(f, it, pos, n->show, n->arg);
}

static ssize_t file_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct pseudo_dir *n = f->inode->priv;
	size_t len;
	ssize_t r;
	char *buf;

	if (n->dead)
		return -ENODEV;
	if (!n->write)
		return -EIO;
	buf = seq_copy_write(it, PSEUDO_WRITE_MAX, &len);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	r = n->write(buf, len, n->arg);
	kfree(buf);
	if (r > 0)
		*pos += r;
	return r;
}

static const struct inode_ops dir_iops = {
	.lookup = dir_lookup, .revalidate = node_revalidate, .setattr = node_setattr, .getattr = node_getattr,
};
static const struct inode_ops file_iops = {
	.revalidate = node_revalidate, .setattr = node_setattr, .getattr = node_getattr,
};
static const struct inode_ops link_iops = {
	.readlink = link_readlink, .revalidate = node_revalidate, .setattr = node_setattr, .getattr = node_getattr,
};
static const struct file_ops dir_fops = { .llseek = generic_llseek, .iterate = dir_iterate };
static const struct file_ops file_fops = {
	.llseek = generic_llseek, .read_iter = file_read, .write_iter = file_write, .release = seq_render_release,
	.nowait = true,
};

/* ---- superblock ---- */
static int pseudo_statfs(struct super_block *sb, struct statfs64 *st)
{
	memset(st, 0, sizeof(*st));
	st->f_type = (s64)sb->magic;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	return 0;
}

static const struct super_ops pseudo_sops = { .evict_inode = pseudo_evict_inode, .statfs = pseudo_statfs };

int pseudo_fill_super(struct super_block *sb, struct pseudo_dir *root, u64 magic, u64 file_size)
{
	struct inode *i;

	if (!root)
		return -ENOMEM;
	sb->op = &pseudo_sops;
	sb->magic = magic;
	sb->blocksize = PAGE_SIZE;
	sb->maxbytes = S64_MAX;
	sb->no_dcache = true;
	sb->priv = (void *)(uintptr_t)file_size;
	i = node_inode(sb, root);
	if (!i)
		return -ENOMEM;
	sb->root = d_make_root(i);
	if (!IS_ERR(sb->root))
		return 0;
	sb->root = NULL;
	return -ENOMEM;
}
