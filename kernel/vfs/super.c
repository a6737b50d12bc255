/*
 * Superblocks and file system types.
 *
 * sb->active counts mounts. When it reaches 0 the dcache of the sb is dropped, then put_super is called; the
 * struct itself lives until the last inode has gone (sb->ref: one for the active state, one an inode).
 */
#include "internal.h"
#include <umber/printk.h>

struct fs_type *fs_types;

/* Makes a file system known to mount(2). Boot only. */
void fs_register(struct fs_type *t)
{
	struct fs_type **p = &fs_types;

	while (*p)
		p = &(*p)->next;
	t->next = NULL;
	*p = t;
}

struct fs_type *fs_find(const char *name)
{
	for (struct fs_type *t = fs_types; t; t = t->next)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

/* A device number for a file system without a device: major 0. */
u32 anon_dev(void)
{
	static u32 next = 1;

	next = (next + 1) & 0xfffff;
	return MKDEV(0, next);
}

/* A filled superblock with active 0: the caller activates it by mounting. ERR_PTR. May sleep. */
struct super_block *sb_new(struct fs_type *t, u32 flags, const char *source, const char *data)
{
	struct super_block *sb = kzalloc(sizeof(*sb));
	int err;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	ref_set(&sb->ref, 1);
	sb->type = t;
	sb->flags = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_MANDLOCK);
	sb->dev = anon_dev();
	mutex_init(&sb->rename_mutex);
	sb->blocksize = PAGE_SIZE;
	sb->maxbytes = S64_MAX;
	sb->next_ino = 1;
	strlcpy(sb->source, source ? source : "none", sizeof(sb->source));
	err = t->fill_super(sb, source, data);
	if (!err && (!sb->root || IS_ERR(sb->root)))
		err = sb->root ? (int)PTR_ERR(sb->root) : -ENOMEM;
	if (!err)
		return sb;
	if (sb->root && !IS_ERR(sb->root)) {
		shrink_dcache_sb(sb);
		dput(sb->root); /* sb->priv is fill_super's own to free when it fails */
		sb->root = NULL;
	}
	sb_put(sb);
	return ERR_PTR(err);
}

void sb_activate(struct super_block *sb)
{
	sb->active++;
}

/* One mount less. May sleep. */
void sb_deactivate(struct super_block *sb)
{
	if (--sb->active)
		return;
	if (sb->op && sb->op->sync)
		sb->op->sync(sb);
	fsnotify_sb_gone(sb);
	shrink_dcache_sb(sb);
	d_prune_children(sb->root);
	dput(sb->root);
	sb->root = NULL;
	if (sb->op && sb->op->put_super)
		sb->op->put_super(sb);
	sb_put(sb);
}

void sb_put(struct super_block *sb)
{
	if (ref_put(&sb->ref))
		kfree(sb);
}
