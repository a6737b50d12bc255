/* mount(2), umount2(2), pivot_root(2), and the text of /proc/PID/mounts, mountinfo and mountstats (proc(5)). */
#include "internal.h"
#include <umber/syscall.h>

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static struct mount *clone_one(struct mount *m, struct dentry *root)
{
	return mount_alloc(m->sb, root, m->source, m->flags & MNT_USER_FLAGS);
}

/* A detached copy of what `from` shows; rec: with the mounts below it. ERR_PTR. */
static struct mount *clone_tree(const struct path *from, bool rec)
{
	struct mount *top = from->mnt, *copy = clone_one(top, from->dentry), *src, *dst, *c;

	if (!copy || !rec)
		return copy ? copy : ERR_PTR(-ENOMEM);
	/* src walks the original in pre-order, dst is the copy of src's parent. */
	src = top;
	dst = copy;
	while (src) {
		struct mount *next = NULL;

		for (struct list_head *p = src->children.next; p != &src->children; p = p->next) {
			struct mount *m = list_entry(p, struct mount, child);

			if (m->propagation != MS_UNBINDABLE && (src != top || d_is_ancestor(from->dentry, m->mountpoint))) {
				next = m;
				break;
			}
		}
		while (!next && src != top) { /* no (more) children: up, and to the next sibling */
			struct list_head *p = src->child.next;
			struct mount *up = src->parent;

			dst = dst->parent;
			for (; p != &up->children; p = p->next) {
				struct mount *m = list_entry(p, struct mount, child);

				if (m->propagation != MS_UNBINDABLE &&
				    (up != top || d_is_ancestor(from->dentry, m->mountpoint))) {
					next = m;
					break;
				}
			}
			src = up;
		}
		if (!next)
			break;
		c = clone_one(next, next->root);
		if (!c) {
			mount_tree_detach(copy);
			return ERR_PTR(-ENOMEM);
		}
		mount_attach(c, dst, next->mountpoint);
		src = next;
		dst = c;
	}
	return copy;
}

static int do_bind(const struct path *at, const char *source, bool rec)
{
	struct path from;
	struct mount *m;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = -EINVAL;
	if (mount_is_ours(from.mnt) && mount_is_ours(at->mnt) && from.mnt->propagation != MS_UNBINDABLE) {
		m = clone_tree(&from, rec);
		err = IS_ERR(m) ? (int)PTR_ERR(m) : mount_graft(m, at);
		if (err && !IS_ERR(m))
			mount_tree_detach(m);
	}
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

static int do_move(const struct path *at, const char *source)
{
	struct path from, where;
	struct mount *m, *p;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	m = from.mnt;
	err = -EINVAL;
	if (!mount_is_ours(m) || !mount_is_ours(at->mnt) || from.dentry != m->root || m->parent == m ||
	    !inode_is_dir(m->root->inode) != !inode_is_dir(at->dentry->inode))
		goto out;
	err = -ELOOP;
	for (p = at->mnt; ; p = p->parent) {
		if (p == m)
			goto out;
		if (p->parent == p)
			break;
	}
	err = -ENOENT;
	if ((at->dentry->inode->flags & I_DEAD) || !(at->dentry->flags & (DENTRY_HASHED | DENTRY_ROOT)))
		goto out;
	mount_unhook(m, &where);
	mount_attach(m, at->mnt, at->dentry);
	mount_ns_changed();
	path_put(&where);
	err = 0;
out:
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

static u32 remount_flags(const struct mount *m, u32 flags)
{
	u32 f = flags & MNT_USER_FLAGS & ~(u32)MS_RELATIME;

	if (flags & MS_NOATIME)
		return f;
	if (flags & MS_STRICTATIME)
		return f;
	if (!(flags & (MS_RELATIME | MS_NODIRATIME))) /* none named: as it was */
		return f | (m->flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME));
	return f | MS_RELATIME;
}

static int do_remount(const struct path *at, u32 flags, const char *data)
{
	struct mount *m = at->mnt;
	struct super_block *sb = m->sb;
	u32 sbf = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME);
	int err = 0;

	if (!mount_is_ours(m) || at->dentry != m->root)
		return -EINVAL;
	if (!(flags & MS_BIND)) {
		if (sb->op && sb->op->remount)
			err = sb->op->remount(sb, sbf, data);
		if (err)
			return err;
		sb->flags = (sb->flags & ~(u32)(MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME)) | sbf;
	}
	m->flags = (m->flags & ~(u32)MNT_USER_FLAGS) | remount_flags(m, flags);
	mount_ns_changed();
	return 0;
}

static int do_propagation(const struct path *at, u32 flags)
{
	static int next_group = 1;
	u32 type = flags & PROPAGATION;
	struct mount *top = at->mnt;

	if ((type & (type - 1)) || (flags & ~(u32)(PROPAGATION | MS_REC | MS_SILENT)) || at->dentry != top->root ||
	    !mount_is_ours(top))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	for (struct mount *m = top; m; m = flags & MS_REC ? mount_next(m, top) : NULL) {
		m->propagation = (int)type;
		m->peer_group = type == MS_SHARED ? m->peer_group ? m->peer_group : next_group++ : 0;
	}
	mount_ns_changed();
	mutex_unlock(&mount_mutex);
	return 0;
}

static char *user_string(uaddr_t u)
{
	char *s;
	ssize_t n;

	if (!u)
		return NULL;
	s = kmalloc(PATH_MAX);
	if (!s)
		return ERR_PTR(-ENOMEM);
	n = strncpy_from_user(s, u, PATH_MAX);
	if (n < 0) {
		kfree(s);
		return ERR_PTR(n == -ENAMETOOLONG ? -EINVAL : n);
	}
	return s;
}

/* The data page: up to 4095 bytes, as far as they can be read. */
static char *user_data(uaddr_t u)
{
	size_t n;
	char *s;

	if (!u)
		return NULL;
	s = kzalloc(PAGE_SIZE);
	if (!s)
		return ERR_PTR(-ENOMEM);
	n = copy_from_user_partial(s, u, PAGE_SIZE - 1);
	if (!n) {
		kfree(s);
		return ERR_PTR(-EFAULT);
	}
	s[n] = 0;
	return s;
}

static int mount_by_flags(const struct path *at, const char *source, const char *type, u32 flags, const char *data)
{
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND) || (flags & MS_REMOUNT))
		return do_remount(at, flags, data);
	if (flags & MS_BIND)
		return do_bind(at, source, flags & MS_REC);
	if (flags & PROPAGATION)
		return do_propagation(at, flags);
	if (flags & MS_MOVE)
		return do_move(at, source);
	if (!type)
		return -EINVAL;
	return do_new_mount(type, source, at, flags, data);
}

long sys_mount(uaddr_t usource, uaddr_t utarget, uaddr_t utype, u64 flags, uaddr_t udata)
{
	char *source, *type, *data;
	struct path at;
	long err;

	type = user_string(utype);
	if (IS_ERR(type))
		return PTR_ERR(type);
	source = user_string(usource);
	err = PTR_ERR(source);
	if (IS_ERR(source))
		goto out_type;
	data = user_data(udata);
	err = PTR_ERR(data);
	if (IS_ERR(data))
		goto out_source;
	if ((flags & 0xffff0000u) == 0xc0ed0000u)
		flags &= 0xffff;
	err = user_path_at(AT_FDCWD, utarget, LOOKUP_FOLLOW, &at);
	if (!err) {
		err = vfs_capable(CAP_SYS_ADMIN) ? mount_by_flags(&at, source, type, (u32)flags, data) : -EPERM;
		path_put(&at);
	}
	kfree(data);
out_source:
	kfree(source);
out_type:
	kfree(type);
	return err;
}

/* Is m used by more than the tree and `mine` references of the caller? */
static bool mount_busy(struct mount *m, u32 mine)
{
	return m->ref.n > 1 + mine || !list_empty(&m->children);
}

static long do_umount(const struct path *p, int flags)
{
	struct mount *m = p->mnt;

	if (p->dentry != m->root || !mount_is_ours(m))
		return -EINVAL;
	if (m == cur_fs()->root.mnt && !(flags & MNT_DETACH)) {
		struct super_block *sb = m->sb;
		int err = sb->op && sb->op->remount ? sb->op->remount(sb, sb->flags | MS_RDONLY, NULL) : 0;

		if (!err)
			sb->flags |= MS_RDONLY; /* umount of the root: read-only from now on */
		return err;
	}
	if (m->parent == m)
		return flags & MNT_DETACH ? -EINVAL : -EBUSY;
	if (flags & MNT_EXPIRE) {
		if (flags & (MNT_FORCE | MNT_DETACH))
			return -EINVAL;
		if (mount_busy(m, 1))
			return -EBUSY;
		if (!(m->flags & MNT_EXPIRED)) {
			m->flags |= MNT_EXPIRED;
			return -EAGAIN;
		}
	}
	if (!(flags & MNT_DETACH) && mount_busy(m, 1))
		return -EBUSY;
	if (m->sb->op && m->sb->op->sync)
		m->sb->op->sync(m->sb);
	if (!(flags & MNT_DETACH) && mount_busy(m, 1)) /* sync may have slept */
		return -EBUSY;
	if (mount_is_ours(m))
		mount_tree_detach(m);
	return 0;
}

long sys_umount2(uaddr_t path, int flags)
{
	struct path p;
	long err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = user_path_at(AT_FDCWD, path, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = -EPERM;
	if (vfs_capable(CAP_SYS_ADMIN)) {
		mutex_lock(&mount_mutex);
		err = do_umount(&p, flags);
		mutex_unlock(&mount_mutex);
	}
	path_put(&p);
	return err;
}

long sys_pivot_root(uaddr_t unew, uaddr_t uold)
{
	struct path new_root, put_old;
	long err;

	if (!vfs_capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(AT_FDCWD, unew, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new_root);
	if (err)
		return err;
	err = user_path_at(AT_FDCWD, uold, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &put_old);
	if (!err) {
		mutex_lock(&mount_mutex);
		err = do_pivot(&new_root, &put_old);
		mutex_unlock(&mount_mutex);
		path_put(&put_old);
	}
	path_put(&new_root);
	return err;
}

/* ---- /proc ---- */

static void show_mount_flags(struct seq_file *m, u32 flags)
{
	static const struct { u32 flag; const char *text; } names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" },
		{ MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
		{ MS_NOSYMFOLLOW, ",nosymfollow" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].flag)
			seq_puts(m, names[i].text);
}

static void show_sb(struct seq_file *m, struct super_block *sb)
{
	if (sb->flags & MS_SYNCHRONOUS)
		seq_puts(m, ",sync");
	if (sb->flags & MS_DIRSYNC)
		seq_puts(m, ",dirsync");
	if (sb->flags & MS_LAZYTIME)
		seq_puts(m, ",lazytime");
	if (sb->op && sb->op->show_options)
		sb->op->show_options(sb, m);
}

static void show_one(struct seq_file *m, struct mount *mnt, const struct path *root, char *buf, int kind)
{
	struct path top = { mnt, mnt->root }, inner = { mnt, mnt->root };
	struct path sbroot = { mnt, mnt->sb->root };
	char *where = d_path_root(&top, root, buf, PATH_MAX), *s;
	bool ro = (mnt->flags | mnt->sb->flags) & MS_RDONLY;

	if (IS_ERR(where))
		return;
	if (kind == MOUNTS_STATS) {
		seq_puts(m, "device ");
		seq_escape(m, mnt->source);
		seq_puts(m, " mounted on ");
		seq_escape(m, where);
		seq_printf(m, " with fstype %s\n", mnt->sb->type->name);
		return;
	}
	if (kind == MOUNTS_PLAIN) {
		seq_escape(m, mnt->source);
		seq_putc(m, ' ');
		seq_escape(m, where);
		seq_printf(m, " %s %s", mnt->sb->type->name, ro ? "ro" : "rw");
		show_sb(m, mnt->sb);
		show_mount_flags(m, mnt->flags);
		seq_puts(m, " 0 0\n");
		return;
	}
	seq_printf(m, "%d %d %u:%u ", mnt->id, mnt->parent == mnt ? 1 : mnt->parent->id, MAJOR(mnt->sb->dev),
		   MINOR(mnt->sb->dev));
	s = kmalloc(PATH_MAX);
	if (s) { /* the root of the mount within its file system: a path whose "root" is the sb's */
		struct mount fake = *mnt;
		char *p;

		fake.parent = &fake;
		fake.root = mnt->sb->root;
		inner.mnt = sbroot.mnt = &fake;
		p = d_path_root(&inner, &sbroot, s, PATH_MAX);
		seq_escape(m, IS_ERR(p) ? "/" : p);
		kfree(s);
	}
	seq_putc(m, ' ');
	seq_escape(m, where);
	seq_printf(m, " %s", mnt->flags & MS_RDONLY ? "ro" : "rw");
	show_mount_flags(m, mnt->flags);
	if (mnt->propagation == MS_SHARED)
		seq_printf(m, " shared:%d", mnt->peer_group);
	if (mnt->propagation == MS_UNBINDABLE)
		seq_puts(m, " unbindable");
	seq_printf(m, " - %s ", mnt->sb->type->name);
	seq_escape(m, mnt->source);
	seq_printf(m, " %s", mnt->sb->flags & MS_RDONLY ? "ro" : "rw");
	show_sb(m, mnt->sb);
	seq_putc(m, '\n');
}

static bool below_root(struct mount *m, const struct path *root)
{
	struct dentry *d = m->root;

	while (m != root->mnt) {
		if (m->parent == m)
			return false;
		d = m->mountpoint;
		m = m->parent;
	}
	return d_is_ancestor(root->dentry, d);
}

/* The mounts that t can see from its root, oldest first. No sleep. */
void mounts_show(struct seq_file *m, struct task *t, int kind)
{
	struct path root = t && t->fs ? t->fs->root : cur_fs()->root;
	struct mount *mnt;
	char *buf = kmalloc(PATH_MAX);

	if (!buf || !root.mnt) {
		m->overflow = !buf;
		kfree(buf);
		return;
	}
	list_for_each_entry(mnt, &task_mnt_ns(t)->mounts, all)
		if (below_root(mnt, &root))
			show_one(m, mnt, &root, buf, kind);
	kfree(buf);
}
