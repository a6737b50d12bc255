/* Calls about the own mask and about waiting: rt_sigprocmask(2), sigsuspend(2), sigtimedwait(2), pause(2). */
#include "signal_internal.h"
#include <umber/syscall.h>
#include <umber/uaccess.h>

/* rt_sigprocmask(2). */
long sys_rt_sigprocmask(int how, uaddr_t set, uaddr_t oset, u64 size)
{
	ksigset_t old = current->blocked, new;

	if (size != sizeof(ksigset_t))
		return -EINVAL;
	if (set) {
		if (get_user(new, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			new |= old;
			break;
		case SIG_UNBLOCK:
			new = old & ~new;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_blocked(current, new);
	}
	return oset ? put_user(old, oset) : 0;
}

/* rt_sigpending(2). */
long sys_rt_sigpending(uaddr_t set, u64 size)
{
	ksigset_t pending = (current->pending.set | current->tg->pending.set) & current->blocked;

	if (size > sizeof(pending))
		return -EINVAL;
	return copy_to_user(set, &pending, size);
}

int signal_mask_set_user(uaddr_t uset, size_t size)
{
	ksigset_t mask;

	if (!uset)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, uset))
		return -EFAULT;
	current->saved_mask = current->blocked;
	current->restore_mask = true;
	signal_set_blocked(current, mask);
	return 0;
}

/* interrupted: delivery restores the mask, after the handler has been chosen by the temporary one. */
void signal_mask_restore(bool interrupted)
{
	struct task *t = current;

	if (!t->restore_mask)
		return;
	if (interrupted) {
		t->sig_pending = true;
		return;
	}
	t->restore_mask = false;
	signal_set_blocked(t, t->saved_mask);
}

static int sleep_for_signal(u64 deadline_ns)
{
	struct wait_queue q = WAIT_QUEUE_INIT(q);

	return wait_event(&q, false, WAIT_INTERRUPTIBLE, deadline_ns);
}

/* pause(2). */
long sys_pause(void)
{
	sleep_for_signal(WAIT_FOREVER);
	return -ERESTARTNOHAND;
}

/* rt_sigsuspend(2). */
long sys_rt_sigsuspend(uaddr_t set, u64 size)
{
	int r;

	if (size != sizeof(ksigset_t))
		return -EINVAL;
	if (!set)
		return -EFAULT;
	r = signal_mask_set_user(set, size);
	if (r)
		return r;
	sleep_for_signal(WAIT_FOREVER);
	signal_mask_restore(true);
	return -ERESTARTNOHAND;
}

/* Waits for one of `set`. The signals are unblocked meanwhile, so that the senders choose this thread. */
static int wait_for(ksigset_t set, u64 deadline_ns, struct siginfo *info)
{
	struct wait_queue q = WAIT_QUEUE_INIT(q);
	struct task *t = current;
	ksigset_t old = t->blocked;
	int sig = 0, r;

	t->real_blocked = old;
	t->blocked &= ~set;
	signal_recalc(t);
	r = wait_event(&q, (sig = signal_dequeue(t, set, info)) != 0, WAIT_INTERRUPTIBLE, deadline_ns);
	t->real_blocked = 0;
	signal_set_blocked(t, old);
	if (sig)
		return sig;
	return r == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

/* rt_sigtimedwait(2). */
long sys_rt_sigtimedwait(uaddr_t uset, uaddr_t uinfo, uaddr_t timeout, u64 size)
{
	struct timespec64 ts;
	struct siginfo info;
	u64 deadline = WAIT_FOREVER;
	ksigset_t set;
	int sig;

	if (size != sizeof(set))
		return -EINVAL;
	if (get_user(set, uset))
		return -EFAULT;
	if (timeout) {
		if (get_user(ts, timeout))
			return -EFAULT;
		if (!ts_valid(&ts))
			return -EINVAL;
		deadline = ns_add(ktime_mono_ns(), ts_to_ns(&ts));
	}
	set &= ~SIGSET_KERNEL_ONLY;
	sig = signal_dequeue(current, set, &info);
	if (!sig && timeout && !ts.tv_sec && !ts.tv_nsec)
		return -EAGAIN;
	if (!sig)
		sig = wait_for(set, deadline, &info);
	if (sig > 0 && uinfo && copy_to_user(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

/* restart_syscall(2): goes on with the sleep that a stop or an ignored signal interrupted. */
long sys_restart_syscall(void)
{
	struct task *t = current;

	return t->restart.fn ? t->restart.fn(t) : -EINTR;
}
