/*
 * What poll and select share: a set of waiters on the queues of many files, and one private queue that a
 * wake-up of any of them rings. An entry holds its file, so the queue that it sits on stays.
 */
#ifndef IPC_POLLER_H
#define IPC_POLLER_H
#include <umber/poll.h>
#include <umber/sync.h>

#define POLLER_INLINE 12
struct poller;
struct poll_entry {
	struct waiter w;
	struct poller *owner;
	struct file *file;
	u32 key;
};
struct poll_chunk { struct poll_chunk *next; u32 n; struct poll_entry e[]; };
struct poller {
	struct poll_table pt;        /* pt.key: events that the next file's waiters care for */
	struct wait_queue wq;
	bool triggered;
	int error;                   /* -ENOMEM: a queue could not be watched */
	u32 n;
	struct poll_chunk *chunks;
	struct poll_entry e[POLLER_INLINE];
};
void poller_init(struct poller *p);
void poller_free(struct poller *p);
/* Sleeps until one of the queues rings. 0, -ETIMEDOUT or -ERESTARTSYS. */
int poller_wait(struct poller *p, u64 deadline_ns);
#endif
