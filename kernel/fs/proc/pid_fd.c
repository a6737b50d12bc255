/* /proc/PID/fd and fdinfo (proc_pid_fd(5), proc_pid_fdinfo(5)). */
#include "proc.h"

static const struct inode_ops fd_link_iops, fdinfo_iops;
static const struct file_ops fdinfo_fops;

/* The open file of an fd inode, referenced; NULL: task or descriptor are gone. */
static struct file *inode_file(const struct inode *i)
{
	struct task *t = pid_inode_task(i);

	return t ? task_fd_get(t, pid_i(i)->fd) : NULL;
}

/* The link's mode says how the file is open. */
static u32 link_mode(const struct file *f)
{
	u32 mode = S_IFLNK;

	if (f->mode & FMODE_READ)
		mode |= 0500;
	if (f->mode & FMODE_WRITE)
		mode |= 0300;
	return mode;
}

static bool fd_revalidate(struct dentry *d, u32 flags)
{
	struct file *f;

	if (!pid_revalidate(d, flags))
		return false;
	f = inode_file(d->inode);
	if (!f)
		return false;
	if (inode_is_lnk(d->inode))
		d->inode->mode = link_mode(f);
	file_put(f);
	return true;
}

static struct dentry *fd_add(struct inode *dir, struct dentry *d, bool info)
{
	struct task *t = pid_inode_task(dir);
	int fd = name_to_nr(&d->name);
	struct file *f;
	struct inode *i;

	if (!t)
		return ERR_PTR(-ENOENT);
	f = fd >= 0 ? task_fd_get(t, fd) : NULL;
	if (!f)
		return ERR_PTR(-ENOENT);
	i = pid_inode_new(dir->sb, t, info ? S_IFREG | 0444 : link_mode(f),
			  pid_ino(t->tid, info ? INO_FDINFO : INO_FD, (u32)fd & 0xfffff));
	file_put(f);
	if (!i)
		return ERR_PTR(-ENOMEM);
	pid_i(i)->fd = fd;
	i->op = info ? &fdinfo_iops : &fd_link_iops;
	i->fop = info ? &fdinfo_fops : NULL;
	i->size = info ? 0 : 64;
	d_add(d, i);
	return NULL;
}

static struct dentry *fd_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return fd_add(dir, d, false);
}

static struct dentry *fdinfo_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return fd_add(dir, d, true);
}

static int iterate(struct file *f, filldir_t fill, void *ctx, bool info)
{
	struct task *t = pid_inode_task(f->inode);
	char name[12];

	if (!t)
		return -ENOENT;
	if (!emit_dots(f, fill, ctx, pid_ino(t->tid, INO_TGID, 0)))
		return 0;
	if (f->pos > INT_MAX)
		return 0;
	for (int fd = task_fd_next(t, (int)f->pos - 2); fd >= 0; fd = task_fd_next(t, fd + 1)) {
		int n = scnprintf(name, sizeof(name), "%d", fd);
		u64 ino = pid_ino(t->tid, info ? INO_FDINFO : INO_FD, (u32)fd & 0xfffff);

		if (fill(ctx, name, n, (u64)fd + 3, ino, info ? DT_REG : DT_LNK))
			return 0;
		f->pos = (s64)fd + 3;
	}
	return 0;
}

static int fd_iterate(struct file *f, filldir_t fill, void *ctx)
{
	return iterate(f, fill, ctx, false);
}

static int fdinfo_iterate(struct file *f, filldir_t fill, void *ctx)
{
	return iterate(f, fill, ctx, true);
}

/* Threads of the process itself may always look, even when it is not dumpable. */
static int fd_permission(struct inode *i, int mask)
{
	struct task *t = pid_inode_task(i);

	if (!t)
		return -ESRCH;
	pid_owner(i, t);
	if (t->tg == current->tg)
		return 0;
	return generic_permission(i, mask);
}

/* st_size is the number of open descriptors (Linux 6.2). */
static int fd_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	struct task *t = pid_inode_task(d->inode);
	int err = pid_getattr(d, st, mask);

	if (!err && t)
		for (int fd = task_fd_next(t, 0); fd >= 0; fd = task_fd_next(t, fd + 1))
			st->size++;
	return err;
}

static int fd_follow(struct dentry *d, struct path *out)
{
	struct task *t = pid_inode_task(d->inode);
	struct file *f;

	if (!t)
		return -ENOENT;
	if (ptrace_may_access(t))
		return -EACCES;
	f = task_fd_get(t, pid_i(d->inode)->fd);
	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

static char *fd_readlink(struct dentry *d)
{
	struct path p;
	int err = fd_follow(d, &p);
	char *s;

	if (err)
		return ERR_PTR(err);
	s = path_text(&p);
	path_put(&p);
	return s;
}

/* ---- fdinfo ---- */
static int fdinfo_show(struct seq_file *m, void *arg)
{
	struct inode *i = arg;
	struct task *t = pid_inode_task(i);
	int fd = pid_i(i)->fd;
	struct file *f;
	u32 flags;

	if (!t)
		return -ESRCH;
	if (ptrace_may_access(t))
		return -EACCES;
	f = task_fd_get(t, fd);
	if (!f)
		return -ENOENT;
	flags = f->flags & ~(u32)O_CLOEXEC;
	if (task_fd_cloexec(t, fd))
		flags |= O_CLOEXEC;
	seq_printf(m, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", f->pos, flags,
		   f->path.mnt ? f->path.mnt->id : 0, f->inode->ino);
	if (f->op && f->op->show_fdinfo && !(f->mode & FMODE_PATH))
		f->op->show_fdinfo(f, m);
	file_put(f);
	return 0;
}

static ssize_t fdinfo_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	return seq_render_read(f, it, pos, fdinfo_show, f->inode);
}

static int fdinfo_open(struct inode *inode, struct file *f)
{
	struct task *t = pid_inode_task(inode);

	if (!t)
		return -ESRCH;
	return ptrace_may_access(t) ? -EACCES : 0;
}

static const struct inode_ops fd_link_iops = {
	.readlink = fd_readlink, .follow_magic = fd_follow, .revalidate = fd_revalidate, .setattr = pid_setattr,
	.getattr = pid_getattr,
};
static const struct inode_ops fdinfo_iops = {
	.revalidate = fd_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
static const struct file_ops fdinfo_fops = {
	.llseek = generic_llseek, .read_iter = fdinfo_read, .open = fdinfo_open, .release = seq_render_release,
};
const struct inode_ops fd_dir_iops = {
	.lookup = fd_lookup, .permission = fd_permission, .revalidate = pid_revalidate, .setattr = pid_setattr,
	.getattr = fd_getattr,
};
const struct inode_ops fdinfo_dir_iops = {
	.lookup = fdinfo_lookup, .revalidate = pid_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
const struct file_ops fd_dir_fops = { .llseek = generic_llseek, .iterate = fd_iterate };
const struct file_ops fdinfo_dir_fops = { .llseek = generic_llseek, .iterate = fdinfo_iterate };
