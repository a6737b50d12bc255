/*
 * Terminal modes: TCGETS and its relatives (ioctl_tty(2)). The forms differ in layout only: all are widened to
 * struct abi_termios2, which is what a tty keeps.
 */
#include "tty_internal.h"

enum form { FORM_TERMIO, FORM_TERMIOS, FORM_TERMIOS2 };
enum when { WHEN_NOW, WHEN_SENT, WHEN_SENT_FLUSH };

static const u32 bauds[] = { 0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
			     57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000,
			     2000000, 2500000, 3000000, 3500000, 4000000 };

/* 0: BOTHER, the number says */
static u32 baud_of(u32 cbaud)
{
	u32 i = cbaud & 0xf;

	if (cbaud == BOTHER)
		return 0;
	if (cbaud & BOTHER)
		i += 15;
	return i < ARRAY_SIZE(bauds) ? bauds[i] : 38400;
}

static void set_speeds(struct abi_termios2 *n)
{
	u32 o = n->c_cflag & CBAUD, i = n->c_cflag >> 16 & CBAUD;

	if (o != BOTHER)
		n->c_ospeed = baud_of(o);
	if (i == B0)
		n->c_ispeed = n->c_ospeed;
	else if (i != BOTHER)
		n->c_ispeed = baud_of(i);
}

static int fetch(struct tty *t, enum form form, u64 arg, struct abi_termios2 *n)
{
	struct abi_termio old;

	*n = t->tio;
	switch (form) {
	case FORM_TERMIO:
		if (get_user(old, arg))
			return -EFAULT;
		n->c_iflag = (n->c_iflag & 0xffff0000) | old.c_iflag;
		n->c_oflag = (n->c_oflag & 0xffff0000) | old.c_oflag;
		n->c_cflag = (n->c_cflag & 0xffff0000) | old.c_cflag;
		n->c_lflag = (n->c_lflag & 0xffff0000) | old.c_lflag;
		n->c_line = old.c_line;
		memcpy(n->c_cc, old.c_cc, sizeof(old.c_cc));
		break;
	case FORM_TERMIOS:
		if (copy_from_user(n, arg, sizeof(struct abi_termios)))
			return -EFAULT;
		break;
	case FORM_TERMIOS2:
		if (copy_from_user(n, arg, sizeof(*n)))
			return -EFAULT;
		break;
	}
	set_speeds(n);
	return 0;
}

static long give(struct tty *t, enum form form, u64 arg)
{
	struct abi_termio old = { 0 };

	switch (form) {
	case FORM_TERMIOS:
		return copy_to_user(arg, &t->tio, sizeof(struct abi_termios));
	case FORM_TERMIOS2:
		return copy_to_user(arg, &t->tio, sizeof(t->tio));
	case FORM_TERMIO:
		break;
	}
	old.c_iflag = (u16)t->tio.c_iflag;
	old.c_oflag = (u16)t->tio.c_oflag;
	old.c_cflag = (u16)t->tio.c_cflag;
	old.c_lflag = (u16)t->tio.c_lflag;
	old.c_line = t->tio.c_line;
	memcpy(old.c_cc, t->tio.c_cc, sizeof(old.c_cc));
	return put_user(old, arg);
}

static bool standard_flow(const struct abi_termios2 *n)
{
	return (n->c_iflag & IXON) && n->c_cc[VSTOP] == 023 && n->c_cc[VSTART] == 021;
}

static void keep_locked(const struct abi_termios2 *old, const struct abi_termios *l, struct abi_termios2 *n)
{
	n->c_iflag = (n->c_iflag & ~l->c_iflag) | (old->c_iflag & l->c_iflag);
	n->c_oflag = (n->c_oflag & ~l->c_oflag) | (old->c_oflag & l->c_oflag);
	n->c_cflag = (n->c_cflag & ~l->c_cflag) | (old->c_cflag & l->c_cflag);
	n->c_lflag = (n->c_lflag & ~l->c_lflag) | (old->c_lflag & l->c_lflag);
	for (int i = 0; i < KTERMIOS_NCCS; i++)
		if (l->c_cc[i])
			n->c_cc[i] = old->c_cc[i];
}

static long set_lock(struct tty *t, u64 arg)
{
	struct abi_termios l;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(l, arg))
		return -EFAULT;
	t->locked = l;
	return 0;
}

static void apply(struct tty *t, struct abi_termios2 *n)
{
	struct abi_termios2 old = t->tio;

	keep_locked(&old, &t->locked, n);
	n->c_line = 0; /* N_TTY is the only discipline */
	if (t->pty)
		n->c_cflag = (n->c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
	t->tio = *n;
	tty_modes_changed(t, old.c_lflag, old.c_iflag);
	if (standard_flow(&old) != standard_flow(n))
		pty_status(t, standard_flow(n) ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP,
			   standard_flow(n) ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
	/* VMIN may have become smaller */
	tty_wake_readers(t);
}

static long set_modes(struct tty *t, enum form form, enum when when, u64 arg)
{
	struct abi_termios2 n;
	long r = tty_check_change(t, SIGTTOU);

	if (r)
		return r;
	r = fetch(t, form, arg, &n);
	if (r)
		return r;
	if (when != WHEN_NOW) {
		r = tty_wait_sent(t);
		if (r)
			return r;
	}
	if (when == WHEN_SENT_FLUSH)
		tty_flush_input(t);
	if (t->ops->wanted)
		t->ops->wanted(t);
	apply(t, &n);
	return 0;
}

long tty_mode_ioctl(struct tty *t, u32 cmd, u64 arg, bool master)
{
	(void)master; /* both ends of a pty show and set the slave's modes */
	switch (cmd) {
	case TCGETS:
		return give(t, FORM_TERMIOS, arg);
	case TCGETS2:
		return give(t, FORM_TERMIOS2, arg);
	case TCGETA:
		return give(t, FORM_TERMIO, arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_modes(t, FORM_TERMIOS, (enum when)(cmd - TCSETS), arg);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_modes(t, FORM_TERMIOS2, (enum when)(cmd - TCSETS2), arg);
	case TIOCGLCKTRMIOS:
		return put_user(t->locked, arg);
	case TIOCSLCKTRMIOS:
		return set_lock(t, arg);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_modes(t, FORM_TERMIO, (enum when)(cmd - TCSETA), arg);
	}
	return TTY_NOT_MINE;
}
