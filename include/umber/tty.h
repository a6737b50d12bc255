/*
 * Terminals (kernel/tty): line discipline, job control, Unix98 ptys, devpts.
 *
 * A struct tty is the terminal that programs use: the slave of a pty, or a console line. Behind it is its driver: the
 * pty master, or drivers-host/console. Input: driver -> tty_receive() -> line discipline -> `in` ring -> read(2).
 * Output: write(2) and echo -> `out` ring -> driver takes it with tty_out_peek()/tty_out_done(). A tty lives while it
 * is referenced: by open files, by the session whose controlling terminal it is, and by its driver. A hangup
 * (tty_hangup) cuts off all files opened before it: file.version is tty.gen at open. All under klock; only read, write
 * and a drain sleep.
 */
#ifndef UMBER_TTY_H
#define UMBER_TTY_H
#include <abi/termios.h>
#include <umber/list.h>
#include <umber/sync.h>
#include <umber/types.h>

struct file;
struct inode;
struct session;
struct task;
struct tgroup;
struct tty;
struct pty;

/* All optional; none may sleep unless it says so. */
struct tty_ops {
	int (*open)(struct tty *t);         /* each open; may sleep; negative errno refuses it */
	void (*close)(struct tty *t);       /* the last file is gone */
	void (*out_ready)(struct tty *t);   /* the out ring has something, or output goes on after a stop */
	void (*in_room)(struct tty *t);     /* a reader took input or waits for it; task context, may sleep */
	void (*wanted)(struct tty *t);      /* a program reads, polls or configures: the driver may take its terminal */
	void (*resized)(struct tty *t);     /* TIOCSWINSZ */
	void (*freed)(struct tty *t);       /* last reference */
};

#define TTY_IN_BYTES 4096u
#define TTY_OUT_BYTES 8192u
#define TTY_ECHO_RESERVE 512u           /* of the out ring: only echo may fill it */

struct tty {
	refcount_t ref;
	u32 dev;
	char name[16];                      /* as below /dev: "tty0", "pts/3" */
	const struct tty_ops *ops;
	void *priv;                         /* driver's */
	struct pty *pty;                    /* slave of a pty, else NULL */
	struct abi_termios2 tio;
	struct abi_termios locked;          /* TIOCSLCKTRMIOS: bits and characters that stay as they are */
	struct abi_winsize ws;
	struct session *session;            /* referenced; whose controlling terminal it is, or NULL */
	int pgrp;                           /* foreground process group, 0: none */
	u32 count;                          /* open files */
	u64 gen;                            /* bumped by each hangup */
	bool excl, flow_stopped, tco_stopped, writing;
	bool eof;                           /* the driver's input has ended: hang up once all is read */
	bool dead;                          /* the driver is gone: master closed */
	bool throttled;                     /* IXOFF: STOP was sent */
	struct wait_queue rd_wq, wr_wq;
	struct list_head async;             /* O_ASYNC files */

	/* line discipline: indices run freely, modulo the ring */
	u8 *in, *out;
	u64 *delim;                         /* bit per `in` byte: ends a line */
	u32 head, tail, canon_head;         /* [tail, canon_head) is complete lines in canonical mode */
	u32 out_head, out_tail;
	u32 out_stop;                       /* pty, stopped: what was written before still goes out */
	u32 column, canon_column;           /* cursor; where the line being edited began */
	bool lnext, erasing;
};

/* A new tty, reference 1, default modes; NULL: no memory. */
struct tty *tty_alloc(const char *name, u32 dev, const struct tty_ops *ops, void *priv);
static inline struct tty *tty_get(struct tty *t) { ref_get(&t->ref); return t; }
void tty_put(struct tty *t);
/* Its rings, which it has from the first open on (ptys: from the start). 0 or -ENOMEM. */
int tty_buffers(struct tty *t);
/* Makes a line of a fixed device number known to open(2) and devtmpfs; the table keeps a reference. 0 or -errno. */
int tty_register(struct tty *t);
struct tty *tty_by_dev(u32 dev);        /* registered one, not referenced, or NULL */
/* What /dev/console is (referenced by the setter's table entry). */
extern struct tty *tty_console;

/* Driver -> line discipline. Bytes taken: fewer than n when the reader is behind (in_room tells). */
size_t tty_receive(struct tty *t, const u8 *buf, size_t n);
size_t tty_in_room(const struct tty *t); /* bytes that tty_receive would take now */
/* The driver's input has ended: readers get what is there, then the tty hangs up. */
void tty_input_eof(struct tty *t);
/* Contiguous output to be sent now (0 when empty or stopped), and its consumption. */
size_t tty_out_peek(struct tty *t, const u8 **p);
u32 tty_out_avail(const struct tty *t);
void tty_out_done(struct tty *t, size_t n);
static inline u32 tty_out_used(const struct tty *t) { return t->out_head - t->out_tail; }
/* SIGHUP to the session, all its files dead; a fresh open works again (vhangup(2)). */
void tty_hangup(struct tty *t);
/* Signal to the foreground group (window size changed: SIGWINCH, INTR: SIGINT, ...). */
void tty_signal(struct tty *t, int sig);
void tty_set_winsize(struct tty *t, const struct abi_winsize *ws);

/* For kernel/task, kernel/init, /proc. */
struct tty *tty_current(void);                       /* controlling terminal of current, or NULL; not referenced */
u32 tty_nr(const struct tgroup *tg);                 /* /proc/PID/stat tty_nr; 0: none */
int tty_fg_pgrp(const struct tgroup *tg);            /* /proc/PID/stat tpgid; -1: none */
void tty_session_leader_exit(struct tgroup *tg);
void tty_vhangup_self(void);
struct seq_file;
void tty_drivers_show(struct seq_file *m);
/* drivers-host/console: umber itself got SIGWINCH (asks the terminal) or SIGCONT; SIGINT, SIGQUIT or SIGTSTP from a
 * terminal that is not in raw mode. True if it was for the console's terminal. */
bool tty_host_winch(void) __weak;
bool tty_host_signal(int signo) __weak;
/* A log line for the console. False: there is none (umber run): print it elsewhere. Any context with klock. */
bool console_write(const char *s, size_t n) __weak;
#endif
