/*
 * read(2) and poll(2) of a terminal: a line, or VMIN and VTIME (termios(3)).
 *
 * Bytes leave the ring through a kernel buffer, so nothing can change between choice and removal; a fault while they
 * are copied out loses them, as in Linux.
 */
#include "tty_internal.h"
#include <umber/sched.h>
#include <umber/time.h>

#define NS_PER_DECISECOND 100000000ULL

/* Up to n bytes of the first line. *eol: its end was taken; then the result may be 0 (EOF). */
static size_t take_line(struct tty *t, u8 *buf, size_t n, bool *eol)
{
	size_t done = 0;

	*eol = false;
	while (t->tail != t->canon_head) {
		u8 c = t->in[t->tail % TTY_IN_BYTES];
		bool delim = in_delim(t, t->tail), eof = delim && !c;

		if (done == n && !eof)
			break;
		in_set_delim(t, t->tail, false);
		t->tail++;
		if (!eof)
			buf[done++] = c;
		if (delim) {
			*eol = true;
			break;
		}
	}
	return done;
}

static size_t take_raw(struct tty *t, u8 *buf, size_t n)
{
	size_t done = 0;

	while (done < n && t->tail != t->head)
		buf[done++] = t->in[t->tail++ % TTY_IN_BYTES];
	t->canon_head = t->tail;
	return done;
}

static bool ready(struct file *f, struct tty *t)
{
	return tty_in_available(t, false) || tty_hung(f, t) || t->dead || t->eof;
}

/* Waits for the first or the next byte. 0: go on (something is there, or the tty is gone); -ETIMEDOUT, -EAGAIN,
 * -ERESTARTSYS. */
static int await_input(struct file *f, struct tty *t, u64 deadline)
{
	if (t->ops->in_room)
		t->ops->in_room(t);
	if (ready(f, t))
		return 0;
	if (deadline <= ktime_mono_ns())
		return -ETIMEDOUT;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_event(&t->rd_wq, ready(f, t), WAIT_INTERRUPTIBLE, deadline);
}

static u64 after_deciseconds(u32 n)
{
	return n ? ns_add(ktime_mono_ns(), n * NS_PER_DECISECOND) : WAIT_FOREVER;
}

static void took(struct tty *t)
{
	tty_check_unthrottle(t);
	if (t->ops->in_room)
		t->ops->in_room(t);
	if (t->pty)
		pty_wake_master(t->pty, EPOLLOUT | EPOLLWRNORM);
}

/* One piece of what is there. Bytes, or negative errno; *last: nothing may follow it in this read. */
static ssize_t copy_piece(struct tty *t, struct iov_iter *it, bool *last)
{
	bool canon = l_flag(t, ICANON), eol = false;
	u8 buf[512];
	size_t n = min(sizeof(buf), it->count);

	n = canon ? take_line(t, buf, n, &eol) : take_raw(t, buf, n);
	*last = canon && (eol || t->tail == t->canon_head);
	return copy_to_iter(buf, n, it) == n ? (ssize_t)n : -EFAULT;
}

ssize_t tty_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct tty *t = file_tty(f);
	size_t done = 0, want = it->count;
	bool last = false, canon;
	u64 deadline = WAIT_FOREVER;
	ssize_t r;
	u32 vmin;

	if (tty_hung(f, t) || !want)
		return 0;
	r = tty_check_change(t, SIGTTIN);
	if (r)
		return r;
	if (t->ops->wanted)
		t->ops->wanted(t);
	canon = l_flag(t, ICANON);
	vmin = canon ? 1 : t->tio.c_cc[VMIN];
	if (!canon && !vmin)
		deadline = t->tio.c_cc[VTIME] ? after_deciseconds(t->tio.c_cc[VTIME]) : 0;
	while (it->count && !last) {
		if (tty_hung(f, t))
			return (ssize_t)done;
		if (!tty_in_available(t, false)) {
			if (t->dead) {
				r = -EIO;
				break;
			}
			if (t->eof) {
				tty_hangup(t);
				return (ssize_t)done;
			}
			r = await_input(f, t, deadline);
			if (r)
				break;
			if (!tty_in_available(t, false))
				continue;
		}
		r = copy_piece(t, it, &last);
		if (r < 0)
			break;
		done += (size_t)r;
		took(t);
		if (!l_flag(t, ICANON)) {
			if (done >= vmin && !tty_in_available(t, false))
				break;
			if (vmin)
				deadline = after_deciseconds(t->tio.c_cc[VTIME]);
		}
	}
	if (done || r == -ETIMEDOUT)
		return (ssize_t)done;
	return r < 0 ? r : 0;
}

u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = file_tty(f);
	u32 mask = 0;

	if (tty_hung(f, t))
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
	poll_wait(f, &t->rd_wq, pt);
	poll_wait(f, &t->wr_wq, pt);
	if (t->ops->wanted && (f->mode & FMODE_READ) && pt && (!pt->key || (pt->key & EPOLLIN)))
		t->ops->wanted(t);
	if (tty_in_available(t, true) || t->eof)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (t->dead)
		mask |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	if (out_free(t) > TTY_ECHO_RESERVE + 256 && !t->dead && !(t->pty && tty_stopped(t)))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}
