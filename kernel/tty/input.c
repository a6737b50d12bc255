/*
 * Line discipline, input side (termios(3)): what a driver delivers becomes lines or raw bytes in the `in` ring, echo
 * in the out ring, and signals.
 *
 * Invariants: tail <= canon_head <= head <= tail + TTY_IN_BYTES (running indices). In canonical mode each byte in
 * [tail, canon_head) belongs to a complete line, whose last byte has its delim bit set (a NUL with it is EOF);
 * [canon_head, head) is the line being edited. delim bits outside of [tail, head) are clear.
 */
#include "tty_internal.h"

#define VDISABLE 0

static u8 at(const struct tty *t, u32 i)
{
	return t->in[i % TTY_IN_BYTES];
}

static bool is_cc(const struct tty *t, int which, u8 c)
{
	return c == t->tio.c_cc[which] && c != VDISABLE;
}

static bool continuation(const struct tty *t, u8 c)
{
	return i_flag(t, IUTF8) && (c & 0xc0) == 0x80;
}

static bool is_ctrl(u8 c)
{
	return c < 32 || c == 127;
}

/* Raw: all that fits. Canonical: with no line to read a byte is always taken, if only to be dropped. */
size_t tty_in_room(const struct tty *t)
{
	u32 room = TTY_IN_BYTES - in_used(t);

	if (i_flag(t, PARMRK))
		room /= 2;
	if (l_flag(t, ICANON) && t->canon_head == t->tail && room < 2)
		return 2;
	return room;
}

bool tty_in_available(const struct tty *t, bool poll)
{
	u32 want = poll && !t->tio.c_cc[VTIME] && t->tio.c_cc[VMIN] ? t->tio.c_cc[VMIN] : 1;

	if (l_flag(t, ICANON))
		return t->canon_head != t->tail;
	return in_used(t) >= want;
}

void tty_flush_input(struct tty *t)
{
	t->head = t->tail = t->canon_head = 0;
	memset(t->delim, 0, TTY_IN_BYTES / 8);
	t->lnext = t->erasing = false;
	tty_check_unthrottle(t);
}

static void put(struct tty *t, u8 c)
{
	/* the last place is kept for what ends the line */
	if (TTY_IN_BYTES - in_used(t) <= (l_flag(t, ICANON) ? 1u : 0u))
		return;
	t->in[t->head++ % TTY_IN_BYTES] = c;
}

static void put_delim(struct tty *t, u8 c)
{
	if (in_used(t) == TTY_IN_BYTES)
		t->head--;
	t->in[t->head % TTY_IN_BYTES] = c;
	in_set_delim(t, t->head, true);
	t->canon_head = ++t->head;
}

/* ---- echo ---- */
static void echo(struct tty *t, u8 c)
{
	if (l_flag(t, ECHOCTL) && is_ctrl(c) && c != '\t') {
		if (tty_put_raw(t, '^') && tty_put_raw(t, c ^ 0100))
			t->column += 2;
	} else {
		tty_put_opost(t, c);
	}
}

static void finish_erasing(struct tty *t)
{
	if (t->erasing) {
		tty_put_opost(t, '/');
		t->erasing = false;
	}
}

static void echo_input(struct tty *t, u8 c)
{
	finish_erasing(t);
	if (!l_flag(t, ECHO))
		return;
	if (t->canon_head == t->head)
		t->canon_column = t->column;
	echo(t, c);
}

/* Where the cursor is after the line's bytes up to `end`. */
static u32 column_at(const struct tty *t, u32 end)
{
	u32 col = t->canon_column;

	for (u32 i = t->canon_head; i != end; i++) {
		u8 c = at(t, i);

		if (c == '\t')
			col = (col | 7) + 1;
		else if (is_ctrl(c))
			col += l_flag(t, ECHOCTL) ? 2 : 0;
		else if (!continuation(t, c))
			col++;
	}
	return col;
}

/* Takes back n columns; a tab left nothing to blank out. */
static void rub_out(struct tty *t, u8 c, u32 cols)
{
	while (cols--) {
		tty_put_raw(t, '\b');
		if (c != '\t') {
			tty_put_raw(t, ' ');
			tty_put_raw(t, '\b');
		}
		if (t->column)
			t->column--;
	}
}

static void echo_erased(struct tty *t, u8 erase_char, u32 from, u32 to)
{
	u8 c = at(t, from);

	if (!l_flag(t, ECHO))
		return;
	if (l_flag(t, ECHOPRT)) {
		if (!t->erasing) {
			tty_put_opost(t, '\\');
			t->erasing = true;
		}
		for (u32 i = from; i != to; i++)
			echo(t, at(t, i));
	} else if (erase_char == t->tio.c_cc[VERASE] && !l_flag(t, ECHOE)) {
		echo(t, erase_char);
	} else {
		u32 cols = column_at(t, to) - column_at(t, from);

		rub_out(t, c, cols);
	}
}

/* One character (all its bytes in UTF-8) off the line. */
static u32 erase_one(struct tty *t, u8 erase_char)
{
	u32 from = t->head;

	do
		from--;
	while (from != t->canon_head && continuation(t, at(t, from)));
	echo_erased(t, erase_char, from, t->head);
	t->head = from;
	return from;
}

/* Letters of Latin-1 count, as in Linux; in UTF-8 that is what most lead bytes are. */
static bool word_byte(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

static u8 last_lead_byte(const struct tty *t)
{
	u32 i = t->head - 1;

	while (i != t->canon_head && continuation(t, at(t, i)))
		i--;
	return at(t, i);
}

static void kill_line(struct tty *t, u8 c)
{
	if (!l_flag(t, ECHO)) {
		t->head = t->canon_head;
		return;
	}
	if (l_flag(t, ECHOK) && l_flag(t, ECHOKE) && l_flag(t, ECHOE)) {
		while (t->head != t->canon_head)
			erase_one(t, c);
		finish_erasing(t);
		return;
	}
	t->head = t->canon_head;
	finish_erasing(t);
	echo(t, c);
	if (l_flag(t, ECHOK))
		tty_put_opost(t, '\n');
}

static void eraser(struct tty *t, u8 c)
{
	bool seen = false;

	if (t->head == t->canon_head)
		return;
	if (is_cc(t, VKILL, c)) {
		kill_line(t, c);
		return;
	}
	if (is_cc(t, VERASE, c)) {
		erase_one(t, c);
	} else {
		while (t->head != t->canon_head) {
			bool word = word_byte(last_lead_byte(t));

			if (seen && !word)
				break;
			seen |= word;
			erase_one(t, c);
		}
	}
	if (t->head == t->canon_head)
		finish_erasing(t);
}

static void reprint(struct tty *t, u8 c)
{
	finish_erasing(t);
	echo(t, c);
	tty_put_opost(t, '\n');
	for (u32 i = t->canon_head; i != t->head; i++)
		echo(t, at(t, i));
}

/* ---- signals and flow ---- */
static void signal_key(struct tty *t, int sig, u8 c)
{
	if (!l_flag(t, NOFLSH)) {
		tty_flush_output(t);
		tty_flush_input(t);
		pty_status(t, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, 0);
	}
	if (i_flag(t, IXON))
		tty_start(t);
	if (l_flag(t, ECHO))
		echo(t, c);
	tty_signal(t, sig);
}

static bool special_any_mode(struct tty *t, u8 c)
{
	if (i_flag(t, IXON)) {
		if (is_cc(t, VSTART, c)) {
			tty_start(t);
			return true;
		}
		if (is_cc(t, VSTOP, c)) {
			tty_stop(t);
			return true;
		}
	}
	if (l_flag(t, ISIG)) {
		int sig = is_cc(t, VINTR, c) ? SIGINT : is_cc(t, VQUIT, c) ? SIGQUIT
			: is_cc(t, VSUSP, c) ? SIGTSTP : 0;

		if (sig) {
			signal_key(t, sig, c);
			return true;
		}
	}
	return false;
}

static bool special_canon(struct tty *t, u8 c)
{
	bool ext = l_flag(t, IEXTEN);

	if (is_cc(t, VERASE, c) || is_cc(t, VKILL, c) || (ext && is_cc(t, VWERASE, c))) {
		eraser(t, c);
	} else if (ext && is_cc(t, VLNEXT, c)) {
		t->lnext = true;
		if (l_flag(t, ECHO)) {
			finish_erasing(t);
			if (l_flag(t, ECHOCTL)) {
				tty_put_raw(t, '^');
				tty_put_raw(t, '\b');
			}
		}
	} else if (ext && l_flag(t, ECHO) && is_cc(t, VREPRINT, c)) {
		reprint(t, c);
	} else if (c == '\n') {
		if (l_flag(t, ECHO) || l_flag(t, ECHONL))
			tty_put_opost(t, '\n');
		put_delim(t, c);
	} else if (is_cc(t, VEOF, c)) {
		put_delim(t, 0);
	} else if (is_cc(t, VEOL, c) || (ext && is_cc(t, VEOL2, c))) {
		echo_input(t, c);
		if (c == 0xff && i_flag(t, PARMRK))
			put(t, c);
		put_delim(t, c);
	} else {
		return false;
	}
	return true;
}

static void take(struct tty *t, u8 c)
{
	bool literal = t->lnext, return_key = false;

	if (i_flag(t, ISTRIP))
		c &= 0x7f;
	if (i_flag(t, IUCLC) && l_flag(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c |= 0x20;
	t->lnext = false;
	if (!literal) {
		if (special_any_mode(t, c))
			return;
		if (t->flow_stopped && i_flag(t, IXON) && i_flag(t, IXANY))
			tty_start(t);
		if (c == '\r') {
			if (i_flag(t, IGNCR))
				return;
			if (i_flag(t, ICRNL)) {
				return_key = true;
				c = '\n';
			}
		} else if (c == '\n' && i_flag(t, INLCR)) {
			c = '\r';
		}
		if (l_flag(t, ICANON) && special_canon(t, c))
			return;
	}
	if (!return_key)
		echo_input(t, c);
	else if (l_flag(t, ECHO)) /* raw mode: a newline that was typed as such is shown as ^J */
		tty_put_opost(t, '\n');
	if (c == 0xff && i_flag(t, PARMRK) && !i_flag(t, ISTRIP))
		put(t, c);
	put(t, c);
}

static void throttle(struct tty *t)
{
	if (i_flag(t, IXOFF) && !t->throttled && TTY_IN_BYTES - in_used(t) < 128) {
		t->throttled = true;
		tty_put_raw(t, t->tio.c_cc[VSTOP]);
	}
}

void tty_check_unthrottle(struct tty *t)
{
	if (t->throttled && TTY_IN_BYTES - in_used(t) > 512) {
		t->throttled = false;
		if (i_flag(t, IXOFF))
			tty_put_raw(t, t->tio.c_cc[VSTART]);
		tty_kick_output(t);
	}
}

size_t tty_receive(struct tty *t, const u8 *buf, size_t n)
{
	size_t done = 0;

	while (done < n && tty_in_room(t))
		take(t, buf[done++]);
	if (done) {
		throttle(t);
		tty_kick_output(t);
		if (l_flag(t, ICANON) ? t->canon_head != t->tail : in_used(t) > 0)
			tty_wake_readers(t);
	}
	return done;
}

/* After a change of modes: bytes that were read raw become a line of their own, and the other way about. */
void tty_modes_changed(struct tty *t, u32 old_lflag, u32 old_iflag)
{
	if ((old_lflag ^ t->tio.c_lflag) & ICANON) {
		memset(t->delim, 0, TTY_IN_BYTES / 8);
		t->canon_head = t->tail;
		if (l_flag(t, ICANON) && in_used(t)) {
			in_set_delim(t, t->head - 1, true);
			t->canon_head = t->head;
		}
		t->erasing = t->lnext = false;
		if (tty_in_available(t, false))
			tty_wake_readers(t);
	}
	if ((old_iflag & IXON) && !i_flag(t, IXON) && t->flow_stopped)
		tty_start(t);
}
