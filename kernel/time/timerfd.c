/*
 * timerfd_create(2): timers that are read from a file.
 *
 * ticks counts expirations that nobody has read. A periodic timer that fired is armed again when it is looked at
 * (read, gettime, settime), and the expirations in between are added then: an unread timer costs nothing.
 */
#include "time_internal.h"
#include <abi/timex.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/uaccess.h>
#include <umber/vfs.h>

struct timerfd {
	struct ktimer kt;
	struct clock_watch watch;
	struct wait_queue wq;
	int clock, settime_flags;
	u64 expires_ns, interval_ns;   /* expires: 0 = not set */
	u64 ticks;
	bool expired;                  /* fired, not armed again yet */
	bool follow_real;              /* absolute on a clock that can be set */
	bool canceled;                 /* the clock was set: the next read says ECANCELED */
};

static u64 tfd_now(struct timerfd *tf)
{
	return tf->follow_real ? ktime_real_ns() : ktime_mono_ns();
}

static void tfd_arm(struct timerfd *tf)
{
	ktimer_start(&tf->kt, tf->follow_real ? ktime_real_to_mono(tf->expires_ns) : tf->expires_ns);
}

static void tfd_fire(struct ktimer *kt)
{
	struct timerfd *tf = container_of(kt, struct timerfd, kt);

	if (tf->follow_real && ktime_real_ns() < tf->expires_ns) { /* the host's clock was set back */
		tfd_arm(tf);
		return;
	}
	tf->expired = true;
	tf->ticks++;
	wq_wake_key(&tf->wq, INT_MAX, EPOLLIN);
}

static void tfd_clock_set(struct clock_watch *w)
{
	struct timerfd *tf = container_of(w, struct timerfd, watch);

	if (tf->settime_flags & TFD_TIMER_CANCEL_ON_SET) {
		tf->canceled = true;
		tf->ticks++;
		wq_wake_key(&tf->wq, INT_MAX, EPOLLIN);
	}
	if (tf->expires_ns && !tf->expired)
		tfd_arm(tf);
}

/* Counts the periods since it fired and arms the next one. */
static void tfd_catch_up(struct timerfd *tf)
{
	u64 n;

	if (!tf->expired || !tf->interval_ns)
		return;
	tf->expired = false;
	n = timer_forward(&tf->expires_ns, tf->interval_ns, tfd_now(tf));
	tf->ticks += n ? n - 1 : 0;
	tfd_arm(tf);
}

static ssize_t tfd_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct timerfd *tf = f->priv;
	u64 ticks;
	int r;

	if (it->count < sizeof(ticks))
		return -EINVAL;
	if (!tf->ticks) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = wait_event(&tf->wq, tf->ticks != 0, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (r)
			return r;
	}
	if (tf->canceled) {
		tf->canceled = false;
		tf->ticks = 0;
		tf->expired = false;
		return -ECANCELED;
	}
	tfd_catch_up(tf);
	ticks = tf->ticks;
	tf->ticks = 0;
	return copy_to_iter(&ticks, sizeof(ticks), it) == sizeof(ticks) ? (ssize_t)sizeof(ticks) : -EFAULT;
}

static u32 tfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *tf = f->priv;

	poll_wait(f, &tf->wq, pt);
	return tf->ticks ? EPOLLIN : 0;
}

static void tfd_release(struct file *f)
{
	struct timerfd *tf = f->priv;

	ktimer_cancel(&tf->kt);
	clock_watch_del(&tf->watch);
	kfree(tf);
}

static struct timespec64 tfd_left(struct timerfd *tf)
{
	u64 now = tfd_now(tf);

	if (!tf->expires_ns || tf->expired)
		return (struct timespec64){ 0, 0 };
	return ns_to_ts(tf->expires_ns > now ? tf->expires_ns - now : 1);
}

static void tfd_show(struct file *f, struct seq_file *m)
{
	struct timerfd *tf = f->priv;
	struct timespec64 v = tfd_left(tf), i = ns_to_ts(tf->interval_ns);

	seq_printf(m, "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%lu, %lu)\nit_interval: (%lu, %lu)\n",
		   tf->clock, (unsigned long)tf->ticks, (unsigned)tf->settime_flags, (unsigned long)v.tv_sec,
		   (unsigned long)v.tv_nsec, (unsigned long)i.tv_sec, (unsigned long)i.tv_nsec);
}

static const struct file_ops timerfd_ops = {
	.llseek = noop_llseek,
	.read_iter = tfd_read,
	.poll = tfd_poll,
	.release = tfd_release,
	.show_fdinfo = tfd_show,
};

static bool is_alarm(int clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

/* timerfd_create(2). */
long sys_timerfd_create(int clock, int flags)
{
	struct timerfd *tf;
	struct file *f;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (!clock_has_timers(clock) || clock == CLOCK_TAI)
		return -EINVAL;
	if (is_alarm(clock) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	tf = kzalloc(sizeof(*tf));
	if (!tf)
		return -ENOMEM;
	ktimer_init(&tf->kt, tfd_fire);
	wq_init(&tf->wq);
	list_init(&tf->watch.node);
	tf->clock = clock;
	f = anon_file("[timerfd]", &timerfd_ops, tf, O_RDWR | (u32)(flags & TFD_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(tf);
		return PTR_ERR(f);
	}
	return fd_install(f, flags & TFD_CLOEXEC ? O_CLOEXEC : 0);
}

static struct file *timerfd_get(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return ERR_PTR(-EBADF);
	if (f->op != &timerfd_ops) {
		file_put(f);
		return ERR_PTR(-EINVAL);
	}
	return f;
}

static void tfd_set(struct timerfd *tf, int flags, const struct itimerspec64 *v)
{
	u64 ns = ts_to_ns(&v->it_value);

	ktimer_cancel(&tf->kt);
	clock_watch_del(&tf->watch);
	tf->ticks = 0;
	tf->expired = false;
	tf->interval_ns = ts_to_ns(&v->it_interval);
	tf->expires_ns = 0;
	tf->follow_real = (flags & TFD_TIMER_ABSTIME) && clock_is_real(tf->clock);
	tf->settime_flags = tf->follow_real ? flags : flags & ~TFD_TIMER_CANCEL_ON_SET;
	if (tf->follow_real && (ns || (flags & TFD_TIMER_CANCEL_ON_SET)))
		clock_watch_add(&tf->watch, tfd_clock_set);
	if (!ns)
		return;
	tf->expires_ns = flags & TFD_TIMER_ABSTIME ? ns : ns_add(ktime_mono_ns(), ns);
	tfd_arm(tf);
}

/* timerfd_settime(2). */
long sys_timerfd_settime(int fd, int flags, uaddr_t value, uaddr_t ovalue)
{
	struct itimerspec64 new, old;
	struct timerfd *tf;
	struct file *f;
	long r = 0;

	if (get_user(new, value))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) || !itimerspec_valid(&new))
		return -EINVAL;
	f = timerfd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	tf = f->priv;
	if (is_alarm(tf->clock) && !capable(CAP_WAKE_ALARM)) {
		file_put(f);
		return -EPERM;
	}
	tfd_catch_up(tf);
	old.it_value = tfd_left(tf);
	old.it_interval = ns_to_ts(tf->interval_ns);
	tfd_set(tf, flags, &new);
	if (tf->canceled) { /* reported here instead of by read; the new setting holds */
		tf->canceled = false;
		r = -ECANCELED;
	}
	file_put(f);
	if (!r && ovalue)
		r = copy_to_user(ovalue, &old, sizeof(old));
	return r;
}

/* timerfd_gettime(2). */
long sys_timerfd_gettime(int fd, uaddr_t value)
{
	struct itimerspec64 v;
	struct timerfd *tf;
	struct file *f = timerfd_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	tf = f->priv;
	tfd_catch_up(tf);
	v.it_value = tfd_left(tf);
	v.it_interval = ns_to_ts(tf->interval_ns);
	file_put(f);
	return copy_to_user(value, &v, sizeof(v));
}
