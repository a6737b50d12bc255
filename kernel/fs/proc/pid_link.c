/* /proc/PID/exe, cwd, root, and ns/: links that lead to the object itself (proc_pid_ns(5), namespaces(7)). */
#include "proc.h"
#include <abi/sched.h>

#define NS_GET_NSTYPE 0xb703u

int link_exe(struct task *t, struct path *out)
{
	if (!t->mm || !t->mm->exe_file)
		return -ENOENT;
	*out = t->mm->exe_file->path;
	path_get(out);
	return 0;
}

/* Kernel threads that are older than the root mount have none of their own: init's serves. */
static struct fs_ctx *task_fs(struct task *t)
{
	struct fs_ctx *fs = t->exit_state ? NULL : t->fs;

	if (fs && !fs->root.mnt && init_task)
		fs = init_task->fs;
	return fs && fs->root.mnt && fs->cwd.mnt ? fs : NULL;
}

int link_cwd(struct task *t, struct path *out)
{
	struct fs_ctx *fs = task_fs(t);

	if (!fs)
		return -ENOENT;
	*out = fs->cwd;
	path_get(out);
	return 0;
}

int link_root(struct task *t, struct path *out)
{
	struct fs_ctx *fs = task_fs(t);

	if (!fs)
		return -ENOENT;
	*out = fs->root;
	path_get(out);
	return 0;
}

/* ---- namespaces: one of each kind, whose inode numbers are those of a Linux system's first ones ---- */
struct ns_kind {
	const char *name, *type;
	u32 ino;
	u64 clone_flag;
	struct file *file;       /* made at first use, kept */
};
static struct ns_kind kinds[] = {
	{ "cgroup", "cgroup", 4026531835u, CLONE_NEWCGROUP, NULL },
	{ "ipc", "ipc", 4026531839u, CLONE_NEWIPC, NULL },
	{ "mnt", "mnt", 4026531841u, CLONE_NEWNS, NULL },
	{ "net", "net", 4026531840u, CLONE_NEWNET, NULL },
	{ "pid", "pid", 4026531836u, CLONE_NEWPID, NULL },
	{ "pid_for_children", "pid", 4026531836u, CLONE_NEWPID, NULL },
	{ "time", "time", 4026531834u, CLONE_NEWTIME, NULL },
	{ "time_for_children", "time", 4026531834u, CLONE_NEWTIME, NULL },
	{ "user", "user", 4026531837u, CLONE_NEWUSER, NULL },
	{ "uts", "uts", 4026531838u, CLONE_NEWUTS, NULL },
};

static long ns_ioctl(struct file *f, u32 cmd, u64 arg)
{
	if (cmd != NS_GET_NSTYPE)
		return -ENOTTY;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
		if (kinds[k].ino == f->inode->ino)
			return (long)kinds[k].clone_flag;
	return -ENOTTY;
}

static const struct file_ops ns_fops = { .ioctl = ns_ioctl };

static int ns_open_kind(struct ns_kind *k)
{
	struct inode *i;
	struct file *f;
	char name[40];

	if (k->file)
		return 0;
	for (unsigned n = 0; n < ARRAY_SIZE(kinds); n++)
		if (kinds[n].ino == k->ino && kinds[n].file) {
			k->file = file_get(kinds[n].file);
			return 0;
		}
	i = inode_new(pseudo_sb);
	if (!i)
		return -ENOMEM;
	i->ino = k->ino;
	i->mode = S_IFREG | 0444;
	i->fop = &ns_fops;
	scnprintf(name, sizeof(name), "%s:[%u]", k->type, k->ino);
	f = pseudo_file(i, name, &ns_fops, O_RDONLY);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	k->file = f;
	return 0;
}

static struct ns_kind *inode_kind(const struct inode *i)
{
	return &kinds[pid_i(i)->fd];
}

static int ns_follow(struct dentry *d, struct path *out)
{
	struct task *t = pid_inode_task(d->inode);
	struct ns_kind *k = inode_kind(d->inode);
	int err;

	if (!t)
		return -ENOENT;
	if (ptrace_may_access(t))
		return -EACCES;
	err = ns_open_kind(k);
	if (err)
		return err;
	*out = k->file->path;
	path_get(out);
	return 0;
}

static char *ns_readlink(struct dentry *d)
{
	struct task *t = pid_inode_task(d->inode);
	struct ns_kind *k = inode_kind(d->inode);
	char *s;

	if (!t)
		return ERR_PTR(-ENOENT);
	if (ptrace_may_access(t))
		return ERR_PTR(-EACCES);
	s = kasprintf("%s:[%u]", k->type, k->ino);
	return s ? s : ERR_PTR(-ENOMEM);
}

static const struct inode_ops ns_link_iops = {
	.readlink = ns_readlink, .follow_magic = ns_follow, .revalidate = pid_revalidate, .setattr = pid_setattr,
	.getattr = pid_getattr,
};

static struct dentry *ns_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *t = pid_inode_task(dir);
	struct inode *i;
	unsigned k;

	if (!t)
		return ERR_PTR(-ENOENT);
	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		if (strlen(kinds[k].name) == d->name.len && !memcmp(kinds[k].name, d->name.name, d->name.len))
			break;
	if (k == ARRAY_SIZE(kinds))
		return ERR_PTR(-ENOENT);
	i = pid_inode_new(dir->sb, t, S_IFLNK | 0777, pid_ino(t->tid, INO_NS, k));
	if (!i)
		return ERR_PTR(-ENOMEM);
	pid_i(i)->fd = (int)k;
	i->op = &ns_link_iops;
	d_add(d, i);
	return NULL;
}

static int ns_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct task *t = pid_inode_task(f->inode);

	if (!t)
		return -ENOENT;
	if (!emit_dots(f, fill, ctx, pid_ino(t->tid, INO_TGID, 0)))
		return 0;
	for (u64 k = (u64)f->pos - 2; k < ARRAY_SIZE(kinds); k++) {
		if (fill(ctx, kinds[k].name, (int)strlen(kinds[k].name), k + 3, pid_ino(t->tid, INO_NS, (u32)k), DT_LNK))
			return 0;
		f->pos = (s64)k + 3;
	}
	return 0;
}

const struct inode_ops ns_dir_iops = {
	.lookup = ns_lookup, .revalidate = pid_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
const struct file_ops ns_dir_fops = { .llseek = generic_llseek, .iterate = ns_iterate };
