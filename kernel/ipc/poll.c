/* poll(2), ppoll(2), and the poller that select shares. */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/vfs.h>
#include "poller.h"

#define POLL_READY_ALWAYS (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)
#define POLL_STACK 32
#define NFDS_MAX (1u << 20)

struct pollfd { s32 fd; s16 events, revents; };

u32 file_poll(struct file *f, struct poll_table *pt)
{
	return f->op && f->op->poll ? f->op->poll(f, pt) : POLL_READY_ALWAYS;
}

static bool poller_wake(struct waiter *w, u32 key)
{
	struct poll_entry *e = container_of(w, struct poll_entry, w);

	if (key && !(key & e->key))
		return false;
	e->owner->triggered = true;
	wq_wake_all(&e->owner->wq);
	return true;
}

static struct poll_entry *entry_new(struct poller *p)
{
	const u32 per_chunk = (PAGE_SIZE - sizeof(struct poll_chunk)) / sizeof(struct poll_entry);
	struct poll_chunk *c = p->chunks;

	if (p->n < POLLER_INLINE)
		return &p->e[p->n++];
	if (!c || c->n == per_chunk) {
		c = page_alloc(0);
		if (!c)
			return NULL;
		c->n = 0;
		c->next = p->chunks;
		p->chunks = c;
	}
	return &c->e[c->n++];
}

static void poller_queue(struct poll_table *pt, struct file *f, struct wait_queue *q)
{
	struct poller *p = container_of(pt, struct poller, pt);
	struct poll_entry *e = entry_new(p);

	if (!e) {
		p->error = -ENOMEM;
		return;
	}
	e->w = (struct waiter){ .func = poller_wake, .task = current };
	e->owner = p;
	e->key = pt->key;
	e->file = file_get(f);
	wq_add(q, &e->w);
}

void poller_init(struct poller *p)
{
	p->pt.queue = poller_queue;
	p->pt.key = ~0u;
	wq_init(&p->wq);
	p->triggered = false;
	p->error = 0;
	p->n = 0;
	p->chunks = NULL;
}

/* All waiters leave their queues before the first file_put, which may sleep. */
void poller_free(struct poller *p)
{
	struct poll_chunk *c = p->chunks;

	for (u32 i = 0; i < p->n; i++)
		wq_remove(&p->e[i].w);
	for (; c; c = c->next)
		for (u32 i = 0; i < c->n; i++)
			wq_remove(&c->e[i].w);
	for (u32 i = 0; i < p->n; i++)
		file_put(p->e[i].file);
	while ((c = p->chunks)) {
		for (u32 i = 0; i < c->n; i++)
			file_put(c->e[i].file);
		p->chunks = c->next;
		page_free(c, 0);
	}
}

int poller_wait(struct poller *p, u64 deadline_ns)
{
	int err = wait_event(&p->wq, p->triggered, WAIT_INTERRUPTIBLE, deadline_ns);

	p->triggered = false;
	return err;
}

/* The present state of one entry; queues the poller on it if pt says so. */
static u32 poll_one(struct pollfd *pfd, struct poller *p)
{
	u32 want, mask;
	struct file *f;

	if (pfd->fd < 0)
		return 0;
	f = fd_get(pfd->fd);
	if (!f)
		return EPOLLNVAL;
	want = (u16)pfd->events | EPOLLERR | EPOLLHUP;
	p->pt.key = want;
	mask = file_poll(f, &p->pt) & want;
	file_put(f);
	return mask & 0xffff;
}

/* Number of entries with revents, 0 at the deadline, -ERESTARTNOHAND, -ENOMEM. deadline 0: do not wait. */
static long do_poll(struct pollfd *fds, u32 n, u64 deadline_ns)
{
	struct poller p;
	long count = 0;
	int err = 0;

	poller_init(&p);
	if (!deadline_ns)
		p.pt.queue = NULL;
	for (;;) {
		for (u32 i = 0; i < n; i++) {
			u32 mask = poll_one(&fds[i], &p);

			fds[i].revents = mask;
			if (mask) {
				count++;
				p.pt.queue = NULL;
			}
		}
		p.pt.queue = NULL; /* queued once is enough */
		if (count || !deadline_ns || err == -ETIMEDOUT)
			break;
		if (p.error) {
			count = p.error;
			break;
		}
		err = poller_wait(&p, deadline_ns);
		if (err == -ERESTARTSYS) {
			count = -ERESTARTNOHAND;
			break;
		}
	}
	poller_free(&p);
	return count;
}

/* Copies the array in, polls, copies revents out. */
static long poll_user(uaddr_t ufds, u32 n, u64 deadline_ns)
{
	struct pollfd stack[POLL_STACK], *fds = stack;
	long ret;

	if (n > rlimit(RLIMIT_NOFILE) || n > NFDS_MAX)
		return -EINVAL;
	if (n > POLL_STACK) {
		fds = kmalloc(n * sizeof(*fds));
		if (!fds)
			return -ENOMEM;
	}
	ret = -EFAULT;
	if (copy_from_user(fds, ufds, n * sizeof(*fds)))
		goto out;
	ret = do_poll(fds, n, deadline_ns);
	if (n && copy_to_user(ufds, fds, n * sizeof(*fds)))
		ret = -EFAULT;
out:
	if (fds != stack)
		kfree(fds);
	return ret;
}

static long poll_restart(struct task *t)
{
	long ret = poll_user(t->restart.arg[0], t->restart.arg[1], t->restart.arg[2]);

	return ret == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : ret;
}

/* poll(2). Interrupted without a handler it goes on to the first deadline (restart_syscall). */
long sys_poll(uaddr_t ufds, u32 nfds, int timeout_ms)
{
	u64 deadline = WAIT_FOREVER;
	long ret;

	if (timeout_ms >= 0)
		deadline = timeout_ms ? ktime_mono_ns() + timeout_ms * NSEC_PER_MSEC : 0;
	ret = poll_user(ufds, nfds, deadline);
	if (ret != -ERESTARTNOHAND)
		return ret;
	current->restart.fn = poll_restart;
	current->restart.arg[0] = ufds;
	current->restart.arg[1] = nfds;
	current->restart.arg[2] = deadline;
	return -ERESTART_RESTARTBLOCK;
}

/* ppoll(2). The time left goes back to *uts, as the system call (not the library function) does. */
long sys_ppoll(uaddr_t ufds, u32 nfds, uaddr_t uts, uaddr_t umask, u64 size)
{
	struct timespec64 ts = { 0, 0 };
	u64 deadline = WAIT_FOREVER, now;
	long ret;
	int err;

	if (uts) {
		if (get_user(ts, uts))
			return -EFAULT;
		if (!ts_valid(&ts))
			return -EINVAL;
		deadline = ts.tv_sec || ts.tv_nsec ? ns_add(ktime_mono_ns(), ts_to_ns(&ts)) : 0;
	}
	err = signal_mask_set_user(umask, size);
	if (err)
		return err;
	ret = poll_user(ufds, nfds, deadline);
	if (umask)
		signal_mask_restore(ret == -ERESTARTNOHAND);
	if (uts && deadline) {
		now = ktime_mono_ns();
		ts = ns_to_ts(deadline > now ? deadline - now : 0);
		if (put_user(ts, uts) && ret == -ERESTARTNOHAND)
			ret = -EINTR;
	}
	return ret;
}
