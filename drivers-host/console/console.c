/*
 * Consoles and serial lines: bytes between host channels and ttys (console.h), the terminal of `umber run`, and the
 * kernel log's way out.
 *
 * Input is read when the tty has room, on the watch's call or when a reader asks (in_room); output is written as long
 * as the host takes it, else the watch says when to go on. Host terminals are raw while the guest has them, but only
 * while umber is in their foreground: a background umber neither reads nor changes modes (SIGCONT looks again).
 */
#include "console.h"
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/klog.h>
#include <umber/poll.h>
#include <umber/signal.h>
#include <umber/sysfs.h>
#include <umber/vfs.h>

#define NR_CON 16
#define NR_SSL 64
#define DRAIN_MS 1000
#define LOG_MS 200

static struct line *cons[NR_CON], *ssls[NR_SSL];
static struct line *console_line;      /* the one that is /dev/console, or NULL */
static bool log_ready;

static void pump_in(struct line *l);

/* ---- output ---- */
static void pump_out(struct line *l)
{
	const u8 *p;
	size_t n;

	while (l->open && (n = tty_out_peek(l->tty, &p)) > 0) {
		ssize_t w = chan_write(&l->out, p, n);

		if (w == -EAGAIN) {
			chan_arm(&l->out, EPOLLOUT);
			return;
		}
		if (w < 0)
			w = (ssize_t)n; /* nobody is there: what is said is lost, as on a line without a peer */
		tty_out_done(l->tty, (size_t)w);
	}
}

static void out_event(void *arg, u32 events)
{
	struct line *l = arg;

	l->out.armed = false;
	pump_out(l);
}

/* ---- input ---- */
static void input_ended(struct line *l)
{
	l->ended = true;
	tty_input_eof(l->tty);
}

static void pump_in(struct line *l)
{
	if (!l->open || l->ended || l->pumping || (l->in.is_tty && !l->taken))
		return;
	l->pumping = true; /* reads of files give up klock */
	while (l->open && !l->ended) {
		ssize_t n;

		if (l->off < l->len)
			l->off += (u32)tty_receive(l->tty, l->pend + l->off, l->len - l->off);
		if (l->off < l->len || !tty_in_room(l->tty))
			break;
		n = chan_read(&l->in, l->pend, sizeof(l->pend));
		if (n == -EAGAIN) {
			chan_arm(&l->in, EPOLLIN);
			break;
		}
		l->off = 0;
		l->len = n > 0 ? (u32)n : 0;
		if (n <= 0)
			input_ended(l);
	}
	l->pumping = false;
}

static void in_event(void *arg, u32 events)
{
	struct line *l = arg;

	l->in.armed = false;
	pump_in(l);
}

/* ---- the host's terminal ---- */
static void ask_winsize(struct line *l)
{
	struct abi_winsize ws = { 0 };
	u16 w[4];

	if (!l->open || l->out.spec.kind == CHAN_PTS)
		return;
	if ((l->out.is_tty && !conhost_get_winsize(l->out.hfd, w)) ||
	    (l->in.is_tty && !conhost_get_winsize(l->in.hfd, w))) {
		memcpy(&ws, w, sizeof(ws));
		tty_set_winsize(l->tty, &ws);
	}
}

/* Raw mode and input, if they may be had now. */
static void take_terminal(struct line *l)
{
	if (!l->open || !l->in.is_tty)
		return;
	if (l->in.spec.kind != CHAN_PTS) {
		if (!conhost_foreground(l->in.hfd))
			return;
		conhost_raw(l->in.hfd);
	}
	l->taken = true;
	ask_winsize(l);
	pump_in(l);
}

static void line_wanted(struct tty *t)
{
	struct line *l = t->priv;

	if (l->open && l->in.is_tty && !l->taken)
		take_terminal(l);
}

bool tty_host_winch(void)
{
	bool any = false;

	for (int i = 0; i < NR_CON + NR_SSL; i++) {
		struct line *l = i < NR_CON ? cons[i] : ssls[i - NR_CON];

		if (l && l->open && (l->in.is_tty || l->out.is_tty)) {
			ask_winsize(l);
			any = true;
		}
	}
	return any;
}

/* SIGCONT: whoever stopped us may have changed the terminal, and we may be in the foreground now. */
bool tty_host_signal(int signo)
{
	struct line *l = console_line;

	if (!l || !l->open || !(l->in.is_tty || l->out.is_tty))
		return false;
	switch (signo) {
	case SIGCONT:
		if (l->taken || !l->lazy)
			take_terminal(l);
		return l->in.is_tty;
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
		if (!boot_params.run || l->taken || !l->tty->session || !l->tty->pgrp)
			return false;
		tty_signal(l->tty, signo);
		return true;
	}
	return false;
}

/* ---- tty operations ---- */
static int line_open(struct tty *t)
{
	struct line *l = t->priv;
	int r;

	if (l->open && l->ended && !t->eof) { /* hung up: start anew */
		chan_close_pair(l);
		l->open = l->taken = false;
	}
	if (l->open)
		return 0;
	r = chan_open_pair(l, in_event, out_event);
	if (r)
		return r == -ENOENT || r == -EBADF ? -ENODEV : r;
	l->open = true;
	l->ended = false;
	l->off = l->len = 0;
	if (!l->in.is_tty)
		pump_in(l);
	else if (!l->lazy)
		take_terminal(l);
	ask_winsize(l);
	return 0;
}

static void line_out_ready(struct tty *t)
{
	pump_out(t->priv);
}

static void line_in_room(struct tty *t)
{
	pump_in(t->priv);
}

static void line_resized(struct tty *t)
{
	struct line *l = t->priv;
	u16 w[4];

	memcpy(w, &t->ws, sizeof(w));
	if (l->open && l->in.spec.kind == CHAN_PTS)
		conhost_set_winsize(l->in.hfd, w);
}

static const struct tty_ops line_ops = {
	.open = line_open,
	.out_ready = line_out_ready,
	.in_room = line_in_room,
	.wanted = line_wanted,
	.resized = line_resized,
};

/* ---- the log ---- */
bool console_write(const char *s, size_t n)
{
	struct line *l = console_line;
	char word[8];

	if (boot_params.run)
		return false;
	if (!log_ready) /* said again when the console is there, unless it was wanted at once */
		return !boot_option("stderr", word, sizeof(word)) && !boot_option("earlyprintk", word, sizeof(word));
	if (!l || !l->open)
		return true;
	conhost_put(l->out.hfd, s, n, l->out.is_tty, LOG_MS);
	return true;
}

static void say_early_log(void)
{
	static char text[KLOG_LINE_MAX + 1], buf[KLOG_LINE_MAX + 64];
	struct klog_record r;
	u64 seq = 0;
	char word[8];
	bool said = boot_option("stderr", word, sizeof(word)) || boot_option("earlyprintk", word, sizeof(word));
	ssize_t n;

	log_ready = true;
	while (!said && (n = klog_read_record(&seq, &r, text, sizeof(text))) != -EAGAIN)
		if (n >= 0 && r.level < console_loglevel)
			console_write(buf, klog_format(&r, text, false, buf, sizeof(buf)));
}

/* The guest's last words; then the terminal as it was. */
static void at_exit(void)
{
	struct line *l = console_line;
	const u8 *p;
	size_t n;

	if (l && l->open && l->tty->out) {
		l->tty->flow_stopped = l->tty->tco_stopped = false;
		while ((n = tty_out_used(l->tty)) > 0) {
			u32 i = l->tty->out_tail % TTY_OUT_BYTES;

			p = l->tty->out + i;
			n = min(n, (size_t)(TTY_OUT_BYTES - i));
			conhost_put(l->out.hfd, p, n, false, DRAIN_MS);
			l->tty->out_tail += (u32)n;
		}
	}
	conhost_restore();
}

/* ---- configuration ---- */
static struct line *line_new(int index, bool serial)
{
	struct line *l = kzalloc(sizeof(*l));
	char name[16];

	if (!l)
		return NULL;
	l->index = index;
	l->serial = serial;
	l->in.hfd = l->out.hfd = HFD_NONE;
	l->in.watch = l->out.watch = -1;
	snprintf(name, sizeof(name), serial ? "ttyS%d" : "tty%d", index);
	l->tty = tty_alloc(name, MKDEV(4, (u32)(serial ? 64 + index : index)), &line_ops, l);
	if (!l->tty || tty_register(l->tty)) {
		kfree(l);
		return NULL;
	}
	return l;
}

static void configure(struct line *l, const char *how)
{
	if (chan_parse(how, &l->in.spec, &l->out.spec))
		pr_err("setup_one_line failed for device %d : failed to parse channel pair", l->index);
	else if (l->in.spec.kind == CHAN_NONE)
		pr_err("setup_one_line failed for device %d : configured as 'none'", l->index);
}

static void lines_new(struct line **lines, int nr, bool serial)
{
	const char *what = serial ? "ssl" : "con";
	char opt[16], value[80], all[80];
	bool has_all = boot_option(what, all, sizeof(all));

	for (int i = 0; i < nr; i++) {
		struct line *l = lines[i] = line_new(i, serial);

		if (!l)
			return;
		snprintf(opt, sizeof(opt), "%s%d", what, i);
		if (boot_option(opt, value, sizeof(value)))
			configure(l, value);
		else if (has_all)
			configure(l, all);
		else if (serial)
			configure(l, "pts");
		else if (!i)
			configure(l, "fd:0,fd:1");
	}
}

/* con99=... and the like: told, not obeyed. */
static void check_range(const char *what, int nr, const char *name)
{
	const char *p = boot_params.cmdline;

	for (; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
		const char *eq, *end;
		u64 n = 0;

		if (strncmp(p, what, 3) || p[3] < '0' || p[3] > '9')
			continue;
		for (eq = p + 3; *eq >= '0' && *eq <= '9' && n < 100000; eq++)
			n = n * 10 + (u64)(*eq - '0');
		end = strchr(p, ' ');
		if (*eq == '=' && n >= (u64)nr)
			pr_err("Failed to set up %s with configuration string \"%.*s\" : Device number out of range",
			       name, (int)(end ? end - (p + 3) : (long)strlen(p + 3)), p + 3);
	}
}

/* console=: the last one counts. */
static struct line *chosen_console(void)
{
	struct line *l = cons[0];
	const char *p = boot_params.cmdline;

	for (; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
		bool serial;
		char num[8];
		u64 n;

		if (strncmp(p, "console=tty", 11))
			continue;
		serial = p[11] == 'S';
		p += serial ? 12 : 11;
		for (n = 0; p[n] >= '0' && p[n] <= '9' && n < sizeof(num) - 1; n++)
			num[n] = p[n];
		num[n] = 0;
		if (kstrtou64(num, 10, &n))
			continue;
		if (serial ? n < NR_SSL && ssls[n] : n < NR_CON && cons[n])
			l = serial ? ssls[n] : cons[n];
	}
	return l;
}

/* `umber run`: the terminals among the caller's descriptors; without any there is no console. */
static struct line *run_console(void)
{
	bool is[3] = { boot_params.stdin_tty, boot_params.stdout_tty, boot_params.stderr_tty };
	int in = is[0] ? 0 : is[1] ? 1 : 2, out = is[1] ? 1 : is[2] ? 2 : 0;
	struct line *l;
	struct abi_termios modes;

	if (!is[0] && !is[1] && !is[2])
		return NULL;
	l = cons[0] = line_new(0, false);
	if (!l)
		return NULL;
	l->in.spec = (struct chan_spec){ .kind = CHAN_FD, .fd = in };
	l->out.spec = (struct chan_spec){ .kind = CHAN_FD, .fd = out };
	l->lazy = true;
	if (tty_buffers(l->tty) || line_open(l->tty))
		return l;
	/* as the caller left it, unless some program left it raw */
	if (l->in.is_tty && !conhost_get_modes(l->in.hfd, &modes) && (modes.c_lflag & ICANON))
		memcpy(&l->tty->tio, &modes, sizeof(modes));
	l->lazy = !(is[0] && is[1]);
	if (!l->lazy)
		take_terminal(l);
	return l;
}

/* /sys/class/tty: who looks for the console's real name (cttyhack, systemd) finds it in console/active. */
static void show_in_sysfs(void)
{
	struct pseudo_dir *d = sysfs_virtual_device("tty", "console", MKDEV(5, 1), false);
	char name[20];

	if (d && console_line) {
		snprintf(name, sizeof(name), "%s\n", console_line->tty->name);
		pseudo_mktext(d, "active", 0444, name);
	}
	sysfs_virtual_device("tty", "tty", MKDEV(5, 0), false);
	sysfs_virtual_device("tty", "ptmx", MKDEV(5, 2), false);
	for (int i = 0; i < NR_CON; i++)
		if (cons[i])
			sysfs_virtual_device("tty", cons[i]->tty->name, cons[i]->tty->dev, false);
	for (int i = 0; i < NR_SSL; i++)
		if (ssls[i] && ssls[i]->in.spec.kind != CHAN_NONE)
			sysfs_virtual_device("tty", ssls[i]->tty->name, ssls[i]->tty->dev, false);
}

static int console_init(void)
{
	if (boot_params.run) {
		console_line = run_console();
	} else {
		lines_new(cons, NR_CON, false);
		lines_new(ssls, NR_SSL, true);
		check_range("con", NR_CON, "console");
		check_range("ssl", NR_SSL, "serial line");
		console_line = chosen_console();
	}
	if (console_line) {
		int r = tty_buffers(console_line->tty);

		if (!r && !console_line->open)
			r = line_open(console_line->tty);
		if (r)
			pr_err("console: cannot open %s: error %d", console_line->tty->name, -r);
		tty_console = console_line->tty;
		port_at_exit(at_exit);
	}
	say_early_log();
	show_in_sysfs();
	return 0;
}
INITCALL(INIT_DEVICE, console_init);
