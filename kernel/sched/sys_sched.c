/*
 * sched_setscheduler(2) and its family, affinity, yield. Rules of sched(7): an unprivileged task may lower priorities,
 * raise its RT priority up to RLIMIT_RTPRIO, and nice down to 20 - RLIMIT_NICE.
 */
#include "sched_int.h"
#include <abi/errno.h>
#include <abi/sched.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/time.h>
#include <umber/uaccess.h>

#define SCHED_FLAG_RESET_ON_FORK 1ULL
#define SCHED_FLAG_KEEP_POLICY 8ULL
#define SCHED_FLAG_KEEP_PARAMS 16ULL
#define SCHED_FLAG_UTIL_CLAMP_MIN 32ULL
#define SCHED_FLAG_UTIL_CLAMP_MAX 64ULL
#define ATTR_SIZE_VER0 48u

struct sched_attr_abi {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};

static struct task *target(int pid)
{
	return pid ? find_task(pid) : current;
}

static bool same_owner(const struct task *t)
{
	const struct cred *me = current->cred;

	return me->euid == t->cred->uid || me->euid == t->cred->euid;
}

static bool valid_policy(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE || policy_rt(policy);
}

static bool may_nice(const struct task *t, int nice)
{
	return nice >= t->se.nice || (u64)(20 - nice) <= t->tg->rlim[RLIMIT_NICE].cur;
}

/* May current give t this policy, priority and nice value? Only called without CAP_SYS_NICE. */
static bool unprivileged_may(const struct task *t, int policy, int prio, int nice, bool reset_on_fork)
{
	if (!same_owner(t))
		return false;
	if (policy_rt(policy)) {
		u64 lim = t->tg->rlim[RLIMIT_RTPRIO].cur;

		if (policy != t->se.policy && !lim)
			return false;
		if (prio > t->se.rt_priority && (u64)prio > lim)
			return false;
	} else if (!may_nice(t, nice)) {
		return false;
	}
	if (t->se.policy == SCHED_IDLE && policy != SCHED_IDLE && !may_nice(t, t->se.nice) &&
	    (u64)(20 - t->se.nice) > t->tg->rlim[RLIMIT_NICE].cur)
		return false;
	return reset_on_fork || !t->se.reset_on_fork;
}

static long set_scheduler(struct task *t, int policy, int prio, int nice, bool reset_on_fork)
{
	if (!valid_policy(policy))
		return -EINVAL;
	if (policy_rt(policy) ? prio < 1 || prio > 99 : prio != 0)
		return -EINVAL;
	if (!capable(CAP_SYS_NICE) && !unprivileged_may(t, policy, prio, nice, reset_on_fork))
		return -EPERM;
	sched_account(t);
	t->se.reset_on_fork = reset_on_fork;
	if (t->se.policy == policy && t->se.rt_priority == prio && t->se.nice == nice)
		return 0;
	t->se.policy = policy;
	t->se.rt_priority = prio;
	if (!policy_rt(policy))
		t->se.nice = nice;
	sched_requeue(t);
	return 0;
}

static long get_param(uaddr_t param, int *prio)
{
	return get_user(*prio, param);
}

long sys_sched_setscheduler(int pid, int policy, uaddr_t param)
{
	bool reset = policy & SCHED_RESET_ON_FORK;
	struct task *t;
	int prio;

	if (policy < 0 || pid < 0 || !param)
		return -EINVAL;
	if (get_param(param, &prio))
		return -EFAULT;
	t = target(pid);
	if (!t)
		return -ESRCH;
	return set_scheduler(t, policy & ~SCHED_RESET_ON_FORK, prio, t->se.nice, reset);
}

long sys_sched_setparam(int pid, uaddr_t param)
{
	struct task *t;
	int prio;

	if (pid < 0 || !param)
		return -EINVAL;
	if (get_param(param, &prio))
		return -EFAULT;
	t = target(pid);
	return t ? set_scheduler(t, t->se.policy, prio, t->se.nice, t->se.reset_on_fork) : -ESRCH;
}

long sys_sched_getparam(int pid, uaddr_t param)
{
	struct task *t;

	if (pid < 0 || !param)
		return -EINVAL;
	t = target(pid);
	return t ? put_user((s32)t->se.rt_priority, param) : -ESRCH;
}

long sys_sched_getscheduler(int pid)
{
	struct task *t;

	if (pid < 0)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	return t->se.policy | (t->se.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_get_priority_max(int policy)
{
	if (policy_rt(policy))
		return 99;
	return valid_policy(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	if (policy_rt(policy))
		return 1;
	return valid_policy(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(int pid, uaddr_t ts)
{
	struct timespec64 v = { 0, 0 };
	struct task *t;

	if (pid < 0)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	if (t->se.policy == SCHED_RR)
		v.tv_nsec = RR_SLICE_NS;
	else if (t->se.policy != SCHED_FIFO)
		v.tv_nsec = SLICE_NS;
	return copy_to_user(ts, &v, sizeof(v));
}

/* -E2BIG tells the caller, in attr->size, how much this kernel understands. */
static long read_attr(uaddr_t uattr, struct sched_attr_abi *a)
{
	u32 size;
	long err;

	memset(a, 0, sizeof(*a));
	if (get_user(size, uattr))
		return -EFAULT;
	if (!size)
		size = ATTR_SIZE_VER0;
	err = size < ATTR_SIZE_VER0 || size > PAGE_SIZE ? -E2BIG
		: copy_struct_from_user(a, sizeof(*a), uattr, size);
	if (err == -E2BIG && put_user((u32)sizeof(*a), uattr))
		return -EFAULT;
	if (err)
		return err;
	if (a->flags & (SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX))
		return size < sizeof(*a) ? -EINVAL : -EOPNOTSUPP;
	a->nice = max(-20, min(19, a->nice));
	return 0;
}

long sys_sched_setattr(int pid, uaddr_t uattr, u32 flags)
{
	struct sched_attr_abi a;
	struct task *t;
	int policy, nice;
	u32 prio;
	long err;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	err = read_attr(uattr, &a);
	if (err)
		return err;
	if ((s32)a.policy < 0)
		return -EINVAL;
	if (a.flags & ~(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS | 2 | 4))
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	policy = a.flags & SCHED_FLAG_KEEP_POLICY ? t->se.policy : (int)a.policy;
	prio = a.flags & SCHED_FLAG_KEEP_PARAMS ? (u32)t->se.rt_priority : a.priority;
	nice = a.flags & SCHED_FLAG_KEEP_PARAMS || policy_rt(policy) ? t->se.nice : a.nice;
	if (prio > 99)
		return -EINVAL;
	return set_scheduler(t, policy, (int)prio, nice, a.flags & SCHED_FLAG_RESET_ON_FORK);
}

long sys_sched_getattr(int pid, uaddr_t uattr, u32 size, u32 flags)
{
	struct sched_attr_abi a = { 0 };
	struct task *t;

	if (!uattr || pid < 0 || size > PAGE_SIZE || size < ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	a.size = min(size, (u32)sizeof(a));
	a.policy = (u32)t->se.policy;
	if (t->se.reset_on_fork)
		a.flags |= SCHED_FLAG_RESET_ON_FORK;
	if (task_rt(t))
		a.priority = (u32)t->se.rt_priority;
	else
		a.nice = t->se.nice;
	a.util_max = 1024;
	return copy_to_user(uattr, &a, a.size);
}

/* Moves t off a vCPU that it may no longer use; current moves before this returns. */
static void apply_affinity(struct task *t, u64 mask)
{
	t->se.affinity = mask;
	if (mask >> t->se.cpu & 1)
		return;
	sched_requeue(t);
	if (t == current)
		schedule();
}

long sys_sched_setaffinity(int pid, u32 len, uaddr_t umask)
{
	u64 mask = 0;
	struct task *t;

	if (copy_from_user(&mask, umask, min(len, (u32)sizeof(mask))))
		return -EFAULT;
	t = target(pid);
	if (!t)
		return -ESRCH;
	if (!same_owner(t) && !capable(CAP_SYS_NICE))
		return -EPERM;
	mask &= sched_cpu_mask();
	if (!mask)
		return -EINVAL;
	apply_affinity(t, mask);
	return 0;
}

long sys_sched_getaffinity(int pid, u32 len, uaddr_t umask)
{
	struct task *t;
	u64 mask;

	if (len * 8ULL < (u64)nr_vcpus || len & 7)
		return -EINVAL;
	t = target(pid);
	if (!t)
		return -ESRCH;
	mask = t->se.affinity & sched_cpu_mask();
	if (copy_to_user(umask, &mask, sizeof(mask)))
		return -EFAULT;
	return sizeof(mask);
}

long sys_sched_yield(void)
{
	if (this_vcpu()->nr_queued)
		sched_yield_task();
	return 0;
}
