/* The ring of a pipe: reading, writing, sleeping for data and for space. See umber/pipe.h. */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/pipe.h>
#include <umber/poll.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define WAKE_IN (EPOLLIN | EPOLLRDNORM)
#define WAKE_OUT (EPOLLOUT | EPOLLWRNORM)

struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->slots = PIPE_DEF_SLOTS;
	p->bufs = kcalloc(p->slots, sizeof(*p->bufs));
	if (!p->bufs) {
		kfree(p);
		return NULL;
	}
	wq_init(&p->rd_wq);
	wq_init(&p->wr_wq);
	wq_init(&p->open_wq);
	list_init(&p->async);
	return p;
}

void pipe_free(struct pipe *p)
{
	for (; !pipe_empty(p); p->tail++)
		page_free(pipe_slot(p, p->tail)->page, 0);
	if (p->spare)
		page_free(p->spare, 0);
	kfree(p->bufs);
	kfree(p);
}

u64 pipe_bytes(struct pipe *p)
{
	u64 n = 0;

	for (u32 i = p->tail; i != p->head; i++)
		n += pipe_slot(p, i)->len;
	return n;
}

u8 *pipe_page_get(struct pipe *p)
{
	u8 *page = p->spare;

	if (!page)
		return page_alloc(0);
	p->spare = NULL;
	return page;
}

void pipe_page_put(struct pipe *p, u8 *page)
{
	if (p->spare)
		page_free(page, 0);
	else
		p->spare = page;
}

void pipe_push(struct pipe *p, u8 *page, u32 off, u32 len, bool packet)
{
	*pipe_slot(p, p->head++) = (struct pipe_buf){ page, off, len, packet };
}

void pipe_consume(struct pipe *p, u32 n)
{
	struct pipe_buf *b = pipe_slot(p, p->tail);

	b->off += n;
	b->len -= n;
	if (b->len)
		return;
	pipe_page_put(p, b->page);
	b->page = NULL;
	p->tail++;
}

void pipe_wake_readers(struct pipe *p)
{
	wq_wake_key(&p->rd_wq, 1, WAKE_IN);
	if (unlikely(!list_empty(&p->async)))
		fasync_list_kill(&p->async, FMODE_READ);
}

void pipe_wake_writers(struct pipe *p)
{
	wq_wake_key(&p->wr_wq, 1, WAKE_OUT);
	if (unlikely(!list_empty(&p->async)))
		fasync_list_kill(&p->async, FMODE_WRITE);
}

int pipe_wait_data(struct pipe *p, bool nonblock, bool *slept)
{
	for (;;) {
		int err;

		if (unlikely(p->busy)) {
			err = wait_event(&p->open_wq, !p->busy, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
			if (err)
				return err;
			continue;
		}
		if (!pipe_empty(p) || !p->writers)
			return 0;
		if (nonblock)
			return -EAGAIN;
		if (slept)
			*slept = true;
		err = wait_event(&p->rd_wq, (!pipe_empty(p) && !p->busy) || !p->writers,
				 WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, WAIT_FOREVER);
		if (err)
			return err;
	}
}

int pipe_wait_space(struct pipe *p, bool nonblock, bool *slept)
{
	for (;;) {
		int err;

		if (!p->readers) {
			signal_send_task(SIGPIPE, SEND_SIG_NOINFO, current);
			return -EPIPE;
		}
		if (!pipe_full(p))
			return 0;
		if (nonblock)
			return -EAGAIN;
		if (slept)
			*slept = true;
		err = wait_event(&p->wr_wq, !pipe_full(p) || !p->readers,
				 WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, WAIT_FOREVER);
		if (err)
			return err;
	}
}

/* Copies what is there. Bytes, or -EFAULT if not even one went over. */
static ssize_t drain(struct pipe *p, struct iov_iter *it)
{
	ssize_t done = 0;

	while (it->count && !pipe_empty(p)) {
		struct pipe_buf *b = pipe_slot(p, p->tail);
		u32 n = min_t(size_t, b->len, it->count);
		size_t got = copy_to_iter(b->page + b->off, n, it);
		bool packet = b->packet;

		if (got < n && !got)
			return done ? done : -EFAULT;
		done += got;
		pipe_consume(p, packet ? b->len : got);
		if (packet || got < n)
			break;
	}
	return done;
}

ssize_t pipe_do_read(struct pipe *p, struct iov_iter *it, bool nonblock)
{
	ssize_t n;
	bool was_full, slept = false;
	int err;

	if (!it->count)
		return 0;
	err = pipe_wait_data(p, nonblock, &slept);
	if (err || pipe_empty(p))
		return err;
	was_full = pipe_full(p);
	n = drain(p, it);
	if (slept && !pipe_empty(p) && !p->busy)
		pipe_wake_readers(p); /* the wake-up was exclusive: pass it on */
	if (was_full && !pipe_full(p))
		pipe_wake_writers(p);
	return n;
}

/* Adds to the last buffer what would fit into it as a whole. Bytes (0: nothing fits) or -EFAULT. */
static ssize_t write_merge(struct pipe *p, struct iov_iter *it)
{
	struct pipe_buf *b = pipe_slot(p, p->head - 1);
	u32 n = it->count & (PAGE_SIZE - 1);

	if (pipe_empty(p) || !n || b->packet || b->off + b->len + n > PAGE_SIZE)
		return 0;
	if (copy_from_iter(b->page + b->off + b->len, n, it) < n)
		return -EFAULT;
	b->len += n;
	return n;
}

/* Fills free slots. Bytes, or an errno if there are none: what is there when an error ends it counts. */
static ssize_t write_pages(struct pipe *p, struct iov_iter *it, bool packet)
{
	ssize_t done = 0;

	while (it->count && !pipe_full(p)) {
		u32 n = min_t(size_t, it->count, PAGE_SIZE);
		u8 *page = pipe_page_get(p);

		if (!page)
			return done ? done : -ENOMEM;
		if (copy_from_iter(page, n, it) < n) {
			pipe_page_put(p, page);
			return done ? done : -EFAULT;
		}
		pipe_push(p, page, 0, n, packet);
		done += n;
	}
	return done;
}

ssize_t pipe_do_write(struct pipe *p, struct iov_iter *it, bool nonblock, bool packet)
{
	ssize_t done = 0, n = 0;
	bool slept = false;
	int err = 0;

	if (!it->count)
		return 0;
	if (p->readers && !packet) {
		n = write_merge(p, it); /* the buffer was not empty: its reader is awake already */
		if (n < 0)
			return n;
		done = n;
		if (n && p->poll_used)
			pipe_wake_readers(p);
	}
	while (it->count) {
		bool was_empty;

		err = pipe_wait_space(p, nonblock, &slept);
		if (err)
			break;
		was_empty = pipe_empty(p);
		n = write_pages(p, it, packet);
		/* An edge-triggered poller wants to hear of every write, a sleeping reader of the first only. */
		if (n > 0 && (was_empty || p->poll_used))
			pipe_wake_readers(p);
		if (n < 0) {
			err = n;
			break;
		}
		done += n;
		if (it->count && !pipe_full(p)) /* stopped early by an error after some bytes */
			break;
	}
	if (slept && !pipe_full(p))
		pipe_wake_writers(p);
	return done ? done : err;
}
