/*
 * Job control: stopping and continuing whole processes, and telling the parent (signal(7), wait(2)).
 *
 *   running --signal_stop_begin--> stopping (stop_count > 0) --last signal_stop_join--> stopped
 *      ^------------------------------ signal_cont, SIGKILL -------------------------------'
 *
 * In `stopping` each living thread has stop_pending until it joins. The parent hears CLD_STOPPED when the last
 * one has joined, CLD_CONTINUED when a stopped process gets SIGCONT. stop_reported and cont_reported belong to
 * wait(2); they are reset here when there is something new to report.
 */
#include "signal_internal.h"
#include <umber/string.h>

#define NSEC_PER_TICK 10000000ULL /* clock_t has 100 to a second */

void signal_flush_group(struct tgroup *tg, ksigset_t set)
{
	struct task *t;

	sigpending_remove(&tg->pending, set);
	list_for_each_entry(t, &tg->threads, tg_node)
		sigpending_remove(&t->pending, set);
}

static void fill_child_info(struct siginfo *info, struct tgroup *tg)
{
	struct rusage_acc ru;

	memset(info, 0, sizeof(*info));
	info->si_signo = SIGCHLD;
	info->u.chld.pid = tg->pid;
	info->u.chld.uid = tg->leader->cred ? tg->leader->cred->uid : 0;
	memset(&ru, 0, sizeof(ru));
	tgroup_rusage(tg, &ru);
	info->u.chld.utime = (s64)(ru.utime_ns / NSEC_PER_TICK);
	info->u.chld.stime = (s64)(ru.stime_ns / NSEC_PER_TICK);
}

/* Parent's view of a stop or continuation. SA_NOCLDSTOP suppresses the signal, never the wake-up of wait(2). */
static void notify_stop(struct tgroup *tg, int code)
{
	struct task *p = tg->parent ? signal_any_thread(tg->parent->tg) : NULL;
	struct siginfo info;

	if (p) {
		struct ksigaction *ka = &p->sighand->action[SIGCHLD - 1];

		if (ka->handler != SIG_IGN && !(ka->flags & SA_NOCLDSTOP)) {
			fill_child_info(&info, tg);
			info.si_code = code;
			info.u.chld.status = code == CLD_CONTINUED ? SIGCONT : tg->stop_signo;
			signal_send_group(SIGCHLD, &info, p->tg);
		}
	}
	wake_parent_waiters(tg);
}

static void stop_complete(struct tgroup *tg)
{
	tg->stopped = true;
	tg->stop_reported = false;
	tg->continued = false;
	notify_stop(tg, CLD_STOPPED);
}

void signal_cont(struct tgroup *tg)
{
	bool was_stopped = tg->stopped, was_stopping = tg->stop_count > 0;
	struct task *t;

	signal_flush_group(tg, SIGSET_STOP);
	tg->stop_count = 0;
	tg->stopped = false;
	list_for_each_entry(t, &tg->threads, tg_node) {
		t->stop_pending = false;
		if (t->tracer && ptrace_continued)
			ptrace_continued(t);
		sched_wake(t, TASK_STOPPED);
	}
	if (was_stopped || was_stopping) {
		tg->continued = true;
		tg->cont_reported = false;
		notify_stop(tg, was_stopped ? CLD_CONTINUED : CLD_STOPPED);
	}
}

void signal_stop_begin(int sig)
{
	struct tgroup *tg = current->tg;
	struct task *t;

	tg->stop_signo = sig;
	tg->stop_count = 0;
	list_for_each_entry(t, &tg->threads, tg_node) {
		if (task_exiting(t) || (t->state & TASK_STOPPED))
			continue;
		t->stop_pending = true;
		tg->stop_count++;
		if (t != current)
			signal_wake(t, false);
	}
}

static void stop_leave(struct task *t)
{
	struct tgroup *tg = t->tg;

	if (!t->stop_pending)
		return; /* a thread that was made while the group stopped */
	t->stop_pending = false;
	if (tg->stop_count > 0 && --tg->stop_count == 0)
		stop_complete(tg);
}

/* Sleeps until SIGCONT or SIGKILL. Nobody else wakes TASK_STOPPED. */
void signal_stop_join(void)
{
	struct task *t = current;

	t->state = TASK_STOPPED; /* before the parent hears of it: it may look at once */
	stop_leave(t);
	if (t->tracer && ptrace_group_stop) {
		t->state = TASK_RUNNING;
		ptrace_group_stop(t->tg->stop_signo);
	} else {
		schedule();
	}
	signal_recalc(t);
}

void signal_task_exit(struct task *t)
{
	t->exiting = true;
	stop_leave(t);
	signal_retarget(t, ~t->blocked);
}

/*
 * The process of `leader` has died: sends exit_signal with its status to the parent (or tracer). The
 * caller wakes wait(2). A parent that ignores SIGCHLD gets no signal; whether the child is reaped at once is the caller's.
 */
void signal_notify_parent(struct task *leader, int exit_signal)
{
	struct task *to = leader->tracer ? leader->tracer : leader->tg->parent, *p;
	int status = leader->tg->group_exit ? leader->tg->exit_code : leader->exit_code;
	struct siginfo info;

	p = to ? signal_any_thread(to->tg) : NULL;
	if (p && exit_signal > 0 && exit_signal <= SIGRTMAX &&
	    !(exit_signal == SIGCHLD && p->sighand->action[SIGCHLD - 1].handler == SIG_IGN)) {
		fill_child_info(&info, leader->tg);
		info.si_signo = exit_signal;
		if (status & 0x7f) {
			info.si_code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
			info.u.chld.status = status & 0x7f;
		} else {
			info.si_code = CLD_EXITED;
			info.u.chld.status = (status >> 8) & 0xff;
		}
		signal_send_group(exit_signal, &info, p->tg);
	}
}
