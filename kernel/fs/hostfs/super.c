/*
 * hostfs: mounting. The kernel's own mounts (boot, `umber run`: no user address space yet) may name any host path, in
 * the source or in the options. A guest's mount stays below the directory that `hostfs=DIR` names on the command line,
 * whatever links and ".." it uses; without that option it gets EPERM.
 *
 * Options, UML's spellings included: PATH or hostfs=PATH, ro, rw, append, cache=none|auto|always, behind the path or
 * without one.
 */
#include "hostfs.h"
#include <abi/errno.h>
#include <port/boot.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/time.h>

struct options { char *path; bool ro, rw, append; u64 cache_ns; };

static bool known_option(const char *s, size_t n, struct options *o)
{
	static const struct { const char *name; u64 cache_ns; } caches[] = {
		{ "cache=none", 0 }, { "cache=auto", HOSTFS_CACHE_NS }, { "cache=always", U64_MAX },
	};

	if (n == 2 && !memcmp(s, "ro", 2))
		return o->ro = true;
	if (n == 2 && !memcmp(s, "rw", 2))
		return o->rw = true;
	if (n == 6 && !memcmp(s, "append", 6))
		return o->append = true;
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++)
		if (n == strlen(caches[i].name) && !memcmp(s, caches[i].name, n)) {
			o->cache_ns = caches[i].cache_ns;
			return true;
		}
	return n == 0;
}

/* Known words are taken off the end; the rest, commas and all, is the path. o->path: kmalloc'd or NULL. */
static int parse(const char *data, struct options *o)
{
	size_t n, start;

	*o = (struct options){ .cache_ns = HOSTFS_CACHE_NS };
	n = data ? strlen(data) : 0;
	while (n) {
		for (start = n; start && data[start - 1] != ','; start--)
			;
		if (!known_option(data + start, n - start, o))
			break;
		n = start ? start - 1 : 0;
	}
	if (n > 7 && !memcmp(data, "hostfs=", 7)) {
		data += 7;
		n -= 7;
	}
	if (!n)
		return 0;
	o->path = kstrndup(data, n);
	return o->path ? 0 : -ENOMEM;
}

/* The directory that guests may mount from: opened at each use, mounts are rare. */
static int open_for_guest(struct hostfs_sb *hsb, const char *path, bool *append, hfd_t *root, struct hostfs_stat *st)
{
	char *dir = kmalloc(PATH_MAX), *comma;
	hfd_t jail;
	int r = 0;

	if (!dir)
		return -ENOMEM;
	if (!boot_option("hostfs", dir, PATH_MAX)) {
		pr_info("hostfs: mount refused: start umber with hostfs=DIR to allow mounts below DIR");
		r = -EPERM;
		goto out;
	}
	comma = strrchr(dir, ',');
	if (comma && !strcmp(comma, ",append")) {
		*comma = 0;
		*append = true;
	}
	r = hostfs_open_root(dir[0] ? dir : "/", &jail, st, &hsb->fuse);
	if (r)
		goto out;
	while (*path == '/')
		path++;
	r = hostfs_open_in(jail, hsb->fuse, path, root, st);
	port_hfd_close(jail);
out:
	kfree(dir);
	return r;
}

static int hostfs_do_statfs(struct super_block *sb, struct statfs64 *st)
{
	struct hostfs_statfs h;
	int r = hostfs_statfs(hostfs_sb(sb)->root, &h);

	if (r)
		return r;
	st->f_type = HOSTFS_MAGIC;
	st->f_bsize = (s64)h.bsize;
	st->f_blocks = h.blocks;
	st->f_bfree = h.bfree;
	st->f_bavail = h.bavail;
	st->f_files = h.files;
	st->f_ffree = h.ffree;
	st->f_namelen = (s64)h.namelen;
	st->f_frsize = (s64)h.frsize;
	st->f_fsid[0] = h.fsid[0];
	st->f_fsid[1] = h.fsid[1];
	return 0;
}

static void hostfs_put_super(struct super_block *sb)
{
	struct hostfs_sb *hsb = hostfs_sb(sb);

	if (!hsb)
		return;
	sb->priv = NULL;
	/* An inode may outlive its superblock for a while (inotify): it must not find the freed hash. */
	for (size_t i = 0; i < HOSTFS_HASH; i++)
		while (!list_empty(&hsb->hash[i]))
			list_del(hsb->hash[i].next);
	port_hfd_close(hsb->root);
	kfree(hsb->devs);
	kfree(hsb->path);
	kfree(hsb);
}

static int hostfs_sync(struct super_block *sb)
{
	struct hostfs_sb *hsb = hostfs_sb(sb);
	hfd_t h;
	int r;

	if (hsb->ro)
		return 0;
	r = hostfs_reopen(hsb->root, HOSTFS_RD | HOSTFS_DIR, &h);
	if (r)
		return r;
	r = hostfs_syncfs(h);
	port_hfd_close(h);
	return r;
}

static void hostfs_show_options(struct super_block *sb, struct seq_file *m)
{
	struct hostfs_sb *hsb = hostfs_sb(sb);

	if (hsb->path) {
		seq_putc(m, ',');
		seq_escape(m, hsb->path);
	}
	if (hsb->append)
		seq_puts(m, ",append");
	if (hsb->cache_ns != HOSTFS_CACHE_NS)
		seq_puts(m, hsb->cache_ns ? ",cache=always" : ",cache=none");
}

static int hostfs_remount(struct super_block *sb, u32 flags, const char *data)
{
	return hostfs_sb(sb)->ro && !(flags & MS_RDONLY) ? -EROFS : 0;
}

static const struct super_ops hostfs_sops = {
	.evict_inode = hostfs_evict,
	.statfs = hostfs_do_statfs,
	.put_super = hostfs_put_super,
	.sync = hostfs_sync,
	.show_options = hostfs_show_options,
	.remount = hostfs_remount,
};

static int hostfs_make_root(struct super_block *sb, const struct hostfs_stat *st)
{
	struct hostfs_sb *hsb = hostfs_sb(sb);
	struct inode *i;
	hfd_t path;
	int r;

	i = hostfs_iget(sb, st);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	r = hostfs_dup_path(hsb->root, &path);
	if (r) {
		iput(i);
		return r;
	}
	hnode(i)->keep = true;
	hnode_set_path(hnode(i), path);
	sb->root = d_make_root(i);
	if (IS_ERR(sb->root))
		return (int)PTR_ERR(sb->root);
	sb->root->time = ktime_mono_ns() | 1;
	return 0;
}

static int hostfs_fill_super(struct super_block *sb, const char *source, const char *data)
{
	bool trusted = !current || !current->mm, append = false;
	struct hostfs_sb *hsb;
	struct hostfs_stat st;
	struct options o;
	int r = parse(data, &o);

	if (r)
		return r;
	if (!o.path && source && (source[0] == '/' || (trusted && strcmp(source, "none"))))
		o.path = kstrdup(source);
	hsb = kzalloc(sizeof(*hsb));
	if (!hsb) {
		kfree(o.path);
		return -ENOMEM;
	}
	hsb->sb = sb;
	hsb->path = o.path;
	for (size_t i = 0; i < HOSTFS_HASH; i++)
		list_init(&hsb->hash[i]);
	if (trusted)
		r = hostfs_open_root(o.path ? o.path : "/", &hsb->root, &st, &hsb->fuse);
	else
		r = open_for_guest(hsb, o.path ? o.path : "", &append, &hsb->root, &st);
	if (r) {
		kfree(hsb->path);
		kfree(hsb);
		return r;
	}
	hsb->append = o.append || append;
	hsb->cache_ns = o.cache_ns;
	if (o.ro)
		sb->flags |= MS_RDONLY;
	hsb->ro = trusted && (sb->flags & MS_RDONLY);
	sb->priv = hsb;
	sb->op = &hostfs_sops;
	sb->magic = HOSTFS_MAGIC;
	sb->blocksize = 4096;
	sb->maxbytes = (u64)S64_MAX;
	r = hostfs_make_root(sb, &st);
	if (r)
		hostfs_put_super(sb);
	return r;
}

static struct fs_type hostfs_type = { .name = "hostfs", .nodev = true, .fill_super = hostfs_fill_super };

static int hostfs_init(void)
{
	fs_register(&hostfs_type);
	return 0;
}
INITCALL(INIT_FS, hostfs_init);
