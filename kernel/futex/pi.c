/*
 * PI futexes: LOCK_PI, LOCK_PI2, TRYLOCK_PI, UNLOCK_PI. The word holds the owner's tid; the kernel comes in when
 * it is contended and hands it over, first come first served (real-time tasks first). Priority itself is not
 * lent to the owner.
 *
 * All of it runs under the PI lock of the key, a mutex, because changing the word gives klock up. Under it:
 * who waits in the queue stays there (leaving takes the lock too); the word changes only by user code, and
 * while FUTEX_WAITERS is set user code does not change it.
 * When an owner ends without unlocking, its waiters are woken to try again; the first takes the word from
 * the dead with FUTEX_OWNER_DIED set.
 */
#include <umber/init.h>
#include <umber/kmem.h>

#include "futex_internal.h"

#define PI_MUTEXES 64u

static struct mutex pi_mutexes[PI_MUTEXES];

static int futex_pi_init(void)
{
	for (unsigned i = 0; i < PI_MUTEXES; i++)
		mutex_init(&pi_mutexes[i]);
	return 0;
}
INITCALL(INIT_CORE, futex_pi_init);

struct mutex *futex_pi_mutex(const struct futex_key *k)
{
	return &pi_mutexes[(((u64)k->obj >> 6) ^ (k->off >> 2) ^ (k->off >> 12)) % PI_MUTEXES];
}

/* A task whose futex_exit has run owns nothing any more: its list is marked with a NULL link. */
static bool is_gone(const struct task *t)
{
	return !t || !t->futex_pi.next;
}

/* A task that uses PI futexes (again: after exec) can be waited for. */
void futex_pi_alive(struct task *t)
{
	if (!t->futex_pi.next)
		list_init(&t->futex_pi);
}

static struct futex_q *first_pi(const struct futex_key *k)
{
	struct futex_q *q;

	list_for_each_entry(q, futex_bucket(k), node)
		if (q->pi && futex_key_eq(&q->key, k))
			return q;
	return NULL;
}

struct pi_state *futex_find_pi(const struct futex_key *k)
{
	struct futex_q *q = first_pi(k);

	return q ? q->pi : NULL;
}

void futex_pi_set_owner(struct pi_state *pi, struct task *owner)
{
	list_del(&pi->owner_node);
	pi->owner = owner;
	if (owner) {
		futex_pi_alive(owner);
		list_add_tail(&pi->owner_node, &owner->futex_pi);
	}
}

void futex_pi_join(struct futex_q *q, struct pi_state *pi)
{
	q->pi = pi;
	pi->waiters++;
}

void futex_pi_leave(struct futex_q *q)
{
	struct pi_state *pi = q->pi;

	q->pi = NULL;
	if (pi && !--pi->waiters) {
		list_del(&pi->owner_node);
		kfree(pi);
	}
}

/*
 * The state for waiting on task `tid`, new or the one that is there. 0; -ESRCH: no such task; -EPERM: a kernel
 * thread; -ENOMEM. A new one has no waiters yet: the caller joins it before it sleeps or frees it.
 */
int futex_attach_owner(const struct futex_key *k, u32 tid, struct pi_state **out)
{
	struct pi_state *pi = futex_find_pi(k);
	struct task *owner;

	if (!pi) {
		owner = find_task((int)tid);
		if (is_gone(owner))
			return -ESRCH;
		if (owner->is_kthread)
			return -EPERM;
		pi = kzalloc(sizeof(*pi));
		if (!pi)
			return -ENOMEM;
		list_init(&pi->owner_node);
		pi->key = *k;
		pi->key.inode = false;
		futex_pi_set_owner(pi, owner);
	}
	*out = pi;
	return 0;
}

/* The word says q's task owns it: so be it. PI lock held (or q's owner is the caller). */
void futex_grant(struct futex_q *q)
{
	if (q->pi)
		futex_pi_set_owner(q->pi, q->task);
	futex_pi_leave(q);
	q->granted = true;
	futex_wake_q(q);
}

/*
 * One try under the PI lock. 1: ours; 0: q is queued; -EAGAIN: the word moved, try again; else an error.
 */
static int lock_attempt(uaddr_t uaddr, struct futex_key *key, struct futex_q *q, bool trylock, u32 dead_tid)
{
	u32 tid = (u32)current->tid, word, owner;
	struct pi_state *pi;
	bool from_dead;
	int ret = futex_read(uaddr, &word);

	if (ret)
		return ret;
	owner = word & FUTEX_TID_MASK;
	if (owner == tid)
		return -EDEADLK;
	from_dead = owner && owner == dead_tid && is_gone(find_task((int)owner));
	if (!owner || from_dead) {
		u32 new = (word & FUTEX_OWNER_DIED) | tid | (futex_find_pi(key) ? FUTEX_WAITERS : 0);

		/* WAITERS stays if it was set by others who were woken with us and have not queued again. */
		new |= (word & FUTEX_WAITERS) | (from_dead ? FUTEX_OWNER_DIED : 0);
		ret = futex_cmpxchg(uaddr, word, new);
		if (ret)
			return ret;
		pi = futex_find_pi(key);
		if (pi)
			futex_pi_set_owner(pi, current);
		return 1;
	}
	if (trylock)
		return -EBUSY; /* not EWOULDBLOCK: that is EAGAIN, which means something else here */
	if (!(word & FUTEX_WAITERS)) {
		ret = futex_cmpxchg(uaddr, word, word | FUTEX_WAITERS);
		if (ret)
			return ret;
	}
	ret = futex_attach_owner(key, owner, &pi);
	if (ret) { /* the owner may have just left: then the word says so */
		u32 again;

		if (ret == -ESRCH && !futex_read(uaddr, &again) && again != (word | FUTEX_WAITERS))
			return -EAGAIN;
		return ret;
	}
	futex_pi_join(q, pi);
	futex_enqueue(q, key);
	return 0;
}

/* Tries until it has the lock (1), is queued (0) or failed. Returns with the PI lock released. */
static int lock_or_queue(uaddr_t uaddr, struct futex_key *key, struct futex_q *q, bool trylock, u32 dead_tid)
{
	struct mutex *m = futex_pi_mutex(key);
	int ret;

	for (;;) {
		mutex_lock(m);
		ret = lock_attempt(uaddr, key, q, trylock, dead_tid);
		mutex_unlock(m);
		if (ret != -EAGAIN)
			return ret == -EBUSY ? -EWOULDBLOCK : ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

long futex_lock_pi_key(uaddr_t uaddr, struct futex_key *key, u64 deadline, bool trylock, u32 dead_tid)
{
	struct mutex *m = futex_pi_mutex(key);
	struct wait_queue wq;
	struct futex_q q;
	int ret;

	wq_init(&wq);
	for (;;) {
		futex_q_init(&q, &wq, FUTEX_BITSET_MATCH_ANY);
		ret = lock_or_queue(uaddr, key, &q, trylock, dead_tid);
		if (ret)
			return ret > 0 ? 0 : ret;
		ret = wait_event(&wq, q.woken, WAIT_INTERRUPTIBLE, deadline);
		mutex_lock(m); /* a hand-over to us may be under way */
		if (!q.woken) {
			futex_pi_leave(&q);
			futex_dequeue(&q);
		}
		mutex_unlock(m);
		if (q.granted)
			return 0;
		if (!q.woken)
			return ret == -ERESTARTSYS ? -ERESTARTNOINTR : ret;
		dead_tid = q.dead_tid;
	}
}

/* FUTEX_LOCK_PI, LOCK_PI2, TRYLOCK_PI. 0, -EWOULDBLOCK, -EDEADLK, -ESRCH, -ETIMEDOUT... futex(2) */
long futex_lock_pi(uaddr_t uaddr, u32 flags, u64 deadline, bool trylock)
{
	struct futex_key key;
	long ret = futex_key_get(uaddr, flags & FLAGS_SHARED, &key);

	if (ret)
		return ret;
	futex_pi_alive(current);
	ret = futex_lock_pi_key(uaddr, &key, deadline, trylock, 0);
	futex_key_put(&key);
	return ret;
}

static int unlock_attempt(uaddr_t uaddr, const struct futex_key *key)
{
	struct futex_q *q;
	u32 word;
	int ret = futex_read(uaddr, &word);

	if (ret)
		return ret;
	if ((word & FUTEX_TID_MASK) != (u32)current->tid)
		return -EPERM;
	q = first_pi(key);
	if (!q)
		return futex_cmpxchg(uaddr, word, 0);
	if (q->pi->owner != current)
		return -EINVAL;
	/* q cannot leave meanwhile, that takes the PI lock; nor is it woken for our death. */
	ret = futex_cmpxchg(uaddr, word, (u32)q->task->tid | FUTEX_WAITERS);
	if (!ret)
		futex_grant(q);
	return ret;
}

/* FUTEX_UNLOCK_PI: hands the lock to the first waiter. 0, -EPERM (not ours), -EINVAL, -EFAULT. */
long futex_unlock_pi(uaddr_t uaddr, u32 flags)
{
	struct futex_key key;
	struct mutex *m;
	long ret = futex_key_get(uaddr, flags & FLAGS_SHARED, &key);

	if (ret)
		return ret;
	m = futex_pi_mutex(&key);
	for (;;) {
		mutex_lock(m);
		ret = unlock_attempt(uaddr, &key);
		mutex_unlock(m);
		if (ret != -EAGAIN)
			break;
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	}
	futex_key_put(&key);
	return ret;
}

/* Wakes all who wait for pi's dead owner to try again. Does not sleep; frees pi. */
static void release_waiters(struct pi_state *pi, u32 dead_tid)
{
	struct futex_key key = pi->key;
	u32 left = pi->waiters;

	while (left--) {
		struct futex_q *q = first_pi(&key);

		if (!q)
			break;
		q->dead_tid = dead_tid;
		futex_pi_leave(q);
		futex_wake_q(q);
	}
}

/* current ends, or execs: nobody shall wait for it. Marks the list so that nobody begins to. */
void futex_pi_exit(struct task *t)
{
	if (!t->futex_pi.next)
		return;
	while (!list_empty(&t->futex_pi)) {
		struct pi_state *pi = list_first_entry(&t->futex_pi, struct pi_state, owner_node);

		list_del(&pi->owner_node);
		pi->owner = NULL;
		release_waiters(pi, (u32)t->tid);
	}
	if (t->in_execve)
		list_init(&t->futex_pi);
	else
		t->futex_pi.next = t->futex_pi.prev = NULL;
}
