/*
 * Waiting and sleeping locks.
 *
 * Concurrency model (docs/ARCHITECTURE.md, "The kernel lock"): all code of kernel/ runs with the kernel
 * lock held, on a fibre. It is given up only inside (a) schedule(), reached by nothing but wait_event()
 * and cond_resched(), (b) port calls that say so, (c) host calls bracketed by klock_drop()/klock_take().
 * Between two such points code is atomic with respect to all other kernel code. So data that is
 * consistent whenever its user may sleep needs no lock; what must stay put across a sleep is covered by
 * a mutex or rwsem below (inode->lock, mm->lock), and references (get/put) keep objects alive.
 */
#ifndef UMBER_SYNC_H
#define UMBER_SYNC_H
#include <umber/list.h>
#include <umber/types.h>

struct task;

struct wait_queue {
	struct list_head waiters;
};
struct waiter;
/* Called by the waker. Returns true if it took the wake-up (counts against nr of exclusive wakes). */
typedef bool (*waiter_fn)(struct waiter *w, u32 key);
struct waiter {
	struct list_head node;
	waiter_fn func;      /* waiter_wake_task for ordinary sleepers */
	struct task *task;
	bool exclusive;
	bool woken;          /* set by waiter_wake_task, also while the task still evaluates its condition */
};
#define WAIT_QUEUE_INIT(q) { LIST_HEAD_INIT((q).waiters) }
static inline void wq_init(struct wait_queue *q) { list_init(&q->waiters); }
static inline bool wq_active(const struct wait_queue *q) { return !list_empty(&q->waiters); }
void wq_add(struct wait_queue *q, struct waiter *w);           /* w->func etc. set by the caller */
void wq_add_exclusive(struct wait_queue *q, struct waiter *w); /* at the tail */
static inline void wq_remove(struct waiter *w) { list_del(&w->node); }
/* q's memory goes while pollers of longer life (epoll on a signalfd) may still sit on it: cuts them off. */
static inline void wq_orphan(struct wait_queue *q)
{
	while (!list_empty(&q->waiters))
		list_del(q->waiters.next);
}
/* Wakes all non-exclusive waiters and up to nr_exclusive exclusive ones. key: EPOLL* events or 0 for any. */
void wq_wake_key(struct wait_queue *q, int nr_exclusive, u32 key);
static inline void wq_wake(struct wait_queue *q) { wq_wake_key(q, 1, 0); }
static inline void wq_wake_all(struct wait_queue *q) { wq_wake_key(q, INT_MAX, 0); }
bool waiter_wake_task(struct waiter *w, u32 key);

/*
 * The one wait primitive. Sleeps until `cond` is true; cond is evaluated with the kernel lock held, at
 * entry and after each wake-up. deadline_ns: monotonic guest time, WAIT_FOREVER for none.
 * Returns 0 (cond true), -ETIMEDOUT, or -ERESTARTSYS when flags allow signals and one is pending
 * (WAIT_KILLABLE: only a fatal one). Task context only; may sleep; klock held, dropped while asleep.
 */
#define WAIT_FOREVER U64_MAX
enum { WAIT_UNINTERRUPTIBLE = 0, WAIT_INTERRUPTIBLE = 1, WAIT_KILLABLE = 2, WAIT_EXCLUSIVE = 4 };
void wait_prepare_(struct wait_queue *q, struct waiter *w, unsigned flags);
int wait_sleep_(struct waiter *w, unsigned flags, u64 deadline_ns); /* 0 = look again */
#define wait_event(q, cond, flags, deadline_ns)                                                    \
	({                                                                                         \
		int wait_ret_ = 0;                                                                 \
		if (!(cond)) {                                                                     \
			struct waiter wait_w_;                                                     \
			wait_prepare_(q, &wait_w_, flags);                                         \
			while (!(cond)) {                                                          \
				wait_ret_ = wait_sleep_(&wait_w_, flags, deadline_ns);             \
				if (wait_ret_) {                                                   \
					if (cond)                                                  \
						wait_ret_ = 0;                                     \
					break;                                                     \
				}                                                                  \
			}                                                                          \
			wq_remove(&wait_w_);                                                       \
		}                                                                                  \
		wait_ret_;                                                                         \
	})

/* Sleeping mutex; not recursive. Task context. */
struct mutex {
	struct task *owner;
	struct wait_queue wq;
};
void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
int mutex_lock_killable(struct mutex *m);       /* 0 or -EINTR */
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
void assert_held(const struct mutex *m);

/* Reader/writer sleeping lock, writers preferred. */
struct rwsem {
	int readers;
	struct task *writer;
	int writers_waiting;
	struct wait_queue wq;
};
void rwsem_init(struct rwsem *s);
void down_read(struct rwsem *s);
void up_read(struct rwsem *s);
void down_write(struct rwsem *s);
void up_write(struct rwsem *s);

/* Reference count; an ordinary int is enough under the kernel lock, the type documents intent. */
typedef struct { u32 n; } refcount_t;
static inline void ref_set(refcount_t *r, u32 n) { r->n = n; }
static inline void ref_get(refcount_t *r) { r->n++; }
static inline bool ref_put(refcount_t *r) { return --r->n == 0; } /* true: last one, free it */

/* Deferred work: fn runs on the kworker kernel thread (task context, may sleep), in order. */
struct work { struct list_head node; void (*fn)(struct work *w); bool queued; };
void work_init(struct work *w, void (*fn)(struct work *w));
void work_queue(struct work *w); /* any context with klock; no-op if already queued */
#endif
