/*
 * Process groups and sessions (setpgid(2), setsid(2), credentials(7)).
 *
 * A pgrp exists while a process is in it; a session while a process or a terminal refers to it. Both keep
 * their number from being used again. Tables are small hashes; all under klock, nothing here sleeps.
 */
#include "task_priv.h"
#include <port/boot.h>

#define HASH 256
static struct list_head pgrp_hash[HASH], session_list;
static bool ready;

struct session_node { struct session s; struct list_head node; };

static void tables_init(void)
{
	if (ready)
		return;
	for (int i = 0; i < HASH; i++)
		list_init(&pgrp_hash[i]);
	list_init(&session_list);
	ready = true;
}

struct pgrp *pgrp_find(int pgid)
{
	struct pgrp *p;
	tables_init();
	list_for_each_entry(p, &pgrp_hash[(u32)pgid % HASH], node)
		if (p->pgid == pgid)
			return p;
	return NULL;
}

void tgroup_leave_pgrp(struct tgroup *tg)
{
	struct pgrp *p = tg->pgrp;
	if (!p)
		return;
	tg->pgrp = NULL;
	list_del(&tg->pgrp_node);
	if (list_empty(&p->members)) {
		int nr = p->pgid;
		list_del(&p->node);
		kfree(p);
		pid_nr_release(nr);
	}
}

int tgroup_set_pgrp(struct tgroup *tg, int pgid)
{
	struct pgrp *p = pgrp_find(pgid);
	if (p && p == tg->pgrp)
		return 0;
	if (!p) {
		p = kzalloc(sizeof(*p));
		if (!p)
			return -ENOMEM;
		p->pgid = pgid;
		list_init(&p->members);
		list_add(&p->node, &pgrp_hash[(u32)pgid % HASH]);
	}
	tgroup_leave_pgrp(tg);
	tg->pgrp = p;
	tg->pgid = pgid;
	list_add_tail(&tg->pgrp_node, &p->members);
	return 0;
}

struct session *session_find(int sid)
{
	struct session_node *n;
	tables_init();
	list_for_each_entry(n, &session_list, node)
		if (n->s.sid == sid)
			return &n->s;
	return NULL;
}

/* The session of that number, referenced: the existing one, or a new one. NULL: no memory. */
struct session *session_new(int sid)
{
	struct session *s = session_find(sid);
	if (s) {
		ref_get(&s->ref);
		return s;
	}
	struct session_node *n = kzalloc(sizeof(*n));
	if (!n)
		return NULL;
	ref_set(&n->s.ref, 1);
	n->s.sid = sid;
	list_add(&n->node, &session_list);
	return &n->s;
}

void session_put(struct session *s)
{
	if (!ref_put(&s->ref))
		return;
	struct session_node *n = container_of(s, struct session_node, s);
	int nr = s->sid;
	list_del(&n->node);
	kfree(n);
	pid_nr_release(nr);
}

static bool connects(struct tgroup *tg, int pgid, int sid)
{
	return tg->parent && tg->parent->tg->pgid != pgid && tg->parent->tg->session &&
	       tg->parent->tg->session->sid == sid;
}

static bool tgroup_dead(struct tgroup *tg)
{
	return tg->nr_threads == 0;
}

/* True if no living member of the group but `ignore` has a parent in another group of the session. */
bool pgrp_orphaned_ignoring(int pgid, int sid, struct tgroup *ignore)
{
	struct pgrp *p = pgrp_find(pgid);
	struct tgroup *tg;
	if (!p)
		return true;
	list_for_each_entry(tg, &p->members, pgrp_node) {
		if (tg == ignore || tgroup_dead(tg) || !tg->parent)
			continue;
		/* children of init count as orphans; not those of a shell that is pid 1, as in a pid namespace */
		if (tg->parent == init_task && !boot_params.run)
			continue;
		if (connects(tg, pgid, sid))
			return false;
	}
	return true;
}

bool pgrp_orphaned(int pgid)
{
	struct pgrp *p = pgrp_find(pgid);
	if (!p)
		return true;
	struct tgroup *tg = list_first_entry(&p->members, struct tgroup, pgrp_node);
	return pgrp_orphaned_ignoring(pgid, tg->session ? tg->session->sid : 0, NULL);
}

bool pgrp_in_session(int pgid, int sid)
{
	struct pgrp *p = pgrp_find(pgid);
	struct tgroup *tg;
	if (!p)
		return false;
	list_for_each_entry(tg, &p->members, pgrp_node)
		if (tg->session && tg->session->sid == sid)
			return true;
	return false;
}

/* fn must not sleep and must not take its group off the pgrp. */
void task_for_each_in_pgrp(int pgid, void (*fn)(struct tgroup *tg, void *arg), void *arg)
{
	struct pgrp *p = pgrp_find(pgid);
	struct tgroup *tg, *n;
	if (!p)
		return;
	list_for_each_entry_safe(tg, n, &p->members, pgrp_node)
		fn(tg, arg);
}

/* POSIX: a newly orphaned process group with a stopped member gets SIGHUP, then SIGCONT. */
void pgrp_check_orphaned(int pgid, int sid, struct tgroup *ignore, bool was_connected)
{
	struct pgrp *p = pgrp_find(pgid);
	if (!p || !was_connected || !pgrp_orphaned_ignoring(pgid, sid, ignore))
		return;
	struct tgroup *tg;
	bool stopped = false;
	list_for_each_entry(tg, &p->members, pgrp_node)
		stopped |= tg->stopped;
	if (!stopped)
		return;
	signal_send_pgrp(SIGHUP, SEND_SIG_KERNEL, pgid);
	signal_send_pgrp(SIGCONT, SEND_SIG_KERNEL, pgid);
}

/* setsid(2). New session id or -EPERM (a group of that number exists), -ENOMEM. */
int task_setsid(void)
{
	struct tgroup *tg = current->tg;
	if (pgrp_find(tg->pid) || session_find(tg->pid))
		return -EPERM;
	struct session *s = session_new(tg->pid), *old = tg->session;
	if (!s)
		return -ENOMEM;
	if (tgroup_set_pgrp(tg, tg->pid)) {
		session_put(s);
		return -ENOMEM;
	}
	tg->session = s;
	if (old)
		session_put(old);
	return tg->pid;
}

long sys_setsid(void)
{
	return task_setsid();
}

long sys_setpgid(int pid, int pgid)
{
	struct tgroup *me = current->tg, *tg;
	if (!pid)
		pid = me->pid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	tg = find_tgroup(pid);
	if (!tg) /* a thread's id names no process: Linux says EINVAL */
		return find_task(pid) ? -EINVAL : -ESRCH;
	if (tg->parent && tg->parent->tg == me) {
		if (tg->session != me->session)
			return -EPERM;
		if (tg->did_exec)
			return -EACCES;
	} else if (tg != me) {
		return -ESRCH;
	}
	if (tg->session && tg->session->sid == tg->pid)
		return -EPERM;
	if (pgid != pid && (!me->session || !pgrp_in_session(pgid, me->session->sid)))
		return -EPERM;
	return tgroup_set_pgrp(tg, pgid);
}

long sys_getpgid(int pid)
{
	struct task *t = pid ? find_task(pid) : current;
	return t ? t->tg->pgid : -ESRCH;
}

long sys_getpgrp(void)
{
	return current->tg->pgid;
}

long sys_getsid(int pid)
{
	struct task *t = pid ? find_task(pid) : current;
	if (!t)
		return -ESRCH;
	return t->tg->session ? t->tg->session->sid : 0;
}
