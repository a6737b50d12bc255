/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: condition variables over PI mutexes. */
#include "futex_internal.h"

/* Ends a WAIT_REQUEUE_PI; ret: why it stopped waiting, unless it was woken. Takes the lock's PI lock: whoever
 * holds that may be about to requeue or grant us. */
static long wait_ended(struct futex_q *q, struct futex_key *key2, uaddr_t uaddr2, u64 deadline, long ret)
{
	struct mutex *m = futex_pi_mutex(key2);
	bool requeued;

	mutex_lock(m);
	requeued = q->pi || q->dead_tid;
	if (!q->woken) {
		futex_pi_leave(q);
		futex_dequeue(q);
	}
	mutex_unlock(m);
	if (q->granted)
		return 0;
	if (q->woken) /* the owner of the lock died after we had been requeued: compete for it */
		return requeued ? futex_lock_pi_key(uaddr2, key2, deadline, false, q->dead_tid) : -EWOULDBLOCK;
	if (ret != -ERESTARTSYS)
		return ret;
	/* Requeued already: the first word has changed, a restart would end in EWOULDBLOCK. So say it now. */
	return requeued ? -EWOULDBLOCK : -ERESTARTNOINTR;
}

long futex_wait_requeue_pi(uaddr_t uaddr, u32 flags, u32 val, u64 deadline, u32 bitset, uaddr_t uaddr2)
{
	struct futex_key key1, key2;
	struct wait_queue wq;
	struct futex_q q;
	u32 now;
	long ret;

	if (!bitset || uaddr == uaddr2)
		return -EINVAL;
	ret = futex_key_get(uaddr, flags & FLAGS_SHARED, &key1);
	if (ret)
		return ret;
	ret = futex_key_get(uaddr2, flags & FLAGS_SHARED, &key2);
	if (ret)
		goto out1;
	if (futex_key_eq(&key1, &key2)) {
		ret = -EINVAL;
		goto out2;
	}
	futex_pi_alive(current);
	wq_init(&wq);
	futex_q_init(&q, &wq, bitset);
	q.requeue_pi = true;
	q.requeue_key = key2;
	futex_enqueue(&q, &key1);
	ret = futex_read(uaddr, &now);
	if (!ret && now != val)
		ret = -EAGAIN;
	if (!ret)
		ret = wait_event(&wq, q.woken, WAIT_INTERRUPTIBLE, deadline);
	ret = wait_ended(&q, &key2, uaddr2, deadline, ret);
out2:
	futex_key_put(&key2);
out1:
	futex_key_put(&key1);
	return ret;
}

/* Moves one waiter of the first word to the lock. */
static int requeue_one(struct futex_q *q, const struct futex_key *key2, struct pi_state **pi, u32 owner_tid)
{
	struct futex_key old;
	int ret;

	if (!q->requeue_pi || !futex_key_eq(&q->requeue_key, key2))
		return -EINVAL;
	if (!*pi) {
		ret = futex_attach_owner(key2, owner_tid, pi);
		if (ret)
			return ret;
	}
	old = q->key;
	list_del(&q->node);
	futex_pi_join(q, *pi);
	futex_enqueue(q, key2);
	futex_key_put(&old);
	return 0;
}

/*
 * Gets the lock for the first waiter or marks it contended. 1: it is the waiter's (and *owner its tid); 0: *owner
 * holds it; -EAGAIN: the word moved. PI lock of key2 held, so `top` stays.
 */
static int acquire_for(struct futex_q *top, uaddr_t uaddr2, const struct futex_key *key2, bool more, u32 *owner)
{
	u32 word, new, tid = (u32)top->task->tid;
	struct pi_state *pi;
	int ret = futex_read(uaddr2, &word);

	if (ret)
		return ret;
	*owner = word & FUTEX_TID_MASK;
	if (*owner == tid)
		return -EDEADLK;
	if (!*owner) {
		new = (word & (FUTEX_OWNER_DIED | FUTEX_WAITERS)) | tid | (more ? FUTEX_WAITERS : 0);
		ret = futex_cmpxchg(uaddr2, word, new);
		if (ret)
			return ret;
		*owner = tid;
		pi = futex_find_pi(key2);
		if (pi)
			futex_pi_set_owner(pi, top->task);
		return 1;
	}
	return word & FUTEX_WAITERS ? 0 : futex_cmpxchg(uaddr2, word, word | FUTEX_WAITERS);
}

static long requeue_locked(uaddr_t uaddr1, const struct futex_key *key1, uaddr_t uaddr2,
			   const struct futex_key *key2, int nr_requeue, u32 cmpval)
{
	struct pi_state *pi = NULL;
	struct futex_q *q;
	u32 val, owner = 0;
	long count = 0, limit = 1L + nr_requeue;
	int ret = futex_read(uaddr1, &val);

	if (ret)
		return ret;
	if (val != cmpval)
		return -EWOULDBLOCK;
	q = futex_first(key1);
	if (!q)
		return 0;
	if (!q->requeue_pi || !futex_key_eq(&q->requeue_key, key2))
		return -EINVAL;
	ret = acquire_for(q, uaddr2, key2, nr_requeue > 0, &owner);
	if (ret == -EAGAIN)
		return -ERESTARTNOINTR; /* the caller tries again */
	if (ret < 0)
		return ret;
	if (ret == 1) {
		futex_grant(q);
		count = 1;
	}
	while (count < limit && (q = futex_first(key1))) {
		ret = requeue_one(q, key2, &pi, owner);
		if (ret)
			return count ? count : ret;
		count++;
	}
	return count;
}

/* FUTEX_CMP_REQUEUE_PI: the first waiter gets or waits for the lock at uaddr2, up to nr_requeue more wait. */
long futex_cmp_requeue_pi(uaddr_t uaddr1, u32 flags, uaddr_t uaddr2, int nr_wake, int nr_requeue, u32 cmpval)
{
	struct futex_key key1, key2;
	struct mutex *m;
	long ret;

	if (nr_wake != 1 || nr_requeue < 0 || uaddr1 == uaddr2)
		return -EINVAL;
	ret = futex_key_get(uaddr1, flags & FLAGS_SHARED, &key1);
	if (ret)
		return ret;
	ret = futex_key_get(uaddr2, flags & FLAGS_SHARED, &key2);
	if (ret)
		goto out1;
	ret = -EINVAL;
	if (futex_key_eq(&key1, &key2))
		goto out2;
	m = futex_pi_mutex(&key2);
	do {
		mutex_lock(m);
		ret = requeue_locked(uaddr1, &key1, uaddr2, &key2, nr_requeue, cmpval);
		mutex_unlock(m);
		cond_resched();
	} while (ret == -ERESTARTNOINTR && !fatal_signal_pending(current));
out2:
	futex_key_put(&key2);
out1:
	futex_key_put(&key1);
	return ret;
}
