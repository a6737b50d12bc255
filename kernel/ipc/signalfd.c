/* signalfd(2): pending signals read as records. Always those of the task that reads or polls. */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>

struct signalfd { ksigset_t mask; };

struct signalfd_siginfo {
	u32 signo;
	s32 err, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, int_;
	u64 ptr, utime, stime, addr;
	u16 addr_lsb, pad2;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd_siginfo is 128 bytes");

static void fill_record(struct signalfd_siginfo *r, const struct siginfo *si)
{
	memset(r, 0, sizeof(*r));
	r->signo = si->si_signo;
	r->err = si->si_errno;
	r->code = si->si_code;
	if (si->si_code == SI_TIMER) {
		r->tid = si->u.timer.tid;
		r->overrun = si->u.timer.overrun;
		r->ptr = si->u.timer.value;
		r->int_ = (s32)si->u.timer.value;
		return;
	}
	if (si->si_code > 0 && si->si_code != SI_KERNEL) { /* made by the kernel: the signal says what is in it */
		switch (si->si_signo) {
		case SIGCHLD:
			r->pid = si->u.chld.pid;
			r->uid = si->u.chld.uid;
			r->status = si->u.chld.status;
			r->utime = si->u.chld.utime;
			r->stime = si->u.chld.stime;
			return;
		case SIGIO:
			r->band = si->u.poll.band;
			r->fd = si->u.poll.fd;
			return;
		case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE: case SIGTRAP:
			r->addr = si->u.fault.addr;
			r->addr_lsb = si->u.fault.addr_lsb;
			return;
		case SIGSYS:
			r->syscall = si->u.sys.syscall;
			r->call_addr = si->u.sys.call_addr;
			r->arch = si->u.sys.arch;
			return;
		}
	}
	r->pid = si->u.rt.pid;
	r->uid = si->u.rt.uid;
	r->ptr = si->u.rt.value;
	r->int_ = (s32)si->u.rt.value;
}

static ssize_t signalfd_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct signalfd *s = f->priv;
	struct signalfd_siginfo rec;
	struct siginfo si;
	ssize_t done = 0;

	if (it->count < sizeof(rec))
		return -EINVAL;
	while (it->count >= sizeof(rec)) {
		if (!signal_dequeue(current, s->mask, &si)) {
			int err;

			if (done)
				break;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			err = wait_event(&current->sighand->signalfd_wq,
					 signal_dequeue(current, s->mask, &si), WAIT_INTERRUPTIBLE,
					 WAIT_FOREVER);
			if (err)
				return err;
		}
		fill_record(&rec, &si);
		if (copy_to_iter(&rec, sizeof(rec), it) != sizeof(rec))
			return done ? done : -EFAULT;
		done += sizeof(rec);
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->priv;

	poll_wait(f, &current->sighand->signalfd_wq, pt);
	return (current->pending.set | current->tg->pending.set) & s->mask ? EPOLLIN | EPOLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->priv);
}

static void signalfd_fdinfo(struct file *f, struct seq_file *m)
{
	struct signalfd *s = f->priv;

	seq_printf(m, "sigmask:\t%016llx\n", (unsigned long long)s->mask);
}

static const struct file_ops signalfd_fops = {
	.read_iter = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_fdinfo,
	.llseek = noop_llseek,
};

/* signalfd4(2): fd -1 makes a new one, else the mask of fd changes. */
long sys_signalfd4(int fd, uaddr_t umask, u64 size, int flags)
{
	struct signalfd *s;
	struct file *f;
	ksigset_t mask;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK) || size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, umask))
		return -EFAULT;
	mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	if (fd == -1) {
		s = kzalloc(sizeof(*s));
		if (!s)
			return -ENOMEM;
		s->mask = mask;
		f = anon_file("[signalfd]", &signalfd_fops, s, O_RDWR | (flags & O_NONBLOCK));
		if (IS_ERR(f)) {
			kfree(s);
			return PTR_ERR(f);
		}
		return fd_install(f, flags & O_CLOEXEC);
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->op != &signalfd_fops) {
		file_put(f);
		return -EINVAL;
	}
	s = f->priv;
	s->mask = mask;
	wq_wake_all(&current->sighand->signalfd_wq);
	file_put(f);
	return fd;
}

/* signalfd(2) of old: no flags. */
long sys_signalfd(int fd, uaddr_t umask, u64 size)
{
	return sys_signalfd4(fd, umask, size, 0);
}
