/* Terminal ioctls other than modes and job control (ioctl_tty(2)). */
#include "tty_internal.h"

#define TIOCM_RTS_DTR_CAR 0x146 /* DTR, RTS, CAR, DSR of a line that is always up */

void tty_set_winsize(struct tty *t, const struct abi_winsize *ws)
{
	if (!memcmp(&t->ws, ws, sizeof(*ws)))
		return;
	t->ws = *ws;
	tty_signal(t, SIGWINCH);
}

static long set_winsize(struct tty *t, u64 arg)
{
	struct abi_winsize ws;

	if (get_user(ws, arg))
		return -EFAULT;
	tty_set_winsize(t, &ws);
	if (t->ops->resized)
		t->ops->resized(t);
	return 0;
}

/* Bytes that a read would give: in canonical mode those of complete lines, EOF marks not counted. */
static s32 input_bytes(const struct tty *t)
{
	s32 n = 0;

	if (!l_flag(t, ICANON))
		return (s32)in_used(t);
	for (u32 i = t->tail; i != t->canon_head; i++)
		n += !(in_delim(t, i) && !t->in[i % TTY_IN_BYTES]);
	return n;
}

static long flush(struct tty *t, u64 which, bool master)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (master) { /* its input is the slave's output; its output is taken in at once */
		if (which != TCOFLUSH)
			tty_flush_output(t);
		return 0;
	}
	if (which != TCOFLUSH) {
		tty_flush_input(t);
		pty_status(t, TIOCPKT_FLUSHREAD, 0);
		if (t->ops->in_room)
			t->ops->in_room(t);
		if (t->pty)
			pty_wake_master(t->pty, EPOLLOUT | EPOLLWRNORM);
	}
	if (which != TCIFLUSH) {
		tty_flush_output(t);
		pty_status(t, TIOCPKT_FLUSHWRITE, 0);
	}
	return 0;
}

static long flow_control(struct tty *t, u64 what)
{
	switch (what) {
	case TCOOFF:
		t->tco_stopped = true;
		tty_stop(t);
		return 0;
	case TCOON:
		if (t->tco_stopped) {
			t->tco_stopped = false;
			t->flow_stopped = true;
			tty_start(t);
		}
		return 0;
	case TCIOFF:
	case TCION: {
		u8 c = t->tio.c_cc[what == TCIOFF ? VSTOP : VSTART];

		if (c) {
			tty_put_raw(t, c);
			tty_kick_output(t);
		}
		return 0;
	}
	}
	return -EINVAL;
}

static long fake_input(struct tty *t, u64 arg)
{
	u8 c;

	if (tty_current() != t && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, arg))
		return -EFAULT;
	tty_receive(t, &c, 1);
	return 0;
}

static long set_discipline(u64 arg)
{
	s32 n;

	if (get_user(n, arg))
		return -EFAULT;
	return n ? -EINVAL : 0;
}

static long soft_carrier(struct tty *t, u64 arg)
{
	s32 on;

	if (get_user(on, arg))
		return -EFAULT;
	t->tio.c_cflag = on ? t->tio.c_cflag | CLOCAL : t->tio.c_cflag & ~(u32)CLOCAL;
	return 0;
}

/* Those that first ask whether current may change t. */
static long changing_ioctl(struct tty *t, u32 cmd, u64 arg, bool master)
{
	long r = tty_check_change(t, SIGTTOU);

	if (r)
		return r;
	switch (cmd) {
	case TCFLSH:
		return flush(t, arg, master);
	case TCXONC:
		return flow_control(t, arg);
	case TCSBRK:
	case TCSBRKP: /* a break has no meaning here; tcdrain(3) is TCSBRK with 1 */
		return tty_wait_sent(t);
	case TIOCSBRK:
	case TIOCCBRK:
		return 0;
	}
	return TTY_NOT_MINE;
}

long tty_common_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg, bool master)
{
	long r = tty_mode_ioctl(t, cmd, arg, master);

	if (r == TTY_NOT_MINE)
		r = tty_job_ioctl(t, f, cmd, arg, master);
	if (r != TTY_NOT_MINE)
		return r;
	switch (cmd) {
	case TIOCGWINSZ:
		return put_user(t->ws, arg);
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case TIOCEXCL:
		t->excl = true;
		return 0;
	case TIOCNXCL:
		t->excl = false;
		return 0;
	case TIOCGEXCL:
		return put_user((s32)t->excl, arg);
	case TIOCGETD:
		return put_user((s32)0, arg);
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCGSOFTCAR:
		return put_user((s32) !!(t->tio.c_cflag & CLOCAL), arg);
	case TIOCSSOFTCAR:
		return soft_carrier(t, arg);
	case TIOCSTI:
		return fake_input(t, arg);
	case TCFLSH:
	case TCXONC:
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return changing_ioctl(t, cmd, arg, master);
	}
	return TTY_NOT_MINE;
}

static long line_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	if (t->pty)
		return TTY_NOT_MINE;
	switch (cmd) {
	case TIOCMGET:
		return put_user((s32)TIOCM_RTS_DTR_CAR, arg);
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return 0;
	}
	return TTY_NOT_MINE;
}

long tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty *t = file_tty(f);
	long r;

	if (tty_hung(f, t))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	switch (cmd) {
	case TIOCINQ:
		return put_user(input_bytes(t), arg);
	case TIOCOUTQ:
		return put_user((s32)(t->pty ? 0 : tty_out_used(t)), arg);
	case TIOCGDEV:
		return put_user(t->dev, arg);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	}
	r = tty_common_ioctl(t, f, cmd, arg, false);
	if (r == TTY_NOT_MINE)
		r = line_ioctl(t, cmd, arg);
	return r == TTY_NOT_MINE ? -ENOTTY : r;
}
