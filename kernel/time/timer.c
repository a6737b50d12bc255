/*
 * The timer queue: a pairing heap of embedded nodes, so arming cannot fail. All under klock.
 *
 * Each node: child (its first), next (right sibling), prev (left sibling, or parent of a first child).
 * The root has neither prev nor next. heap_index is 0 when queued, -1 when not.
 */
#include <umber/sync.h>
#include <umber/time.h>

static struct ktimer *root;

static struct ktimer *meld(struct ktimer *a, struct ktimer *b)
{
	struct ktimer *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->expires_ns < a->expires_ns) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	a->prev = a->next = NULL;
	return a;
}

/* Melds a list of siblings into one heap: in pairs from the left, then all from the right. No recursion. */
static struct ktimer *meld_siblings(struct ktimer *first)
{
	struct ktimer *done = NULL, *r = NULL;

	while (first) {
		struct ktimer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->prev = a->next = NULL;
		if (b)
			b->prev = b->next = NULL;
		a = meld(a, b);
		a->next = done; /* a stack of pairs, through next */
		done = a;
	}
	while (done) {
		struct ktimer *a = done;

		done = a->next;
		a->next = NULL;
		r = meld(r, a);
	}
	return r;
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t))
{
	t->fn = fn;
	t->expires_ns = 0;
	t->heap_index = -1;
	t->child = t->next = t->prev = NULL;
}

bool ktimer_cancel(struct ktimer *t)
{
	struct ktimer *rest;

	if (!ktimer_armed(t))
		return false;
	rest = meld_siblings(t->child);
	if (t == root) {
		root = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		root = meld(root, rest);
	}
	t->child = t->next = t->prev = NULL;
	t->heap_index = -1;
	return true;
}

void ktimer_start(struct ktimer *t, u64 expires_ns)
{
	ktimer_cancel(t);
	t->expires_ns = expires_ns;
	t->heap_index = 0;
	root = meld(root, t);
}

/* Only what is due at entry runs: a callback that re-arms itself cannot keep us here. */
void ktimer_run_due(void)
{
	u64 now;

	if (!root)
		return;
	now = ktime_mono_ns();
	while (root && root->expires_ns <= now) {
		struct ktimer *t = root;

		ktimer_cancel(t);
		t->fn(t);
	}
}

u64 ktimer_next_ns(void)
{
	return root ? root->expires_ns : WAIT_FOREVER;
}
