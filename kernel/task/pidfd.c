/*
 * pidfd_open(2), pidfd_getfd(2), kcmp(2). A pidfd refers to a thread group and keeps its struct, not its
 * number; it becomes readable when the process has ended.
 */
#include "task_priv.h"
#include "ptrace_priv.h"
#include <umber/poll.h>
#include <umber/procfs.h>
#include <umber/vfs.h>

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct tgroup *tg = f->priv;
	poll_wait(f, &tg->pidfd_wq, pt);
	if (tg->leader->exit_state == 2)
		return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	return group_is_zombie(tg) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	tgroup_put(f->priv);
}

static void pidfd_fdinfo(struct file *f, struct seq_file *m)
{
	struct tgroup *tg = f->priv;
	int pid = tg->leader->exit_state == 2 ? -1 : tg->pid;
	seq_printf(m, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_fops = {
	.poll = pidfd_poll, .release = pidfd_release, .show_fdinfo = pidfd_fdinfo,
};

struct file *pidfd_file(struct tgroup *tg, u32 flags)
{
	struct file *f = anon_file("[pidfd]", &pidfd_fops, tg, O_RDWR | flags);
	if (!IS_ERR(f))
		ref_get(&tg->ref);
	return f;
}

struct tgroup *pidfd_tgroup_raw(struct file *f)
{
	return f->op == &pidfd_fops ? f->priv : NULL;
}

bool file_is_pidfd(const struct file *f)
{
	struct tgroup *tg;
	return f->op == &pidfd_fops || proc_file_tgroup(f, &tg);
}

struct tgroup *pidfd_tgroup(struct file *f)
{
	struct tgroup *tg = pidfd_tgroup_raw(f);
	if (!tg && proc_file_tgroup(f, &tg)) /* /proc/PID serves as one for pidfd_send_signal(2) */
		return tg;
	return tg && tg->leader->exit_state != 2 ? tg : NULL;
}

long sys_pidfd_open(int pid, u32 flags)
{
	if (pid <= 0 || (flags & ~PIDFD_NONBLOCK))
		return -EINVAL;
	struct tgroup *tg = find_tgroup(pid);
	if (!tg)
		return find_task(pid) ? -EINVAL : -ESRCH;
	struct file *f = pidfd_file(tg, flags & PIDFD_NONBLOCK);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, O_CLOEXEC);
}

long sys_pidfd_getfd(int pidfd, int fd, u32 flags)
{
	if (flags)
		return -EINVAL;
	struct file *pf = fd_get(pidfd);
	if (!pf)
		return -EBADF;
	long ret = -EBADF;
	if (!pidfd_tgroup_raw(pf))
		goto out;
	struct tgroup *tg = pidfd_tgroup(pf);
	ret = -ESRCH;
	if (!tg || !tg->leader->files)
		goto out;
	ret = ptrace_may_access(tg->leader);
	if (ret)
		goto out;
	struct file *f = task_fd_get(tg->leader, fd);
	ret = f ? fd_install(f, O_CLOEXEC) : -EBADF;
out:
	file_put(pf);
	return ret;
}

/* 0 equal, 1 less, 2 greater: an order of kernel objects that tells nothing of their addresses. */
static long compare(const void *a, const void *b)
{
	static u64 key[2];
	if (!key[1]) {
		port_random(key, sizeof(key));
		key[1] |= 1;
	}
	u64 x = ((u64)a ^ key[0]) * key[1], y = ((u64)b ^ key[0]) * key[1];
	return x == y ? 0 : x < y ? 1 : 2;
}

long sys_kcmp(int pid1, int pid2, int type, u64 idx1, u64 idx2)
{
	struct task *a = find_task(pid1), *b = find_task(pid2);
	if (!a || !b)
		return -ESRCH;
	if (ptrace_may_access(a) || ptrace_may_access(b))
		return -EPERM;
	switch (type) {
	case KCMP_FILE: {
		struct file *f = a->files ? task_fd_get(a, (int)idx1) : NULL;
		struct file *g = b->files ? task_fd_get(b, (int)idx2) : NULL;
		long r = f && g ? compare(f, g) : -EBADF;
		if (f)
			file_put(f);
		if (g)
			file_put(g);
		return r;
	}
	case KCMP_VM:
		return compare(a->mm, b->mm);
	case KCMP_FILES:
		return compare(a->files, b->files);
	case KCMP_FS:
		return compare(a->fs, b->fs);
	case KCMP_SIGHAND:
		return compare(a->sighand, b->sighand);
	case KCMP_IO:
		return compare(a->io, b->io);
	case KCMP_SYSVSEM:
		return compare(a->tg->sem_undo, b->tg->sem_undo);
	}
	return type == KCMP_EPOLL_TFD ? -EOPNOTSUPP : -EINVAL;
}
