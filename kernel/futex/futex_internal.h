/*
 * Futexes, private to kernel/futex: keys, queues, PI state.
 *
 * Why a wake-up is not lost (user code runs beside us, kernel code does not):
 *
 *   waiter (klock)                          waker
 *   puts itself into the queue              changes the word (user code)
 *   reads the word                          FUTEX_WAKE: takes klock, searches the queue
 *   word != val: leaves, EAGAIN
 *   sleeps, which gives klock up
 *
 * If the waker searches before the waiter has queued, the word changed before, and the waiter, who takes
 * klock later, reads the new value. If it searches after, it finds the waiter. "Old value read and not found"
 * cannot happen; that the copy may give klock up on a page fault of the host changes nothing.
 *
 * A futex_q is on its sleeper's stack. Whoever takes it off its queue sets `woken` last; from then on it is
 * not touched. PI waiters leave only under the PI lock of the key, so its holder may keep a pointer to one.
 */
#ifndef FUTEX_INTERNAL_H
#define FUTEX_INTERNAL_H
#include <abi/errno.h>
#include <abi/futex.h>
#include <umber/futex.h>
#include <umber/list.h>
#include <umber/mm.h>
#include <umber/sync.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/uaccess.h>
#include <umber/vfs.h>

struct futex_key {
	void *obj;                    /* struct mm, or struct inode (referenced) if `inode` */
	u64 off;                      /* address, or offset in the file */
	bool inode;
};

/* One contended PI futex: who owns it. Lives while waiters point to it. */
struct pi_state {
	struct list_head owner_node;  /* owner->futex_pi */
	struct task *owner;           /* cleared by the owner's futex_exit: no reference needed */
	struct futex_key key;         /* borrowed from the waiters' (each holds its own reference) */
	u32 waiters;
};

struct futex_q {
	struct list_head node;        /* bucket */
	struct futex_key key;         /* referenced while queued */
	u32 bitset;
	struct task *task;
	struct wait_queue *wq;        /* the sleeper's; futex_waitv has one for many */
	bool woken;
	/* PI only */
	struct pi_state *pi;          /* waits for the lock itself */
	bool requeue_pi, granted;     /* WAIT_REQUEUE_PI; the lock is ours */
	struct futex_key requeue_key; /* borrowed from the sleeper */
	u32 dead_tid;                 /* woken because this owner died: try again */
};

struct list_head *futex_bucket(const struct futex_key *k);
static inline bool futex_key_eq(const struct futex_key *a, const struct futex_key *b)
{
	return a->obj == b->obj && a->off == b->off;
}
/* 0, -EINVAL (unaligned) or -EFAULT. On success futex_key_put() balances it. */
int futex_key_get(uaddr_t uaddr, bool shared, struct futex_key *k);
void futex_key_put(struct futex_key *k);
static inline void futex_key_ref(struct futex_key *k)
{
	if (k->inode)
		iget(k->obj);
}

void futex_q_init(struct futex_q *q, struct wait_queue *wq, u32 bitset);
void futex_enqueue(struct futex_q *q, const struct futex_key *k); /* takes its own reference to the key */
void futex_dequeue(struct futex_q *q);                            /* no-op when not queued */
void futex_wake_q(struct futex_q *q);                             /* off the queue, wakes the sleeper */
int futex_wake_key(const struct futex_key *k, int nr, u32 bitset);
struct futex_q *futex_first(const struct futex_key *k);
/* Reads the word. 0 or -EFAULT. */
int futex_read(uaddr_t uaddr, u32 *val);
/* cmpxchg of the word. 0: done; -EAGAIN: it had changed; -EFAULT. Drops klock. */
int futex_cmpxchg(uaddr_t uaddr, u32 expect, u32 val);
/* Deadline from an absolute timespec on the given clock, in guest monotonic time. */
int futex_abs_deadline(uaddr_t ts, bool realtime, u64 *deadline_ns);

/* flags of the operations */
#define FLAGS_SHARED 1u

long futex_wait(uaddr_t uaddr, u32 flags, u32 val, u64 deadline_ns, u32 bitset);
long futex_wake(uaddr_t uaddr, u32 flags, int nr, u32 bitset);
long futex_wake_op(uaddr_t uaddr1, u32 flags, uaddr_t uaddr2, int nr1, int nr2, u32 enc);
/* flags2: of the second address. cmpval NULL: do not compare. */
long futex_requeue(uaddr_t uaddr1, u32 flags1, uaddr_t uaddr2, u32 flags2, int nr_wake, int nr_requeue,
		   const u32 *cmpval);
long futex_lock_pi(uaddr_t uaddr, u32 flags, u64 deadline_ns, bool trylock);
long futex_unlock_pi(uaddr_t uaddr, u32 flags);
long futex_wait_requeue_pi(uaddr_t uaddr, u32 flags, u32 val, u64 deadline_ns, u32 bitset, uaddr_t uaddr2);
long futex_cmp_requeue_pi(uaddr_t uaddr1, u32 flags, uaddr_t uaddr2, int nr_wake, int nr_requeue, u32 cmpval);

/* pi.c, for pi_requeue.c */
struct mutex *futex_pi_mutex(const struct futex_key *k);
struct pi_state *futex_find_pi(const struct futex_key *k);
int futex_attach_owner(const struct futex_key *k, u32 tid, struct pi_state **out);
void futex_pi_join(struct futex_q *q, struct pi_state *pi);
void futex_pi_leave(struct futex_q *q);        /* drops q's share of its pi_state */
void futex_pi_set_owner(struct pi_state *pi, struct task *owner);
void futex_grant(struct futex_q *q);
long futex_lock_pi_key(uaddr_t uaddr, struct futex_key *key, u64 deadline_ns, bool trylock, u32 dead_tid);
void futex_pi_exit(struct task *t);
void futex_pi_alive(struct task *t);
#endif
