/* Joining AF_UNIX sockets: connect(2), listen(2), accept(2), socketpair(2), shutdown(2). */
#include "unix.h"

/* ---- streams and packets ---- */

static bool backlog_full(const struct unix_sock *l)
{
	return l->nr_embryos > l->backlog;
}

static bool is_listening(const struct unix_sock *l)
{
	return l->sk.state == SS_LISTEN && !(l->sk.shutdown & RCV_SHUTDOWN);
}

static int connect_state(const struct unix_sock *u)
{
	if (u->sk.state == SS_CLOSE)
		return 0;
	return u->sk.state == SS_ESTABLISHED ? -EISCONN : -EINVAL;
}

/* Makes the other end of u's connection and puts it on l's queue. Does not sleep. */
static int join_listener(struct unix_sock *u, struct unix_sock *l)
{
	struct unix_sock *e = unix_new(u->sk.type);
	struct sock_peercred me;

	if (!e)
		return -ENOMEM;
	e->sk.protocol = l->sk.protocol;
	e->sk.state = u->sk.state = SS_ESTABLISHED;
	if (l->addr) {
		e->addr = l->addr;
		ref_get(&e->addr->ref);
	}
	sock_cred_current(&me);
	sock_set_peer(&e->sk, &me);
	sock_set_peer(&u->sk, &l->sk.peer);
	unix_set_peer(e, u);
	unix_set_peer(u, e);
	list_add_tail(&e->embryo, &l->accept_q);
	l->nr_embryos++;
	sock_wake_read(&l->sk);
	return 0;
}

int unix_stream_connect(struct sock *sk, const void *addr, u32 len, bool nonblock)
{
	struct unix_sock *u = unix_of(sk), *l;
	u64 deadline = nonblock ? 0 : sock_deadline(sk->opt.sndtimeo_ns);
	int err = unix_check_addr(addr, len);

	if (!err && sk->opt.passcred && !u->addr)
		err = unix_autobind(u);
	if (err)
		return err;
	for (;;) {
		l = unix_find(addr, len, sk->type);
		if (IS_ERR(l))
			return (int)PTR_ERR(l);
		err = is_listening(l) ? 0 : -ECONNREFUSED;
		if (err || !backlog_full(l))
			break;
		err = -EAGAIN;
		if (nonblock)
			break;
		err = wait_event(&l->room_wq, !backlog_full(l) || !is_listening(l), WAIT_INTERRUPTIBLE, deadline);
		err = sock_wait_err(err, sk->opt.sndtimeo_ns);
		if (err)
			break;
		sock_put(&l->sk);
	}
	if (!err)
		err = connect_state(u);
	if (!err)
		err = join_listener(u, l);
	sock_put(&l->sk);
	return err;
}

int unix_listen(struct sock *sk, u32 backlog)
{
	struct unix_sock *u = unix_of(sk);
	struct sock_peercred me;

	if (!u->addr)
		return -EINVAL;
	if (sk->state != SS_CLOSE && sk->state != SS_LISTEN)
		return -EINVAL;
	if (backlog > u->backlog)
		unix_unblock(u);
	u->backlog = backlog;
	sk->state = SS_LISTEN;
	sock_cred_current(&me);
	sock_set_peer(sk, &me); /* who connects sees these */
	return 0;
}

static bool accept_ready(const struct unix_sock *u)
{
	return !list_empty(&u->accept_q) || u->sk.err || (u->sk.shutdown & RCV_SHUTDOWN);
}

struct sock *unix_accept(struct sock *sk, bool nonblock)
{
	struct unix_sock *u = unix_of(sk), *e;
	u64 deadline;
	int err;

	if (sk->state != SS_LISTEN)
		return ERR_PTR(-EINVAL);
	if (!accept_ready(u)) {
		if (nonblock)
			return ERR_PTR(-EAGAIN);
		deadline = sock_deadline(sk->opt.rcvtimeo_ns);
		err = wait_event(&sk->rd_wq, accept_ready(u), WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, deadline);
		if (err)
			return ERR_PTR(sock_wait_err(err, sk->opt.rcvtimeo_ns));
	}
	if (list_empty(&u->accept_q)) {
		err = sock_error(sk);
		return ERR_PTR(err ? err : -EINVAL);
	}
	e = list_first_entry(&u->accept_q, struct unix_sock, embryo);
	list_del(&e->embryo);
	if (backlog_full(u)) {
		u->nr_embryos--;
		unix_unblock(u);
	} else {
		u->nr_embryos--;
	}
	e->sk.opt.passcred = sk->opt.passcred;
	if (!list_empty(&u->accept_q))
		sock_wake_next(sk);
	return &e->sk;
}

/* ---- datagrams ---- */

/* u leaves old: what was queued between two that were joined to each other is lost, and both know. */
void unix_dgram_disconnect(struct unix_sock *u, struct unix_sock *old)
{
	bool mutual = !unix_dead(old) && old->peer == u;

	if (list_empty(&u->queue))
		return;
	if (mutual) {
		old->sk.err = ECONNRESET;
		sock_wake_state(&old->sk);
	}
	unix_flush_queue(u);
}

static void dgram_set_peer(struct unix_sock *u, struct unix_sock *other)
{
	struct unix_sock *old = u->peer;

	if (old)
		sock_get(&old->sk);
	unix_set_peer(u, other);
	u->sk.state = other ? SS_ESTABLISHED : SS_CLOSE;
	sock_wake_write(&u->sk);
	if (old) {
		if (old != other)
			unix_dgram_disconnect(u, old);
		sock_put(&old->sk);
	}
}

int unix_dgram_connect(struct sock *sk, const void *addr, u32 len, bool nonblock)
{
	const struct sockaddr_un64 *a = addr;
	struct unix_sock *u = unix_of(sk), *other;
	struct sock_peercred me;
	int err;

	if (len < sizeof(a->sun_family))
		return -EINVAL;
	if (a->sun_family == AF_UNSPEC) {
		dgram_set_peer(u, NULL);
		return 0;
	}
	err = unix_check_addr(a, len);
	if (!err && sk->opt.passcred && !u->addr)
		err = unix_autobind(u);
	if (err)
		return err;
	other = unix_find(a, len, sk->type);
	if (IS_ERR(other))
		return (int)PTR_ERR(other);
	if (unix_dead(other)) {
		err = -ECONNREFUSED;
	} else if (other->peer && other->peer != u) {
		err = -EPERM;
	} else {
		sock_cred_current(&me);
		sock_set_peer(sk, &me);
		dgram_set_peer(u, other);
	}
	sock_put(&other->sk);
	return err;
}

int unix_socketpair(struct sock *a, struct sock *b)
{
	struct sock_peercred me;

	sock_cred_current(&me);
	sock_set_peer(a, &me);
	sock_set_peer(b, &me);
	unix_set_peer(unix_of(a), unix_of(b));
	unix_set_peer(unix_of(b), unix_of(a));
	a->state = b->state = SS_ESTABLISHED;
	return 0;
}

int unix_shutdown(struct sock *sk, u32 how)
{
	struct unix_sock *u = unix_of(sk), *p = u->peer;

	sk->shutdown |= how;
	if (p && unix_has_connection(u) && !unix_dead(p)) {
		if (how & RCV_SHUTDOWN)
			p->sk.shutdown |= SEND_SHUTDOWN;
		if (how & SEND_SHUTDOWN)
			p->sk.shutdown |= RCV_SHUTDOWN;
		sock_wake_state(&p->sk);
	}
	sock_wake_state(sk);
	wq_wake_all(&u->room_wq);
	return 0;
}
