/* FUTEX_REQUEUE, CMP_REQUEUE: wakes some, and lets the others wait at another word. */
#include "futex_internal.h"

/* Moves q to the tail of k's queue. */
static void move_q(struct futex_q *q, const struct futex_key *k)
{
	struct futex_key old = q->key;

	list_del(&q->node);
	futex_enqueue(q, k);
	futex_key_put(&old);
}

long futex_requeue(uaddr_t uaddr1, u32 flags1, uaddr_t uaddr2, u32 flags2, int nr_wake, int nr_requeue,
		   const u32 *cmpval)
{
	struct list_head *b, *p, *next;
	struct futex_key k1, k2;
	int woken = 0, moved = 0;
	long ret;
	u32 val;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	ret = futex_key_get(uaddr1, flags1 & FLAGS_SHARED, &k1);
	if (ret)
		return ret;
	ret = futex_key_get(uaddr2, flags2 & FLAGS_SHARED, &k2);
	if (ret)
		goto out1;
	if (cmpval) {
		ret = futex_read(uaddr1, &val);
		if (!ret && val != *cmpval)
			ret = -EAGAIN;
		if (ret)
			goto out2;
	}
	b = futex_bucket(&k1);
	for (p = b->next; p != b; p = next) {
		struct futex_q *q = list_entry(p, struct futex_q, node);

		next = p->next;
		if (!futex_key_eq(&q->key, &k1))
			continue;
		if (q->pi || q->requeue_pi) {
			ret = -EINVAL;
			break;
		}
		if (woken < nr_wake) {
			futex_wake_q(q);
			woken++;
		} else if (moved < nr_requeue) {
			/* Same key: it stays where it is and counts, else the walk would meet it again. */
			if (!futex_key_eq(&k1, &k2))
				move_q(q, &k2);
			moved++;
		} else {
			break;
		}
	}
	if (!ret)
		ret = woken + moved;
out2:
	futex_key_put(&k2);
out1:
	futex_key_put(&k1);
	return ret;
}
