/* AF_UNIX: life of a socket, poll, ioctl, the three tables of operations. See unix.h. */
#include <umber/init.h>
#include "unix.h"

LIST_HEAD(unix_socks);
u32 unix_max_dgram_qlen = 10;
static const struct sock_ops stream_ops, dgram_ops, seqpacket_ops;

struct unix_sock *unix_new(int type)
{
	struct unix_sock *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	sock_init(&u->sk, type == SOCK_STREAM ? &stream_ops : type == SOCK_DGRAM ? &dgram_ops : &seqpacket_ops, type, 0);
	list_init(&u->queue);
	list_init(&u->accept_q);
	list_init(&u->embryo);
	list_init(&u->blocked);
	list_init(&u->blocked_node);
	list_init(&u->inflight_node);
	list_init(&u->gc_node);
	wq_init(&u->room_wq);
	mutex_init(&u->bind_lock);
	u->backlog = unix_max_dgram_qlen;
	list_add_tail(&u->all_node, &unix_socks);
	return u;
}

static int unix_create(int type, int protocol, struct sock **out)
{
	struct unix_sock *u;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM; /* historical */
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = unix_new(type);
	if (!u)
		return -ENOMEM;
	u->sk.protocol = protocol;
	*out = &u->sk;
	return 0;
}

static void unix_destroy(struct sock *sk)
{
	struct unix_sock *u = unix_of(sk);

	list_del(&u->all_node);
	if (u->addr)
		unix_addr_put(u->addr);
	sock_fini(sk);
	kfree(u);
}

void unix_set_peer(struct unix_sock *u, struct unix_sock *peer)
{
	struct unix_sock *old = u->peer;

	list_del(&u->blocked_node);
	if (peer)
		sock_get(&peer->sk);
	u->peer = peer;
	if (old)
		sock_put(&old->sk);
}

void unix_block_on(struct unix_sock *u, struct unix_sock *to)
{
	if (list_empty(&u->blocked_node))
		list_add_tail(&u->blocked_node, &to->blocked);
}

void unix_unblock(struct unix_sock *u)
{
	if (wq_active(&u->room_wq))
		wq_wake_all(&u->room_wq);
	while (unlikely(!list_empty(&u->blocked))) {
		struct unix_sock *s = list_first_entry(&u->blocked, struct unix_sock, blocked_node);

		list_del(&s->blocked_node);
		sock_wake_write(&s->sk);
	}
}

void unix_flush_queue(struct unix_sock *u)
{
	while (!list_empty(&u->queue)) {
		struct umsg *m = list_first_entry(&u->queue, struct umsg, node);

		unix_dequeue(u, m);
		umsg_free(m);
	}
}

/* The other end of a connection hears that u is gone. lost: data (or the connection) was never taken. */
static void tell_peer(struct unix_sock *u, bool lost)
{
	struct unix_sock *p = u->peer;

	if (!p || !unix_has_connection(u) || unix_dead(p))
		return;
	p->sk.shutdown = SHUTDOWN_MASK;
	if (lost)
		p->sk.err = ECONNRESET;
	sock_wake_state(&p->sk);
}

/* u has no user any more. Everybody else sees it at once; what may sleep comes after. */
static void unix_close(struct unix_sock *u, bool embryo)
{
	struct unix_sock *e;
	struct path path = u->path;

	unix_unbind(u);
	u->path.dentry = NULL;
	u->sk.state = SS_DEAD;
	u->sk.shutdown = SHUTDOWN_MASK;
	tell_peer(u, embryo || !list_empty(&u->queue));
	unix_set_peer(u, NULL);
	unix_unblock(u);
	while (!list_empty(&u->accept_q)) {
		e = list_first_entry(&u->accept_q, struct unix_sock, embryo);
		list_del(&e->embryo);
		unix_close(e, true); /* has no accept_q of its own: one level */
		sock_put(&e->sk);
	}
	u->nr_embryos = 0;
	unix_flush_queue(u);
	if (path.dentry)
		path_put(&path);
	if (unix_nr_inflight)
		unix_gc_kick();
}

static void unix_release(struct sock *sk)
{
	unix_close(unix_of(sk), false);
}

static u32 common_poll(struct unix_sock *u, struct file *f, struct poll_table *pt)
{
	struct sock *sk = &u->sk;
	u32 mask = 0;

	poll_wait(f, &sk->poll_wq, pt);
	if (sk->err)
		mask |= EPOLLERR;
	if (sk->shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (sk->shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (!list_empty(&u->queue) || !list_empty(&u->accept_q))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (unix_has_connection(u) && sk->state == SS_CLOSE)
		mask |= EPOLLHUP;
	return mask;
}

static u32 unix_poll(struct sock *sk, struct file *f, struct poll_table *pt)
{
	struct unix_sock *u = unix_of(sk);
	u32 mask = common_poll(u, f, pt);

	if (unix_writable(u))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return mask;
}

/* A datagram socket is writable if also the socket it is connected to has place. */
static u32 unix_dgram_poll(struct sock *sk, struct file *f, struct poll_table *pt)
{
	struct unix_sock *u = unix_of(sk), *p = u->peer;
	u32 mask = common_poll(u, f, pt);

	if (!unix_writable(u))
		return mask;
	if (p && p->peer != u && !unix_dead(p) && unix_queue_full(p)) {
		unix_block_on(u, p);
		return mask;
	}
	return mask | EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
}

static long unix_ioctl(struct sock *sk, u32 cmd, u64 arg)
{
	struct unix_sock *u = unix_of(sk);
	struct umsg *m;
	u32 n;

	switch (cmd) {
	case SIOCOUTQ:
		return put_user((s32)sk->wmem, arg);
	case SIOCINQ:
		if (sk->state == SS_LISTEN)
			return -EINVAL;
		n = u->inq;
		if (!unix_has_connection(u)) {
			m = list_first_entry(&u->queue, struct umsg, node);
			n = list_empty(&u->queue) ? 0 : m->len;
		}
		return put_user((s32)n, arg);
	case SIOCATMARK:
		return put_user((s32)0, arg);
	}
	return -ENOTTY;
}

#define UNIX_COMMON                                                                                \
	.family = AF_UNIX, .release = unix_release, .destroy = unix_destroy, .bind = unix_bind,    \
	.getname = unix_getname, .socketpair = unix_socketpair, .shutdown = unix_shutdown,         \
	.ioctl = unix_ioctl

static const struct sock_ops stream_ops = {
	UNIX_COMMON,
	.connect = unix_stream_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.sendmsg = unix_stream_send,
	.recvmsg = unix_stream_recv,
	.poll = unix_poll,
};

static const struct sock_ops dgram_ops = {
	UNIX_COMMON,
	.connect = unix_dgram_connect,
	.sendmsg = unix_dgram_send,
	.recvmsg = unix_dgram_recv,
	.poll = unix_dgram_poll,
};

static const struct sock_ops seqpacket_ops = {
	UNIX_COMMON,
	.connect = unix_stream_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.sendmsg = unix_seqpacket_send,
	.recvmsg = unix_seqpacket_recv,
	.poll = unix_poll,
};

static const struct sock_family unix_family = { .family = AF_UNIX, .create = unix_create };

static int unix_init(void)
{
	return sock_family_register(&unix_family);
}
INITCALL(INIT_SUBSYS, unix_init);
