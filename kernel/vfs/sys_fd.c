/* Descriptors: close(2), dup(2), close_range(2), fcntl(2), ioctl(2). */
#include "internal.h"
#include <abi/ioctl.h>
#include <umber/syscall.h>

#define FIGETBSZ 2
#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u
#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

enum { OWNER_TID, OWNER_PID, OWNER_PGRP };
struct f_owner_ex { s32 type, pid; };

long sys_close(int fd)
{
	long err = fd_close(fd);

	/* The descriptor is gone: an interrupted flush must not be tried again. */
	return err == -ERESTARTSYS ? -EINTR : err;
}

long sys_close_range(u32 first, u32 last, u32 flags)
{
	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int err = files_unshare();

		if (err)
			return err;
	}
	return fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
}

long sys_dup(int fd)
{
	struct file *f = fd_get_raw(fd);

	return f ? fd_install(f, 0) : -EBADF;
}

long sys_dup3(int fd, int newfd, int flags)
{
	struct file *f;

	if ((flags & ~O_CLOEXEC) || fd == newfd)
		return -EINVAL;
	f = fd_get_raw(fd);
	return f ? fd_replace(f, newfd, (u32)flags) : -EBADF;
}

long sys_dup2(int fd, int newfd)
{
	struct file *f = fd_get_raw(fd);

	if (!f)
		return -EBADF;
	if (fd == newfd) {
		file_put(f);
		return newfd;
	}
	return fd_replace(f, newfd, 0);
}

static long dup_min(struct file *f, u64 min_fd, u32 flags)
{
	if (min_fd >= min(rlimit(RLIMIT_NOFILE), vfs_nr_open))
		return -EINVAL;
	return fd_install_min(file_get(f), flags, (u32)min_fd);
}

static long set_flags(struct file *f, u32 flags)
{
	bool async = flags & O_ASYNC;

	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if (f->op->fasync && async != !!(f->flags & O_ASYNC)) {
		int err = f->op->fasync(f, async);

		if (err < 0)
			return err;
	}
	f->flags = (f->flags & ~(u32)SETFL_MASK) | (flags & SETFL_MASK);
	return 0;
}

static int pgrp_seen;
static void saw_pgrp(struct tgroup *tg, void *arg)
{
	pgrp_seen++;
}

static long set_owner(struct file *f, int type, int pid)
{
	if (pid) {
		pgrp_seen = 0;
		if (type == OWNER_PGRP)
			task_for_each_in_pgrp(pid, saw_pgrp, NULL);
		if (type == OWNER_PGRP ? !pgrp_seen : type == OWNER_TID ? !find_task(pid) : !find_tgroup(pid))
			return -ESRCH;
	}
	f->owner_type = type;
	f->owner_pid = pid;
	return 0;
}

static long owner_fcntl(struct file *f, u32 cmd, u64 arg)
{
	struct f_owner_ex o;
	int who = (int)arg;

	switch (cmd) {
	case F_SETOWN:
		if (who == -INT_MAX - 1)
			return -EINVAL;
		return set_owner(f, who < 0 ? OWNER_PGRP : OWNER_PID, who < 0 ? -who : who);
	case F_GETOWN:
		return f->owner_type == OWNER_PGRP ? -f->owner_pid : f->owner_pid;
	case F_SETOWN_EX:
		if (copy_from_user(&o, arg, sizeof(o)))
			return -EFAULT;
		if (o.type < OWNER_TID || o.type > OWNER_PGRP || o.pid < 0)
			return -EINVAL;
		return set_owner(f, o.type, o.pid);
	case F_GETOWN_EX:
		o = (struct f_owner_ex){ f->owner_type, f->owner_pid };
		return copy_to_user(arg, &o, sizeof(o));
	case F_SETSIG:
		if (arg > 64)
			return -EINVAL;
		f->owner_sig = (int)arg;
		return 0;
	default: /* F_GETSIG */
		return f->owner_sig;
	}
}

static void sigio_to(struct tgroup *tg, void *arg)
{
	signal_send_group(*(int *)arg, SEND_SIG_KERNEL, tg);
}

/* I/O is possible on f: SIGIO, or what F_SETSIG said, to its owner, if O_ASYNC is set. No sleep. */
void file_sigio(struct file *f)
{
	int sig = f->owner_sig ? f->owner_sig : SIGIO;
	struct tgroup *tg;
	struct task *t;

	if (!(f->flags & O_ASYNC) || !f->owner_pid)
		return;
	if (f->owner_type == OWNER_PGRP)
		task_for_each_in_pgrp(f->owner_pid, sigio_to, &sig);
	else if (f->owner_type == OWNER_TID && (t = find_task(f->owner_pid)))
		signal_send_task(sig, SEND_SIG_KERNEL, t);
	else if (f->owner_type == OWNER_PID && (tg = find_tgroup(f->owner_pid)))
		signal_send_group(sig, SEND_SIG_KERNEL, tg);
}

struct async_node { struct list_head node; struct file *f; };

int fasync_list_set(struct list_head *l, struct file *f, bool on)
{
	struct async_node *n;

	list_for_each_entry(n, l, node) {
		if (n->f != f)
			continue;
		if (!on) {
			list_del(&n->node);
			kfree(n);
		}
		return 0;
	}
	if (!on)
		return 0;
	n = kmalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->f = f;
	list_add(&n->node, l);
	return 0;
}

void fasync_list_kill(struct list_head *l, u32 modes)
{
	struct async_node *n;

	list_for_each_entry(n, l, node)
		if (n->f->mode & modes)
			file_sigio(n->f);
}

static long dup_query(struct file *f, int fd)
{
	struct file *other = fd_get_raw(fd);
	long same = other == f;

	if (!other)
		return -EBADF;
	file_put(other);
	return same;
}

static long do_fcntl(int fd, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
		return dup_min(f, (u32)arg, 0);
	case F_DUPFD_CLOEXEC:
		return dup_min(f, (u32)arg, O_CLOEXEC);
	case F_DUPFD_QUERY:
		return dup_query(f, (int)arg);
	case F_GETFD:
		return fd_get_cloexec(fd);
	case F_SETFD:
		return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return f->flags;
	}
	if (f->mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, (u32)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(f, cmd, arg, fd);
	case F_SETLEASE:
	case F_GETLEASE:
		return fcntl_lease(f, cmd, arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return memfd_fcntl(f, cmd, arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return owner_fcntl(f, cmd, arg);
	}
	if (cmd == F_NOTIFY) /* there is no dnotify */
		return inode_is_dir(f->inode) ? -EINVAL : -ENOTDIR;
	return -EINVAL;
}

long sys_fcntl(int fd, u32 cmd, u64 arg)
{
	struct file *f = fd_get_raw(fd);
	long r;

	if (!f)
		return -EBADF;
	r = do_fcntl(fd, f, cmd, arg);
	file_put(f);
	return r;
}

static long file_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct inode *i = f->inode;

	if (cmd == FIONREAD && inode_is_reg(i)) {
		s64 left = (s64)i->size - f->pos;

		return put_user((s32)min(max(left, (s64)0), (s64)INT_MAX), arg);
	}
	if (cmd == FIOQSIZE && (inode_is_reg(i) || inode_is_dir(i) || inode_is_lnk(i)))
		return put_user((s64)i->size, arg);
	if (cmd == FIGETBSZ && (inode_is_reg(i) || inode_is_dir(i)))
		return put_user((s32)(i->sb->blocksize ? i->sb->blocksize : PAGE_SIZE), arg);
	return f->op->ioctl ? f->op->ioctl(f, cmd, arg) : -ENOTTY;
}

static long do_ioctl(int fd, struct file *f, u32 cmd, u64 arg)
{
	s32 on;

	switch (cmd) {
	case FIOCLEX:
		return fd_set_cloexec(fd, true);
	case FIONCLEX:
		return fd_set_cloexec(fd, false);
	case FIONBIO:
		if (get_user(on, arg))
			return -EFAULT;
		f->flags = on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK;
		return 0;
	case FIOASYNC:
		if (get_user(on, arg))
			return -EFAULT;
		if (!f->op->fasync && !!on != !!(f->flags & O_ASYNC))
			return -ENOTTY;
		return set_flags(f, (f->flags & ~(u32)O_ASYNC) | (on ? O_ASYNC : 0));
	}
	return file_ioctl(f, cmd, arg);
}

long sys_ioctl(int fd, u32 cmd, u64 arg)
{
	struct file *f = fd_get(fd);
	long r;

	if (!f)
		return -EBADF;
	r = do_ioctl(fd, f, cmd, arg);
	file_put(f);
	return r;
}
