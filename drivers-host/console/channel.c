/* Channels of consoles and serial lines (UML's fd:N, null, tty:DEV, pts, pty, none). */
#include "console.h"
#include <umber/printk.h>

static bool keyword(const char *s, size_t n, const char *word)
{
	size_t k = strlen(word);

	return n >= k && !strncmp(s, word, k); /* UML matches prefixes; what follows is ignored */
}

static int parse_half(const char *s, size_t n, struct chan_spec *c)
{
	char num[16];
	u64 fd;

	*c = (struct chan_spec){ .kind = CHAN_NULL };
	if (keyword(s, n, "fd:")) {
		strlcpy(num, s + 3, min(n - 2, sizeof(num)));
		if (kstrtou64(num, 10, &fd) || fd > 1 << 20) {
			pr_err("fd_init : couldn't parse file descriptor '%s'", num);
			return -EINVAL;
		}
		c->kind = CHAN_FD;
		c->fd = (int)fd;
	} else if (keyword(s, n, "tty")) {
		if (n < 5 || s[3] != ':' || n - 4 >= sizeof(c->dev)) {
			pr_err("tty_init : channel type 'tty' must specify a device");
			return -EINVAL;
		}
		c->kind = CHAN_TTY;
		strlcpy(c->dev, s + 4, n - 3);
	} else if (keyword(s, n, "pts") || keyword(s, n, "pty")) {
		c->kind = CHAN_PTS; /* BSD ptys are gone from hosts */
	} else if (!keyword(s, n, "null")) {
		return -EINVAL;
	}
	return 0;
}

int chan_parse(const char *s, struct chan_spec *in, struct chan_spec *out)
{
	const char *comma = strchr(s, ',');
	int r;

	if (!strcmp(s, "none")) {
		*in = *out = (struct chan_spec){ .kind = CHAN_NONE };
		return 0;
	}
	r = parse_half(s, comma ? (size_t)(comma - s) : strlen(s), in);
	if (r)
		return r;
	*out = *in;
	return comma ? parse_half(comma + 1, strlen(comma + 1), out) : 0;
}

static int open_half(struct line *l, struct chan *c)
{
	struct hoststream_info info;
	char name[64];
	int r = -ENODEV;

	c->is_tty = true;
	c->shared = false;
	c->hfd = HFD_NONE;
	switch (c->spec.kind) {
	case CHAN_NONE:
		return -ENODEV;
	case CHAN_NULL:
		c->is_tty = false;
		return 0;
	case CHAN_FD:
		r = conhost_open_fd(c->spec.fd, &c->hfd);
		if (r == -ENOTTY) {
			c->is_tty = false;
			r = hoststream_open(c->spec.fd, &c->hfd, &info);
			c->stream = info.kind;
		}
		break;
	case CHAN_TTY:
		r = conhost_open_tty(c->spec.dev, &c->hfd);
		break;
	case CHAN_PTS:
		r = conhost_open_pts(&c->hfd, name, sizeof(name));
		if (!r)
			printk(KERN_NOTICE, "%s %d assigned device '%s'", l->serial ? "Serial line" : "Virtual console",
			       l->index, name);
		break;
	}
	return r;
}

static void close_half(struct chan *c)
{
	if (c->watch >= 0)
		port_watch_del(c->watch);
	c->watch = -1;
	c->armed = false;
	if (c->hfd >= 0 && !c->shared)
		port_hfd_close(c->hfd);
	c->hfd = HFD_NONE;
	c->open = false;
}

static bool same_spec(const struct chan_spec *a, const struct chan_spec *b)
{
	return a->kind == b->kind && a->kind >= CHAN_TTY && !strcmp(a->dev, b->dev);
}

int chan_open_pair(struct line *l, port_watch_fn in_fn, port_watch_fn out_fn)
{
	int r;

	l->in.watch = l->out.watch = -1;
	r = open_half(l, &l->in);
	if (r)
		return r;
	if (same_spec(&l->in.spec, &l->out.spec)) {
		l->out.hfd = l->in.hfd;
		l->out.is_tty = l->in.is_tty;
		l->out.shared = true;
	} else {
		r = open_half(l, &l->out);
		if (r) {
			close_half(&l->in);
			return r;
		}
	}
	/* what epoll refuses (regular files) is always ready */
	if (l->in.hfd >= 0)
		l->in.watch = port_watch_add(l->in.hfd, in_fn, l);
	if (l->out.hfd >= 0)
		l->out.watch = port_watch_add(l->out.hfd, out_fn, l);
	l->in.open = l->out.open = true;
	return 0;
}

void chan_close_pair(struct line *l)
{
	close_half(&l->out);
	close_half(&l->in);
}

ssize_t chan_read(struct chan *c, void *buf, size_t n)
{
	if (!c->open || c->hfd < 0)
		return -EAGAIN;
	return c->is_tty ? conhost_read(c->hfd, buf, n) : hoststream_read(c->hfd, c->stream, buf, n);
}

ssize_t chan_write(struct chan *c, const void *buf, size_t n)
{
	if (!c->open || c->hfd < 0)
		return (ssize_t)n;
	return c->is_tty ? conhost_write(c->hfd, buf, n) : hoststream_write(c->hfd, c->stream, buf, n);
}

void chan_arm(struct chan *c, u32 events)
{
	if (c->watch < 0 || c->armed)
		return;
	c->armed = true;
	port_watch_arm(c->watch, events);
}
