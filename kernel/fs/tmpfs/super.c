/* tmpfs superblocks: mount options, limits, making and ending inodes (tmpfs(5)). */
#include "tmpfs.h"
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/task.h>

#define BOGO_DIRENT 20          /* what Linux shows as the size of an entry */

static struct kmem_cache *tnode_cache;

struct inode *tmpfs_inode(struct super_block *sb, struct inode *dir, u32 mode, u32 rdev)
{
	struct tmpfs_sb *sbi = tmpfs_sbi(sb);
	struct tnode *tn;
	struct inode *i;

	if (sbi->max_inodes && sbi->used_inodes >= sbi->max_inodes)
		return ERR_PTR(-ENOSPC);
	tn = kmem_cache_zalloc(tnode_cache);
	if (!tn)
		return ERR_PTR(-ENOMEM);
	i = inode_new(sb);
	if (!i) {
		kmem_cache_free(tnode_cache, tn);
		return ERR_PTR(-ENOMEM);
	}
	sbi->used_inodes++;
	sbi->live_inodes++;
	tn->inode = i;
	tn->hfd = HFD_NONE;
	tn->seals = F_SEAL_SEAL;
	tn->next_off = 2;
	list_init(&tn->hfd_node);
	list_init(&tn->xattrs);
	xa_init(&tn->pages);
	xa_init(&tn->offs);
	i->priv = tn;
	inode_init_owner(i, dir, mode);
	i->nlink = 1;
	i->blocks = 0;
	i->atime = i->mtime = i->ctime = i->btime = current_time(i);
	switch (mode & S_IFMT) {
	case S_IFREG:
		i->op = &tmpfs_file_iops;
		i->fop = &tmpfs_file_fops;
		break;
	case S_IFDIR:
		i->op = &tmpfs_dir_iops;
		i->fop = &tmpfs_dir_fops;
		i->nlink = 2;
		i->size = 2 * BOGO_DIRENT;
		break;
	case S_IFLNK:
		i->op = &tmpfs_link_iops;
		break;
	default:
		init_special_inode(i, i->mode, rdev);
		i->rdev = rdev;
		i->op = &tmpfs_special_iops;
	}
	return i;
}

void tmpfs_evict_inode(struct inode *inode)
{
	struct tnode *tn = tnode(inode);
	struct tmpfs_sb *sbi = tmpfs_sbi(inode->sb);

	if (!tn)
		return;
	if (tn->hfd >= 0)
		tmpfs_hfd_drop(tn);
	else if (S_ISREG(inode->mode))
		tmpfs_free_range(tn, 0, U64_MAX);
	xa_destroy(&tn->pages);
	tmpfs_xattr_free(tn);
	kfree(tn->target);
	inode->priv = NULL;
	sbi->used_inodes--;
	if (S_ISDIR(inode->mode))
		tmpfs_dir_free(tn);
	kmem_cache_free(tnode_cache, tn);
	if (!--sbi->live_inodes && sbi->gone)
		kfree(sbi);
}

/* ---- options ---- */
static int parse_size(const char *v, u64 *pages, bool blocks)
{
	const char *end;
	u64 n = memparse(v, &end);

	if (end == v)
		return -EINVAL;
	if (*end == '%' && !blocks) {
		u64 total = kmem_total_pages();

		if (n > 1000000)
			return -EINVAL;
		*pages = total / 100 * n + total % 100 * n / 100;
		end++;
	} else {
		*pages = blocks ? n : n / PAGE_SIZE + (n % PAGE_SIZE != 0);
	}
	return *end ? -EINVAL : 0;
}

static int parse_num(const char *v, unsigned base, u64 limit, u32 *out)
{
	u64 n;

	if (kstrtou64(v, base, &n) || n > limit)
		return -EINVAL;
	*out = (u32)n;
	return 0;
}

static int parse_one(struct tmpfs_sb *s, char *opt)
{
	static const char *const ignored[] = { "huge", "inode32", "inode64", "noswap", "mpol", "rw", "ro", NULL };
	char *v = strchr(opt, '=');

	if (v)
		*v++ = 0;
	for (int i = 0; ignored[i]; i++)
		if (!strcmp(opt, ignored[i]))
			return 0;
	if (!v)
		return -EINVAL;
	if (!strcmp(opt, "size"))
		return parse_size(v, &s->max_pages, false);
	if (!strcmp(opt, "nr_blocks"))
		return parse_size(v, &s->max_pages, true);
	if (!strcmp(opt, "nr_inodes"))
		return parse_size(v, &s->max_inodes, true);
	if (!strcmp(opt, "mode"))
		return parse_num(v, 8, 07777, &s->mode);
	if (!strcmp(opt, "uid"))
		return parse_num(v, 10, U32_MAX - 1, &s->uid);
	if (!strcmp(opt, "gid"))
		return parse_num(v, 10, U32_MAX - 1, &s->gid);
	return -EINVAL;
}

static int parse_options(struct tmpfs_sb *s, const char *data)
{
	char *copy, *p, *next;
	int err = 0;

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
			err = parse_one(s, p);
	}
	kfree(copy);
	return err;
}

/* ---- superblock operations ---- */
static int tmpfs_statfs(struct super_block *sb, struct statfs64 *st)
{
	struct tmpfs_sb *s = tmpfs_sbi(sb);

	memset(st, 0, sizeof(*st));
	st->f_type = (s64)sb->magic;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	if (s->max_pages) {
		st->f_blocks = s->max_pages;
		st->f_bfree = st->f_bavail = s->max_pages > s->used_pages ? s->max_pages - s->used_pages : 0;
	}
	if (s->max_inodes) {
		st->f_files = s->max_inodes;
		st->f_ffree = s->max_inodes - min(s->used_inodes, s->max_inodes);
	}
	return 0;
}

static void tmpfs_show_options(struct super_block *sb, struct seq_file *m)
{
	struct tmpfs_sb *s = tmpfs_sbi(sb);

	if (s->max_pages)
		seq_printf(m, ",size=%luk", (unsigned long)(s->max_pages << (PAGE_SHIFT - 10)));
	if (s->max_inodes)
		seq_printf(m, ",nr_inodes=%lu", (unsigned long)s->max_inodes);
	if (s->mode != (s->ramfs ? 0755u : 01777u))
		seq_printf(m, ",mode=%03o", s->mode);
	if (s->uid)
		seq_printf(m, ",uid=%u", s->uid);
	if (s->gid)
		seq_printf(m, ",gid=%u", s->gid);
}

static int tmpfs_remount(struct super_block *sb, u32 flags, const char *data)
{
	struct tmpfs_sb *s = tmpfs_sbi(sb), n = *s;
	int err = parse_options(&n, data);

	if (err)
		return err;
	/* Limits may not appear on an instance without, nor fall below what is in use. */
	if (n.max_pages && (n.max_pages < s->used_pages || !s->max_pages))
		return n.max_pages == s->max_pages ? 0 : -EINVAL;
	if (n.max_inodes && (n.max_inodes < s->used_inodes || !s->max_inodes))
		return n.max_inodes == s->max_inodes ? 0 : -EINVAL;
	s->max_pages = n.max_pages;
	s->max_inodes = n.max_inodes;
	return 0;
}

static void tmpfs_put_super(struct super_block *sb)
{
	struct tmpfs_sb *s = tmpfs_sbi(sb);

	if (!s)
		return;
	list_del(&s->dev_node);
	s->gone = true;                /* inodes that somebody still holds find it at their eviction */
	if (!s->live_inodes)
		kfree(s);
}

static const struct super_ops tmpfs_sops = {
	.evict_inode = tmpfs_evict_inode,
	.statfs = tmpfs_statfs,
	.put_super = tmpfs_put_super,
	.show_options = tmpfs_show_options,
	.remount = tmpfs_remount,
};

int tmpfs_fill(struct super_block *sb, const char *data, bool ramfs)
{
	struct tmpfs_sb *s = kzalloc(sizeof(*s));
	struct inode *root;
	int err;

	if (!s)
		return -ENOMEM;
	list_init(&s->dev_node);
	s->sb = sb;
	s->ramfs = ramfs;
	s->mode = ramfs ? 0755 : 01777;
	if (current && current->cred) {
		s->uid = current->cred->fsuid;
		s->gid = current->cred->fsgid;
	}
	if (!ramfs)
		s->max_pages = s->max_inodes = kmem_total_pages() / 2;
	err = parse_options(s, data);
	if (err) {
		kfree(s);
		return err;
	}
	sb->priv = s;
	sb->op = &tmpfs_sops;
	sb->magic = ramfs ? RAMFS_MAGIC : TMPFS_MAGIC;
	sb->blocksize = PAGE_SIZE;
	sb->maxbytes = S64_MAX;
	root = tmpfs_inode(sb, NULL, S_IFDIR | s->mode, 0);
	if (IS_ERR(root)) {
		err = (int)PTR_ERR(root);
		goto out;
	}
	root->mode = S_IFDIR | s->mode;
	root->uid = s->uid;
	root->gid = s->gid;
	sb->root = d_make_root(root);
	if (!IS_ERR(sb->root))
		return 0;
	err = (int)PTR_ERR(sb->root);
	sb->root = NULL;
out:
	sb->priv = NULL;
	kfree(s);
	return err;
}

static int tmpfs_fill_super(struct super_block *sb, const char *source, const char *data)
{
	return tmpfs_fill(sb, data, false);
}

static int ramfs_fill_super(struct super_block *sb, const char *source, const char *data)
{
	return tmpfs_fill(sb, data, true);
}

struct fs_type tmpfs_fs_type = {
	.name = "tmpfs", .nodev = true, .user_mountable = true, .fill_super = tmpfs_fill_super,
};
struct fs_type ramfs_fs_type = {
	.name = "ramfs", .nodev = true, .user_mountable = true, .fill_super = ramfs_fill_super,
};

static int tmpfs_init(void)
{
	tnode_cache = kmem_cache_create("tmpfs_inode", sizeof(struct tnode));
	if (!tnode_cache)
		return -ENOMEM;
	fs_register(&tmpfs_fs_type);
	fs_register(&ramfs_fs_type);
	return 0;
}
INITCALL(INIT_SUBSYS, tmpfs_init);
