/*
 * Unix98 ptys, pty(7): the master side.
 *
 * Opening ptmx makes a pair: struct pty and its slave tty. What the slave writes waits in the slave's out ring until
 * the master reads it; what the master writes goes through the slave's line discipline at once, and the writer waits
 * when that is full. The slave tty outlives the master while files have it open: it is then `dead`.
 *
 *   master open, slave never opened   reads of the master wait
 *   slave closed by all               slave_closed: the master reads what is left, then -EIO, and polls HUP
 *   master closed                     slave hung up and dead, its node gone
 */
#include "tty_internal.h"

static const struct tty_ops pts_ops;
static const struct file_ops ptm_fops;

void pty_put(struct pty *p)
{
	if (!ref_put(&p->ref))
		return;
	wq_orphan(&p->wq);
	kfree(p);
}

void pty_wake_master(struct pty *p, u32 key)
{
	wq_wake_key(&p->wq, INT_MAX, key);
	if (key & EPOLLIN)
		fasync_list_kill(&p->async, FMODE_READ | FMODE_WRITE);
}

/* Packet mode: the master will read these control bits first. */
void pty_status(struct tty *slave, u8 set, u8 clear)
{
	struct pty *p = slave->pty;

	if (!p || !p->packet)
		return;
	p->status = (u8)((p->status & ~clear) | set);
	pty_wake_master(p, EPOLLIN | EPOLLPRI | EPOLLRDNORM);
}

/* ---- slave's driver ---- */
static void pts_out_ready(struct tty *t)
{
	pty_wake_master(t->pty, EPOLLIN | EPOLLRDNORM);
}

static int pts_opened(struct tty *t)
{
	t->pty->slave_closed = false;
	return 0;
}

static void pts_closed(struct tty *t)
{
	t->pty->slave_closed = true;
	pty_wake_master(t->pty, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

static void pts_freed(struct tty *t)
{
	pty_put(t->pty);
}

static const struct tty_ops pts_ops = {
	.open = pts_opened,
	.close = pts_closed,
	.out_ready = pts_out_ready,
	.freed = pts_freed,
};

int pts_open(struct inode *inode, struct file *f)
{
	struct pty *p = devpts_pty(inode);

	if (!p || !p->slave || p->locked)
		return -EIO;
	return tty_open_file(p->slave, f, f->flags & O_NOCTTY);
}

/* ---- master ---- */
int ptmx_open(struct inode *inode, struct file *f)
{
	struct pty *p = kzalloc(sizeof(*p));
	struct tty *t;
	char name[16];
	int err;

	(void)inode;
	if (!p)
		return -ENOMEM;
	ref_set(&p->ref, 2); /* the master's and the slave tty's */
	wq_init(&p->wq);
	list_init(&p->async);
	p->locked = true;
	err = devpts_new(f, p);
	if (err) {
		kfree(p);
		return err;
	}
	snprintf(name, sizeof(name), "pts/%d", p->index);
	t = tty_alloc(name, MKDEV(136, (u32)p->index), &pts_ops, NULL);
	if (!t || tty_buffers(t)) {
		devpts_del(p);
		if (t) {
			t->pty = p;
			pty_put(p);
			tty_put(t);
		} else {
			kfree(p);
		}
		return -ENOMEM;
	}
	t->tio.c_cflag &= ~(u32)HUPCL;
	t->pty = p;
	p->slave = t;
	f->priv = p;
	f->op = &ptm_fops;
	return 0;
}

static void ptm_release(struct file *f)
{
	struct pty *p = f->priv;
	struct tty *t = p->slave;

	fasync_list_set(&p->async, f, false);
	p->packet = false;
	t->dead = true;
	tty_hangup(t);
	devpts_del(p);
	p->slave = NULL;
	f->priv = NULL;
	tty_put(t);
	pty_put(p);
}

static bool ptm_readable(const struct pty *p)
{
	return tty_out_avail(p->slave) || (p->packet && p->status) || p->slave_closed;
}

static ssize_t ptm_read_data(struct tty *t, struct iov_iter *it)
{
	size_t done = 0, n;
	const u8 *p;

	while (it->count && (n = tty_out_peek(t, &p)) > 0) {
		u8 buf[1024]; /* the ring may change while user memory is touched */

		n = min(n, min(it->count, sizeof(buf)));
		memcpy(buf, p, n);
		tty_out_done(t, n);
		if (copy_to_iter(buf, n, it) != n)
			return done ? (ssize_t)done : -EFAULT;
		done += n;
	}
	return (ssize_t)done;
}

static ssize_t ptm_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct pty *p = f->priv;
	u8 head = 0;
	ssize_t r;

	if (!it->count)
		return 0;
	if (!ptm_readable(p)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = wait_event(&p->wq, ptm_readable(p), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (r)
			return r;
	}
	if (p->packet && p->status) {
		head = p->status;
		p->status = 0;
		return copy_to_iter(&head, 1, it) == 1 ? 1 : -EFAULT;
	}
	if (!tty_out_avail(p->slave))
		return -EIO;
	if (p->packet && copy_to_iter(&head, 1, it) != 1)
		return -EFAULT;
	r = ptm_read_data(p->slave, it);
	return r < 0 ? r : r + p->packet;
}

static ssize_t ptm_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct pty *p = f->priv;
	struct tty *t = p->slave;
	size_t done = 0, n, k;
	u8 buf[512];
	int err;

	while (it->count) {
		if (p->slave_closed && !t->count)
			return done ? (ssize_t)done : -EIO;
		n = copy_from_iter(buf, min(it->count, sizeof(buf)), it);
		if (!n)
			return done ? (ssize_t)done : -EFAULT;
		for (k = 0; k < n;) {
			size_t c = tty_receive(t, buf + k, n - k);

			k += c;
			done += c;
			if (k == n)
				break;
			if (f->flags & O_NONBLOCK)
				return done ? (ssize_t)done : -EAGAIN;
			err = wait_event(&p->wq, tty_in_room(t), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
			if (err)
				return done ? (ssize_t)done : err;
		}
		cond_resched();
	}
	return (ssize_t)done;
}

static u32 ptm_poll(struct file *f, struct poll_table *pt)
{
	struct pty *p = f->priv;
	u32 mask = 0;

	poll_wait(f, &p->wq, pt);
	if (ptm_readable(p))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (p->packet && p->status)
		mask |= EPOLLPRI;
	if (p->slave_closed)
		mask |= EPOLLHUP;
	if (tty_in_room(p->slave))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static long set_flag(u64 arg, bool *flag)
{
	s32 on;

	if (get_user(on, arg))
		return -EFAULT;
	*flag = on;
	return 0;
}

static long ptm_set_packet(struct pty *p, u64 arg)
{
	bool was = p->packet;
	long r = set_flag(arg, &p->packet);

	if (!r && p->packet && !was)
		p->status = 0;
	return r;
}

/* TIOCSIG: a signal as if typed at the slave. */
static long ptm_signal(struct pty *p, u64 sig)
{
	if (sig < 1 || sig > 64)
		return -EINVAL;
	tty_signal(p->slave, (int)sig);
	return 0;
}

static long ptm_peer(struct file *f, struct pty *p, u64 flags)
{
	struct file *peer = devpts_open_peer(f, p, (u32)flags);

	return IS_ERR(peer) ? PTR_ERR(peer) : fd_install(peer, (u32)flags);
}

/* TIOCSTI: the master reads this byte as if the slave had written it. */
static long ptm_fake_input(struct pty *p, u64 arg)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, arg))
		return -EFAULT;
	tty_put_raw(p->slave, c);
	pty_wake_master(p, EPOLLIN | EPOLLRDNORM);
	return 0;
}

static long ptm_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pty *p = f->priv;
	long r;

	switch (cmd) {
	case TIOCGPTN:
		return put_user((u32)p->index, arg);
	case TIOCSPTLCK:
		return set_flag(arg, &p->locked);
	case TIOCGPTLCK:
		return put_user((s32)p->locked, arg);
	case TIOCPKT:
		return ptm_set_packet(p, arg);
	case TIOCGPKT:
		return put_user((s32)p->packet, arg);
	case TIOCSIG:
		return ptm_signal(p, arg);
	case TIOCGPTPEER:
		return ptm_peer(f, p, arg);
	case TIOCGDEV:
		return put_user(MKDEV(5, 2), arg);
	case TIOCINQ:
		return put_user((s32)tty_out_avail(p->slave), arg);
	case TIOCOUTQ:
		return put_user((s32)0, arg);
	case TIOCSCTTY: /* a master is nobody's controlling terminal */
	case TIOCNOTTY:
		return -ENOTTY;
	case TIOCSTI:
		return ptm_fake_input(p, arg);
	}
	r = tty_common_ioctl(p->slave, f, cmd, arg, true);
	return r == TTY_NOT_MINE ? -ENOTTY : r;
}

static int ptm_fasync(struct file *f, bool on)
{
	struct pty *p = f->priv;

	return fasync_list_set(&p->async, f, on);
}

static const struct file_ops ptm_fops = {
	.read_iter = ptm_read,
	.write_iter = ptm_write,
	.poll = ptm_poll,
	.ioctl = ptm_ioctl,
	.release = ptm_release,
	.fasync = ptm_fasync,
};
const struct file_ops ptmx_fops = { .open = ptmx_open };
