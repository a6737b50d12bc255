/* futex_waitv(2): sleeps on many words at once. */
#include <umber/kmem.h>
#include <umber/syscall.h>

#include "futex_internal.h"

#define CLOCK_REALTIME_ID 0
#define CLOCK_MONOTONIC_ID 1
#define FUTEX2_VALID (FUTEX2_SIZE_MASK | FUTEX_PRIVATE_FLAG)

/* flags of the futex2 calls. 0 or -EINVAL. */
static int flags2(u32 in, u32 *out)
{
	if ((in & ~(u32)FUTEX2_VALID) || (in & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32)
		return -EINVAL;
	*out = in & FUTEX_PRIVATE_FLAG ? 0 : FLAGS_SHARED;
	return 0;
}

static int deadline2(uaddr_t timeout, int clock, u64 *deadline)
{
	*deadline = WAIT_FOREVER;
	if (!timeout)
		return 0;
	if (clock != CLOCK_REALTIME_ID && clock != CLOCK_MONOTONIC_ID)
		return -EINVAL;
	return futex_abs_deadline(timeout, clock == CLOCK_REALTIME_ID, deadline);
}

struct waitv {
	struct futex_waitv w[FUTEX_WAITV_MAX];
	struct futex_q q[FUTEX_WAITV_MAX];
	struct wait_queue wq;
	u32 nr;
};

static int first_woken(const struct waitv *v, u32 upto)
{
	for (u32 i = 0; i < upto; i++)
		if (v->q[i].woken)
			return (int)i;
	return -1;
}

/* Queues all; stops at the first word that has changed. *n: how many are queued. */
static int queue_all(struct waitv *v, u32 *n)
{
	struct futex_key key;
	u32 flags, now;
	int ret;

	for (*n = 0; *n < v->nr;) {
		const struct futex_waitv *w = &v->w[*n];

		if (flags2(w->flags, &flags) || w->reserved_)
			return -EINVAL;
		ret = futex_key_get(w->uaddr, flags & FLAGS_SHARED, &key);
		if (ret)
			return ret;
		futex_q_init(&v->q[*n], &v->wq, FUTEX_BITSET_MATCH_ANY);
		futex_enqueue(&v->q[*n], &key);
		futex_key_put(&key);
		++*n;
		ret = futex_read(w->uaddr, &now);
		if (ret)
			return ret;
		if (now != (u32)w->val)
			return -EWOULDBLOCK;
	}
	return 0;
}

/* futex_waitv(2): index of a woken one, or negative errno. */
long sys_futex_waitv(uaddr_t waiters, u32 nr, u32 flags, uaddr_t timeout, int clock)
{
	struct waitv *v;
	u64 deadline;
	u32 n = 0;
	int ret, hit;

	if (flags || !nr || nr > FUTEX_WAITV_MAX || !waiters)
		return -EINVAL;
	ret = deadline2(timeout, clock, &deadline);
	if (ret)
		return ret;
	v = kmalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->nr = nr;
	wq_init(&v->wq);
	ret = copy_from_user(v->w, waiters, nr * sizeof(v->w[0]));
	for (u32 i = 0; i < nr && !ret; i++) { /* all are checked before any is queued */
		u32 unused;

		ret = v->w[i].reserved_ ? -EINVAL : flags2(v->w[i].flags, &unused);
	}
	if (!ret)
		ret = queue_all(v, &n);
	if (!ret)
		ret = wait_event(&v->wq, first_woken(v, n) >= 0, WAIT_INTERRUPTIBLE, deadline);
	for (u32 i = 0; i < n; i++)
		futex_dequeue(&v->q[i]);
	hit = first_woken(v, n);
	kfree(v);
	return hit >= 0 ? hit : ret;
}

/* futex_wake(2), the futex2 form: nr 0 wakes nobody. */
long sys_futex_wake(uaddr_t uaddr, u64 mask, int nr, u32 flags)
{
	u32 f;

	if (flags2(flags, &f) || mask > U32_MAX)
		return -EINVAL;
	if (!mask)
		return -EINVAL;
	return nr ? futex_wake(uaddr, f, nr, (u32)mask) : 0;
}

/* futex_wait(2), the futex2 form */
long sys_futex_wait(uaddr_t uaddr, u64 val, u64 mask, u32 flags, uaddr_t timeout, int clock)
{
	u64 deadline;
	u32 f;
	int ret;

	if (flags2(flags, &f) || mask > U32_MAX || val > U32_MAX)
		return -EINVAL;
	ret = deadline2(timeout, clock, &deadline);
	return ret ? ret : futex_wait(uaddr, f, (u32)val, deadline, (u32)mask);
}

/* futex_requeue(2), the futex2 form: two words with flags of their own; the first is compared. */
long sys_futex_requeue(uaddr_t waiters, u32 flags, int nr_wake, int nr_requeue)
{
	struct futex_waitv w[2];
	u32 f[2], cmpval;

	if (flags || !waiters)
		return -EINVAL;
	if (copy_from_user(w, waiters, sizeof(w)))
		return -EFAULT;
	for (int i = 0; i < 2; i++)
		if (w[i].reserved_ || flags2(w[i].flags, &f[i]))
			return -EINVAL;
	cmpval = (u32)w[0].val;
	return futex_requeue(w[0].uaddr, f[0], w[1].uaddr, f[1], nr_wake, nr_requeue, &cmpval);
}
