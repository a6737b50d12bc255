/*
 * wait4(2), waitid(2). A waiter sleeps on its group's wait_chldexit; every change of a child's state wakes
 * it and it looks through all children (and tracees) again, so no wake-up carries meaning of its own.
 */
#include "task_priv.h"
#include "ptrace_priv.h"
#include <umber/vfs.h>

struct wait_for {
	int type, id, options;           /* P_*; wanted pid or pgid; W* */
	struct tgroup *pidfd_tg;         /* P_PIDFD */
	int pid, uid, status, code, signo; /* found: code CLD_*, status in wait(2) form */
	struct rusage_acc ru;
};

/* Wait status of a dead group. */
int tgroup_wait_status(struct tgroup *tg)
{
	return tg->group_exit ? tg->exit_code : tg->leader->exit_code;
}

void wake_parent_waiters(struct tgroup *tg)
{
	if (tg->parent)
		wq_wake_all(&tg->parent->tg->wait_chldexit);
}

static bool wants(const struct wait_for *w, struct tgroup *tg)
{
	switch (w->type) {
	case P_PID:
		if (tg->pid != w->id)
			return false;
		break;
	case P_PGID:
		if (tg->pgid != w->id)
			return false;
		break;
	case P_PIDFD:
		if (tg != w->pidfd_tg)
			return false;
		break;
	}
	if ((w->options & W_NOTHREAD) && tg->parent_tid != current->tid)
		return false;
	/* "clone" children are those which do not send SIGCHLD */
	if (!(w->options & W_ALL) && (tg->leader->exit_signal != SIGCHLD) != !!(w->options & W_CLONE))
		return false;
	return true;
}

static void set_dead_code(struct wait_for *w, int status)
{
	w->status = status;
	w->code = !(status & 0x7f) ? CLD_EXITED : (status & 0x80) ? CLD_DUMPED : CLD_KILLED;
}

static bool take_zombie(struct wait_for *w, struct tgroup *tg)
{
	struct task *leader = tg->leader;
	if (!(w->options & WEXITED) || !group_is_zombie(tg))
		return false;
	if (leader->tracer && leader->tracer->tg != current->tg)
		return false; /* its tracer comes first */
	w->pid = tg->pid;
	w->uid = leader->cred->uid;
	set_dead_code(w, leader->exit_code);
	tgroup_rusage(tg, &w->ru);
	if (w->options & WNOWAIT)
		return true;
	struct rusage_acc *c = &current->tg->cacc;
	rusage_add(c, &tg->acc);
	rusage_add(c, &tg->cacc);
	release_task(leader);
	return true;
}

static bool take_stopped(struct wait_for *w, struct tgroup *tg)
{
	if (!(w->options & WSTOPPED) || !tg->stopped || tg->stop_reported || !tg->nr_threads)
		return false;
	w->pid = tg->pid;
	w->uid = tg->leader->cred->uid;
	w->code = CLD_STOPPED;
	w->status = tg->stop_signo << 8 | 0x7f;
	tgroup_rusage(tg, &w->ru);
	if (!(w->options & WNOWAIT))
		tg->stop_reported = true;
	return true;
}

static bool take_continued(struct wait_for *w, struct tgroup *tg)
{
	if (!(w->options & WCONTINUED) || !tg->continued || tg->cont_reported || !tg->nr_threads)
		return false;
	w->pid = tg->pid;
	w->uid = tg->leader->cred->uid;
	w->code = CLD_CONTINUED;
	w->status = 0xffff;
	tgroup_rusage(tg, &w->ru);
	if (!(w->options & WNOWAIT))
		tg->cont_reported = true;
	return true;
}

/* Tracees of all threads of the waiter's group. */
static bool look_tracees(struct wait_for *w, bool *any)
{
	struct task *me, *t;
	list_for_each_entry(me, &current->tg->threads, tg_node) {
		if ((w->options & W_NOTHREAD) && me != current)
			continue;
		list_for_each_entry(t, &me->tracees, tracee_node) {
			bool leader = is_leader(t);
			if (w->type == P_PID && t->tid != w->id)
				continue;
			if (w->type == P_PGID && t->tg->pgid != w->id)
				continue;
			if (w->type == P_PIDFD && !(leader && t->tg == w->pidfd_tg))
				continue;
			*any = true;
			int status, code;
			if (!ptrace_take_report(t, w->options, &status, &code))
				continue;
			w->pid = t->tid;
			w->uid = t->cred->uid;
			w->status = status;
			w->code = code;
			task_rusage(t, &w->ru);
			return true;
		}
	}
	return false;
}

/* Looks once. True: w is filled, or w->pid is -ECHILD because nobody could ever match. */
static bool look(struct wait_for *w)
{
	struct tgroup *c;
	bool any = false;
	w->pid = 0;
	if (look_tracees(w, &any))
		return true;
	list_for_each_entry(c, &current->tg->children, sibling) {
		if (!wants(w, c))
			continue;
		any |= c->nr_threads || (w->options & WEXITED); /* a zombie neither stops nor goes on any more */
		if (take_zombie(w, c) || take_stopped(w, c) || take_continued(w, c))
			return true;
	}
	if (!any)
		w->pid = -ECHILD;
	return !any;
}

/* pid, 0 (WNOHANG: nothing yet), or negative errno. */
static int do_wait(struct wait_for *w)
{
	if (w->options & WNOHANG) {
		look(w);
		return w->pid;
	}
	int err = wait_event(&current->tg->wait_chldexit, look(w), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	return err ? err : w->pid;
}

long sys_wait4(int pid, uaddr_t status, int options, uaddr_t rusage)
{
	struct wait_for w = { .type = P_ALL };
	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | W_NOTHREAD | W_ALL | (int)W_CLONE))
		return -EINVAL;
	if (pid == (-INT_MAX - 1))
		return -ESRCH;
	if (pid < -1) {
		w.type = P_PGID;
		w.id = -pid;
	} else if (pid == 0) {
		w.type = P_PGID;
		w.id = current->tg->pgid;
	} else if (pid > 0) {
		w.type = P_PID;
		w.id = pid;
	}
	w.options = options | WEXITED;
	int ret = do_wait(&w);
	if (ret <= 0)
		return ret;
	if (status && put_user((s32)w.status, status))
		return -EFAULT;
	if (rusage && rusage_to_user(rusage, &w.ru))
		return -EFAULT;
	return ret;
}

static int waitid_target(struct wait_for *w, int idtype, int id, struct file **pf)
{
	w->type = idtype;
	w->id = id;
	switch (idtype) {
	case P_ALL:
		return 0;
	case P_PID:
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		if (!id)
			w->id = current->tg->pgid;
		return 0;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		*pf = fd_get(id);
		if (!*pf)
			return -EBADF;
		w->pidfd_tg = pidfd_tgroup_raw(*pf);
		if (!w->pidfd_tg)
			return -EBADF;
		if ((*pf)->flags & O_NONBLOCK)
			w->options |= WNOHANG;
		return 0;
	}
	return -EINVAL;
}

static int waitid_out(uaddr_t info, const struct wait_for *w, int pid)
{
	/* Only these six words are written; the rest of siginfo_t stays as it was. */
	struct { s32 signo, err, code, pad, pid; u32 uid; s32 status; } out;
	memset(&out, 0, sizeof(out));
	if (pid > 0) {
		out.signo = SIGCHLD;
		out.code = w->code;
		out.pid = pid;
		out.uid = w->uid;
		if (w->code == CLD_EXITED)
			out.status = w->status >> 8 & 0xff;
		else if (w->code == CLD_KILLED || w->code == CLD_DUMPED)
			out.status = w->status & 0x7f;
		else if (w->code == CLD_CONTINUED)
			out.status = SIGCONT;
		else
			out.status = w->status >> 8; /* stopped, trapped: with a ptrace event above */
	}
	return copy_to_user(info, &out, sizeof(out));
}

long sys_waitid(int idtype, int id, uaddr_t info, int options, uaddr_t rusage)
{
	struct wait_for w = { 0 };
	struct file *pf = NULL;
	const int known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | W_NOTHREAD | W_ALL | (int)W_CLONE;
	if ((options & ~known) || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	w.options = options;
	int ret = waitid_target(&w, idtype, id, &pf);
	if (!ret)
		ret = do_wait(&w);
	if (!ret && pf && !(options & WNOHANG) && (w.options & WNOHANG))
		ret = -EAGAIN; /* PIDFD_NONBLOCK */
	if (pf)
		file_put(pf);
	if (ret < 0)
		return ret;
	if (info && waitid_out(info, &w, ret))
		return -EFAULT;
	if (ret > 0 && rusage && rusage_to_user(rusage, &w.ru))
		return -EFAULT;
	return 0;
}
