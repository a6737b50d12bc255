/*
 * Files in flight, and the collection of sockets that only refer to each other.
 *
 * A socket may be sent through itself, or two through each other, and then be closed: its file lives on because a
 * message holds it, and nobody can receive that message. A collection takes the sockets all of whose references
 * are in flight (candidates), subtracts those that come from queues of candidates, and what then still has references
 * left is reachable from outside, as is everything in queues that are reached from it. The rest is garbage: its
 * messages lose their files. The marking does not sleep, so it sees one state; files are dropped afterwards.
 * Runs on the kworker, asked for when a socket closes while others are in flight.
 */
#include "unix.h"

#define KICK_EVERY 256u                /* sockets in flight: look for garbage also while none closes */

u32 unix_nr_inflight;
static LIST_HEAD(inflight);            /* unix_sock.inflight_node */

/* ---- accounting (SCM_RIGHTS, unix(7): ETOOMANYREFS over RLIMIT_NOFILE) ---- */

struct user_count { struct list_head node; u32 uid, n; };
static LIST_HEAD(users);

static struct user_count *user_find(u32 uid, bool make)
{
	struct user_count *c;

	list_for_each_entry(c, &users, node)
		if (c->uid == uid)
			return c;
	c = make ? kzalloc(sizeof(*c)) : NULL;
	if (c) {
		c->uid = uid;
		list_add(&c->node, &users);
	}
	return c;
}

static struct unix_sock *unix_file(struct file *f)
{
	struct sock *sk = file_sock(f);

	return sk && sk->family == AF_UNIX ? unix_of(sk) : NULL;
}

int unix_inflight_add(struct scm_fds *f)
{
	struct user_count *c = user_find(f->uid, true);

	if (!c)
		return -ENOMEM;
	if (c->n > rlimit(RLIMIT_NOFILE) && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	c->n += f->n;
	for (u32 i = 0; i < f->n; i++) {
		struct unix_sock *u = unix_file(f->fp[i]);

		if (u && !u->inflight++) {
			list_add_tail(&u->inflight_node, &inflight);
			if (++unix_nr_inflight % KICK_EVERY == 0)
				unix_gc_kick();
		}
	}
	return 0;
}

void unix_inflight_del(struct scm_fds *f)
{
	struct user_count *c = user_find(f->uid, false);

	if (c) {
		c->n -= f->n;
		if (!c->n) {
			list_del(&c->node);
			kfree(c);
		}
	}
	for (u32 i = 0; i < f->n; i++) {
		struct unix_sock *u = unix_file(f->fp[i]);

		if (u && !--u->inflight) {
			list_del(&u->inflight_node);
			unix_nr_inflight--;
		}
	}
}

/* ---- collection ---- */

typedef void (*gc_fn)(struct unix_sock *child, struct list_head *todo);

static void scan_queue(struct unix_sock *q, gc_fn fn, struct list_head *todo)
{
	struct umsg *m;

	list_for_each_entry(m, &q->queue, node) {
		for (u32 i = 0; m->fds && i < m->fds->n; i++) {
			struct unix_sock *u = unix_file(m->fds->fp[i]);

			if (u && u->gc_candidate)
				fn(u, todo);
		}
	}
}

/* What u's user could receive, also through connections that wait to be accepted. */
static void scan(struct unix_sock *u, gc_fn fn, struct list_head *todo)
{
	struct unix_sock *e;

	scan_queue(u, fn, todo);
	list_for_each_entry(e, &u->accept_q, embryo)
		scan_queue(e, fn, todo);
}

static void drop_one(struct unix_sock *u, struct list_head *todo)
{
	u->gc_count--;
}

static void reach(struct unix_sock *u, struct list_head *todo)
{
	u->gc_candidate = false;
	list_move_tail(&u->gc_node, todo);
}

static void take_files(struct unix_sock *q, struct list_head *out)
{
	struct umsg *m;

	list_for_each_entry(m, &q->queue, node)
		if (m->fds)
			list_add_tail(&unix_detach_fds(m)->node, out);
}

static void collect(struct list_head *dead_files)
{
	LIST_HEAD(candidates);
	LIST_HEAD(todo);
	struct unix_sock *u, *n, *e;

	list_for_each_entry(u, &inflight, inflight_node) {
		if (!u->sk.file || u->sk.file->ref.n != u->inflight)
			continue;
		u->gc_candidate = true;
		u->gc_count = u->inflight;
		list_add_tail(&u->gc_node, &candidates);
	}
	list_for_each_entry(u, &candidates, gc_node)
		scan(u, drop_one, NULL);
	list_for_each_entry_safe(u, n, &candidates, gc_node)
		if (u->gc_count)
			reach(u, &todo);
	while (!list_empty(&todo)) {
		u = list_first_entry(&todo, struct unix_sock, gc_node);
		list_del(&u->gc_node);
		scan(u, reach, &todo);
	}
	while (!list_empty(&candidates)) {
		u = list_first_entry(&candidates, struct unix_sock, gc_node);
		list_del(&u->gc_node);
		u->gc_candidate = false;
		take_files(u, dead_files);
		list_for_each_entry(e, &u->accept_q, embryo)
			take_files(e, dead_files);
	}
}

static void gc_run(struct work *w)
{
	LIST_HEAD(dead_files);

	collect(&dead_files);
	while (!list_empty(&dead_files)) {
		struct scm_fds *f = list_first_entry(&dead_files, struct scm_fds, node);

		list_del(&f->node);
		scm_fds_free(f);
	}
}

void unix_gc_kick(void)
{
	static struct work work = { .fn = NULL };

	if (!work.fn)
		work_init(&work, gc_run);
	work_queue(&work);
}
