/* Messages: allocation and charge, queues, what travels beside the data. */
#include "unix.h"

#define OVERFLOW_ID 65534u

/* cap: bytes of data that may be wanted in it, at least len. */
struct umsg *umsg_new(struct unix_sock *from, u32 len, u32 cap)
{
	struct umsg *m = kmalloc(sizeof(*m) + max(len, cap));

	if (!m)
		return NULL;
	m->truesize = (u32)ksize(m);
	m->cap = m->truesize - (u32)sizeof(*m);
	m->off = 0;
	m->len = len;
	m->fds = NULL;
	m->stamp_ns = 0;
	m->from = from;
	list_init(&m->node);
	sock_get(&from->sk);
	from->sk.wmem += m->truesize;
	return m;
}

void umsg_free(struct umsg *m)
{
	struct unix_sock *from = m->from;
	struct scm_fds *fds = m->fds ? unix_detach_fds(m) : NULL;
	bool was = unix_writable(from);

	from->sk.wmem -= m->truesize;
	if (unlikely(!was && unix_writable(from)))
		sock_wake_write(&from->sk);
	sock_put(&from->sk);
	kfree(m);
	if (unlikely(fds))
		scm_fds_free(fds);
}

static bool has_space(const struct unix_sock *u)
{
	return u->sk.wmem < u->sk.opt.sndbuf || u->sk.err || (u->sk.shutdown & SEND_SHUTDOWN);
}

/* *deadline_ns: 0 at first; filled at the first wait, so that one call has one deadline. */
int unix_wait_space(struct unix_sock *u, bool nonblock, u64 *deadline_ns)
{
	int ret;

	for (;;) {
		if (unlikely(u->sk.err))
			return sock_error(&u->sk);
		if (unlikely(u->sk.shutdown & SEND_SHUTDOWN))
			return -EPIPE;
		if (likely(u->sk.wmem < u->sk.opt.sndbuf))
			return 0;
		if (nonblock)
			return -EAGAIN;
		if (!*deadline_ns)
			*deadline_ns = sock_deadline(u->sk.opt.sndtimeo_ns);
		ret = wait_event(&u->sk.wr_wq, has_space(u), WAIT_INTERRUPTIBLE, *deadline_ns);
		if (ret)
			return sock_wait_err(ret, u->sk.opt.sndtimeo_ns);
	}
}

int unix_attach(struct umsg *m, struct scm *scm, struct unix_sock *to)
{
	if (unlikely(scm->fds)) {
		int err = unix_inflight_add(scm->fds);

		if (err)
			return err;
		m->fds = scm->fds;
		scm->fds = NULL;
	}
	if (scm->has_creds)
		m->creds = scm->creds;
	else if (to->sk.opt.passcred || m->from->sk.opt.passcred || !to->sk.file)
		m->creds = (struct ucred64){ current->tg->pid, current->cred->uid, current->cred->gid };
	else
		m->creds = (struct ucred64){ 0, OVERFLOW_ID, OVERFLOW_ID };
	return 0;
}

struct scm_fds *unix_detach_fds(struct umsg *m)
{
	struct scm_fds *f = m->fds;

	unix_inflight_del(f);
	m->fds = NULL;
	return f;
}

void unix_enqueue(struct unix_sock *to, struct umsg *m)
{
	list_add_tail(&m->node, &to->queue);
	to->qlen++;
	to->inq += m->len;
	sock_wake_read(&to->sk);
}

void unix_dequeue(struct unix_sock *u, struct umsg *m)
{
	bool full = unix_queue_full(u);

	list_del(&m->node);
	u->qlen--;
	u->inq -= m->len - m->off;
	if (full && !unix_queue_full(u))
		unix_unblock(u);
}
