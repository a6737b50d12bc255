/* Calls that send signals: kill(2), tkill(2), rt_sigqueueinfo(2), pidfd_send_signal(2). */
#include "signal_internal.h"
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/uaccess.h>
#include <umber/vfs.h>

#define PIDFD_SIGNAL_THREAD 1u
#define PIDFD_SIGNAL_THREAD_GROUP 2u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u

static void user_info(struct siginfo *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->u.rt.pid = current->tg->pid;
	info->u.rt.uid = current->cred->uid;
}

static int send_checked(int sig, struct siginfo *info, struct task *t, bool group)
{
	int r;

	if (!SIG_VALID(sig))
		return -EINVAL;
	r = signal_check_perm(sig, info, t);
	if (r || !sig)
		return r;
	return group ? signal_send_group(sig, info, t->tg) : signal_send_task(sig, info, t);
}

struct kill_many {
	struct siginfo *info;
	int sig, count, last;
	bool ok;
};

static void kill_one(struct tgroup *tg, void *arg)
{
	struct kill_many *k = arg;
	int r = send_checked(k->sig, k->info, tg->leader, true);

	k->count++;
	if (!r)
		k->ok = true;
	else
		k->last = r;
}

static long kill_pgrp(int sig, struct siginfo *info, int pgid)
{
	struct kill_many k = { .info = info, .sig = sig, .last = -ESRCH };

	task_for_each_in_pgrp(pgid, kill_one, &k);
	return k.ok ? 0 : k.last;
}

/* kill(-1): all processes but init and the caller's own. */
static long kill_all(int sig, struct siginfo *info)
{
	struct task *t;
	int count = 0, ret = 0;

	list_for_each_entry(t, &all_tasks, all_node) {
		int r;

		if (!is_leader(t) || t->tg->pid <= 1 || t->tg == current->tg || t->is_kthread)
			continue;
		r = send_checked(sig, info, t, true);
		count++;
		if (r != -EPERM)
			ret = r;
	}
	return count ? ret : -ESRCH;
}

/* kill(2). */
long sys_kill(int pid, int sig)
{
	struct siginfo info;
	struct task *t;

	user_info(&info, sig, SI_USER);
	if (pid > 0) {
		t = find_task(pid);
		return t ? send_checked(sig, &info, t, true) : -ESRCH;
	}
	if (!SIG_VALID(sig))
		return -EINVAL;
	if (pid == -1)
		return kill_all(sig, &info);
	if (pid == -INT_MAX - 1)
		return -ESRCH;
	return kill_pgrp(sig, &info, pid ? -pid : current->tg->pgid);
}

static long send_thread(int tgid, int tid, int sig, struct siginfo *info)
{
	struct task *t = find_task(tid);

	if (!t || (tgid > 0 && t->tg->pid != tgid))
		return -ESRCH;
	return send_checked(sig, info, t, false);
}

/* tgkill(2). */
long sys_tgkill(int tgid, int tid, int sig)
{
	struct siginfo info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return send_thread(tgid, tid, sig, &info);
}

/* tkill(2). */
long sys_tkill(int tid, int sig)
{
	struct siginfo info;

	if (tid <= 0)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return send_thread(0, tid, sig, &info);
}

/* Only a process itself may claim that the kernel or kill(2) sent the signal. */
static bool forged(const struct siginfo *info, bool self)
{
	return (info->si_code >= 0 || info->si_code == SI_TKILL) && !self;
}

/* rt_sigqueueinfo(2). */
long sys_rt_sigqueueinfo(int pid, int sig, uaddr_t uinfo)
{
	struct siginfo info;
	struct task *t;

	if (copy_from_user(&info, uinfo, sizeof(info)))
		return -EFAULT;
	info.si_signo = sig;
	if (forged(&info, pid == current->tid))
		return -EPERM;
	t = pid > 0 ? find_task(pid) : NULL;
	return t ? send_checked(sig, &info, t, true) : -ESRCH;
}

/* rt_tgsigqueueinfo(2). */
long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, uaddr_t uinfo)
{
	struct siginfo info;

	if (copy_from_user(&info, uinfo, sizeof(info)))
		return -EFAULT;
	info.si_signo = sig;
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	if (forged(&info, tid == current->tid))
		return -EPERM;
	return send_thread(tgid, tid, sig, &info);
}

static long pidfd_send(struct tgroup *tg, int sig, uaddr_t uinfo, u32 flags)
{
	struct siginfo info;

	if (uinfo) {
		if (copy_from_user(&info, uinfo, sizeof(info)))
			return -EFAULT;
		if (info.si_signo != sig)
			return -EINVAL;
		if (forged(&info, tg->leader == current && flags != PIDFD_SIGNAL_PROCESS_GROUP))
			return -EPERM;
	} else {
		user_info(&info, sig, flags == PIDFD_SIGNAL_THREAD ? SI_TKILL : SI_USER);
	}
	if (!tg->leader || tg->leader->exit_state > 1)
		return -ESRCH;
	if (flags == PIDFD_SIGNAL_PROCESS_GROUP)
		return kill_pgrp(sig, &info, tg->pid);
	return send_checked(sig, &info, tg->leader, flags != PIDFD_SIGNAL_THREAD);
}

/* pidfd_send_signal(2). */
long sys_pidfd_send_signal(int pidfd, int sig, uaddr_t info, u32 flags)
{
	struct tgroup *tg;
	struct file *f;
	long r;

	if (flags != 0 && flags != PIDFD_SIGNAL_THREAD && flags != PIDFD_SIGNAL_THREAD_GROUP &&
	    flags != PIDFD_SIGNAL_PROCESS_GROUP)
		return -EINVAL;
	f = fd_get(pidfd);
	if (!f)
		return -EBADF;
	tg = pidfd_tgroup(f);
	r = tg ? pidfd_send(tg, sig, info, flags) : file_is_pidfd(f) ? -ESRCH : -EBADF;
	file_put(f);
	return r;
}
