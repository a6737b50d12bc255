/*
 * epoll(7): interest sets and their ready lists.
 *
 * An eventpoll lives with its open file. An item belongs to one set and one file description (both lists hold
 * it, neither references it): it goes by EPOLL_CTL_DEL, when the set is closed, or when the file's last
 * reference goes (epoll_file_gone). Its waiters sit on the queues that the file's poll op named; a wake-up puts
 * the item at the end of set->ready and wakes one epoll_wait. Being on `ready` is a hint: epoll_wait asks the file
 * again, drops what is not ready, and puts level-triggered items back at the end, so work is O(ready) and
 * files take turns. Nothing here sleeps but epoll_wait itself, so lists need no lock; poll ops do not sleep.
 * Sets may watch sets, at most EP_MAX_NEST deep and without loops.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/rbtree.h>
#include <umber/signal.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/vfs.h>

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EP_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EP_EXCLUSIVE_OK (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define EP_MAX_NEST 5
#define EP_MAX_OUTER 8          /* sets that may watch one set: bounds what one wake-up can cost */
#define EP_MAX_EVENTS (INT_MAX / (int)sizeof(struct epoll_event))
#define EP_WAITS_INLINE 2

struct epoll_event { u32 events; u64 data; } __packed;
_Static_assert(sizeof(struct epoll_event) == 12, "epoll_event is packed on x86-64");

struct ep_item;
struct ep_wait { struct waiter w; struct ep_item *item; struct ep_wait *next; };
struct ep_item {
	struct rb_node node;            /* set->items by (file, fd) */
	struct list_head ready;         /* set->ready; empty: not on it */
	struct list_head file_node;     /* file->epitems */
	struct eventpoll *ep;
	struct file *file;
	int fd;
	struct epoll_event event;
	u32 nr_waits;
	struct ep_wait *more;           /* waits beyond the inline ones */
	struct ep_wait waits[EP_WAITS_INLINE];
};
struct eventpoll {
	struct rb_root items;
	struct list_head ready;
	struct wait_queue wq;           /* epoll_wait */
	struct wait_queue poll_wq;      /* pollers of the epoll fd, outer sets */
};
struct ep_pt { struct poll_table pt; struct ep_item *item; bool failed; };

static u64 ep_total_items;
static const struct file_ops epoll_fops;

static void ep_wake(struct eventpoll *ep, u32 key)
{
	wq_wake_key(&ep->wq, 1, 0);
	if (wq_active(&ep->poll_wq))
		wq_wake_key(&ep->poll_wq, INT_MAX, key);
}

/* The file's queue rang. True: an exclusive item took the wake-up. */
static bool ep_callback(struct waiter *w, u32 key)
{
	struct ep_item *it = container_of(w, struct ep_wait, w)->item;
	struct eventpoll *ep = it->ep;
	bool slept = wq_active(&ep->wq);

	if (!(it->event.events & ~EP_PRIVATE)) /* one-shot, spent */
		return false;
	if (key && !(key & it->event.events))
		return false;
	if (list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	ep_wake(ep, EPOLLIN | EPOLLRDNORM);
	return !(it->event.events & EPOLLEXCLUSIVE) || slept;
}

static void ep_queue(struct poll_table *pt, struct file *f, struct wait_queue *q)
{
	struct ep_pt *ept = container_of(pt, struct ep_pt, pt);
	struct ep_item *it = ept->item;
	struct ep_wait *w;

	if (it->nr_waits < EP_WAITS_INLINE) {
		w = &it->waits[it->nr_waits];
	} else {
		w = kmalloc(sizeof(*w));
		if (!w) {
			ept->failed = true;
			return;
		}
		w->next = it->more;
		it->more = w;
	}
	it->nr_waits++;
	w->item = it;
	w->w = (struct waiter){ .func = ep_callback, .task = NULL };
	if (it->event.events & EPOLLEXCLUSIVE) {
		w->w.exclusive = true;
		wq_add_exclusive(q, &w->w);
	} else {
		wq_add(q, &w->w);
	}
}

static u32 item_poll(struct ep_item *it)
{
	return file_poll(it->file, NULL) & it->event.events;
}

static int item_cmp(const struct file *f, int fd, const struct ep_item *it)
{
	if (f != it->file)
		return f < it->file ? -1 : 1;
	return fd < it->fd ? -1 : fd > it->fd;
}

static struct ep_item *ep_find(struct eventpoll *ep, struct file *f, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct ep_item *it = rb_entry(n, struct ep_item, node);
		int c = item_cmp(f, fd, it);

		if (!c)
			return it;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_remove(struct ep_item *it)
{
	for (u32 i = 0; i < it->nr_waits && i < EP_WAITS_INLINE; i++)
		wq_remove(&it->waits[i].w);
	while (it->more) {
		struct ep_wait *w = it->more;

		it->more = w->next;
		wq_remove(&w->w);
		kfree(w);
	}
	list_del(&it->ready);
	list_del(&it->file_node);
	rb_erase(&it->ep->items, &it->node);
	kfree(it);
	ep_total_items--;
}

void epoll_file_gone(struct file *f)
{
	struct ep_item *it, *n;

	list_for_each_entry_safe(it, n, &f->epitems, file_node)
		item_remove(it);
}

/* Depth of the sets below f (1: a set without sets in it), or EP_MAX_NEST + 1 if too deep or `top` is below. */
static int nest_below(struct file *f, struct eventpoll *top, int level)
{
	struct eventpoll *ep = f->priv;
	int deepest = 0;

	if (ep == top || level > EP_MAX_NEST)
		return EP_MAX_NEST + 1;
	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct ep_item *it = rb_entry(n, struct ep_item, node);
		int d;

		if (it->file->op != &epoll_fops)
			continue;
		d = nest_below(it->file, top, level + 1);
		if (d > EP_MAX_NEST)
			return d;
		deepest = max(deepest, d);
	}
	return deepest + 1;
}

/* How many sets are above f's set. */
static int nest_above(struct file *f, int level)
{
	struct ep_item *it;
	int highest = 0;

	if (level > EP_MAX_NEST)
		return level;
	list_for_each_entry(it, &f->epitems, file_node) {
		int d;
		struct file *outer = NULL;

		/* The outer set's own file is not known from the set; its depth is: items hang on its poll_wq. */
		list_for_each(p, &it->ep->poll_wq.waiters) {
			struct waiter *w = list_entry(p, struct waiter, node);

			if (w->func == ep_callback) {
				outer = container_of(w, struct ep_wait, w)->item->file;
				break;
			}
		}
		d = outer ? nest_above(outer, level + 1) + 1 : 1;
		highest = max(highest, d);
	}
	return highest;
}

static u64 max_items(void)
{
	/* As Linux: 4 % of memory. */
	return max_t(u64, 1024, kmem_total_pages() * PAGE_SIZE / 25 / sizeof(struct ep_item));
}

static int ep_insert(struct eventpoll *ep, const struct epoll_event *ev, struct file *f, int fd)
{
	struct rb_node **link = &ep->items.node, *parent = NULL;
	struct ep_item *it;
	struct ep_pt ept;
	u32 ready;

	if (ep_total_items >= max_items())
		return -ENOSPC;
	it = kzalloc(sizeof(*it));
	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->event = *ev;
	list_init(&it->ready);
	while (*link) {
		struct ep_item *o = rb_entry(*link, struct ep_item, node);

		parent = *link;
		link = item_cmp(f, fd, o) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&ep->items, &it->node, parent, link);
	list_add_tail(&it->file_node, &f->epitems);
	ep_total_items++;

	ept = (struct ep_pt){ .pt = { ep_queue, ev->events }, .item = it };
	ready = file_poll(f, &ept.pt) & it->event.events;
	if (ept.failed) {
		item_remove(it);
		return -ENOMEM;
	}
	if (ready && list_empty(&it->ready)) {
		list_add_tail(&it->ready, &ep->ready);
		ep_wake(ep, EPOLLIN | EPOLLRDNORM);
	}
	return 0;
}

static void ep_modify(struct eventpoll *ep, struct ep_item *it, const struct epoll_event *ev)
{
	it->event = *ev;
	if (item_poll(it) && list_empty(&it->ready)) {
		list_add_tail(&it->ready, &ep->ready);
		ep_wake(ep, EPOLLIN | EPOLLRDNORM);
	}
}

/* Hands out up to `max` events. Number, or -EFAULT if not even one could be copied. */
static int ep_send(struct eventpoll *ep, uaddr_t uevents, int max_events)
{
	struct list_head batch, again;
	int n = 0;

	list_init(&batch);
	list_init(&again);
	list_splice_tail(&ep->ready, &batch);
	while (n < max_events && !list_empty(&batch)) {
		struct ep_item *it = list_first_entry(&batch, struct ep_item, ready);
		struct epoll_event ev;

		list_del(&it->ready);
		ev.events = item_poll(it);
		if (!ev.events)
			continue;
		ev.data = it->event.data;
		if (copy_to_user(uevents + n * sizeof(ev), &ev, sizeof(ev))) {
			list_add(&it->ready, &batch);
			if (!n)
				n = -EFAULT;
			break;
		}
		n++;
		if (it->event.events & EPOLLONESHOT)
			it->event.events &= EP_PRIVATE;
		else if (!(it->event.events & EPOLLET))
			list_add_tail(&it->ready, &again);
	}
	/* What was not looked at first, then what became ready meanwhile, then the level-triggered ones. */
	list_splice_tail(&ep->ready, &batch);
	list_splice_tail(&again, &batch);
	list_splice_tail(&batch, &ep->ready);
	if (!list_empty(&ep->ready) && wq_active(&ep->wq))
		wq_wake_key(&ep->wq, 1, 0);
	return n;
}

/* A set is readable when an item is; items that turn out not to be leave the list. */
static u32 ep_poll(struct file *f, struct poll_table *pt)
{
	struct eventpoll *ep = f->priv;

	poll_wait(f, &ep->poll_wq, pt);
	while (!list_empty(&ep->ready)) {
		struct ep_item *it = list_first_entry(&ep->ready, struct ep_item, ready);

		if (item_poll(it))
			return EPOLLIN | EPOLLRDNORM;
		list_del(&it->ready);
	}
	return 0;
}

static void ep_release(struct file *f)
{
	struct eventpoll *ep = f->priv;
	struct rb_node *n;

	while ((n = rb_first(&ep->items)))
		item_remove(rb_entry(n, struct ep_item, node));
	kfree(ep);
}

static void ep_fdinfo(struct file *f, struct seq_file *m)
{
	struct eventpoll *ep = f->priv;

	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct ep_item *it = rb_entry(n, struct ep_item, node);
		struct inode *i = it->file->inode;

		seq_printf(m, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%llx sdev:%x\n", it->fd,
			   it->event.events, (unsigned long long)it->event.data, (long long)it->file->pos,
			   i ? (unsigned long long)i->ino : 0, i ? i->sb->dev : 0);
	}
}

static const struct file_ops epoll_fops = {
	.poll = ep_poll,
	.release = ep_release,
	.show_fdinfo = ep_fdinfo,
	.llseek = noop_llseek,
};

/* epoll_create1(2) */
long sys_epoll_create1(int flags)
{
	struct eventpoll *ep;
	struct file *f;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	list_init(&ep->ready);
	wq_init(&ep->wq);
	wq_init(&ep->poll_wq);
	f = anon_file("[eventpoll]", &epoll_fops, ep, O_RDWR);
	if (IS_ERR(f)) {
		kfree(ep);
		return PTR_ERR(f);
	}
	return fd_install(f, flags);
}

/* epoll_create(2): size is a hint of old, but must be positive. */
long sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

/* EINVAL, ELOOP or 0: may f be added to the set of epf? */
static int ep_check_add(struct file *epf, struct file *f)
{
	int below, outer = 0;

	if (f->op != &epoll_fops)
		return 0;
	list_for_each(n, &f->epitems) {
		if (++outer >= EP_MAX_OUTER)
			return -EINVAL;
	}
	below = nest_below(f, epf->priv, 1);
	return below > EP_MAX_NEST || below + nest_above(epf, 0) >= EP_MAX_NEST ? -ELOOP : 0;
}

static long ep_ctl(struct file *epf, int op, struct file *f, int fd, struct epoll_event *ev)
{
	struct eventpoll *ep = epf->priv;
	struct ep_item *it;
	int err;

	if (f == epf || epf->op != &epoll_fops)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && ev->events & EPOLLEXCLUSIVE) {
		if (op == EPOLL_CTL_MOD)
			return -EINVAL;
		if (op == EPOLL_CTL_ADD && (f->op == &epoll_fops || ev->events & ~EP_EXCLUSIVE_OK))
			return -EINVAL;
	}
	it = ep_find(ep, f, fd);
	ev->events |= EPOLLERR | EPOLLHUP;
	switch (op) {
	case EPOLL_CTL_ADD:
		if (it)
			return -EEXIST;
		err = ep_check_add(epf, f);
		return err ? err : ep_insert(ep, ev, f, fd);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_remove(it);
		return 0;
	case EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		if (it->event.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		ep_modify(ep, it, ev);
		return 0;
	}
	return -EINVAL;
}

/* epoll_ctl(2): EBADF EPERM EINVAL EEXIST ENOENT ELOOP ENOSPC ENOMEM EFAULT. */
long sys_epoll_ctl(int epfd, int op, int fd, uaddr_t uevent)
{
	struct epoll_event ev = { 0, 0 };
	struct file *epf, *f;
	long ret = -EBADF;

	if (op != EPOLL_CTL_DEL && get_user(ev, uevent))
		return -EFAULT;
	epf = fd_get(epfd);
	if (!epf)
		return -EBADF;
	f = fd_get(fd);
	if (!f)
		goto out;
	ret = -EPERM;
	if (f->op && f->op->poll)
		ret = ep_ctl(epf, op, f, fd, &ev);
	file_put(f);
out:
	file_put(epf);
	return ret;
}

/* deadline_ns 0: do not wait. Number of events or errno; signals always give EINTR (signal(7)). */
static long ep_wait_events(int epfd, uaddr_t uevents, int max_events, u64 deadline_ns)
{
	struct file *f;
	struct eventpoll *ep;
	long ret;

	if (max_events <= 0 || max_events > EP_MAX_EVENTS)
		return -EINVAL;
	f = fd_get(epfd);
	if (!f)
		return -EBADF;
	ret = -EINVAL;
	if (f->op != &epoll_fops)
		goto out;
	ep = f->priv;
	for (;;) {
		ret = list_empty(&ep->ready) ? 0 : ep_send(ep, uevents, max_events);
		if (ret || !deadline_ns)
			break;
		ret = wait_event(&ep->wq, !list_empty(&ep->ready), WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE,
				 deadline_ns);
		if (ret) {
			ret = ret == -ETIMEDOUT ? 0 : -EINTR;
			break;
		}
	}
out:
	file_put(f);
	return ret;
}

static u64 ms_deadline(int ms)
{
	if (ms < 0)
		return WAIT_FOREVER;
	return ms ? ktime_mono_ns() + ms * NSEC_PER_MSEC : 0;
}

/* epoll_wait(2) */
long sys_epoll_wait(int fd, uaddr_t events, int max_events, int timeout_ms)
{
	return ep_wait_events(fd, events, max_events, ms_deadline(timeout_ms));
}

static long ep_pwait(int fd, uaddr_t events, int max_events, u64 deadline, uaddr_t mask, u64 size)
{
	long ret = signal_mask_set_user(mask, size);

	if (ret)
		return ret;
	ret = ep_wait_events(fd, events, max_events, deadline);
	if (mask)
		signal_mask_restore(ret == -EINTR);
	return ret;
}

/* epoll_pwait(2) */
long sys_epoll_pwait(int fd, uaddr_t events, int max_events, int timeout_ms, uaddr_t mask, u64 size)
{
	return ep_pwait(fd, events, max_events, ms_deadline(timeout_ms), mask, size);
}

/* epoll_pwait2(2): the timeout is a struct timespec, NULL for none. */
long sys_epoll_pwait2(int fd, uaddr_t events, int max_events, uaddr_t timeout, uaddr_t mask, u64 size)
{
	u64 deadline = WAIT_FOREVER;
	struct timespec64 ts;

	if (timeout) {
		if (get_user(ts, timeout))
			return -EFAULT;
		if (!ts_valid(&ts))
			return -EINVAL;
		deadline = ts.tv_sec || ts.tv_nsec ? ns_add(ktime_mono_ns(), ts_to_ns(&ts)) : 0;
	}
	return ep_pwait(fd, events, max_events, deadline, mask, size);
}
