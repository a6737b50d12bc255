/*
 * Streams: bytes without borders, but for files and (with SO_PASSCRED) credentials: a receive does not go on behind
 * a piece that had files, nor into one that another process sent.
 */
#include <umber/signal.h>
#include "unix.h"

#define PIECE_MAX (32768u - (u32)sizeof(struct umsg))
#define SMALL 512u                   /* writes up to this are gathered... */
#define GATHER (2048u - (u32)sizeof(struct umsg)) /* ...in pieces of this when the reader lags */

static ssize_t broken(const struct kmsg *m, size_t sent)
{
	if (sent)
		return (ssize_t)sent;
	if (!(m->flags & MSG_NOSIGNAL))
		signal_send_task(SIGPIPE, SEND_SIG_NOINFO, current);
	return -EPIPE;
}

static bool same_sender(const struct ucred64 *a, const struct ucred64 *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* A small write behind another one that nobody has read yet goes into the same piece. Bytes, 0: not possible. */
static ssize_t gather(struct unix_sock *u, struct unix_sock *p, struct kmsg *m, u32 n)
{
	struct umsg *t;
	u32 got;

	if (list_empty(&p->queue) || p->sk.opt.passcred || u->sk.opt.passcred)
		return 0;
	t = list_last_entry(&p->queue, struct umsg, node);
	if (t->from != u || t->fds || t->cap - t->len < n)
		return 0;
	got = (u32)copy_from_iter(t->data + t->len, n, &m->it);
	if (got < n)
		return -EFAULT;
	t->len += n;
	p->inq += n;
	sock_wake_read(&p->sk);
	return (ssize_t)n;
}

/* One piece of at most n bytes to p. Bytes sent or errno. */
static ssize_t send_piece(struct unix_sock *u, struct unix_sock *p, struct kmsg *m, struct scm *scm, size_t left)
{
	u32 n = (u32)min_t(size_t, left, min(PIECE_MAX, max(u->sk.opt.sndbuf / 2, 128u) - 64));
	bool plain = !scm->fds && !scm->has_creds;
	struct umsg *msg;
	int err;

	if (n <= SMALL && plain && !list_empty(&p->queue)) {
		ssize_t r = gather(u, p, m, n);

		if (r)
			return r;
		msg = umsg_new(u, n, GATHER);
	} else {
		msg = umsg_new(u, n, n);
	}
	if (!msg)
		return -ENOBUFS;
	if (copy_from_iter(msg->data, n, &m->it) < n)
		err = -EFAULT;
	else
		err = unix_attach(msg, scm, p);
	if (err) {
		umsg_free(msg);
		return err;
	}
	unix_enqueue(p, msg);
	return (ssize_t)n;
}

/* send(2) on a stream. A piece that faults in its middle is not sent. */
ssize_t unix_stream_send(struct sock *sk, struct kmsg *m)
{
	struct unix_sock *u = unix_of(sk), *p = u->peer;
	size_t sent = 0, len = m->it.count;
	u64 deadline = 0;
	struct scm scm;
	ssize_t r;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	r = scm_send(m, &scm);
	if (r)
		return r;
	if (m->namelen)
		r = sk->state == SS_ESTABLISHED ? -EISCONN : -EOPNOTSUPP;
	else if (!p)
		r = -ENOTCONN;
	else if (sk->shutdown & SEND_SHUTDOWN)
		r = broken(m, 0);
	while (!r && sent < len) {
		r = unix_wait_space(u, m->nonblock, &deadline);
		if (r == -EPIPE || (!r && (unix_dead(p) || (p->sk.shutdown & RCV_SHUTDOWN)))) {
			r = broken(m, sent);
			break;
		}
		if (!r) {
			r = send_piece(u, p, m, &scm, len - sent);
			if (r > 0) {
				sent += (size_t)r;
				r = 0;
			}
		}
	}
	scm_destroy(&scm);
	return sent ? (ssize_t)sent : r;
}

/* ---- receiving ---- */

/* State of one receive. */
struct rx {
	size_t copied, size, target;
	u64 skip;                      /* MSG_PEEK: bytes before the first one wanted */
	u64 deadline_ns;
	bool peek, have_creds;
	struct scm scm;
};

static bool rx_ready(const struct unix_sock *u, u64 seen)
{
	return u->inq > seen || u->sk.err || (u->sk.shutdown & RCV_SHUTDOWN);
}

/* The queue has nothing (more) for us. 1: end, with what we have; 0: look again; errno. */
static int rx_wait(struct unix_sock *u, struct kmsg *m, struct rx *r)
{
	u64 seen = r->peek ? u->inq : 0;
	int err;

	if (r->copied >= r->target)
		return 1;
	err = sock_error(&u->sk);
	if (err)
		return err;
	if (u->sk.shutdown & RCV_SHUTDOWN)
		return 1;
	if (m->nonblock)
		return -EAGAIN;
	if (!r->deadline_ns)
		r->deadline_ns = sock_deadline(u->sk.opt.rcvtimeo_ns);
	err = wait_event(&u->sk.rd_wq, rx_ready(u, seen), WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, r->deadline_ns);
	return sock_wait_err(err, u->sk.opt.rcvtimeo_ns);
}

/* The piece with the byte that comes next, and where in it. */
static struct umsg *rx_find(struct unix_sock *u, const struct rx *r, u32 *at)
{
	u64 pos = r->peek ? r->skip + r->copied : 0;
	struct umsg *msg;

	list_for_each_entry(msg, &u->queue, node) {
		u32 n = msg->len - msg->off;

		if (pos < n) {
			*at = msg->off + (u32)pos;
			return msg;
		}
		pos -= n;
	}
	return NULL;
}

/* Files of a piece go with its first byte. true: the receive ends behind this piece. */
static bool rx_files(struct rx *r, struct umsg *msg)
{
	if (r->peek)
		r->scm.fds = scm_fds_dup(msg->fds);
	else if (!r->scm.fds)
		r->scm.fds = unix_detach_fds(msg);
	return true;
}

/* Takes from msg. 0: go on; 1: enough; errno: nothing was taken. */
static int rx_take(struct unix_sock *u, struct kmsg *m, struct rx *r, struct umsg *msg, u32 at)
{
	u32 n = (u32)min_t(size_t, msg->len - at, r->size - r->copied);
	bool last = false;

	if (u->sk.opt.passcred) {
		if (r->have_creds && !same_sender(&r->scm.creds, &msg->creds))
			return 1;
		r->scm.creds = msg->creds;
		r->have_creds = true;
	}
	if (!r->copied)
		unix_copy_name(m, msg->from);
	if (copy_to_iter(msg->data + at, n, &m->it) < n)
		return -EFAULT;
	r->copied += n;
	if (unlikely(msg->fds))
		last = rx_files(r, msg);
	if (!r->peek) {
		if (at + n == msg->len) {
			unix_dequeue(u, msg);
			umsg_free(msg);
		} else {
			msg->off += n;
			u->inq -= n;
		}
	}
	return last || r->copied == r->size;
}

/* recv(2) on a stream: blocks for one byte (SO_RCVLOWAT, MSG_WAITALL: more). */
ssize_t unix_stream_recv(struct sock *sk, struct kmsg *m)
{
	struct unix_sock *u = unix_of(sk);
	s32 peek_off = sk->opt.peek_off;
	struct rx r = { .size = m->it.count, .peek = m->flags & MSG_PEEK, .scm.creds = { 0, 65534, 65534 } };
	int err = 0;

	if (sk->state != SS_ESTABLISHED)
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	r.target = m->flags & MSG_WAITALL ? r.size : min(r.size, (size_t)sk->opt.rcvlowat);
	if (!r.target)
		r.target = 1;
	if (r.peek && peek_off > 0)
		r.skip = (u64)peek_off;
	while (!err) {
		u32 at;
		struct umsg *msg = rx_find(u, &r, &at);

		err = msg ? rx_take(u, m, &r, msg, at) : rx_wait(u, m, &r);
	}
	if (peek_off >= 0 && r.copied) {
		if (r.peek)
			sk->opt.peek_off = (s32)min_t(u64, (u64)peek_off + r.copied, INT_MAX);
		else
			sk->opt.peek_off = (u64)peek_off > r.copied ? peek_off - (s32)r.copied : 0;
	}
	if (u->inq)
		sock_wake_next(sk);
	if (r.copied || err > 0 || r.scm.fds)
		scm_recv(sk, m, &r.scm);
	return r.copied || err > 0 ? (ssize_t)r.copied : err;
}
