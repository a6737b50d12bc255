/*
 * Control messages (cmsg(3), unix(7)): files and credentials that travel with data.
 *
 * Dropping the files of a message that nobody took may end a socket whose queue holds further messages with files, and
 * so on: scm_fds_free() does not recurse but puts what comes up meanwhile on the list of the drop under way.
 */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/net.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

/* A drop under way in one task. Lives on that task's stack. */
struct drop {
	struct list_head node, todo;
	struct task *task;
};
static LIST_HEAD(drops);

static void put_files(struct scm_fds *f)
{
	for (u32 i = 0; i < f->n; i++)
		file_put(f->fp[i]);
	kfree(f);
}

void scm_fds_free(struct scm_fds *f)
{
	struct drop d, *p;

	list_for_each_entry(p, &drops, node) {
		if (p->task == current) {
			list_add_tail(&f->node, &p->todo);
			return;
		}
	}
	d.task = current;
	list_init(&d.todo);
	list_add(&d.node, &drops);
	put_files(f);
	while (!list_empty(&d.todo)) {
		f = list_first_entry(&d.todo, struct scm_fds, node);
		list_del(&f->node);
		put_files(f);
		cond_resched();
	}
	list_del(&d.node);
}

struct scm_fds *scm_fds_dup(const struct scm_fds *f)
{
	size_t bytes = sizeof(*f) + f->n * sizeof(f->fp[0]);
	struct scm_fds *c = kmalloc(bytes);

	if (!c)
		return NULL;
	memcpy(c, f, bytes);
	list_init(&c->node);
	for (u32 i = 0; i < c->n; i++)
		file_get(c->fp[i]);
	return c;
}

void scm_destroy(struct scm *scm)
{
	struct scm_fds *f = scm->fds;

	scm->fds = NULL;
	if (f)
		scm_fds_free(f);
}

/* ---- sending ---- */

static int add_fds(struct scm *scm, const void *data, u64 len)
{
	u32 n = (u32)(len / sizeof(s32)), old = scm->fds ? scm->fds->n : 0;
	struct scm_fds *f;
	s32 fd;

	if (!n)
		return 0;
	if (n > SCM_MAX_FD - old)
		return -EINVAL;
	f = krealloc(scm->fds, sizeof(*f) + (old + n) * sizeof(f->fp[0]));
	if (!f)
		return -ENOMEM;
	f->n = old;
	scm->fds = f;
	list_init(&f->node);
	f->uid = current->cred->uid;
	for (u32 i = 0; i < n; i++) {
		struct file *file;

		memcpy(&fd, (const u8 *)data + i * sizeof(fd), sizeof(fd));
		file = fd < 0 ? NULL : fd_get_raw(fd);
		if (!file)
			return -EBADF;
		f->fp[f->n++] = file;
	}
	return 0;
}

/* Whoever names another process or user must be allowed to act as it. */
static int set_creds(struct scm *scm, const void *data, u64 len)
{
	const struct cred *c = current->cred;
	struct ucred64 u;

	if (len != sizeof(u))
		return -EINVAL;
	memcpy(&u, data, sizeof(u));
	if (u.uid == ~0u || u.gid == ~0u)
		return -EINVAL;
	if ((u.pid != current->tg->pid && !capable(CAP_SYS_ADMIN)) ||
	    (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid && !capable(CAP_SETUID)) ||
	    (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid && !capable(CAP_SETGID)))
		return -EPERM;
	if (u.pid != current->tg->pid && !find_tgroup(u.pid))
		return -ESRCH;
	scm->creds = u;
	scm->has_creds = true;
	return 0;
}

static int parse(const u8 *buf, u64 n, struct scm *scm)
{
	u64 off = 0;
	int err;

	while (n - off >= sizeof(struct cmsghdr64)) {
		struct cmsghdr64 h;
		u64 len;

		memcpy(&h, buf + off, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > n - off)
			return -EINVAL;
		len = h.cmsg_len - sizeof(h);
		if (h.cmsg_level == SOL_SOCKET) {
			const u8 *data = buf + off + sizeof(h);

			if (h.cmsg_type == SCM_RIGHTS)
				err = add_fds(scm, data, len);
			else if (h.cmsg_type == SCM_CREDENTIALS)
				err = set_creds(scm, data, len);
			else
				err = -EINVAL;
			if (err)
				return err;
		}
		if (CMSG_ALIGN64(h.cmsg_len) >= n - off)
			break;
		off += CMSG_ALIGN64(h.cmsg_len);
	}
	return 0;
}

int scm_send(struct kmsg *m, struct scm *scm)
{
	u8 *buf;
	int err;

	scm->fds = NULL;
	scm->has_creds = false;
	scm->stamp_ns = 0;
	if (likely(!m->controllen))
		return 0;
	if (m->controllen > net_optmem_max)
		return -ENOBUFS;
	buf = kmalloc(m->controllen);
	if (!buf)
		return -ENOBUFS;
	err = copy_from_user(buf, m->control, m->controllen);
	if (!err)
		err = parse(buf, m->controllen, scm);
	kfree(buf);
	if (err)
		scm_destroy(scm);
	return err;
}

/* ---- receiving ---- */

static void advance(struct kmsg *m, u64 n)
{
	n = min(n, m->controllen);
	m->control += n;
	m->controllen -= n;
}

void cmsg_put(struct kmsg *m, int level, int type, const void *data, u32 len)
{
	struct cmsghdr64 h = { CMSG_LEN64(len), level, type };

	if (!m->control || m->controllen < sizeof(h)) {
		m->out_flags |= MSG_CTRUNC;
		return;
	}
	if (m->controllen < h.cmsg_len) {
		m->out_flags |= MSG_CTRUNC;
		h.cmsg_len = m->controllen;
	}
	if (copy_to_user(m->control, &h, sizeof(h)) ||
	    copy_to_user(m->control + sizeof(h), data, h.cmsg_len - sizeof(h)))
		return;
	advance(m, CMSG_SPACE64(len));
}

/* Descriptors for as many files as there is room for; the rest is dropped and MSG_CTRUNC says so. */
static void put_fds(struct kmsg *m, struct scm_fds *f)
{
	u64 room = m->controllen < sizeof(struct cmsghdr64) ? 0
		: (m->controllen - sizeof(struct cmsghdr64)) / sizeof(s32);
	u32 max_fds = m->control ? (u32)min_t(u64, room, f->n) : 0, i;
	uaddr_t to = m->control + sizeof(struct cmsghdr64);

	for (i = 0; i < max_fds; i++) {
		int fd = fd_alloc(m->flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);

		if (fd < 0)
			break;
		if (put_user((s32)fd, to + i * sizeof(s32))) {
			fd_unreserve(fd);
			break;
		}
		fd_publish(fd, file_get(f->fp[i]));
	}
	if (i) {
		struct cmsghdr64 h = { CMSG_LEN64(i * sizeof(s32)), SOL_SOCKET, SCM_RIGHTS };

		if (!copy_to_user(m->control, &h, sizeof(h)))
			advance(m, CMSG_SPACE64(i * sizeof(s32)));
	}
	if (i < f->n)
		m->out_flags |= MSG_CTRUNC;
}

static void put_stamp(struct sock *sk, struct kmsg *m, u64 ns)
{
	struct timespec64 ts = ns_to_ts(ns);
	struct timeval64 tv = { ts.tv_sec, ts.tv_nsec / 1000 };

	if (sk->opt.timestamp_ns)
		cmsg_put(m, SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof(ts));
	else
		cmsg_put(m, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
}

void scm_recv(struct sock *sk, struct kmsg *m, struct scm *scm)
{
	if (unlikely(scm->stamp_ns && sk->opt.timestamp && m->control))
		put_stamp(sk, m, scm->stamp_ns);
	if (unlikely(sk->opt.passcred)) {
		if (m->control)
			cmsg_put(m, SOL_SOCKET, SCM_CREDENTIALS, &scm->creds, sizeof(scm->creds));
		else
			m->out_flags |= MSG_CTRUNC;
	}
	if (unlikely(scm->fds)) {
		put_fds(m, scm->fds);
		scm_destroy(scm);
	}
}
