/* Readiness: poll, select, epoll. A file's poll op calls poll_wait() for each queue that may change its answer
 * and returns the present mask. wq_wake_key(q, n, EPOLL mask) on those queues tells waiters what changed. */
#ifndef UMBER_POLL_H
#define UMBER_POLL_H
#include <umber/sync.h>
#include <umber/types.h>

#define EPOLLIN 0x001u
#define EPOLLPRI 0x002u
#define EPOLLOUT 0x004u
#define EPOLLERR 0x008u
#define EPOLLHUP 0x010u
#define EPOLLNVAL 0x020u
#define EPOLLRDNORM 0x040u
#define EPOLLRDBAND 0x080u
#define EPOLLWRNORM 0x100u
#define EPOLLWRBAND 0x200u
#define EPOLLMSG 0x400u
#define EPOLLRDHUP 0x2000u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)

struct file;
struct poll_table {
	void (*queue)(struct poll_table *pt, struct file *f, struct wait_queue *q); /* NULL: only ask */
	u32 key;
};
static inline void poll_wait(struct file *f, struct wait_queue *q, struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(pt, f, q);
}
/* The VFS calls this when the last reference to f goes, before anything that may sleep: f leaves every epoll set. */
void epoll_file_gone(struct file *f);
/* Asks f: its poll op's mask, or the mask of a file that is always ready. */
u32 file_poll(struct file *f, struct poll_table *pt);
#endif
