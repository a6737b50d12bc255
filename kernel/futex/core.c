/* Keys and queues. */
#include <abi/sched.h>
#include <umber/init.h>

#include "futex_internal.h"

#define BUCKETS 1024u

static struct list_head buckets[BUCKETS];

struct list_head *futex_bucket(const struct futex_key *k)
{
	u64 h = ((u64)k->obj >> 4) * 0x9e3779b97f4a7c15UL;

	h = (h ^ (k->off >> 2)) * 0xd6e8feb86659fd93UL;
	return &buckets[(h >> 40) & (BUCKETS - 1)];
}

static int futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&buckets[i]);
	return 0;
}
INITCALL(INIT_CORE, futex_init);

/*
 * Names a word. Private futexes, and private memory whatever the caller says: (mm, address), without a look at
 * the VMAs in the first case. Shared file mappings (shared anonymous memory is one too): (inode, offset).
 */
int futex_key_get(uaddr_t uaddr, bool shared, struct futex_key *k)
{
	struct mm *mm = current->mm;
	struct vma *v;

	if (uaddr & 3)
		return -EINVAL;
	if (uaddr >= PORT_TASK_SIZE || !mm)
		return -EFAULT;
	*k = (struct futex_key){ .obj = mm, .off = uaddr };
	if (!shared)
		return 0;
	v = mm_find_vma(mm, uaddr);
	if (!v || v->start > uaddr)
		return -EFAULT;
	if ((v->flags & VM_SHARED) && v->file && v->file->inode) {
		k->obj = iget(v->file->inode);
		k->off = v->off + (uaddr - v->start);
		k->inode = true;
	}
	return 0;
}

void futex_key_put(struct futex_key *k)
{
	if (k->inode)
		iput(k->obj);
	k->inode = false;
}

void futex_q_init(struct futex_q *q, struct wait_queue *wq, u32 bitset)
{
	*q = (struct futex_q){ .bitset = bitset, .task = current, .wq = wq };
	list_init(&q->node);
}

static int rt_prio(const struct task *t)
{
	return t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR ? t->se.rt_priority : 0;
}

/* First come, first served; real-time tasks before others, by priority. */
void futex_enqueue(struct futex_q *q, const struct futex_key *k)
{
	struct list_head *b = futex_bucket(k), *pos = b;
	int prio = rt_prio(q->task);

	q->key = *k;
	futex_key_ref(&q->key);
	if (prio)
		while (pos->prev != b && rt_prio(list_entry(pos->prev, struct futex_q, node)->task) < prio)
			pos = pos->prev;
	list_add_tail(&q->node, pos);
}

void futex_dequeue(struct futex_q *q)
{
	if (list_empty(&q->node))
		return;
	list_del(&q->node);
	futex_key_put(&q->key);
}

void futex_wake_q(struct futex_q *q)
{
	struct futex_key k = q->key;
	bool queued = !list_empty(&q->node);

	list_del(&q->node);
	q->key.inode = false; /* the reference is ours now */
	q->woken = true;
	wq_wake_all(q->wq); /* q may be gone from here on */
	if (queued)
		futex_key_put(&k);
}

struct futex_q *futex_first(const struct futex_key *k)
{
	struct futex_q *q;

	list_for_each_entry(q, futex_bucket(k), node)
		if (futex_key_eq(&q->key, k))
			return q;
	return NULL;
}

/*
 * Wakes up to nr waiters of the key whose bitset meets `bitset`. Their number, or -EINVAL if a PI waiter
 * sleeps there (the word is a lock, not a counter).
 */
int futex_wake_key(const struct futex_key *k, int nr, u32 bitset)
{
	struct list_head *b = futex_bucket(k), *p, *next;
	int woken = 0;

	for (p = b->next; p != b; p = next) {
		struct futex_q *q = list_entry(p, struct futex_q, node);

		next = p->next;
		if (!futex_key_eq(&q->key, k))
			continue;
		if (q->pi || q->requeue_pi)
			return -EINVAL;
		if (!(q->bitset & bitset))
			continue;
		futex_wake_q(q);
		if (++woken >= nr)
			break;
	}
	return woken;
}

int futex_read(uaddr_t uaddr, u32 *val)
{
	return copy_from_user(val, uaddr, sizeof(*val));
}

int futex_cmpxchg(uaddr_t uaddr, u32 expect, u32 val)
{
	u32 old = 0;
	int ret = port_cmpxchg_user(current->mm->port, uaddr, expect, val, &old);

	if (ret)
		return ret;
	return old == expect ? 0 : -EAGAIN;
}

int futex_abs_deadline(uaddr_t uts, bool realtime, u64 *deadline)
{
	struct timespec64 ts;

	*deadline = WAIT_FOREVER;
	if (!uts)
		return 0;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	*deadline = ts_to_ns(&ts);
	if (realtime) {
		s64 mono = (s64)*deadline - ktime_real_offset();

		*deadline = mono > 0 ? (u64)mono : 0;
	}
	return 0;
}
