/* Root, working directory and umask of tasks: chdir(2), chroot(2), umask(2). */
#include "internal.h"
#include <umber/syscall.h>

static struct fs_ctx first_fs = { .ref = { 1 }, .umask = 022 };
struct fs_ctx *init_fs_ctx = &first_fs;

/* A copy with its own references; NULL: no memory. */
struct fs_ctx *fs_ctx_copy(struct fs_ctx *old)
{
	struct fs_ctx *f = kmalloc(sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct fs_ctx){ .root = old->root, .cwd = old->cwd, .umask = old->umask };
	ref_set(&f->ref, 1);
	if (f->root.mnt)
		path_get(&f->root);
	if (f->cwd.mnt)
		path_get(&f->cwd);
	return f;
}

/* May sleep. */
void fs_ctx_put(struct fs_ctx *f)
{
	if (!f || !ref_put(&f->ref) || f == &first_fs)
		return;
	if (f->root.mnt)
		path_put(&f->root);
	if (f->cwd.mnt)
		path_put(&f->cwd);
	kfree(f);
}

/* *slot = p, whose references it takes over. */
static void replace(struct path *slot, const struct path *p)
{
	struct path old = *slot;

	*slot = *p;
	if (old.mnt)
		path_put(&old);
}

long sys_chdir(uaddr_t upath)
{
	struct path p;
	int err = user_path_at(AT_FDCWD, upath, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (err)
		path_put(&p);
	else
		replace(&cur_fs()->cwd, &p);
	return err;
}

long sys_fchdir(int fd)
{
	struct file *f = fd_get_raw(fd);
	int err;

	if (!f)
		return -EBADF;
	err = !inode_is_dir(f->inode) ? -ENOTDIR : inode_permission(f->inode, MAY_EXEC);
	if (!err) {
		struct path p = f->path;

		path_get(&p);
		replace(&cur_fs()->cwd, &p);
	}
	file_put(f);
	return err;
}

long sys_chroot(uaddr_t upath)
{
	struct path p;
	int err = user_path_at(AT_FDCWD, upath, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!err && !vfs_capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (err)
		path_put(&p);
	else
		replace(&cur_fs()->root, &p);
	return err;
}

long sys_umask(u32 mask)
{
	struct fs_ctx *fs = cur_fs();
	u32 old = fs->umask;

	fs->umask = mask & 0777;
	return old;
}
