/* Generation: who gets a signal, whether it is queued, who is woken (kill(2), signal(7)). */
#include "signal_internal.h"
#include <port/boot.h>
#include <umber/poll.h>
#include <umber/string.h>

static bool init_killable; /* pid 1 ran into a fault with no handler: nothing protects it any more */

/* pid 1 gets only what it has handlers for; the command of a plain `umber run` is no init. */
bool signal_unkillable(const struct tgroup *tg)
{
	return tg->pid == 1 && !init_killable && !(boot_params.run && !boot_params.run_init);
}

/* Would t's disposition drop sig? Blocking and tracing are not looked at. */
bool signal_ignored(struct task *t, int sig)
{
	uaddr_t h = t->sighand ? t->sighand->action[sig - 1].handler : SIG_DFL;

	return h == SIG_IGN || (h == SIG_DFL && (SIGSET_IGNORE & SIGBIT(sig)));
}

static bool dropped(struct task *t, int sig)
{
	if ((t->blocked | t->real_blocked) & SIGBIT(sig))
		return false; /* the disposition may change before it is unblocked */
	if (signal_unkillable(t->tg) && t->sighand->action[sig - 1].handler == SIG_DFL)
		return true;
	if (t->tracer && sig != SIGKILL)
		return false;
	return signal_ignored(t, sig);
}

void signal_wake(struct task *t, bool fatal)
{
	unsigned states = TASK_INTERRUPTIBLE;

	t->sig_pending = true;
	if (fatal)
		states |= TASK_KILLABLE | TASK_STOPPED | TASK_TRACED;
	if (!sched_wake(t, states) && t != current)
		sched_notify(t);
}

/* The one way a whole group dies: all threads but `except` get SIGKILL. */
static void kill_threads(struct tgroup *tg, struct task *except)
{
	struct task *t;

	tg->stop_count = 0;
	tg->stopped = false;
	list_for_each_entry(t, &tg->threads, tg_node) {
		t->stop_pending = false;
		if (t == except || task_exiting(t))
			continue;
		t->pending.set |= SIGBIT(SIGKILL);
		signal_wake(t, true);
	}
}

static void group_exit_start(struct tgroup *tg, int wait_status, struct task *except)
{
	if (!tg->group_exit) {
		tg->group_exit = true;
		tg->exit_code = wait_status;
	}
	kill_threads(tg, except);
}

void signal_kill_group(struct tgroup *tg, int wait_status)
{
	struct task *me = current;

	group_exit_start(tg, wait_status, me && me->tg == tg ? me : NULL);
}

struct task *signal_any_thread(struct tgroup *tg)
{
	struct task *t;

	if (tg->leader && !task_exiting(tg->leader))
		return tg->leader;
	list_for_each_entry(t, &tg->threads, tg_node)
		if (!task_exiting(t))
			return t;
	return NULL;
}

static bool wants(const struct task *t, int sig)
{
	if ((t->blocked & SIGBIT(sig)) || task_exiting(t))
		return false;
	if (sig == SIGKILL)
		return true;
	if (t->state & (TASK_STOPPED | TASK_TRACED))
		return false;
	return t->se.on_cpu || !t->sig_pending;
}

/* A signal is in the queue: chooses the thread that will look, and ends the group at once if it is fatal. */
static void complete(int sig, struct task *t, bool group)
{
	struct tgroup *tg = t->tg;

	if (!wants(t, sig)) {
		struct task *o, *found = NULL;

		if (!group || tg->nr_threads <= 1)
			return; /* it is there when t unblocks or goes on */
		list_for_each_entry(o, &tg->threads, tg_node) {
			if (wants(o, sig)) {
				found = o;
				break;
			}
		}
		if (!found)
			return;
		t = found;
	}
	if (t->sighand->action[sig - 1].handler == SIG_DFL && !(SIGSET_IGNORE & SIGBIT(sig)) &&
	    !((SIGSET_STOP | SIGSET_CORE) & SIGBIT(sig)) && !tg->group_exit &&
	    !(t->real_blocked & SIGBIT(sig)) && (sig == SIGKILL || !t->tracer)) {
		group_exit_start(tg, sig, NULL);
		return;
	}
	signal_wake(t, sig == SIGKILL);
}

void signal_retarget(struct task *t, ksigset_t set)
{
	struct tgroup *tg = t->tg;
	struct task *o;

	set &= tg->pending.set;
	if (!set || tg->nr_threads <= 1)
		return;
	list_for_each_entry(o, &tg->threads, tg_node) {
		signal_sync_mask(o);
		if (o == t || task_exiting(o) || !(set & ~o->blocked))
			continue;
		set &= o->blocked;
		if (!o->sig_pending)
			signal_wake(o, false);
		if (!set)
			break;
	}
}

void signal_sync_mask(struct task *t)
{
	if (t->se.in_user)
		t->blocked = port_user_mask(&t->port);
}

static void sync_masks(struct task *t, bool group)
{
	struct task *o;

	if (!group) {
		signal_sync_mask(t);
		return;
	}
	list_for_each_entry(o, &t->tg->threads, tg_node)
		signal_sync_mask(o);
}

/* Effects of generation that do not depend on delivery. False: nothing more to do. */
static bool prepare(int sig, struct task *t)
{
	struct tgroup *tg = t->tg;

	if (tg->group_exit)
		return false;
	if (SIGSET_STOP & SIGBIT(sig))
		signal_flush_group(tg, SIGBIT(SIGCONT));
	else if (sig == SIGCONT)
		signal_cont(tg);
	return !dropped(t, sig);
}

static void fill_info(struct siginfo *out, int sig, const struct siginfo *info)
{
	struct task *me = current;

	if (!info_special(info)) {
		*out = *info;
		out->si_signo = sig;
		return;
	}
	memset(out, 0, sizeof(*out));
	out->si_signo = sig;
	out->si_code = info == SEND_SIG_KERNEL ? SI_KERNEL : SI_USER;
	if (info == SEND_SIG_NOINFO && me) {
		out->u.rt.pid = me->tg->pid;
		out->u.rt.uid = me->cred ? me->cred->uid : 0;
	}
}

static void queued(int sig, struct sigpending *p, struct task *t, bool group)
{
	p->set |= SIGBIT(sig);
	if (wq_active(&t->sighand->signalfd_wq))
		wq_wake_key(&t->sighand->signalfd_wq, INT_MAX, EPOLLIN);
	complete(sig, t, group);
}

/*
 * Sends to thread t, or through it to its group. 0; 1: ignored; -EAGAIN: a queued (not kill-like) real-time
 * signal over RLIMIT_SIGPENDING. Any context with klock; does not sleep.
 */
int signal_send(int sig, struct siginfo *info, struct task *t, bool group)
{
	struct sigpending *p = group ? &t->tg->pending : &t->pending;
	struct sigqueue *q;

	sync_masks(t, group);
	if (t->is_kthread || task_exiting(t) || !prepare(sig, t))
		return 1;
	if (sig < SIGRTMIN && (p->set & SIGBIT(sig)))
		return 0; /* standard signals do not queue */
	if (sig == SIGKILL) {
		queued(sig, p, t, group);
		return 0;
	}
	q = sigqueue_alloc(t, sig < SIGRTMIN && (info_special(info) || info->si_code >= 0));
	if (q) {
		fill_info(&q->info, sig, info);
		list_add_tail(&q->node, &p->queue);
	} else if (sig >= SIGRTMIN && !info_special(info) && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	queued(sig, p, t, group);
	return 0;
}

int sigqueue_send(struct sigqueue *q, struct task *t, bool group)
{
	struct sigpending *p;
	int sig = q->info.si_signo;

	if (group)
		t = signal_any_thread(t->tg);
	if (!t || task_exiting(t))
		return -ESRCH;
	if (!list_empty(&q->node))
		return 0;
	sync_masks(t, group);
	if (!prepare(sig, t))
		return 1;
	p = group ? &t->tg->pending : &t->pending;
	list_add_tail(&q->node, &p->queue);
	queued(sig, p, t, group);
	return 0;
}

int signal_send_task(int sig, struct siginfo *info, struct task *t)
{
	int r;

	if (!sig)
		return 0;
	r = signal_send(sig, info, t, false);
	return r < 0 ? r : 0;
}

int signal_send_group(int sig, struct siginfo *info, struct tgroup *tg)
{
	struct task *t;
	int r;

	if (!sig)
		return 0;
	t = signal_any_thread(tg);
	if (!t)
		return 0; /* a zombie takes signals without effect */
	r = signal_send(sig, info, t, true);
	return r < 0 ? r : 0;
}

/* A fault: must be seen now. Blocked or ignored ones get the default action; pid 1 is not spared. */
void signal_force(int sig, struct siginfo *info, struct task *t)
{
	struct ksigaction *ka;

	if (task_exiting(t))
		return;
	ka = &t->sighand->action[sig - 1];
	if ((t->blocked & SIGBIT(sig)) || ka->handler == SIG_IGN)
		ka->handler = SIG_DFL;
	t->blocked &= ~SIGBIT(sig);
	if (ka->handler == SIG_DFL && t->tg->pid == 1 && !t->tracer)
		init_killable = true;
	signal_send(sig, info, t, false);
	signal_recalc(t);
}

struct pgrp_send {
	struct siginfo *info;
	int sig, found;
};

static void pgrp_send_one(struct tgroup *tg, void *arg)
{
	struct pgrp_send *s = arg;

	s->found++;
	signal_send_group(s->sig, s->info, tg);
}

int signal_send_pgrp(int sig, struct siginfo *info, int pgid)
{
	struct pgrp_send s = { info, sig, 0 };

	if (pgid <= 0)
		return -ESRCH;
	task_for_each_in_pgrp(pgid, pgrp_send_one, &s);
	return s.found ? 0 : -ESRCH;
}

/* kill(2), NOTES. What the kernel itself sends (info is SEND_SIG_KERNEL or si_code > 0) is always allowed. */
int signal_check_perm(int sig, struct siginfo *info, struct task *t)
{
	const struct cred *me = current->cred, *to = t->cred;

	if (info == SEND_SIG_KERNEL || (!info_special(info) && info->si_code > 0))
		return 0;
	if (t->tg == current->tg)
		return 0;
	if (!to)
		return capable(CAP_KILL) ? 0 : -EPERM;
	if (me->euid == to->suid || me->euid == to->uid || me->uid == to->suid || me->uid == to->uid)
		return 0;
	if (capable(CAP_KILL))
		return 0;
	if (sig == SIGCONT && t->tg->session == current->tg->session)
		return 0;
	return -EPERM;
}
