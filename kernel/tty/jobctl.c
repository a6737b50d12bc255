/*
 * Job control (credentials(7), tcsetpgrp(3), ioctl_tty(2)): a session's controlling terminal and its foreground group.
 *
 * t->session and session->tty point at each other or are both NULL; each side holds a reference of the other.
 * t->pgrp is a number: whoever uses it checks that a group of this session has it.
 */
#include "tty_internal.h"

struct tty *tty_current(void)
{
	struct session *s = current->tg->session;

	return s && !current->tg->no_tty ? s->tty : NULL;
}

u32 tty_nr(const struct tgroup *tg)
{
	return tg->session && tg->session->tty && !tg->no_tty ? tg->session->tty->dev : 0;
}

int tty_fg_pgrp(const struct tgroup *tg)
{
	if (!tg->session || !tg->session->tty || tg->no_tty)
		return -1;
	return tg->session->tty->pgrp ? tg->session->tty->pgrp : -1;
}

void tty_signal(struct tty *t, int sig)
{
	if (t->session && t->pgrp && pgrp_in_session(t->pgrp, t->session->sid))
		signal_send_pgrp(sig, SEND_SIG_KERNEL, t->pgrp);
}

static bool blocked_or_ignored(int sig)
{
	return (current->blocked & SIGBIT(sig)) || current->sighand->action[sig - 1].handler == SIG_IGN;
}

/* May current, perhaps in the background, do this to t? 0; -EIO; -ERESTARTSYS after `sig` went to its group. */
int tty_check_change(struct tty *t, int sig)
{
	int pgid = current->tg->pgid;

	if (tty_current() != t || !t->pgrp || t->pgrp == pgid)
		return 0;
	if (blocked_or_ignored(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (pgrp_orphaned(pgid))
		return -EIO;
	signal_send_pgrp(sig, SEND_SIG_KERNEL, pgid);
	return -ERESTARTSYS;
}

static void unlink_session(struct tty *t)
{
	struct session *s = t->session;

	t->pgrp = 0;
	if (!s)
		return;
	t->session = NULL;
	s->tty = NULL;
	session_put(s);
	tty_put(t);
}

/* t becomes the controlling terminal of current's session. */
void tty_set_ctty(struct tty *t)
{
	struct session *s = current->tg->session;

	unlink_session(t);
	if (s->tty)
		unlink_session(s->tty);
	ref_get(&s->ref);
	t->session = s;
	s->tty = tty_get(t);
	s->old_pgrp = 0;
	t->pgrp = current->tg->pgid;
	current->tg->no_tty = false;
}

/* Hangup: the leader hears of it, the session loses its terminal; the foreground group hears when the leader ends. */
void tty_session_hangup(struct tty *t)
{
	struct session *s = t->session;
	struct tgroup *leader = s ? find_tgroup(s->sid) : NULL;

	if (!s)
		return;
	s->old_pgrp = t->pgrp;
	if (leader && leader->session == s) {
		signal_send_group(SIGHUP, SEND_SIG_KERNEL, leader);
		signal_send_group(SIGCONT, SEND_SIG_KERNEL, leader);
	}
	if (t->pgrp && (!leader || t->pgrp != leader->pgid))
		tty_signal(t, SIGHUP);
	tty_get(t);
	unlink_session(t);
	tty_put(t);
}

/* The session leader gives up its terminal (TIOCNOTTY). */
void tty_disassociate(struct tty *t)
{
	tty_signal(t, SIGHUP);
	tty_signal(t, SIGCONT);
	unlink_session(t);
}

/* tg, a session leader, has ended (exit(3), CONSEQUENCES). */
void tty_session_leader_exit(struct tgroup *tg)
{
	struct session *s = tg->session;
	struct tty *t = s->tty;

	if (!t) {
		if (s->old_pgrp && pgrp_in_session(s->old_pgrp, s->sid)) {
			signal_send_pgrp(SIGHUP, SEND_SIG_KERNEL, s->old_pgrp);
			signal_send_pgrp(SIGCONT, SEND_SIG_KERNEL, s->old_pgrp);
		}
		s->old_pgrp = 0;
		return;
	}
	tty_get(t);
	tty_signal(t, SIGHUP);
	if (!t->pty)
		tty_hangup(t);
	if (t->session)
		unlink_session(t);
	tty_put(t);
}

void tty_vhangup_self(void)
{
	struct tty *t = tty_current();

	if (t) {
		tty_get(t);
		tty_hangup(t);
		tty_put(t);
	}
}

static long set_ctty(struct tty *t, struct file *f, u64 steal)
{
	struct tgroup *tg = current->tg;
	bool leader = tg->session && tg->session->sid == tg->pid;

	if (leader && tg->session == t->session)
		return 0;
	if (!leader || tg->session->tty)
		return -EPERM;
	if (t->session && !(steal == 1 && capable(CAP_SYS_ADMIN)))
		return -EPERM;
	if (!(f->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	tty_set_ctty(t);
	return 0;
}

static long no_tty(struct tty *t)
{
	struct tgroup *tg = current->tg;

	if (tty_current() != t)
		return -ENOTTY;
	if (tg->session->sid == tg->pid)
		tty_disassociate(t);
	else
		tg->no_tty = true;
	return 0;
}

static long set_pgrp(struct tty *t, uaddr_t arg, bool master)
{
	s32 pgid;
	long r = master ? 0 : tty_check_change(t, SIGTTOU);

	if (r == -EIO)
		return -ENOTTY;
	if (r)
		return r;
	if (tty_current() != t || t->session != current->tg->session)
		return -ENOTTY;
	if (get_user(pgid, arg))
		return -EFAULT;
	if (pgid < 0)
		return -EINVAL;
	if (!pgid || signal_send_pgrp(0, SEND_SIG_KERNEL, pgid) == -ESRCH)
		return -ESRCH;
	if (!pgrp_in_session(pgid, t->session->sid))
		return -EPERM;
	t->pgrp = pgid;
	return 0;
}

long tty_job_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg, bool master)
{
	switch (cmd) {
	case TIOCSCTTY:
		return set_ctty(t, f, arg);
	case TIOCNOTTY:
		return no_tty(t);
	case TIOCGPGRP:
		if (!master && tty_current() != t)
			return -ENOTTY;
		return put_user((s32)t->pgrp, arg);
	case TIOCSPGRP:
		return set_pgrp(t, arg, master);
	case TIOCGSID:
		if ((!master && tty_current() != t) || !t->session)
			return -ENOTTY;
		return put_user((s32)t->session->sid, arg);
	}
	return TTY_NOT_MINE;
}
