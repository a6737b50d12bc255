/* getrlimit(2), setrlimit(2), prlimit64(2). */
#include "task_priv.h"
#include <umber/vfs.h>

#define NR_OPEN_MAX 1048576

/* The rules for a new limit of tg; hard limits go up with CAP_SYS_RESOURCE only. */
static int set_limit(struct tgroup *tg, u32 which, const struct rlimit64 *n)
{
	struct rlimit64 *l = &tg->rlim[which];
	if (n->cur > n->max)
		return -EINVAL;
	if (which == RLIMIT_NOFILE && n->max > NR_OPEN_MAX)
		return -EPERM;
	if (n->max > l->max && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	*l = *n;
	if (which == RLIMIT_CPU && l->cur == 0)
		l->cur = 1; /* "at once" would be "never": as Linux */
	return 0;
}

/* May current look at or change t's limits? Real, effective and saved ids must match, or the capability. */
static int prlimit_access(struct task *t)
{
	const struct cred *c = current->cred, *o = t->cred;
	if (t->tg == current->tg)
		return 0;
	if (c->uid == o->euid && c->uid == o->suid && c->uid == o->uid && c->gid == o->egid && c->gid == o->sgid &&
	    c->gid == o->gid)
		return 0;
	return capable(CAP_SYS_RESOURCE) ? 0 : -EPERM;
}

long sys_prlimit64(int pid, u32 which, uaddr_t new, uaddr_t old)
{
	struct rlimit64 n, o;
	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && get_user(n, new))
		return -EFAULT;
	struct task *t = pid ? find_task(pid) : current;
	if (!t)
		return -ESRCH;
	int err = prlimit_access(t);
	if (err)
		return err;
	o = t->tg->rlim[which];
	if (new) {
		err = set_limit(t->tg, which, &n);
		if (err)
			return err;
	}
	return old ? put_user(o, old) : 0;
}

long sys_getrlimit(u32 which, uaddr_t rlim)
{
	return which >= RLIM_NLIMITS ? -EINVAL : put_user(current->tg->rlim[which], rlim);
}

long sys_setrlimit(u32 which, uaddr_t rlim)
{
	struct rlimit64 n;
	if (get_user(n, rlim))
		return -EFAULT;
	return which >= RLIM_NLIMITS ? -EINVAL : set_limit(current->tg, which, &n);
}
