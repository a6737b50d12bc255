/* epoll sets: level, edge, one-shot, exclusive, order of the ready list, nesting, files that go. */
#define UMBER_HOSTED 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { O_RDWR = 2, O_CLOEXEC = 02000000 };
#include "../../kernel/ipc/epoll.c"
#include "../../kernel/lib/rbtree.c"

static struct file *fds[64];
static int nfds_;

void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void kfree(const void *p) { free((void *)p); }
u64 kmem_total_pages(void) { return 65536; }
struct file *fd_get(int fd) { return fd >= 0 && fd < 64 && fds[fd] ? file_get(fds[fd]) : NULL; }
void file_put(struct file *f)
{
	if (!ref_put(&f->ref))
		return;
	epoll_file_gone(f);
	if (f->op->release)
		f->op->release(f);
	free(f);
}
struct file *anon_file(const char *name, const struct file_ops *op, void *priv, u32 flags)
{
	struct file *f = calloc(1, sizeof(*f));

	(void)name;
	ref_set(&f->ref, 1);
	list_init(&f->epitems);
	f->op = op;
	f->priv = priv;
	f->flags = flags;
	return f;
}
int fd_install(struct file *f, u32 flags) { (void)flags; fds[nfds_] = f; return nfds_++; }
s64 noop_llseek(struct file *f, s64 off, int whence) { (void)f; (void)off; (void)whence; return 0; }
int copy_from_user(void *d, uaddr_t s, size_t n) { memcpy(d, (void *)s, n); return 0; }
int copy_to_user(uaddr_t d, const void *s, size_t n) { memcpy((void *)d, s, n); return 0; }
void seq_printf(struct seq_file *m, const char *fmt, ...) { (void)m; (void)fmt; }
int signal_mask_set_user(uaddr_t u, size_t n) { (void)u; (void)n; return 0; }
void signal_mask_restore(bool i) { (void)i; }
u64 ktime_mono_ns(void) { return 1; }
u32 file_poll(struct file *f, struct poll_table *pt) { return f->op->poll(f, pt); }
void wq_add(struct wait_queue *q, struct waiter *w) { list_add(&w->node, &q->waiters); }
void wq_add_exclusive(struct wait_queue *q, struct waiter *w) { list_add_tail(&w->node, &q->waiters); }
void wq_wake_key(struct wait_queue *q, int nr, u32 key)
{
	struct waiter *w, *n;

	list_for_each_entry_safe(w, n, &q->waiters, node)
		if (w->func(w, key) && w->exclusive && --nr <= 0)
			break;
}
void wait_prepare_(struct wait_queue *q, struct waiter *w, unsigned f) { (void)f; list_init(&w->node); (void)q; }
int wait_sleep_(struct waiter *w, unsigned f, u64 d) { (void)w; (void)f; (void)d; return -ETIMEDOUT; }

/* A source: priv points to its state. */
struct src { u32 mask; struct wait_queue wq, wq2, wq3; };
static u32 src_poll(struct file *f, struct poll_table *pt)
{
	struct src *s = f->priv;

	poll_wait(f, &s->wq, pt);
	poll_wait(f, &s->wq2, pt);
	poll_wait(f, &s->wq3, pt);
	return s->mask;
}
static const struct file_ops src_ops = { .poll = src_poll }, no_poll = { 0 };
static int src_new(struct src *s)
{
	s->mask = 0;
	wq_init(&s->wq);
	wq_init(&s->wq2);
	wq_init(&s->wq3);
	return fd_install(anon_file("", &src_ops, s, 0), 0);
}
static void src_set(struct src *s, u32 mask) { s->mask = mask; wq_wake_key(&s->wq3, 1, mask); }

static int n_test, n_fail;
static void ok(bool good, const char *what)
{
	n_fail += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++n_test, what);
}
static struct epoll_event got[16];
static long ctl(int ep, int op, int fd, u32 events)
{
	struct epoll_event e = { events, (u64)fd };

	return sys_epoll_ctl(ep, op, fd, (uaddr_t)&e);
}
static long get(int ep, int n) { return sys_epoll_wait(ep, (uaddr_t)got, n, 0); }
static void close_(int fd) { file_put(fds[fd]); fds[fd] = NULL; }

static void test_modes(void)
{
	struct src s;
	int ep = sys_epoll_create1(0), fd = src_new(&s);

	ok(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN) == -ENOENT && ctl(ep, EPOLL_CTL_DEL, fd, 0) == -ENOENT, "ENOENT");
	ok(!ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) && ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == -EEXIST, "EEXIST");
	ok(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN) == -EINVAL && ctl(fd, EPOLL_CTL_ADD, fd, 0) == -EINVAL, "EINVAL");
	ok(get(ep, 1) == 0, "not ready");
	src_set(&s, EPOLLOUT);
	ok(get(ep, 1) == 0, "other event");
	src_set(&s, EPOLLIN | EPOLLOUT);
	ok(get(ep, 1) == 1 && got[0].events == EPOLLIN && got[0].data == (u64)fd, "ready, masked");
	ok(get(ep, 1) == 1, "level: again");
	s.mask = 0;
	ok(get(ep, 1) == 0, "level: gone");
	ok(!ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET), "to edge");
	src_set(&s, EPOLLIN);
	ok(get(ep, 1) == 1 && get(ep, 1) == 0, "edge: once");
	src_set(&s, EPOLLIN);
	ok(get(ep, 1) == 1 && get(ep, 1) == 0, "edge: each time");
	ok(!ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT) && get(ep, 1) == 1, "one-shot: MOD sees readiness");
	src_set(&s, EPOLLIN | EPOLLHUP);
	ok(get(ep, 1) == 0, "one-shot: spent");
	ok(!ctl(ep, EPOLL_CTL_MOD, fd, 0) && get(ep, 1) == 1 && got[0].events == EPOLLHUP, "HUP without asking");
	ok(!ctl(ep, EPOLL_CTL_DEL, fd, 0) && get(ep, 1) == 0, "deleted");
	ok(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT) == -EINVAL, "exclusive: bad mix");
	ok(!ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE), "exclusive");
	ok(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN) == -EINVAL, "exclusive: no MOD");
	fds[fd]->op = &no_poll;
	ok(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == -EPERM, "EPERM");
	fds[fd]->op = &src_ops;
	close_(fd);
	ok(list_empty(&s.wq.waiters) && list_empty(&s.wq3.waiters) && get(ep, 1) == 0, "closed file leaves the set");
	close_(ep);
	ok(ep_total_items == 0, "no item is left");
}

static void test_order(void)
{
	struct src s[8];
	int ep = sys_epoll_create1(0), fd[8];
	bool good = true;

	for (int i = 0; i < 8; i++) {
		fd[i] = src_new(&s[i]);
		ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN);
	}
	for (int i = 7; i >= 0; i--)
		src_set(&s[i], EPOLLIN);
	ok(get(ep, 3) == 3 && got[0].data == (u64)fd[7] && got[2].data == (u64)fd[5], "order of wake-ups");
	ok(get(ep, 3) == 3 && got[0].data == (u64)fd[4] && got[2].data == (u64)fd[2], "files take turns");
	ok(get(ep, 16) == 8, "each once");
	for (int i = 0; i < 8; i++) {
		close_(fd[i]);
		good &= list_empty(&s[i].wq.waiters);
	}
	close_(ep);
	ok(good && !ep_total_items, "all gone");
}

static void test_nest(void)
{
	struct src s;
	int e[7], fd = src_new(&s), extra;
	long r = 0;

	for (int i = 0; i < 7; i++)
		e[i] = sys_epoll_create1(0);
	for (int i = 0; i + 1 < 4; i++)
		r |= ctl(e[i + 1], EPOLL_CTL_ADD, e[i], EPOLLIN);
	ok(!r, "a chain of sets");
	ok(ctl(e[0], EPOLL_CTL_ADD, e[3], EPOLLIN) == -ELOOP, "a loop is refused");
	r = ctl(e[4], EPOLL_CTL_ADD, e[3], EPOLLIN);
	for (int i = 4; i < 6 && !r; i++)
		r = ctl(e[i + 1], EPOLL_CTL_ADD, e[i], EPOLLIN);
	ok(r == -ELOOP, "too deep is refused");
	ok(!ctl(e[0], EPOLL_CTL_ADD, fd, EPOLLIN), "source at the bottom");
	ok(get(e[3], 1) == 0, "nothing at the top");
	src_set(&s, EPOLLIN);
	ok(get(e[3], 1) == 1 && got[0].data == (u64)e[2], "readiness reaches the top");
	s.mask = 0;
	ok(get(e[3], 1) == 0 && get(e[0], 1) == 0, "and goes");
	close_(e[1]);
	extra = get(e[3], 1);
	ok(extra == 0, "an inner set is closed");
	close_(fd);
	for (int i = 0; i < 7; i++)
		if (fds[e[i]])
			close_(e[i]);
	ok(!ep_total_items, "all gone");
}

int main(void)
{
	test_modes();
	test_order();
	test_nest();
	printf("1..%d\n", n_test);
	return n_fail != 0;
}
