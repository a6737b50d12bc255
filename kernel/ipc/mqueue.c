/*
 * POSIX message queues (mq_overview(7)).
 *
 * A queue is known by its name until mq_unlink, and lives while the name or an open file refers to it. Messages are
 * kept by falling priority, in order of arrival within one. At most one process is registered for a notification; it is
 * used up by the first message that comes to an empty queue on which nobody waits.
 */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/vfs.h>

#define MQ_PRIO_MAX 32768
#define MQ_QUEUES_MAX 256
#define MQ_DEF_MSGS 10
#define MQ_DEF_SIZE 8192
#define MQ_HARD_MSGS 65536
#define MQ_HARD_SIZE (16 << 20)
#define SIGEV_SIGNAL_ 0
#define SIGEV_NONE_ 1

struct mq_attr64 { s64 flags, maxmsg, msgsize, curmsgs, reserved[4]; };
struct mq_sigevent { u64 value; s32 signo, notify; u8 rest[48]; };

struct mq_msg { struct list_head node; u32 prio, len; u8 data[]; };
struct mq {
	refcount_t ref;              /* name, open files */
	struct list_head all;        /* while it has its name */
	char *name;
	u32 mode, uid, gid;
	s64 maxmsg, msgsize, curmsgs;
	struct list_head msgs;
	struct wait_queue snd_wq, rcv_wq;
	u32 receivers;               /* asleep in mq_receive */
	int notify_pid;              /* process registered; 0: none */
	struct mq_sigevent notify;
};
static LIST_HEAD(all_mqs);
static u32 nr_mqs;

static void mq_put(struct mq *q)
{
	if (!ref_put(&q->ref))
		return;
	while (!list_empty(&q->msgs)) {
		struct mq_msg *m = list_first_entry(&q->msgs, struct mq_msg, node);

		list_del(&m->node);
		kfree(m);
	}
	kfree(q->name);
	kfree(q);
}

static u32 mq_poll(struct file *f, struct poll_table *pt)
{
	struct mq *q = f->priv;

	poll_wait(f, &q->rcv_wq, pt);
	poll_wait(f, &q->snd_wq, pt);
	return (q->curmsgs ? EPOLLIN | EPOLLRDNORM : 0) |
	       (q->curmsgs < q->maxmsg ? EPOLLOUT | EPOLLWRNORM : 0);
}

static int mq_flush(struct file *f)
{
	struct mq *q = f->priv;

	if (q->notify_pid == current->tg->pid)
		q->notify_pid = 0;
	return 0;
}

static void mq_release(struct file *f)
{
	mq_put(f->priv);
}

/* read(2) of the descriptor tells the state of the queue (mq_overview(7)). */
static ssize_t mq_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct mq *q = f->priv;
	bool sig = q->notify_pid && q->notify.notify == SIGEV_SIGNAL_;
	char line[96];
	struct mq_msg *m;
	u64 bytes = 0;
	size_t n;

	list_for_each_entry(m, &q->msgs, node)
		bytes += m->len;
	n = (size_t)snprintf(line, sizeof(line), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
			     (unsigned long long)bytes, q->notify_pid ? q->notify.notify : 0,
			     sig ? q->notify.signo : 0, q->notify_pid);
	if (*pos < 0 || (u64)*pos >= n || !it->count)
		return *pos < 0 ? -EINVAL : 0;
	n = min(n - (size_t)*pos, it->count);
	if (copy_to_iter(line + *pos, n, it) < n)
		return -EFAULT;
	*pos += (s64)n;
	return (ssize_t)n;
}

static const struct file_ops mq_fops = {
	.read_iter = mq_read,
	.poll = mq_poll,
	.flush = mq_flush,
	.release = mq_release,
};

static struct mq *mq_find(const char *name)
{
	struct mq *q;

	list_for_each_entry(q, &all_mqs, all)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

/* Bytes that a queue counts against RLIMIT_MSGQUEUE. */
static u64 mq_bytes(s64 maxmsg, s64 msgsize)
{
	return (u64)maxmsg * (msgsize + sizeof(struct mq_msg));
}

static int mq_check_limits(s64 maxmsg, s64 msgsize)
{
	bool priv = capable(CAP_SYS_RESOURCE);
	u64 used = 0;
	struct mq *q;

	if (maxmsg <= 0 || msgsize <= 0 || maxmsg > (priv ? MQ_HARD_MSGS : MQ_DEF_MSGS) ||
	    msgsize > (priv ? MQ_HARD_SIZE : MQ_DEF_SIZE))
		return -EINVAL;
	if (nr_mqs >= MQ_QUEUES_MAX && !priv)
		return -ENOSPC;
	list_for_each_entry(q, &all_mqs, all)
		if (q->uid == current->cred->fsuid)
			used += mq_bytes(q->maxmsg, q->msgsize);
	return used + mq_bytes(maxmsg, msgsize) > rlimit(RLIMIT_MSGQUEUE) ? -EMFILE : 0;
}

/* Consumes name on success. ERR_PTR. */
static struct mq *mq_make(char *name, u32 mode, uaddr_t uattr)
{
	struct mq_attr64 a = { .maxmsg = MQ_DEF_MSGS, .msgsize = MQ_DEF_SIZE };
	struct mq *q;
	int err;

	if (uattr && get_user(a, uattr))
		return ERR_PTR(-EFAULT);
	err = mq_check_limits(a.maxmsg, a.msgsize);
	if (err)
		return ERR_PTR(err);
	q = kzalloc(sizeof(*q));
	if (!q)
		return ERR_PTR(-ENOMEM);
	ref_set(&q->ref, 1);
	q->name = name;
	q->mode = mode & 0777 & ~current->fs->umask;
	q->uid = current->cred->fsuid;
	q->gid = current->cred->fsgid;
	q->maxmsg = a.maxmsg;
	q->msgsize = a.msgsize;
	list_init(&q->msgs);
	wq_init(&q->snd_wq);
	wq_init(&q->rcv_wq);
	list_add_tail(&q->all, &all_mqs);
	nr_mqs++;
	return q;
}

static int mq_permission(const struct mq *q, int flags)
{
	const struct cred *c = current->cred;
	u32 acc = flags & O_ACCMODE;
	u32 want = acc == O_RDWR ? 6 : acc == O_WRONLY ? 2 : 4, mode = q->mode;

	if (c->fsuid == q->uid)
		mode >>= 6;
	else if (cred_in_group(c, q->gid))
		mode >>= 3;
	return want & ~mode & 7 && !capable(CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

/* The name without the slash that the library takes off. ERR_PTR: ENOENT EACCES ENAMETOOLONG EFAULT. */
static char *mq_getname(uaddr_t uname)
{
	char *name = getname(uname, false);
	int err = 0;

	if (IS_ERR(name))
		return name;
	if (strlen(name) > NAME_MAX)
		err = -ENAMETOOLONG;
	else if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		err = -EACCES;
	if (!err)
		return name;
	putname(name);
	return ERR_PTR(err);
}

/* The queue that mq_open(2) means, referenced for its file. */
static struct mq *mq_get_or_make(const char *name, int flags, u32 mode, uaddr_t attr)
{
	struct mq *q = mq_find(name);
	int err = 0;

	if (q) {
		if (flags & O_CREAT && flags & O_EXCL)
			err = -EEXIST;
		else
			err = mq_permission(q, flags);
	} else if (!(flags & O_CREAT)) {
		err = -ENOENT;
	} else {
		char *own = kstrdup(name);

		if (!own)
			return ERR_PTR(-ENOMEM);
		q = mq_make(own, mode, attr);
		if (IS_ERR(q)) {
			kfree(own);
			return q;
		}
	}
	if (err)
		return ERR_PTR(err);
	ref_get(&q->ref);
	return q;
}

/* mq_open(2) */
long sys_mq_open(uaddr_t uname, int flags, u32 mode, uaddr_t attr)
{
	char *name;
	struct mq *q;
	struct file *f;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	name = mq_getname(uname);
	if (IS_ERR(name))
		return PTR_ERR(name);
	q = mq_get_or_make(name, flags, mode, attr);
	putname(name);
	if (IS_ERR(q))
		return PTR_ERR(q);
	f = anon_file("[mqueue]", &mq_fops, q, flags & (O_ACCMODE | O_NONBLOCK));
	if (IS_ERR(f)) {
		mq_put(q);
		return PTR_ERR(f);
	}
	return fd_install(f, flags & O_CLOEXEC);
}

/* mq_unlink(2) */
long sys_mq_unlink(uaddr_t uname)
{
	char *name = mq_getname(uname);
	struct mq *q;

	if (IS_ERR(name))
		return PTR_ERR(name);
	q = mq_find(name);
	putname(name);
	if (!q)
		return -ENOENT;
	if (current->cred->fsuid != q->uid && !capable(CAP_FOWNER))
		return -EACCES;
	list_del(&q->all);
	nr_mqs--;
	mq_put(q);
	return 0;
}

static struct file *mq_file(int fd, u32 mode)
{
	struct file *f = fd_get(fd);

	if (f && f->op == &mq_fops && (!mode || f->mode & mode))
		return f;
	if (f)
		file_put(f);
	return NULL;
}

/* Absolute CLOCK_REALTIME timespec -> monotonic deadline. */
static int mq_deadline(uaddr_t uts, u64 *deadline)
{
	struct timespec64 ts;
	u64 real, now;

	*deadline = WAIT_FOREVER;
	if (!uts)
		return 0;
	if (get_user(ts, uts))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	real = ts_to_ns(&ts);
	now = ktime_real_ns();
	*deadline = ns_add(ktime_mono_ns(), real > now ? real - now : 0);
	return 0;
}

/* A message came to an empty queue and nobody waits for it. */
static void mq_notify_owner(struct mq *q)
{
	struct tgroup *tg = find_tgroup(q->notify_pid);
	struct siginfo si;

	if (tg && q->notify.notify == SIGEV_SIGNAL_) {
		memset(&si, 0, sizeof(si));
		si.si_signo = q->notify.signo;
		si.si_code = SI_MESGQ;
		si.u.rt.pid = current->tg->pid;
		si.u.rt.uid = current->cred->uid;
		si.u.rt.value = q->notify.value;
		signal_send_group(si.si_signo, &si, tg);
	}
	q->notify_pid = 0;
}

static void mq_insert(struct mq *q, struct mq_msg *m)
{
	struct mq_msg *o;

	list_for_each_entry(o, &q->msgs, node)
		if (o->prio < m->prio)
			break;
	list_insert_(&m->node, o->node.prev, &o->node);
	if (!q->curmsgs++ && q->notify_pid && !q->receivers)
		mq_notify_owner(q);
	wq_wake_key(&q->rcv_wq, 1, EPOLLIN | EPOLLRDNORM);
}

static long mq_send(struct file *f, struct mq_msg *m, u64 deadline)
{
	struct mq *q = f->priv;
	int err;

	if (q->curmsgs >= q->maxmsg) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&q->snd_wq, q->curmsgs < q->maxmsg, WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE,
				 deadline);
		if (err)
			return err;
	}
	mq_insert(q, m);
	return 0;
}

/* mq_timedsend(2) */
long sys_mq_timedsend(int fd, uaddr_t umsg, u64 len, u32 prio, uaddr_t timeout)
{
	struct mq_msg *m = NULL;
	struct file *f;
	u64 deadline;
	long ret;

	if (prio >= MQ_PRIO_MAX)
		return -EINVAL;
	ret = mq_deadline(timeout, &deadline);
	if (ret)
		return ret;
	f = mq_file(fd, FMODE_WRITE);
	if (!f)
		return -EBADF;
	ret = -EMSGSIZE;
	if (len > (u64)((struct mq *)f->priv)->msgsize)
		goto out;
	ret = -ENOMEM;
	m = kmalloc(sizeof(*m) + len);
	if (!m)
		goto out;
	m->prio = prio;
	m->len = len;
	ret = copy_from_user(m->data, umsg, len);
	if (!ret)
		ret = mq_send(f, m, deadline);
	if (ret)
		kfree(m);
out:
	file_put(f);
	return ret;
}

/* mq_timedreceive(2) */
long sys_mq_timedreceive(int fd, uaddr_t umsg, u64 len, uaddr_t uprio, uaddr_t timeout)
{
	struct mq_msg *m;
	struct file *f;
	struct mq *q;
	u64 deadline;
	long ret = mq_deadline(timeout, &deadline);

	if (ret)
		return ret;
	f = mq_file(fd, FMODE_READ);
	if (!f)
		return -EBADF;
	q = f->priv;
	ret = -EMSGSIZE;
	if (len < (u64)q->msgsize)
		goto out;
	ret = -EAGAIN;
	if (!q->curmsgs) {
		if (f->flags & O_NONBLOCK)
			goto out;
		q->receivers++;
		ret = wait_event(&q->rcv_wq, q->curmsgs, WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, deadline);
		q->receivers--;
		if (ret)
			goto out;
	}
	m = list_first_entry(&q->msgs, struct mq_msg, node);
	list_del(&m->node);
	q->curmsgs--;
	wq_wake_key(&q->snd_wq, 1, EPOLLOUT | EPOLLWRNORM);
	ret = m->len;
	if ((uprio && put_user(m->prio, uprio)) || copy_to_user(umsg, m->data, m->len))
		ret = -EFAULT;
	kfree(m);
out:
	file_put(f);
	return ret;
}

/* mq_notify(2). SIGEV_THREAD needs a netlink socket of the library and is refused. */
long sys_mq_notify(int fd, uaddr_t uev)
{
	struct mq_sigevent ev;
	struct file *f;
	struct mq *q;
	long ret = 0;

	if (uev) {
		if (get_user(ev, uev))
			return -EFAULT;
		if (ev.notify != SIGEV_SIGNAL_ && ev.notify != SIGEV_NONE_)
			return -EINVAL;
		if (ev.notify == SIGEV_SIGNAL_ && (ev.signo < 0 || ev.signo > SIGRTMAX))
			return -EINVAL;
	}
	f = mq_file(fd, 0);
	if (!f)
		return -EBADF;
	q = f->priv;
	if (q->notify_pid && !find_tgroup(q->notify_pid))
		q->notify_pid = 0;
	if (!uev) {
		if (q->notify_pid == current->tg->pid)
			q->notify_pid = 0;
	} else if (q->notify_pid) {
		ret = -EBUSY;
	} else {
		q->notify = ev;
		q->notify_pid = current->tg->pid;
	}
	file_put(f);
	return ret;
}

/* mq_getsetattr(2): only O_NONBLOCK can be changed. */
long sys_mq_getsetattr(int fd, uaddr_t uattr, uaddr_t uoattr)
{
	struct mq_attr64 a, old;
	struct file *f;
	struct mq *q;
	long ret = 0;

	if (uattr) {
		if (get_user(a, uattr))
			return -EFAULT;
		if (a.flags & ~(s64)O_NONBLOCK)
			return -EINVAL;
	}
	f = mq_file(fd, 0);
	if (!f)
		return -EBADF;
	q = f->priv;
	memset(&old, 0, sizeof(old));
	old.flags = f->flags & O_NONBLOCK;
	old.maxmsg = q->maxmsg;
	old.msgsize = q->msgsize;
	old.curmsgs = q->curmsgs;
	if (uattr)
		f->flags = (f->flags & ~(u32)O_NONBLOCK) | (a.flags & O_NONBLOCK);
	if (uoattr)
		ret = put_user(old, uoattr);
	file_put(f);
	return ret;
}
