/*
 * Private to kernel/tty.
 *
 * core.c      life of a tty, open and release, hangup, the table of lines
 * input.c     line discipline, what comes in: editing, echo, signals
 * output.c    line discipline, what goes out: OPOST, the out ring, write(2)
 * read.c      read(2), poll(2)
 * modes.c     termios ioctls
 * ioctl.c     the other ioctls
 * jobctl.c    sessions, foreground group, controlling terminal
 * pty.c       the master side of ptys: /dev/ptmx
 * devpts.c    the file system
 */
#ifndef TTY_INTERNAL_H
#define TTY_INTERNAL_H
#include <abi/errno.h>
#include <abi/fcntl.h>
#include <abi/stat.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/tty.h>
#include <umber/uaccess.h>
#include <umber/vfs.h>

#define TTY_NOT_MINE (-515L)  /* an ioctl handler: ask the next one; never reaches user mode */
#define TTY_IMMUNE U64_MAX /* file.version of /dev/console: no hangup cuts it off */

struct super_block;
struct pty {                       /* a pair; lives from the open of ptmx until both ends are closed */
	refcount_t ref;            /* master file, slave tty */
	struct tty *slave;         /* the master's reference; NULL once the master is closed */
	struct inode *inode;       /* devpts node, referenced; NULL once the master is closed */
	int index;
	bool locked;               /* TIOCSPTLCK */
	bool slave_closed;         /* was open, is closed: reads of the master give EIO */
	bool packet;
	u8 status;                 /* TIOCPKT_* not yet read */
	struct wait_queue wq;      /* master's readers, writers, pollers */
	struct list_head async;
};

extern const struct file_ops tty_fops;
static inline struct tty *file_tty(const struct file *f) { return f->priv; }
static inline bool tty_hung(const struct file *f, const struct tty *t)
{
	return f->version != TTY_IMMUNE && f->version != t->gen;
}
static inline bool tty_stopped(const struct tty *t) { return t->flow_stopped || t->tco_stopped; }
static inline bool l_flag(const struct tty *t, u32 f) { return t->tio.c_lflag & f; }
static inline bool i_flag(const struct tty *t, u32 f) { return t->tio.c_iflag & f; }
static inline bool o_flag(const struct tty *t, u32 f) { return t->tio.c_oflag & f; }
static inline u32 in_used(const struct tty *t) { return t->head - t->tail; }
static inline u32 out_free(const struct tty *t) { return TTY_OUT_BYTES - tty_out_used(t); }
static inline bool in_delim(const struct tty *t, u32 i)
{
	return t->delim[i % TTY_IN_BYTES / 64] >> (i % 64) & 1;
}
static inline void in_set_delim(struct tty *t, u32 i, bool on)
{
	u64 bit = 1ULL << (i % 64);

	if (on)
		t->delim[i % TTY_IN_BYTES / 64] |= bit;
	else
		t->delim[i % TTY_IN_BYTES / 64] &= ~bit;
}

/* Opens f (of any inode) on t: count, generation, controlling terminal unless noctty. */
int tty_open_file(struct tty *t, struct file *f, bool noctty);
void tty_wake_readers(struct tty *t);
void tty_wake_writers(struct tty *t);

/* input.c */
void tty_flush_input(struct tty *t);
bool tty_in_available(const struct tty *t, bool poll);
void tty_modes_changed(struct tty *t, u32 old_lflag, u32 old_iflag);
void tty_check_unthrottle(struct tty *t);
/* output.c */
void tty_flush_output(struct tty *t);
void tty_start(struct tty *t);
void tty_stop(struct tty *t);
bool tty_put_raw(struct tty *t, u8 c);      /* echo reserve included; false: full */
bool tty_put_opost(struct tty *t, u8 c);    /* the same with OPOST */
void tty_kick_output(struct tty *t);
ssize_t tty_write(struct file *f, struct iov_iter *it, s64 *pos);
int tty_wait_sent(struct tty *t);           /* tcdrain(3): 0 or -ERESTARTSYS */
/* read.c */
ssize_t tty_read(struct file *f, struct iov_iter *it, s64 *pos);
u32 tty_poll(struct file *f, struct poll_table *pt);
/* modes.c, ioctl.c; f's own tty, or the slave when f is a master (master true). -ENOTTY: not one of theirs */
long tty_mode_ioctl(struct tty *t, u32 cmd, u64 arg, bool master);
long tty_common_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg, bool master);
long tty_ioctl(struct file *f, u32 cmd, u64 arg);
/* jobctl.c */
int tty_check_change(struct tty *t, int sig);
void tty_set_ctty(struct tty *t);
void tty_disassociate(struct tty *t);
long tty_job_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg, bool master);
void tty_session_hangup(struct tty *t);
/* pty.c */
void pty_status(struct tty *slave, u8 set, u8 clear);
void pty_wake_master(struct pty *p, u32 key);
void pty_put(struct pty *p);
int pts_open(struct inode *inode, struct file *f);
int ptmx_open(struct inode *inode, struct file *f);
extern const struct file_ops ptmx_fops;
/* devpts.c: */
int devpts_new(struct file *ptmx, struct pty *p);  /* index, inode; 0 or -ENODEV -ENOSPC -ENOMEM */
void devpts_del(struct pty *p);
struct pty *devpts_pty(const struct inode *inode); /* NULL: not of devpts, or its master is closed */
struct file *devpts_open_peer(struct file *ptmx, struct pty *p, u32 flags);
#endif
