/*
 * Line discipline, output side: OPOST, the out ring, write(2), flow control.
 *
 * The out ring holds what the driver has still to send. write(2) leaves TTY_ECHO_RESERVE free, so that echo finds room
 * while a writer waits; echo that finds none is dropped. One write(2) at a time (t->writing), so that a writer that
 * waits is not overtaken.
 */
#include "tty_internal.h"

void tty_kick_output(struct tty *t)
{
	if (tty_out_used(t) && !tty_stopped(t) && t->ops->out_ready)
		t->ops->out_ready(t);
}

u32 tty_out_avail(const struct tty *t)
{
	if (!tty_stopped(t))
		return tty_out_used(t);
	return t->pty && (s32)(t->out_stop - t->out_tail) > 0 ? t->out_stop - t->out_tail : 0;
}

size_t tty_out_peek(struct tty *t, const u8 **p)
{
	u32 i = t->out_tail % TTY_OUT_BYTES;

	*p = t->out + i;
	return min(tty_out_avail(t), TTY_OUT_BYTES - i);
}

void tty_out_done(struct tty *t, size_t n)
{
	t->out_tail += (u32)n;
	if (out_free(t) > TTY_ECHO_RESERVE)
		tty_wake_writers(t);
}

void tty_flush_output(struct tty *t)
{
	t->out_tail = t->out_stop = t->out_head;
	tty_wake_writers(t);
}

void tty_stop(struct tty *t)
{
	if (t->flow_stopped)
		return;
	t->flow_stopped = true;
	t->out_stop = t->out_head;
	pty_status(t, TIOCPKT_STOP, TIOCPKT_START);
}

/* Ends ^S and, by way of the caller, TCOOFF. */
void tty_start(struct tty *t)
{
	if (!t->flow_stopped || t->tco_stopped)
		return;
	t->flow_stopped = false;
	pty_status(t, TIOCPKT_START, TIOCPKT_STOP);
	tty_kick_output(t);
	tty_wake_writers(t);
}

static void out(struct tty *t, u8 c)
{
	t->out[t->out_head++ % TTY_OUT_BYTES] = c;
}

bool tty_put_raw(struct tty *t, u8 c)
{
	if (!out_free(t))
		return false;
	out(t, c);
	return true;
}

static bool put_tab(struct tty *t)
{
	u32 n = 8 - (t->column & 7);

	if ((t->tio.c_oflag & TABDLY) != XTABS) {
		if (!out_free(t))
			return false;
		out(t, '\t');
	} else {
		if (out_free(t) < n)
			return false;
		for (u32 i = 0; i < n; i++)
			out(t, ' ');
	}
	t->column += n;
	return true;
}

static bool put_newline(struct tty *t)
{
	if (o_flag(t, ONLCR)) {
		if (out_free(t) < 2)
			return false;
		out(t, '\r');
		t->column = 0;
	} else if (!out_free(t)) {
		return false;
	} else if (o_flag(t, ONLRET)) {
		t->column = 0;
	}
	out(t, '\n');
	t->canon_column = t->column;
	return true;
}

static bool put_return(struct tty *t)
{
	if (o_flag(t, ONOCR) && !t->column)
		return true;
	if (!out_free(t))
		return false;
	if (o_flag(t, OCRNL)) {
		out(t, '\n');
		if (o_flag(t, ONLRET))
			t->column = t->canon_column = 0;
		return true;
	}
	out(t, '\r');
	t->column = t->canon_column = 0;
	return true;
}

bool tty_put_opost(struct tty *t, u8 c)
{
	if (!o_flag(t, OPOST))
		return tty_put_raw(t, c);
	switch (c) {
	case '\n':
		return put_newline(t);
	case '\r':
		return put_return(t);
	case '\t':
		return put_tab(t);
	case '\b':
		if (!tty_put_raw(t, c))
			return false;
		if (t->column)
			t->column--;
		return true;
	}
	if (o_flag(t, OLCUC) && c >= 'a' && c <= 'z')
		c &= 0xdf;
	if (!tty_put_raw(t, c))
		return false;
	if (c >= 32 && c != 127 && !(i_flag(t, IUTF8) && (c & 0xc0) == 0x80))
		t->column++;
	return true;
}

/* Bytes of p that went into the ring, the reserve untouched. A stopped pty takes nothing. */
static size_t put_some(struct tty *t, const u8 *p, size_t n)
{
	size_t done = 0;

	if (t->pty && tty_stopped(t))
		return 0;
	if (!o_flag(t, OPOST)) {
		u32 room = out_free(t) > TTY_ECHO_RESERVE ? out_free(t) - TTY_ECHO_RESERVE : 0;

		for (n = min(n, (size_t)room); done < n; done++)
			out(t, p[done]);
		return done;
	}
	while (done < n && out_free(t) > TTY_ECHO_RESERVE + 8)
		tty_put_opost(t, p[done++]);
	return done;
}

static bool writable(struct file *f, struct tty *t)
{
	return (out_free(t) > TTY_ECHO_RESERVE + 8 && !(t->pty && tty_stopped(t))) || t->dead || tty_hung(f, t);
}

/* All of a chunk. Bytes that were taken; *err says why not all. */
static size_t write_chunk(struct tty *t, struct file *f, const u8 *p, size_t n, int *err)
{
	size_t done = 0;

	for (;;) {
		if (tty_hung(f, t) || t->dead) {
			*err = -EIO;
			return done;
		}
		done += put_some(t, p + done, n - done);
		tty_kick_output(t);
		if (done == n)
			return done;
		if (writable(f, t))
			continue;
		if (f->flags & O_NONBLOCK) {
			*err = -EAGAIN;
			return done;
		}
		*err = wait_event(&t->wr_wq, writable(f, t), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (*err)
			return done;
	}
}

ssize_t tty_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct tty *t = file_tty(f);
	size_t done = 0;
	int err = 0;
	u8 buf[512];

	if (tty_hung(f, t) || t->dead)
		return -EIO;
	if (l_flag(t, TOSTOP)) {
		err = tty_check_change(t, SIGTTOU);
		if (err)
			return err;
	}
	if (t->writing) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&t->wr_wq, !t->writing, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (err)
			return err;
	}
	t->writing = true;
	while (it->count && !err) {
		size_t n = copy_from_iter(buf, min(sizeof(buf), it->count), it);

		if (!n) {
			err = -EFAULT;
			break;
		}
		done += write_chunk(t, f, buf, n, &err);
		cond_resched();
	}
	t->writing = false;
	tty_wake_writers(t);
	return done ? (ssize_t)done : err;
}

int tty_wait_sent(struct tty *t)
{
	if (t->pty)
		return 0; /* what is in the ring has reached the master */
	return wait_event(&t->wr_wq, !tty_out_used(t) || t->dead, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
}
