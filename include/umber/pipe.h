/*
 * Pipes and FIFOs (pipe(7)) and the page-moving calls on them (splice(2), tee(2), vmsplice(2)).
 *
 * A pipe is a ring of page-sized buffers; each page belongs to exactly one buffer of one pipe. It lives as long as an open
 * file or a sleeping opener refers to it (`files`); for a FIFO inode->pipe points to it meanwhile. All code
 * between two sleeping points is atomic under klock, so the ring needs no lock. Only splice sleeps in the
 * middle of a consumption: `busy` is set then, and other consumers wait until it is clear, so that the buffer at
 * the tail and its page stay put (its len may grow: writers go on). Producers that sleep between finding space and
 * filling it take it out of the others' sight by `reserved`.
 * Wake-ups: a writer wakes one reader when the ring was empty, a reader wakes one writer when it was full; who leaves
 * data or space behind wakes the next one.
 */
#ifndef UMBER_PIPE_H
#define UMBER_PIPE_H
#include <umber/sync.h>
#include <umber/types.h>
#include <umber/uaccess.h>

struct file;
struct inode;
struct file_ops;

#define PIPE_BUF_BYTES PAGE_SIZE      /* POSIX PIPE_BUF: writes up to this are atomic */
#define PIPE_DEF_SLOTS 16u            /* 64 KiB */
struct pipe_buf {
	u8 *page;
	u32 off, len;
	bool packet;                  /* O_DIRECT: a read never goes past its end, nothing is merged into it */
};
struct pipe {
	struct wait_queue rd_wq, wr_wq;   /* sleepers for data / for space; pollers too */
	struct wait_queue open_wq;        /* FIFO openers; consumers that wait for !busy */
	struct pipe_buf *bufs;
	u32 slots;                    /* power of two */
	u32 head, tail;               /* free running; used slots = head - tail */
	u32 reserved;                 /* slots promised to producers that sleep */
	u32 readers, writers, files;
	u32 r_counter, w_counter;     /* opens so far of each end */
	struct list_head async;       /* O_ASYNC files */
	u8 *spare;                    /* one page kept for the next write */
	bool busy, poll_used;
};
extern u32 pipe_max_bytes;            /* /proc/sys/fs/pipe-max-size */
extern const struct file_ops fifo_fops; /* of S_IFIFO inodes and of pipe(2)'s files */

struct pipe *pipe_new(void);          /* no ends open; NULL: no memory */
void pipe_free(struct pipe *p);
struct pipe *file_pipe(struct file *f); /* NULL: f is no pipe */
static inline u32 pipe_used(const struct pipe *p) { return p->head - p->tail; }
static inline bool pipe_empty(const struct pipe *p) { return p->head == p->tail; }
static inline bool pipe_full(const struct pipe *p) { return pipe_used(p) + p->reserved >= p->slots; }
static inline struct pipe_buf *pipe_slot(struct pipe *p, u32 i) { return &p->bufs[i & (p->slots - 1)]; }
u64 pipe_bytes(struct pipe *p);       /* bytes to read: FIONREAD */
/* Sleep for data / for space; *slept (may be NULL) is set if they did: the caller then passes the exclusive wake-up
 * on if it leaves data or space behind. 0; -EAGAIN (nonblock); -ERESTARTSYS; pipe_wait_data gives 0 with the ring empty at end
 * of file; pipe_wait_space sends SIGPIPE and gives -EPIPE without readers. */
int pipe_wait_data(struct pipe *p, bool nonblock, bool *slept);
int pipe_wait_space(struct pipe *p, bool nonblock, bool *slept);
/* read(2) and write(2) on the ring. Bytes or negative errno. */
ssize_t pipe_do_read(struct pipe *p, struct iov_iter *it, bool nonblock);
ssize_t pipe_do_write(struct pipe *p, struct iov_iter *it, bool nonblock, bool packet);
u8 *pipe_page_get(struct pipe *p);    /* a page for a new buffer; NULL: no memory */
void pipe_page_put(struct pipe *p, u8 *page);
/* Appends a buffer; the ring is not full. The page (from pipe_page_get or page_alloc(0)) is the pipe's from now on. */
void pipe_push(struct pipe *p, u8 *page, u32 off, u32 len, bool packet);
void pipe_consume(struct pipe *p, u32 n); /* n bytes of the buffer at the tail are done; frees it when empty */
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
/* F_SETPIPE_SZ (arg bytes, rounded up to a power of two pages) and F_GETPIPE_SZ (fcntl(2)). Bytes or errno. */
long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg);
#endif
