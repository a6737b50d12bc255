/*
 * System V message queues: msgget(2), msgop(2), msgctl(2).
 *
 * A queue holds its messages in order of arrival; each is one allocation. Senders sleep on snd_wq for room, receivers
 * on rcv_wq for a message of their kind; whoever changes the queue wakes all of the other side, and they look again.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/sysvipc.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/uaccess.h>
#include <umber/vfs.h>

#define MSGMAX 8192
#define MSGMNB 16384
#define MSGMNI 32000

struct msg { struct list_head node; s64 type; u32 len; u8 data[]; };
struct msg_queue {
	struct ipc_obj o;
	struct list_head msgs;
	struct wait_queue snd_wq, rcv_wq;
	u64 qbytes, cbytes, qnum;
	s64 stime, rtime, ctime;
	int lspid, lrpid;
};
static u64 total_bytes, total_msgs;

static struct ipc_obj *msg_make(const void *arg)
{
	struct msg_queue *q = ipc_alloc(sizeof(*q));

	if (!q)
		return ERR_PTR(-ENOMEM);
	memset(q, 0, sizeof(*q));
	list_init(&q->msgs);
	wq_init(&q->snd_wq);
	wq_init(&q->rcv_wq);
	q->qbytes = MSGMNB;
	q->ctime = ktime_real_ts().tv_sec;
	return &q->o;
}

static struct msg *msg_alloc(u64 size)
{
	struct msg *m = ipc_alloc(sizeof(*m) + size);

	if (m)
		m->len = size;
	return m;
}

static void msg_discard(struct msg *m)
{
	if (m)
		ipc_free(m, sizeof(*m) + m->len);
}

/* Takes m off q; the caller has it now. */
static void msg_unlink(struct msg_queue *q, struct msg *m)
{
	list_del(&m->node);
	q->cbytes -= m->len;
	q->qnum--;
	total_bytes -= m->len;
	total_msgs--;
}

static void msg_free(struct ipc_obj *o)
{
	struct msg_queue *q = container_of(o, struct msg_queue, o);

	while (!list_empty(&q->msgs)) {
		struct msg *m = list_first_entry(&q->msgs, struct msg, node);

		msg_unlink(q, m);
		msg_discard(m);
	}
	ipc_free(q, sizeof(*q));
}

static struct ipc_table queues = { .max = MSGMNI, .make = msg_make, .free = msg_free };

static struct msg_queue *queue_find(int id)
{
	struct ipc_obj *o = ipc_find(&queues, id);

	return IS_ERR(o) ? (void *)o : container_of(o, struct msg_queue, o);
}

/* msgget(2) */
long sys_msgget(int key, int flags)
{
	return ipc_get(&queues, key, flags, NULL);
}

/* The number of messages is bounded too, else empty ones would cost memory without end. */
static bool msg_fits(const struct msg_queue *q, u64 len)
{
	return q->cbytes + len <= q->qbytes && q->qnum + 1 <= q->qbytes;
}

/* msgsnd(2). Restarted only if no handler runs; the man page's EINTR. */
long sys_msgsnd(int id, uaddr_t umsg, u64 size, int flags)
{
	struct msg_queue *q;
	struct msg *m;
	s64 type;
	long ret;

	if (size > MSGMAX || id < 0)
		return -EINVAL;
	if (get_user(type, umsg))
		return -EFAULT;
	if (type < 1)
		return -EINVAL;
	m = msg_alloc(size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	ret = copy_from_user(m->data, umsg + sizeof(type), size);
	if (ret)
		goto out_free;
	q = queue_find(id);
	ret = PTR_ERR(q);
	if (IS_ERR(q))
		goto out_free;
	ret = ipc_perm(&q->o, IPC_W);
	if (ret)
		goto out_put;
	ret = -EAGAIN;
	if (!msg_fits(q, size) && flags & IPC_NOWAIT)
		goto out_put;
	ret = wait_event(&q->snd_wq, msg_fits(q, size) || q->o.removed, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	if (ret) {
		ret = -ERESTARTNOHAND;
		goto out_put;
	}
	ret = -EIDRM;
	if (q->o.removed)
		goto out_put;
	list_add_tail(&m->node, &q->msgs);
	m = NULL;
	q->cbytes += size;
	q->qnum++;
	total_bytes += size;
	total_msgs++;
	q->lspid = current->tg->pid;
	q->stime = ktime_real_ts().tv_sec;
	wq_wake_all(&q->rcv_wq);
	ret = 0;
out_put:
	ipc_put(&queues, &q->o);
out_free:
	msg_discard(m);
	return ret;
}

/* The message that msgrcv(type, flags) means, or NULL. */
static struct msg *msg_find(struct msg_queue *q, s64 type, int flags)
{
	struct msg *m, *best = NULL;
	s64 n = 0;

	list_for_each_entry(m, &q->msgs, node) {
		if (flags & MSG_COPY) {
			if (n++ == type)
				return m;
		} else if (type == 0) {
			return m;
		} else if (type > 0) {
			if ((m->type == type) != !!(flags & MSG_EXCEPT))
				return m;
		} else if (m->type <= (type == -S64_MAX - 1 ? S64_MAX : -type) &&
			   (!best || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

static long msg_deliver(struct msg_queue *q, struct msg *m, uaddr_t umsg, u64 size, int flags)
{
	u64 n = min_t(u64, size, m->len);
	long ret;

	if (m->len > size && !(flags & MSG_NOERROR))
		return -E2BIG;
	if (!(flags & MSG_COPY)) {
		msg_unlink(q, m);
		q->lrpid = current->tg->pid;
		q->rtime = ktime_real_ts().tv_sec;
		wq_wake_all(&q->snd_wq);
	}
	ret = put_user(m->type, umsg);
	if (!ret)
		ret = copy_to_user(umsg + sizeof(m->type), m->data, n);
	if (!(flags & MSG_COPY))
		msg_discard(m);
	return ret ? ret : (long)n;
}

/* msgrcv(2) */
long sys_msgrcv(int id, uaddr_t umsg, u64 size, s64 type, int flags)
{
	struct msg_queue *q;
	struct msg *m;
	long ret;

	if (id < 0 || (s64)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	q = queue_find(id);
	if (IS_ERR(q))
		return PTR_ERR(q);
	ret = ipc_perm(&q->o, IPC_R);
	if (ret)
		goto out;
	m = msg_find(q, type, flags);
	if (!m) {
		ret = -ENOMSG;
		if (flags & IPC_NOWAIT)
			goto out;
		ret = wait_event(&q->rcv_wq, q->o.removed || (m = msg_find(q, type, flags)) != NULL,
				 WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (ret) {
			ret = -ERESTARTNOHAND;
			goto out;
		}
	}
	ret = q->o.removed ? -EIDRM : msg_deliver(q, m, umsg, size, flags);
out:
	ipc_put(&queues, &q->o);
	return ret;
}

static long msg_info(int cmd, uaddr_t arg)
{
	struct msginfo32 i = { .msgpool = MSGMNI * MSGMNB / 1024, .msgmap = MSGMNB, .msgmax = MSGMAX,
			       .msgmnb = MSGMNB, .msgmni = MSGMNI, .msgssz = 16, .msgtql = MSGMNB,
			       .msgseg = 0xffff };

	if (cmd == MSG_INFO) {
		i.msgpool = (s32)queues.nr;
		i.msgmap = (s32)min_t(u64, total_msgs, INT_MAX);
		i.msgtql = (s32)min_t(u64, total_bytes, INT_MAX);
	}
	return put_user(i, arg) ? -EFAULT : ipc_highest_index(&queues);
}

static int msg_stat(struct msg_queue *q, uaddr_t arg)
{
	struct msqid64_ds ds;

	memset(&ds, 0, sizeof(ds));
	ipc_fill_perm(&q->o, &ds.perm);
	ds.stime = q->stime;
	ds.rtime = q->rtime;
	ds.ctime = q->ctime;
	ds.cbytes = q->cbytes;
	ds.qnum = q->qnum;
	ds.qbytes = q->qbytes;
	ds.lspid = q->lspid;
	ds.lrpid = q->lrpid;
	return put_user(ds, arg);
}

static long msg_set(struct msg_queue *q, uaddr_t arg)
{
	struct msqid64_ds ds;
	int err = get_user(ds, arg);

	if (!err)
		err = ipc_owner_check(&q->o);
	if (err)
		return err;
	if (ds.qbytes > MSGMNB && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	ipc_set_perm(&q->o, &ds.perm);
	q->qbytes = min_t(u64, ds.qbytes, INT_MAX);
	q->ctime = ktime_real_ts().tv_sec;
	wq_wake_all(&q->snd_wq);
	wq_wake_all(&q->rcv_wq);
	return 0;
}

static long msg_cmd(struct msg_queue *q, int cmd, uaddr_t arg)
{
	long err = 0;

	switch (cmd) {
	case IPC_STAT: case MSG_STAT:
		err = ipc_perm(&q->o, IPC_R);
		if (err)
			return err;
		/* fall through */
	case MSG_STAT_ANY:
		err = msg_stat(q, arg);
		return err || cmd == IPC_STAT ? err : q->o.id;
	case IPC_SET:
		return msg_set(q, arg);
	}
	err = ipc_owner_check(&q->o);
	if (err)
		return err;
	wq_wake_all(&q->snd_wq);
	wq_wake_all(&q->rcv_wq);
	ipc_remove(&queues, &q->o);
	return 0;
}

/* msgctl(2) */
long sys_msgctl(int id, int cmd, uaddr_t buf)
{
	struct msg_queue *q;
	long ret;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO: case MSG_INFO:
		return msg_info(cmd, buf);
	case MSG_STAT: case MSG_STAT_ANY: {
		struct ipc_obj *o = ipc_by_index(&queues, id);

		q = IS_ERR(o) ? (void *)o : container_of(o, struct msg_queue, o);
		break;
	}
	case IPC_STAT: case IPC_SET: case IPC_RMID:
		q = queue_find(id);
		break;
	default:
		return -EINVAL;
	}
	if (IS_ERR(q))
		return PTR_ERR(q);
	ret = msg_cmd(q, cmd, buf);
	ipc_put(&queues, &q->o);
	return ret;
}

void sysvmsg_show(struct seq_file *m)
{
	struct ipc_obj *o;

	seq_puts(m, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
		    "      stime      rtime      ctime\n");
	for (u64 i = 0; (o = xa_find(&queues.objs, &i)); i++) {
		struct msg_queue *q = container_of(o, struct msg_queue, o);

		seq_printf(m, "%10d %10d  %4o  %10llu %10llu %5u %5u %5u %5u %5u %5u %10llu %10llu %10llu\n",
			   o->key, o->id, o->mode, (unsigned long long)q->cbytes,
			   (unsigned long long)q->qnum, q->lspid, q->lrpid, o->uid, o->gid, o->cuid, o->cgid,
			   (unsigned long long)q->stime, (unsigned long long)q->rtime,
			   (unsigned long long)q->ctime);
	}
}
