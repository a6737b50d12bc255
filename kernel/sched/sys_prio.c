/* getpriority(2), setpriority(2), ioprio_get(2), ioprio_set(2). */
#include "sched_int.h"
#include <abi/errno.h>
#include <umber/syscall.h>

enum { WHO_PROCESS, WHO_PGRP, WHO_USER };

/* Calls fn for each task that (which, who) names; returns how many. */
static unsigned for_each_named(int which, int who, void (*fn)(struct task *t, void *arg), void *arg)
{
	unsigned n = 0;
	struct task *t;

	if (which == WHO_PROCESS) {
		t = who ? find_task(who) : current;
		if (!t)
			return 0;
		fn(t, arg);
		return 1;
	}
	if (!who)
		who = which == WHO_PGRP ? current->tg->pgid : (int)current->cred->uid;
	list_for_each_entry(t, &all_tasks, all_node) {
		if (t->is_kthread || (which == WHO_PGRP ? t->tg->pgid != who : t->cred->uid != (u32)who))
			continue;
		fn(t, arg);
		n++;
	}
	return n;
}

static void least_nice(struct task *t, void *arg)
{
	int *best = arg;

	*best = max(*best, 20 - t->se.nice);
}

long sys_getpriority(int which, int who)
{
	int best = 0;

	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	return for_each_named(which, who, least_nice, &best) ? best : -ESRCH;
}

struct renice {
	int nice;
	long err;
};

static void set_one_nice(struct task *t, void *arg)
{
	struct renice *r = arg;
	const struct cred *me = current->cred;

	if (me->euid != t->cred->uid && me->euid != t->cred->euid && !capable(CAP_SYS_NICE)) {
		r->err = -EPERM;
		return;
	}
	if (r->nice < t->se.nice && (u64)(20 - r->nice) > t->tg->rlim[RLIMIT_NICE].cur &&
	    !capable(CAP_SYS_NICE)) {
		r->err = -EACCES;
		return;
	}
	if (r->err == -ESRCH)
		r->err = 0;
	sched_account(t);
	t->se.nice = r->nice;
	if (!task_rt(t))
		sched_requeue(t);
}

long sys_setpriority(int which, int who, int prio)
{
	struct renice r = { max(-20, min(19, prio)), -ESRCH };

	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	for_each_named(which, who, set_one_nice, &r);
	return r.err;
}

/* ---- I/O priorities: kept and reported; the host's disks decide ---- */

enum { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE };
#define IOPRIO_CLASS(p) ((p) >> 13 & 7)
#define IOPRIO_LEVEL(p) ((p)&7)

static long ioprio_check(int prio)
{
	switch (IOPRIO_CLASS(prio)) {
	case IOPRIO_RT:
		return capable(CAP_SYS_NICE) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	case IOPRIO_BE:
	case IOPRIO_IDLE:
		return 0;
	case IOPRIO_NONE:
		return IOPRIO_LEVEL(prio) ? -EINVAL : 0;
	}
	return -EINVAL;
}

static void set_ioprio(struct task *t, void *arg)
{
	struct renice *r = arg;
	const struct cred *me = current->cred;

	if (t->cred->uid != me->euid && t->cred->uid != me->uid && !capable(CAP_SYS_NICE)) {
		r->err = -EPERM;
		return;
	}
	if (r->err == -ESRCH)
		r->err = 0;
	t->se.ioprio = (u16)r->nice;
}

long sys_ioprio_set(int which, int who, int prio)
{
	struct renice r = { prio, -ESRCH };
	long err;

	if (prio < 0 || prio > 0xffff)
		return -EINVAL;
	err = ioprio_check(prio);
	if (err)
		return err;
	if (which < 1 || which > 3)
		return -EINVAL;
	for_each_named(which - 1, who, set_ioprio, &r);
	return r.err;
}

/* A task that never set one runs at best effort, level by its nice value, and says so as "none". */
static void best_ioprio(struct task *t, void *arg)
{
	int *best = arg, p = t->se.ioprio;
	int class = IOPRIO_CLASS(p) ? IOPRIO_CLASS(p) : IOPRIO_BE;
	int level = IOPRIO_CLASS(p) ? IOPRIO_LEVEL(p) : 4;

	if (*best < 0 || class < IOPRIO_CLASS(*best) ||
	    (class == IOPRIO_CLASS(*best) && level < IOPRIO_LEVEL(*best)))
		*best = class << 13 | level;
}

static void exact_ioprio(struct task *t, void *arg)
{
	int *p = arg;

	*p = t->se.ioprio;
}

long sys_ioprio_get(int which, int who)
{
	int prio = -1;

	if (which < 1 || which > 3)
		return -EINVAL;
	if (!for_each_named(which - 1, who, which == 1 ? exact_ioprio : best_ioprio, &prio))
		return -ESRCH;
	return prio;
}
