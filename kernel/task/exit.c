/*
 * Death: exit(2), exit_group(2), and what follows from it for parent, children, process group and terminal.
 *
 * States of a group: alive -> (nr_threads 0, leader zombie, all others released) -> parent told -> waited
 * for or reaped at once -> released. A dead thread that is no leader releases itself. do_exit may sleep up to
 * exit_notify; from there to sched_exit it must not, for the task may be released by its parent at any time.
 */
#include "ptrace_priv.h"
#include "task_priv.h"
#include <umber/futex.h>
#include <umber/vfs.h>

/* Given by kernel/tty and kernel/ipc when they are linked in. */
__weak void tty_session_leader_exit(struct tgroup *tg);
__weak void sysv_sem_exit(struct task *t);

/*
 * t (current) leaves mm: pthread_join's word, robust futexes, the vfork parent. t->mm is still set. An
 * address space that nobody else uses has nobody to wake.
 */
void mm_release(struct task *t, struct mm *mm)
{
	futex_exit(t);
	t->robust_list = 0;
	if (t->clear_child_tid) {
		if (mm->users.n > 1 && !mm->dead && put_user((s32)0, t->clear_child_tid) == 0)
			futex_wake_user(t->clear_child_tid, 1);
		t->clear_child_tid = 0;
	}
	t->rseq = 0;
	vfork_done(t);
}

static void exit_mm(struct task *t)
{
	struct mm *mm = t->mm;
	if (!mm) {
		vfork_done(t);
		return;
	}
	mm_release(t, mm);
	u64 kb = max(mm->hiwater_rss_pages, mm_rss_pages(mm)) * (PAGE_SIZE / 1024);
	if (kb > t->tg->acc.maxrss_kb)
		t->tg->acc.maxrss_kb = kb;
	t->mm = NULL;
	port_task_exit(&t->port);
	mm_users_put(mm);
}

static void exit_parts(struct task *t)
{
	struct files *files = t->files;
	struct fs_ctx *fs = t->fs;
	t->files = NULL;
	if (files)
		files_put(files);
	t->fs = NULL;
	if (fs)
		fs_ctx_put(fs);
}

/* Who takes the children of a dying group: the nearest living subreaper above, else pid 1. */
static struct task *find_reaper(struct tgroup *tg)
{
	if (tg->has_child_subreaper)
		for (struct task *p = tg->parent; p; p = p->tg->parent)
			if (p->tg->is_subreaper && p->tg->nr_threads > 0)
				return p->tg->leader;
	return init_task && init_task->tg != tg ? init_task : NULL;
}

static int alive_tid(struct tgroup *tg, struct task *except)
{
	struct task *t;
	list_for_each_entry(t, &tg->threads, tg_node)
		if (t != except && !t->exit_state && !t->exiting)
			return t->tid;
	return tg->leader->tid;
}

static void send_pdeath(struct tgroup *child, int dead_tid)
{
	struct task *t;
	list_for_each_entry(t, &child->threads, tg_node)
		if (t->pdeath_signal && !t->exit_state) {
			struct siginfo info;
			memset(&info, 0, sizeof(info));
			info.si_signo = t->pdeath_signal;
			info.u.rt.pid = dead_tid;
			info.u.rt.uid = current->cred->uid;
			signal_send_group(t->pdeath_signal, &info, child);
		}
}

/* Nothing is left of the group but its dead leader: it can be waited for. */
bool group_is_zombie(struct tgroup *tg)
{
	return tg->nr_threads == 0 && tg->leader->exit_state == 1 &&
	       list_first_entry(&tg->threads, struct task, tg_node) ==
		       list_last_entry(&tg->threads, struct task, tg_node);
}

/* Children of t's group: the thread's own hear of its death; with the group's last thread all move on. */
static void forget_children(struct task *t, bool group_dead)
{
	struct tgroup *tg = t->tg, *c, *n;
	struct task *reaper = group_dead ? find_reaper(tg) : NULL;
	list_for_each_entry_safe(c, n, &tg->children, sibling) {
		if (c->parent_tid == t->tid || group_dead) {
			bool mine = c->parent_tid == t->tid;
			if (!group_dead) {
				c->parent_tid = alive_tid(tg, t);
				send_pdeath(c, t->tid);
				continue;
			}
			list_del(&c->sibling);
			c->parent = reaper;
			c->parent_tid = reaper ? alive_tid(reaper->tg, NULL) : 0;
			if (reaper)
				list_add_tail(&c->sibling, &reaper->tg->children);
			if (mine)
				send_pdeath(c, t->tid);
			if (c->leader->exit_signal != SIGCHLD)
				c->leader->exit_signal = SIGCHLD;
			if (group_is_zombie(c))
				exit_notify_leader(c);
			else if (c->session)
				pgrp_check_orphaned(c->pgid, c->session->sid, NULL,
						    c->pgid != tg->pgid && tg->session == c->session);
		}
	}
}

/*
 * The group is a zombie that its parent has not been told of: SIGCHLD, waiters, pidfds; or, when the
 * parent ignores SIGCHLD (or there is no parent), released at once.
 */
void exit_notify_leader(struct tgroup *tg)
{
	struct task *leader = tg->leader;
	bool reap = false;
	leader->exit_code = tgroup_wait_status(tg);
	if (ptrace_is_foreign(leader)) { /* its tracer is told first; take_death() comes back here */
		signal_notify_parent(leader, SIGCHLD);
		wq_wake_key(&tg->pidfd_wq, INT_MAX, 0);
		wq_wake_all(&leader->tracer->tg->wait_chldexit);
		return;
	}
	if (!tg->parent) {
		reap = true;
	} else {
		int sig = leader->exit_signal;
		struct ksigaction *sa = &tg->parent->sighand->action[SIGCHLD - 1];
		if (sig == SIGCHLD && sa->handler == SIG_IGN) {
			reap = true;
			sig = 0;
		} else if (sig == SIGCHLD && (sa->flags & SA_NOCLDWAIT)) {
			reap = true;
		}
		if (sig > 0 && sig <= 64)
			signal_notify_parent(leader, sig);
	}
	wq_wake_key(&tg->pidfd_wq, INT_MAX, 0);
	wake_parent_waiters(tg);
	if (reap)
		release_task(leader);
}

/* Only self and possibly a dead leader are left in the group. */
bool exec_others_gone(struct tgroup *tg, struct task *self)
{
	struct task *t;
	list_for_each_entry(t, &tg->threads, tg_node)
		if (t != self && !(t == tg->leader && t->exit_state))
			return false;
	return true;
}

/* No sleep from here to sched_exit. */
static void exit_notify(struct task *t, bool group_dead)
{
	struct tgroup *tg = t->tg;
	bool leader = is_leader(t);
	forget_children(t, group_dead);
	if (group_dead && tg->session && tg->parent)
		pgrp_check_orphaned(tg->pgid, tg->session->sid, tg,
				    tg->parent->tg->pgid != tg->pgid && tg->parent->tg->session == tg->session);
	ptrace_exit(t);
	rusage_collect_dead(t);
	t->exit_state = 1;
	if (!leader && t->tracer) {
		wq_wake_all(&t->tracer->tg->wait_chldexit);
	} else if (!leader) {
		release_task(t);
		if (group_dead && group_is_zombie(tg))
			exit_notify_leader(tg);
	} else if (group_is_zombie(tg)) {
		exit_notify_leader(tg);
	}
	if (tg->exec_task)
		wq_wake_all(&tg->exec_task->tg->wait_chldexit);
}

static void check_init_exit(struct task *t, int code)
{
	struct tgroup *tg = t->tg;
	if (init_task && tg == init_task->tg && tg->nr_threads == 1)
		init_exited(tg->group_exit ? tg->exit_code : code);
}

/* current ends with wait status `code`. Called on its own fibre with nothing held. */
void do_exit(int code)
{
	struct task *t = current;
	struct tgroup *tg = t->tg;
	if (t->exiting)
		panic("do_exit: %s (%d) died twice", t->comm, t->tid);
	ptrace_event(PTRACE_EVENT_EXIT, (u64)code);
	check_init_exit(t, code);
	t->exiting = true;
	signal_task_exit(t);
	t->exit_code = code;
	bool group_dead = --tg->nr_threads == 0;
	if (group_dead && !tg->group_exit) { /* the last one's status counts, since Linux 5.19 */
		tg->exit_code = code;
		tg->group_exit = true;
	}
	if (group_dead && !t->is_kthread)
		posix_timers_exit(t);
	if (sysv_sem_exit)
		sysv_sem_exit(t);
	exit_mm(t);
	exit_parts(t);
	if (group_dead && tg->session && tg->session->sid == tg->pid && tty_session_leader_exit)
		tty_session_leader_exit(tg);
	exit_notify(t, group_dead);
	t->state = TASK_DEAD;
	sched_exit();
}

/* All threads of current's group end with this status; the first caller's counts. */
void do_group_exit(int code)
{
	struct tgroup *tg = current->tg;
	if (tg->group_exit) {
		code = tg->exit_code;
	} else if (tg->exec_task && tg->exec_task != current) {
		code = 0; /* one of the threads that an exec clears away */
	} else {
		if (tg->nr_threads > 1)
			signal_kill_group(tg, code);
		tg->group_exit = true;
		tg->exit_code = code;
	}
	do_exit(code);
}

long sys_exit(int code)
{
	do_exit((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
	do_group_exit((code & 0xff) << 8);
}
