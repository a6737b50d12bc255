/* Messages with borders: SOCK_DGRAM and SOCK_SEQPACKET. */
#include "unix.h"

#define OVERHEAD 32u /* of SO_SNDBUF: the longest message is this much shorter */

static bool may_send(const struct unix_sock *u, const struct unix_sock *to)
{
	return !to->peer || to->peer == u;
}

static bool no_room(const struct unix_sock *u, const struct unix_sock *to)
{
	return to->peer != u && to != u && unix_queue_full(to);
}

/* The receiver: by name, or the one u is connected to. Referenced; ERR_PTR. May sleep. */
static struct unix_sock *receiver(struct unix_sock *u, const struct kmsg *m)
{
	struct unix_sock *to = u->peer;

	if (m->namelen)
		return unix_find((const struct sockaddr_un64 *)m->name, m->namelen, u->sk.type);
	if (!to)
		return ERR_PTR(-ENOTCONN);
	sock_get(&to->sk);
	return to;
}

/* `to` does not live any more. A connected datagram socket forgets it. */
static int receiver_gone(struct unix_sock *u, struct unix_sock *to)
{
	if (unix_has_connection(u))
		return -EPIPE;
	if (u->peer == to) {
		unix_set_peer(u, NULL);
		u->sk.state = SS_CLOSE;
		unix_dgram_disconnect(u, to);
	}
	return -ECONNREFUSED;
}

/* Puts msg on to's queue once there is room. The message is consumed if 0. */
static int deliver(struct unix_sock *u, struct unix_sock *to, struct umsg *msg, struct scm *scm, bool nonblock,
		   u64 *deadline_ns)
{
	int err;

	for (;;) {
		if (unix_dead(to))
			return receiver_gone(u, to);
		if (!may_send(u, to))
			return -EPERM;
		if (to->sk.shutdown & RCV_SHUTDOWN)
			return -EPIPE;
		if (!no_room(u, to))
			break;
		if (nonblock) {
			if (u->peer == to)
				unix_block_on(u, to);
			return -EAGAIN;
		}
		if (!*deadline_ns)
			*deadline_ns = sock_deadline(u->sk.opt.sndtimeo_ns);
		err = wait_event(&to->room_wq, !no_room(u, to) || unix_dead(to) || (to->sk.shutdown & RCV_SHUTDOWN),
				 WAIT_INTERRUPTIBLE, *deadline_ns);
		if (err)
			return sock_wait_err(err, u->sk.opt.sndtimeo_ns);
	}
	err = unix_attach(msg, scm, to);
	if (err)
		return err;
	if (to->sk.opt.timestamp)
		msg->stamp_ns = ktime_real_ns();
	unix_enqueue(to, msg);
	return 0;
}

static ssize_t send_message(struct unix_sock *u, struct kmsg *m, struct scm *scm)
{
	size_t len = m->it.count;
	struct unix_sock *to;
	struct umsg *msg;
	u64 deadline = 0;
	int err = 0;

	if (m->namelen)
		err = unix_check_addr((const struct sockaddr_un64 *)m->name, m->namelen);
	else if (!u->peer)
		err = -ENOTCONN;
	if (!err && u->sk.opt.passcred && !u->addr)
		err = unix_autobind(u);
	if (!err && len + OVERHEAD > u->sk.opt.sndbuf)
		err = -EMSGSIZE;
	if (!err)
		err = unix_wait_space(u, m->nonblock, &deadline);
	if (err)
		return err;
	msg = umsg_new(u, (u32)len, (u32)len);
	if (!msg)
		return -ENOBUFS;
	if (copy_from_iter(msg->data, len, &m->it) < len) {
		err = -EFAULT;
		goto out;
	}
	to = receiver(u, m);
	if (IS_ERR(to)) {
		err = (int)PTR_ERR(to);
		goto out;
	}
	err = deliver(u, to, msg, scm, m->nonblock, &deadline);
	sock_put(&to->sk);
out:
	if (err)
		umsg_free(msg);
	return err ? err : (ssize_t)len;
}

ssize_t unix_dgram_send(struct sock *sk, struct kmsg *m)
{
	struct scm scm;
	ssize_t r;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	r = scm_send(m, &scm);
	if (r)
		return r;
	r = send_message(unix_of(sk), m, &scm);
	scm_destroy(&scm);
	return r;
}

ssize_t unix_seqpacket_send(struct sock *sk, struct kmsg *m)
{
	int err = sock_error(sk);

	if (err)
		return err;
	if (sk->state != SS_ESTABLISHED)
		return -ENOTCONN;
	m->namelen = 0;
	return unix_dgram_send(sk, m);
}

/* ---- receiving ---- */

/* The message to receive, and with SO_PEEK_OFF where to begin in it. NULL: none. */
static struct umsg *next_message(struct unix_sock *u, bool peek, u32 *skip)
{
	u32 off = peek && u->sk.opt.peek_off > 0 ? (u32)u->sk.opt.peek_off : 0;
	struct umsg *m;

	*skip = 0;
	list_for_each_entry(m, &u->queue, node) {
		if (off && off >= m->len) {
			off -= m->len;
			continue;
		}
		*skip = off;
		return m;
	}
	return NULL;
}

static int wait_message(struct unix_sock *u, bool nonblock, bool peek, struct umsg **out, u32 *skip)
{
	u64 deadline = 0;
	struct umsg *m;
	int err;

	for (;;) {
		err = sock_error(&u->sk);
		if (err)
			return err;
		m = next_message(u, peek, skip);
		*out = m;
		if (m)
			return 0;
		if (nonblock)
			return u->sk.type == SOCK_SEQPACKET && (u->sk.shutdown & RCV_SHUTDOWN) ? 0 : -EAGAIN;
		if (u->sk.shutdown & RCV_SHUTDOWN)
			return 0;
		if (!deadline)
			deadline = sock_deadline(u->sk.opt.rcvtimeo_ns);
		err = wait_event(&u->sk.rd_wq, next_message(u, peek, skip) || u->sk.err || (u->sk.shutdown & RCV_SHUTDOWN),
				 WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, deadline);
		if (err)
			return sock_wait_err(err, u->sk.opt.rcvtimeo_ns);
	}
}

static void move_peek_off(struct sock *sk, bool peek, u32 copied, u32 len)
{
	s64 off = sk->opt.peek_off;

	if (off < 0)
		return;
	off = peek ? off + copied : off - len;
	sk->opt.peek_off = (s32)max(min(off, (s64)INT_MAX), (s64)0);
}

/* recv(2) of one message; what does not fit is lost, but for MSG_PEEK. */
ssize_t unix_dgram_recv(struct sock *sk, struct kmsg *m)
{
	struct unix_sock *u = unix_of(sk);
	bool peek = m->flags & MSG_PEEK;
	struct umsg *msg = NULL;
	struct scm scm;
	u32 n, skip = 0, len;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = wait_message(u, m->nonblock, peek, &msg, &skip);
	if (err || !msg)
		return err;
	unix_copy_name(m, msg->from);
	len = msg->len - skip;
	n = (u32)min_t(size_t, len, m->it.count);
	if (n < len)
		m->out_flags |= MSG_TRUNC;
	scm = (struct scm){ .creds = msg->creds, .stamp_ns = msg->stamp_ns };
	err = copy_to_iter(msg->data + skip, n, &m->it) < n ? -EFAULT : 0;
	if (!err && msg->fds)
		scm.fds = peek ? scm_fds_dup(msg->fds) : unix_detach_fds(msg);
	move_peek_off(sk, peek, n, msg->len);
	if (!peek) {
		unix_dequeue(u, msg);
		umsg_free(msg);
	}
	if (!list_empty(&u->queue))
		sock_wake_next(sk);
	if (err)
		return err;
	scm_recv(sk, m, &scm);
	return m->flags & MSG_TRUNC ? (ssize_t)len : (ssize_t)n;
}

ssize_t unix_seqpacket_recv(struct sock *sk, struct kmsg *m)
{
	return sk->state == SS_ESTABLISHED ? unix_dgram_recv(sk, m) : -ENOTCONN;
}
