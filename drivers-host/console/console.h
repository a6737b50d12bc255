/*
 * Private to the console driver: lines (con0..15 = /dev/tty0..15, ssl0..63 = /dev/ttyS0..63) on channels of the host.
 *
 * console.c    lines: pumping bytes between a channel and its tty; the terminal of `umber run`; the log
 * channel.c    channels: parsing "fd:0,fd:1", opening, single reads and writes
 *
 * A line is closed until its tty is first opened (the one that is /dev/console: at boot). It stays open until its input
 * ends; the hangup that follows closes it, and the next open starts anew.
 */
#ifndef CONSOLE_H
#define CONSOLE_H
#include <abi/errno.h>
#include <port/boot.h>
#include <port/console.h>
#include <port/hoststream.h>
#include <port/port.h>
#include <umber/string.h>
#include <umber/tty.h>

enum chan_kind { CHAN_NONE, CHAN_NULL, CHAN_FD, CHAN_TTY, CHAN_PTS };
struct chan_spec { enum chan_kind kind; int fd; char dev[64]; };
struct chan {                          /* one direction */
	struct chan_spec spec;
	hfd_t hfd;
	bool open, shared;             /* shared: the handle is the other direction's */
	bool is_tty;
	enum hoststream_kind stream;   /* when it is no terminal */
	int watch;                     /* port_watch id; < 0: cannot be watched, always ready */
	bool armed;
};
struct line {
	struct tty *tty;               /* referenced */
	int index;
	bool serial, open, pumping, ended;
	bool lazy;                     /* takes its terminal only when a program wants it */
	bool taken;                    /* terminal is raw, input flows */
	struct chan in, out;
	u32 off, len;                  /* of pend: read, not yet taken by the tty */
	u8 pend[256];
};

/* "in,out" or one for both. 0 or -EINVAL. "none": kind CHAN_NONE. */
int chan_parse(const char *s, struct chan_spec *in, struct chan_spec *out);
/* fn(line, events) as port_watch_fn. 0 or negative errno; both or none are open afterwards. */
int chan_open_pair(struct line *l, port_watch_fn in_fn, port_watch_fn out_fn);
void chan_close_pair(struct line *l);
ssize_t chan_read(struct chan *c, void *buf, size_t n);
ssize_t chan_write(struct chan *c, const void *buf, size_t n);
void chan_arm(struct chan *c, u32 events);
#endif
