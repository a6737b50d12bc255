/*
 * The mount tree of a namespace.
 *
 * A mount holds: its superblock (active), its root dentry, and while it is attached, its parent mount and the
 * mountpoint dentry there. Being attached is one reference (the tree's); paths hold others; the last mntput frees.
 * Attached mounts are in the hash (parent, mountpoint), in parent->children and in ns->mounts; a detached one is its
 * own parent. Changes of trees are made under mount_mutex; walks need no lock, since no change sleeps half-done.
 */
#include "internal.h"
#include <umber/printk.h>

#define MHASH 256u
static struct list_head mhash[MHASH];
static int next_mnt_id = 1, nr_mounts;
static struct mnt_ns first_ns = { .ref = { 1 }, .mounts = LIST_HEAD_INIT(first_ns.mounts),
				  .wq = WAIT_QUEUE_INIT(first_ns.wq) };
struct mnt_ns *init_mnt_ns = &first_ns;
struct mutex mount_mutex = { .wq = WAIT_QUEUE_INIT(mount_mutex.wq) };

/* All tasks live in the one mount namespace there is. */
struct mnt_ns *task_mnt_ns(struct task *t)
{
	return init_mnt_ns;
}

static struct list_head *mbucket(const struct mount *parent, const struct dentry *d)
{
	u64 h = ((u64)(uintptr_t)parent >> 6) * 31 + ((u64)(uintptr_t)d >> 6);
	struct list_head *b = &mhash[(h ^ h >> 8) % MHASH];

	if (!b->next)
		list_init(b);
	return b;
}

struct mount *mount_find(struct mount *parent, struct dentry *d)
{
	struct list_head *b = mbucket(parent, d);

	list_for_each(p, b) {
		struct mount *m = list_entry(p, struct mount, hash);

		if (m->parent == parent && m->mountpoint == d)
			return m;
	}
	return NULL;
}

static u32 default_flags(u32 flags)
{
	u32 f = flags & MNT_USER_FLAGS;

	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		f |= MS_RELATIME;
	if (flags & MS_NOATIME)
		f &= ~(u32)MS_RELATIME;
	return f;
}

/* A detached mount of sb showing `root`; reference 1. NULL: no memory or too many. */
struct mount *mount_alloc(struct super_block *sb, struct dentry *root, const char *source, u32 flags)
{
	struct mount *m = nr_mounts < MAX_MOUNTS ? kzalloc(sizeof(*m)) : NULL;

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none");
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	nr_mounts++;
	ref_set(&m->ref, 1);
	m->id = next_mnt_id++;
	m->parent = m;
	m->root = dget(root);
	m->mountpoint = root;
	m->sb = sb;
	sb_activate(sb);
	m->flags = flags | MNT_DETACHED;
	m->propagation = MS_PRIVATE;
	list_init(&m->children);
	list_init(&m->child);
	list_init(&m->all);
	list_init(&m->hash);
	return m;
}

/* Gives a reference back; the last one ends the mount and perhaps its superblock. May sleep. */
void mntput(struct mount *m)
{
	struct super_block *sb;

	if (!m || !ref_put(&m->ref))
		return;
	sb = m->sb;
	dput(m->root);
	kfree(m->source);
	kfree(m);
	nr_mounts--;
	sb_deactivate(sb);
}

void path_put(const struct path *p)
{
	struct mount *m = p->mnt;

	dput(p->dentry);
	mntput(m);
}

void mount_ns_changed(void)
{
	init_mnt_ns->event++;
	wq_wake_all(&init_mnt_ns->wq);
}

struct mount *mount_next(struct mount *m, struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first_entry(&m->children, struct mount, child);
	while (m != top) {
		if (m->child.next != &m->parent->children)
			return list_entry(m->child.next, struct mount, child);
		m = m->parent;
	}
	return NULL;
}

static void join_ns(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		m->ns = init_mnt_ns;
		m->flags &= ~MNT_DETACHED;
		list_add_tail(&m->all, &init_mnt_ns->mounts);
	}
}

/* Hangs a detached m under (parent, d); references both. */
void mount_attach(struct mount *m, struct mount *parent, struct dentry *d)
{
	ref_get(&parent->ref);
	m->parent = parent;
	m->mountpoint = dget(d);
	d->nr_mounts++;
	list_add(&m->hash, mbucket(parent, d));
	list_add_tail(&m->child, &parent->children);
}

/* Undoes mount_attach; *where gets the references to put. */
void mount_unhook(struct mount *m, struct path *where)
{
	*where = (struct path){ m->parent, m->mountpoint };
	m->mountpoint->nr_mounts--;
	list_del(&m->hash);
	list_del(&m->child);
	m->parent = m;
	m->mountpoint = m->root;
}

/* Takes the tree of m over (the tree's reference) and hangs it at `where`. 0 or negative errno. */
int mount_graft(struct mount *m, const struct path *where)
{
	struct dentry *d = where->dentry;

	if (where->mnt->flags & MNT_DETACHED)
		return -EINVAL;
	if (!d->inode || (!(d->flags & (DENTRY_HASHED | DENTRY_ROOT))) || (d->inode->flags & I_DEAD))
		return -ENOENT;
	if (!inode_is_dir(d->inode) != !inode_is_dir(m->root->inode))
		return -ENOTDIR;
	mount_attach(m, where->mnt, d);
	join_ns(m);
	mount_ns_changed();
	return 0;
}

static void detach_one(struct mount *m)
{
	struct path where;
	bool attached = m->parent != m;

	m->flags |= MNT_DETACHED;
	m->ns = NULL;
	list_del(&m->all);
	if (attached)
		mount_unhook(m, &where);
	mount_ns_changed();
	if (attached)
		path_put(&where);
	mntput(m);
}

/*
 * Takes top and all below it out of the namespace (or apart, if never grafted) and drops the tree's references. The
 * caller holds mount_mutex. May sleep.
 */
void mount_tree_detach(struct mount *top)
{
	struct mount *m;

	do {
		m = top;
		while (!list_empty(&m->children))
			m = list_first_entry(&m->children, struct mount, child);
		detach_one(m);
	} while (m != top);
}

bool mount_is_ours(const struct mount *m)
{
	return !(m->flags & MNT_DETACHED);
}

int mnt_want_write(struct mount *m)
{
	return (m->flags | m->sb->flags) & MS_RDONLY ? -EROFS : 0;
}

static struct mount *new_mount(struct fs_type *t, const char *source, u32 flags, const char *data)
{
	struct super_block *sb = sb_new(t, flags, source, data);
	struct mount *m;

	if (IS_ERR(sb))
		return ERR_PTR(PTR_ERR(sb));
	m = mount_alloc(sb, sb->root, source, default_flags(flags));
	if (!m) {
		sb_activate(sb);
		sb_deactivate(sb);
		return ERR_PTR(-ENOMEM);
	}
	return m;
}

/* A mount that is in no namespace, for the kernel's own use. ERR_PTR. May sleep. */
struct mount *kern_mount(struct fs_type *t, const char *data)
{
	return new_mount(t, t->name, 0, data);
}

/* mount(2) of a new file system at where. 0 or negative errno. May sleep. */
int do_new_mount(const char *type, const char *source, const struct path *where, u32 flags, const char *data)
{
	struct fs_type *t = fs_find(type);
	struct path at = *where;
	struct mount *m, *top;
	int err;

	if (!t)
		return -ENODEV;
	m = new_mount(t, source, flags, data);
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	mutex_lock(&mount_mutex);
	while ((top = mount_find(at.mnt, at.dentry))) /* others may have mounted there meanwhile */
		at = (struct path){ top, top->root };
	err = mount_graft(m, &at);
	mutex_unlock(&mount_mutex);
	if (err)
		mntput(m);
	return err;
}

/* mount(2) from the kernel, without permission checks. */
int do_mount_kernel(const char *type, const char *source, const char *target, u32 flags, const char *data)
{
	struct path p;
	int err;

	if (flags & MS_BIND) {
		struct path from;
		struct mount *m;

		err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
		if (err)
			return err;
		err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &p);
		if (!err) {
			m = mount_alloc(from.mnt->sb, from.dentry, from.mnt->source,
					(from.mnt->flags & MNT_USER_FLAGS) | (flags & MNT_USER_FLAGS));
			err = m ? mount_graft(m, &p) : -ENOMEM;
			if (err && m)
				mntput(m);
			path_put(&p);
		}
		path_put(&from);
		return err;
	}
	err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = do_new_mount(type, source, &p, flags, data);
	path_put(&p);
	return err;
}

static void set_root(struct fs_ctx *fs, struct mount *m)
{
	struct path old_root = fs->root, old_cwd = fs->cwd;

	fs->root = fs->cwd = (struct path){ m, m->root };
	path_get(&fs->root);
	path_get(&fs->cwd);
	if (old_root.mnt)
		path_put(&old_root);
	if (old_cwd.mnt)
		path_put(&old_cwd);
}

/*
 * Makes a new file system the root of the namespace, of init_fs_ctx and of current. An older root and what is
 * mounted below it leave the namespace; they live on as far as the new one (overlay) holds them. 0 or negative errno.
 */
int mount_root(const char *type, const char *source, u32 flags, const char *data)
{
	struct fs_type *t = fs_find(type);
	struct mount *m, *old = init_mnt_ns->root;

	if (!t)
		return -ENODEV;
	m = new_mount(t, source, flags, data);
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	init_mnt_ns->root = m;
	join_ns(m);
	set_root(init_fs_ctx, m);
	if (current && current->fs && current->fs != init_fs_ctx)
		set_root(current->fs, m);
	if (old)
		mount_tree_detach(old);
	mount_ns_changed();
	return 0;
}

static void move_fs_root(struct fs_ctx *fs, const struct path *from, const struct path *to)
{
	struct path *slots[] = { &fs->root, &fs->cwd };

	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
		if (slots[i]->mnt == from->mnt && slots[i]->dentry == from->dentry) {
			path_get(to);
			*slots[i] = *to;
			path_put(from); /* the caller holds another one: does not sleep */
		}
	}
}

/* pivot_root(2): new_root becomes the root, the old one moves to put_old. */
int do_pivot(const struct path *new_root, const struct path *put_old)
{
	struct path root = cur_fs()->root, at_new, at_old, up = *put_old, to = { new_root->mnt, new_root->mnt->root };
	struct mount *nm = new_root->mnt, *om = root.mnt;
	struct task *t;

	if (!mount_is_ours(nm) || !mount_is_ours(om) || !mount_is_ours(put_old->mnt))
		return -EINVAL;
	if (nm == om || put_old->mnt == om)
		return -EBUSY;
	if (root.dentry != om->root || new_root->dentry != nm->root || nm->parent == nm)
		return -EINVAL;
	while (up.mnt != nm) { /* put_old must lie at or below new_root */
		if (up.mnt->parent == up.mnt)
			return -EINVAL;
		up = (struct path){ up.mnt->parent, up.mnt->mountpoint };
	}
	if (!d_is_ancestor(new_root->dentry, up.dentry))
		return -EINVAL;
	path_get(&root);
	at_old = (struct path){ NULL, NULL };
	mount_unhook(nm, &at_new);
	if (om->parent != om) {
		mount_unhook(om, &at_old);
		mount_attach(nm, at_old.mnt, at_old.dentry);
	} else {
		init_mnt_ns->root = nm;
	}
	mount_attach(om, put_old->mnt, put_old->dentry);
	list_for_each_entry(t, &all_tasks, all_node)
		if (t->fs)
			move_fs_root(t->fs, &root, &to);
	move_fs_root(init_fs_ctx, &root, &to);
	mount_ns_changed();
	path_put(&at_new);
	if (at_old.mnt)
		path_put(&at_old);
	path_put(&root);
	return 0;
}
