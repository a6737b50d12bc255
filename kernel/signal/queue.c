/* Queues of pending signals: allocation against RLIMIT_SIGPENDING, adding, taking out (signal(7)). */
#include "signal_internal.h"
#include <umber/kmem.h>
#include <umber/string.h>

/* Queued instances of one real user id. Kept while used; a few idle ones stay, for the next kill(2). */
struct siguser {
	struct list_head node;
	u32 uid, count;
};
#define SIGUSER_BUCKETS 32
#define SIGUSER_KEEP 64
static struct list_head siguser_hash[SIGUSER_BUCKETS];
static u32 nr_sigusers;
static struct kmem_cache *sigqueue_cache;

static struct siguser *siguser_find(u32 uid, bool create)
{
	struct list_head *h = &siguser_hash[uid % SIGUSER_BUCKETS];
	struct siguser *u;

	if (!h->next)
		list_init(h);
	list_for_each_entry(u, h, node)
		if (u->uid == uid)
			return u;
	if (!create)
		return NULL;
	u = kzalloc(sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	list_add(&u->node, h);
	nr_sigusers++;
	return u;
}

u32 signal_queued(u32 uid)
{
	struct siguser *u = siguser_find(uid, false);

	return u ? u->count : 0;
}

static void siguser_drop(struct siguser *u)
{
	if (--u->count || nr_sigusers <= SIGUSER_KEEP)
		return;
	list_del(&u->node);
	nr_sigusers--;
	kfree(u);
}

/* One instance, charged to t's real user. NULL: over the limit (unless override_limit) or no memory. */
struct sigqueue *sigqueue_alloc(struct task *t, bool override_limit)
{
	struct siguser *u = siguser_find(t->cred ? t->cred->uid : 0, true);
	struct sigqueue *q;

	if (!u)
		return NULL;
	if (!override_limit && u->count >= t->tg->rlim[RLIMIT_SIGPENDING].cur)
		return NULL;
	if (unlikely(!sigqueue_cache))
		sigqueue_cache = kmem_cache_create("sigqueue", sizeof(struct sigqueue));
	q = sigqueue_cache ? kmem_cache_alloc(sigqueue_cache) : NULL;
	if (!q)
		return NULL;
	list_init(&q->node);
	q->owner = NULL;
	q->user = u;
	u->count++;
	return q;
}

void sigqueue_free(struct sigqueue *q)
{
	siguser_drop(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

void sigpending_init(struct sigpending *p)
{
	list_init(&p->queue);
	p->set = 0;
}

/* Drops every instance of the signals in `set`. A timer's own instance only leaves the queue. */
void sigpending_remove(struct sigpending *p, ksigset_t set)
{
	struct sigqueue *q, *n;

	if (!(p->set & set))
		return;
	p->set &= ~set;
	list_for_each_entry_safe(q, n, &p->queue, node) {
		if (!(set & SIGBIT(q->info.si_signo)))
			continue;
		list_del(&q->node);
		if (!q->owner)
			sigqueue_free(q);
	}
}

void sigpending_flush(struct sigpending *p)
{
	sigpending_remove(p, ~(ksigset_t)0);
	p->set = 0;
}

static bool pending_cancel(struct sigpending *p, struct sigqueue *q)
{
	struct sigqueue *o;
	int sig = q->info.si_signo;
	bool found = false, other = false;

	if (!(p->set & SIGBIT(sig)))
		return false;
	list_for_each_entry(o, &p->queue, node) {
		if (o == q)
			found = true;
		else if (o->info.si_signo == sig)
			other = true;
	}
	if (!found)
		return false;
	list_del(&q->node);
	if (!other)
		p->set &= ~SIGBIT(sig);
	return true;
}

void sigqueue_cancel(struct sigqueue *q, struct tgroup *tg)
{
	struct task *t;

	if (list_empty(&q->node) || pending_cancel(&tg->pending, q))
		return;
	list_for_each_entry(t, &tg->threads, tg_node)
		if (pending_cancel(&t->pending, q))
			return;
	list_del(&q->node);
}

bool signal_has_work(const struct task *t)
{
	if ((t->pending.set | t->tg->pending.set) & ~t->blocked)
		return true;
	return t->stop_pending || (t->tracer && ptrace_work && ptrace_work(t));
}

void signal_recalc(struct task *t)
{
	if (signal_has_work(t))
		t->sig_pending = true;
	else if (t == current)
		t->sig_pending = false;
}

bool signal_pending_(struct task *t)
{
	return t->sig_pending;
}

bool fatal_signal_pending(struct task *t)
{
	return t->sig_pending && (t->pending.set & SIGBIT(SIGKILL));
}

/* Takes the first instance of sig out of p and describes it in *info. */
static void collect(struct sigpending *p, int sig, struct siginfo *info)
{
	struct sigqueue *q, *first = NULL;

	list_for_each_entry(q, &p->queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (first)
			goto more;
		first = q;
	}
	p->set &= ~SIGBIT(sig);
more:
	if (!first) { /* sent without room for information */
		memset(info, 0, sizeof(*info));
		info->si_signo = sig;
		info->si_code = SI_USER;
		return;
	}
	list_del(&first->node);
	*info = first->info;
	if (first->owner)
		posix_timer_dequeued(first->owner, info);
	else
		sigqueue_free(first);
}

/* Faults of the thread itself come first, then the lowest number. */
static int next_signal(const struct sigpending *p, ksigset_t set)
{
	ksigset_t s = p->set & set;

	if (!s)
		return 0;
	if (s & SIGSET_SYNC)
		s &= SIGSET_SYNC;
	return __builtin_ctzll(s) + 1;
}

int signal_dequeue(struct task *t, ksigset_t set, struct siginfo *info)
{
	int sig = next_signal(&t->pending, set);

	if (sig) {
		collect(&t->pending, sig, info);
	} else {
		sig = next_signal(&t->tg->pending, set);
		if (!sig)
			return 0;
		collect(&t->tg->pending, sig, info);
		if (sig == SIGALRM)
			itimer_real_dequeued(t->tg);
	}
	signal_recalc(t);
	return sig;
}
