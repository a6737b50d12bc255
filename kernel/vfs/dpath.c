/* From a path back to its name: d_path for /proc and error texts, getcwd(2). */
#include "internal.h"
#include <umber/syscall.h>

static bool prepend(char **p, char *start, const char *s, size_t n)
{
	if ((size_t)(*p - start) < n)
		return false;
	*p -= n;
	memcpy(*p, s, n);
	return true;
}

static bool d_unlinked(const struct dentry *d)
{
	return !(d->flags & (DENTRY_HASHED | DENTRY_ROOT));
}

/* Components of p up to root in front of *pos. 0: root reached; 1: another top reached; -ENAMETOOLONG. */
static int prepend_path(const struct path *p, const struct path *root, char **pos, char *start)
{
	struct mount *m = p->mnt;
	struct dentry *d = p->dentry;
	bool any = false;
	int ret = 0;

	while (d != root->dentry || m != root->mnt) {
		if (d == m->root) {
			if (m->parent == m) {
				ret = 1;
				break;
			}
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		if (d->parent == d) {
			ret = 1;
			break;
		}
		if (!prepend(pos, start, d->name.name, d->name.len) || !prepend(pos, start, "/", 1))
			return -ENAMETOOLONG;
		any = true;
		d = d->parent;
	}
	if (!any && !prepend(pos, start, "/", 1))
		return -ENAMETOOLONG;
	return ret;
}

char *d_path_root(const struct path *p, const struct path *root, char *buf, size_t n)
{
	char *pos = buf + n - 1;
	int r;

	if (!n)
		return ERR_PTR(-ENAMETOOLONG);
	*pos = 0;
	if (p->dentry->op && p->dentry->op->dname)
		return p->dentry->op->dname(p->dentry, buf, n);
	if (p->dentry->flags & DENTRY_PSEUDO)
		return prepend(&pos, buf, p->dentry->name.name, p->dentry->name.len) ? pos : ERR_PTR(-ENAMETOOLONG);
	if (d_unlinked(p->dentry) && !prepend(&pos, buf, " (deleted)", 10))
		return ERR_PTR(-ENAMETOOLONG);
	r = prepend_path(p, root, &pos, buf);
	if (r < 0)
		return ERR_PTR(r);
	/* A detached or foreign mount has no name from here; its own root serves, as in Linux's d_path. */
	return pos;
}

char *d_path(const struct path *p, char *buf, size_t n)
{
	return d_path_root(p, &cur_fs()->root, buf, n);
}

/* getcwd(2): bytes with the NUL. */
long sys_getcwd(uaddr_t ubuf, u64 size)
{
	struct fs_ctx *fs = cur_fs();
	char *buf, *pos;
	long ret;
	int r;

	if (d_unlinked(fs->cwd.dentry) || (fs->cwd.dentry->inode && (fs->cwd.dentry->inode->flags & I_DEAD)))
		return -ENOENT;
	buf = kmalloc(PATH_MAX);
	if (!buf)
		return -ENOMEM;
	pos = buf + PATH_MAX - 1;
	*pos = 0;
	r = prepend_path(&fs->cwd, &fs->root, &pos, buf);
	if (r > 0 && !prepend(&pos, buf, "(unreachable)", 13))
		r = -ENAMETOOLONG;
	ret = r;
	if (r >= 0) {
		ret = buf + PATH_MAX - pos;
		if ((u64)ret > size)
			ret = -ERANGE;
		else if (copy_to_user(ubuf, pos, (size_t)ret))
			ret = -EFAULT;
	}
	kfree(buf);
	return ret;
}
