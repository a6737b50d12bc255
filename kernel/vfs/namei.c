/*
 * Path walk (path_resolution(7), openat2(2)).
 *
 * nd->path is where the walk stands. It is a pair of plain pointers as long as nothing can sleep; nd_pin() references
 * it (and the root) before anything that can, and the older pin is given back only after that. So a walk that is all
 * in the dcache touches no count but at its end.
 *
 * Symbolic links: the text of a link that is not last is walked with the remaining name pushed on nd->rest; the
 * text of a last one just replaces the name. At most 40 links in all (ELOOP).
 */
#include "internal.h"

void nd_pin(struct nameidata *nd)
{
	struct path old = nd->pin;

	if (old.dentry == nd->path.dentry && old.mnt == nd->path.mnt)
		return;
	path_get(&nd->path);
	nd->pin = nd->path;
	if (!nd->root_held) {
		path_get(&nd->root);
		nd->root_held = true;
	}
	if (old.mnt)
		path_put(&old);
}

/* The walk stands on d now, whose reference it takes over; same mount, and nd was pinned. */
static void nd_take(struct nameidata *nd, struct dentry *d)
{
	struct dentry *old = nd->pin.dentry;

	nd->pin.dentry = nd->path.dentry = d;
	dput(old);
}

void nd_done(struct nameidata *nd)
{
	for (int i = 0; i < nd->nlinks; i++)
		kfree(nd->bodies[i]);
	nd->nlinks = 0;
	if (nd->pin.mnt)
		path_put(&nd->pin);
	nd->pin.mnt = NULL;
	if (nd->root_held)
		path_put(&nd->root);
	nd->root_held = false;
}

/*
 * Where a walk of name starts. root: NULL for current's. After an error nd_done() is not needed (but harmless).
 * -EBADF, -ENOTDIR, -ENOENT (empty name), -EXDEV.
 */
int nd_init(struct nameidata *nd, int dfd, const char *name, u32 flags, const struct path *root)
{
	bool scoped = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	struct fs_ctx *fs = cur_fs();
	struct file *f;

	memset(nd, 0, offsetof(struct nameidata, rest));
	nd->flags = flags;
	nd->root = root ? *root : fs->root;
	if (!nd->root.mnt || (!*name && !(flags & LOOKUP_EMPTY)))
		return -ENOENT;
	if (*name == '/' && (flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (*name == '/' && !scoped) {
		nd->path = nd->root;
	} else if (root) {
		nd->path = *root;
	} else if (dfd == AT_FDCWD) {
		nd->path = fs->cwd;
	} else {
		f = fd_get_raw(dfd);
		if (!f)
			return -EBADF;
		if (*name && !inode_is_dir(f->inode)) {
			file_put(f);
			return -ENOTDIR;
		}
		nd->path = f->path;
		nd_pin(nd);
		file_put(f);
	}
	if (scoped) {
		if (nd->root_held) { /* replaced by the starting directory */
			struct path old = nd->root;

			nd->root = nd->path;
			path_get(&nd->root);
			path_put(&old);
		} else {
			nd->root = nd->path;
		}
	}
	return 0;
}

int nd_cross_mounts(struct nameidata *nd)
{
	while (unlikely(nd->path.dentry->nr_mounts)) {
		struct mount *m = mount_find(nd->path.mnt, nd->path.dentry);

		if (!m)
			break;
		if (nd->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		nd->path.mnt = m;
		nd->path.dentry = m->root;
	}
	return 0;
}

/* "..": never above nd->root; from the root of a mount to what it covers. */
int nd_dotdot(struct nameidata *nd)
{
	for (;;) {
		struct mount *m = nd->path.mnt;

		if (nd->path.dentry == nd->root.dentry && m == nd->root.mnt) {
			if (nd->flags & LOOKUP_BENEATH)
				return -EXDEV;
			break;
		}
		if (nd->path.dentry != m->root) {
			nd->path.dentry = nd->path.dentry->parent;
			break;
		}
		if (m->parent == m)
			break;
		if (nd->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		nd->path.dentry = m->mountpoint;
		nd->path.mnt = m->parent;
	}
	return nd_cross_mounts(nd);
}

static int may_lookup(struct nameidata *nd)
{
	struct inode *i = nd->path.dentry->inode;

	if (!i || !inode_is_dir(i))
		return -ENOTDIR;
	if (likely((i->mode & 0111) == 0111 && (!i->op || !i->op->permission)))
		return 0;
	if (i->op && i->op->permission)
		nd_pin(nd);
	return inode_permission(i, MAY_EXEC);
}

/*
 * q in parent: from the dcache if still valid, else from the file system. parent->inode->lock is held for write.
 * Referenced, perhaps negative. ERR_PTR. May sleep.
 */
struct dentry *lookup_locked_q(struct dentry *parent, const struct qstr *q, u32 flags)
{
	struct inode *dir = parent->inode;
	struct dentry *d = d_lookup(parent, q), *r;

	if (d) {
		if (d_valid(d, flags))
			return d;
		d_drop(d);
		dput(d);
	}
	if (!dir || !inode_is_dir(dir) || !dir->op || !dir->op->lookup)
		return ERR_PTR(-ENOTDIR);
	if (dir->flags & I_DEAD)
		return ERR_PTR(-ENOENT);
	d = d_alloc(parent, q);
	if (IS_ERR(d))
		return d;
	r = dir->op->lookup(dir, d, flags);
	if (!r)
		return d;
	dput(d);
	return r;
}

/*
 * Looks a component up below nd->path. *held: the result carries a reference (and nd is pinned); without it, it is
 * valid until the next sleep only.
 */
static struct dentry *lookup_component(struct nameidata *nd, const struct qstr *q, bool *held)
{
	struct dentry *parent = nd->path.dentry, *d = d_lookup_raw(parent, q);

	*held = false;
	if (likely(d)) {
		if (likely(!d_needs_revalidate(d)))
			return d;
		dget(d);
		nd_pin(nd);
		*held = true;
		if (d_valid(d, nd->flags))
			return d;
		d_drop(d);
		dput(d);
	}
	nd_pin(nd);
	*held = true;
	down_write(&parent->inode->lock);
	d = lookup_locked_q(parent, q, nd->flags);
	up_write(&parent->inode->lock);
	return d;
}

int nd_follow(struct nameidata *nd, struct dentry *d, const char **body)
{
	struct inode *i = d->inode;
	struct path target;
	char *s;
	int err = -ELOOP;

	nd_pin(nd);
	*body = NULL;
	if (nd->nlinks >= MAX_SYMLINKS || (nd->flags & LOOKUP_NO_SYMLINKS) ||
	    (nd->path.mnt->flags & MS_NOSYMFOLLOW))
		goto out;
	if (i->op->follow_magic) {
		if (nd->flags & LOOKUP_NO_MAGICLINKS)
			goto out;
		err = -EXDEV;
		if (nd->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
			goto out;
		err = i->op->follow_magic(d, &target);
		if (err)
			goto out;
		if ((nd->flags & LOOKUP_NO_XDEV) && target.mnt != nd->path.mnt) {
			path_put(&target);
			err = -EXDEV;
			goto out;
		}
		nd->bodies[nd->nlinks++] = NULL; /* counts */
		nd->path = target;
		nd_pin(nd);
		path_put(&target);
		goto out;
	}
	s = i->op->readlink ? i->op->readlink(d) : ERR_PTR(-EINVAL);
	err = (int)PTR_ERR(s);
	if (IS_ERR(s))
		goto out;
	nd->bodies[nd->nlinks++] = s;
	err = -ENOENT;
	if (!*s)
		goto out;
	if (*s == '/') {
		err = -EXDEV;
		if (nd->flags & LOOKUP_BENEATH)
			goto out;
		if ((nd->flags & LOOKUP_NO_XDEV) && nd->root.mnt != nd->path.mnt)
			goto out;
		nd->path = nd->root;
	}
	*body = s;
	err = 0;
out:
	dput(d);
	return err;
}

/* One ordinary component. follow: also if it is a symlink; then *body is the text to go on with. */
static int step(struct nameidata *nd, const struct qstr *q, bool follow, const char **body)
{
	struct dentry *d;
	bool held;

	d = lookup_component(nd, q, &held);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	if (unlikely(!d->inode)) {
		if (held)
			dput(d);
		return -ENOENT;
	}
	if (unlikely(inode_is_lnk(d->inode)) && follow)
		return nd_follow(nd, held ? d : dget(d), body);
	if (held)
		nd_take(nd, d);
	else
		nd->path.dentry = d;
	return nd_cross_mounts(nd);
}

static int component_type(const struct qstr *q)
{
	if (q->name[0] != '.' || q->len > 2)
		return LAST_NORM;
	if (q->len == 1)
		return LAST_DOT;
	return q->name[1] == '.' ? LAST_DOTDOT : LAST_NORM;
}

/*
 * Walks name from nd->path. With LOOKUP_PARENT it stops before the final component, which nd->last, last_type and
 * slash describe (LAST_ROOT: there was none). 0 or negative errno; nd_done() is due in any case.
 */
int nd_walk(struct nameidata *nd, const char *name)
{
	nd->last_type = LAST_ROOT;
	for (;;) {
		struct qstr q = { .name = name };
		const char *body = NULL, *rest;
		bool final, slash;
		int err, type;

		while (*name == '/')
			name++;
		if (!*name) {
			if (!nd->depth)
				return 0;
			name = nd->rest[--nd->depth];
			continue;
		}
		err = may_lookup(nd);
		if (err)
			return err;
		q.name = rest = name;
		while (*rest && *rest != '/')
			rest++;
		if (rest - name > NAME_MAX)
			return -ENAMETOOLONG;
		q.len = (u32)(rest - name);
		slash = *rest == '/';
		while (*rest == '/')
			rest++;
		final = !*rest && !nd->depth;
		type = component_type(&q);
		if (type == LAST_NORM)
			q.hash = name_hash(q.name, q.len);
		if (final) {
			nd->slash |= slash;
			nd->last = q;
			nd->last_type = type;
			if (nd->flags & LOOKUP_PARENT)
				return 0;
		}
		if (type == LAST_DOT)
			err = 0;
		else if (type == LAST_DOTDOT)
			err = nd_dotdot(nd);
		else
			err = step(nd, &q, !final || (nd->flags & LOOKUP_FOLLOW) || nd->slash, &body);
		if (err)
			return err;
		name = rest;
		if (body) {
			if (*rest)
				nd->rest[nd->depth++] = rest; /* depth <= nlinks <= MAX_SYMLINKS */
			name = body;
		}
	}
}

/* After a walk to the end: checks for a directory, hands out the path with references, cleans up. */
int nd_finish(struct nameidata *nd, struct path *out)
{
	struct inode *i = nd->path.dentry->inode;

	if ((nd->slash || (nd->flags & LOOKUP_DIRECTORY)) && (!i || !inode_is_dir(i))) {
		nd_done(nd);
		return -ENOTDIR;
	}
	nd_pin(nd);
	*out = nd->pin;
	nd->pin = (struct path){ NULL, NULL };
	nd_done(nd);
	return 0;
}

static int lookup(int dfd, const struct path *root, const char *name, u32 flags, struct path *out)
{
	struct nameidata nd;
	int err = nd_init(&nd, dfd, name, flags & ~(u32)LOOKUP_PARENT, root);

	if (!err)
		err = nd_walk(&nd, name);
	if (!err)
		return nd_finish(&nd, out);
	nd_done(&nd);
	return err;
}

/* Resolves name (see vfs.h). LOOKUP_PARENT: the directory of the last component. 0 or negative errno. May sleep. */
int path_lookup(int dfd, const char *name, u32 flags, struct path *out)
{
	struct qstr last;
	bool slash;
	int type;

	if (flags & LOOKUP_PARENT)
		return path_parent(dfd, name, flags, out, &last, &type, &slash);
	return lookup(dfd, NULL, name, flags, out);
}

/* The same with root as "/" and as starting point. */
int path_lookup_root(const struct path *root, const char *name, u32 flags, struct path *out)
{
	return lookup(AT_FDCWD, root, name, flags, out);
}

int user_path_at(int dfd, uaddr_t upath, u32 flags, struct path *out)
{
	char *name = getname(upath, flags & LOOKUP_EMPTY);
	int err;

	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	err = lookup(dfd, NULL, name, flags, out);
	putname(name);
	return err;
}

int path_parent(int dfd, const char *name, u32 flags, struct path *out, struct qstr *last, int *type, bool *slash)
{
	struct nameidata nd;
	int err = nd_init(&nd, dfd, name, flags | LOOKUP_PARENT, NULL);

	if (!err)
		err = nd_walk(&nd, name);
	if (err) {
		nd_done(&nd);
		return err;
	}
	*last = nd.last;
	*type = nd.last_type;
	*slash = nd.slash;
	nd.slash = false;
	nd.flags &= ~(u32)LOOKUP_DIRECTORY;
	return nd_finish(&nd, out);
}

struct dentry *lookup_one_locked(struct dentry *parent, const char *name, u32 len)
{
	struct qstr q = { name, len, name_hash(name, len) };

	if (!len || len > NAME_MAX || memchr(name, '/', len))
		return ERR_PTR(len > NAME_MAX ? -ENAMETOOLONG : -EACCES);
	return lookup_locked_q(parent, &q, 0);
}

/* name in parent, referenced (perhaps negative) or ERR_PTR. No permission check. Takes parent's inode lock if the
 * dcache does not have it. May sleep. */
struct dentry *lookup_one(struct dentry *parent, const char *name, u32 len)
{
	struct qstr q = { name, len, name_hash(name, len) };
	struct dentry *d;

	if (!len || len > NAME_MAX || memchr(name, '/', len))
		return ERR_PTR(len > NAME_MAX ? -ENAMETOOLONG : -EACCES);
	if (!parent->inode)
		return ERR_PTR(-ENOENT);
	d = d_lookup(parent, &q);
	if (d) {
		if (d_valid(d, 0))
			return d;
		dput(d);
	}
	down_write(&parent->inode->lock);
	d = lookup_locked_q(parent, &q, 0);
	up_write(&parent->inode->lock);
	return d;
}

/* May current make an entry in dir? 0 or negative errno. */
int may_create(struct inode *dir)
{
	if (dir->flags & I_DEAD)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

/* May current remove victim from dir? Write permission and the sticky bit (unlink(2)). */
int may_delete(struct inode *dir, struct dentry *victim)
{
	const struct cred *c = cur_cred();
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if ((dir->mode & S_ISVTX) && c && victim->inode->uid != c->fsuid && dir->uid != c->fsuid &&
	    !vfs_capable(CAP_FOWNER))
		return -EPERM;
	return 0;
}
