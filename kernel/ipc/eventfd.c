/* eventfd(2): a counter as a file. */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/syscall.h>
#include <umber/vfs.h>

#define EFD_SEMAPHORE 1
#define COUNT_MAX (U64_MAX - 1)

struct eventfd {
	u64 count;
	bool semaphore;
	int id;
	struct wait_queue rd_wq, wr_wq;
};

static ssize_t eventfd_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct eventfd *e = f->priv;
	u64 v;

	if (it->count < sizeof(v))
		return -EINVAL;
	if (!e->count) {
		int err;

		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&e->rd_wq, e->count, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (err)
			return err;
	}
	v = e->semaphore ? 1 : e->count;
	e->count -= v;
	wq_wake_key(&e->wr_wq, INT_MAX, EPOLLOUT | EPOLLWRNORM);
	return copy_to_iter(&v, sizeof(v), it) == sizeof(v) ? (ssize_t)sizeof(v) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct eventfd *e = f->priv;
	u64 v;

	if (it->count < sizeof(v))
		return -EINVAL;
	if (copy_from_iter(&v, sizeof(v), it) != sizeof(v))
		return -EFAULT;
	if (v == U64_MAX)
		return -EINVAL;
	if (v > COUNT_MAX - e->count) {
		int err;

		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&e->wr_wq, v <= COUNT_MAX - e->count, WAIT_INTERRUPTIBLE,
				 WAIT_FOREVER);
		if (err)
			return err;
	}
	e->count += v;
	wq_wake_key(&e->rd_wq, INT_MAX, EPOLLIN | EPOLLRDNORM);
	return sizeof(v);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	u32 mask = 0;

	poll_wait(f, &e->rd_wq, pt);
	poll_wait(f, &e->wr_wq, pt);
	if (e->count)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (e->count < COUNT_MAX)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static void eventfd_fdinfo(struct file *f, struct seq_file *m)
{
	struct eventfd *e = f->priv;

	seq_printf(m, "eventfd-count: %16llx\neventfd-id: %d\neventfd-semaphore: %d\n",
		   (unsigned long long)e->count, e->id, e->semaphore);
}

static const struct file_ops eventfd_fops = {
	.read_iter = eventfd_read,
	.write_iter = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_fdinfo,
	.llseek = noop_llseek,
};

/* eventfd2(2): fd; EINVAL EMFILE ENOMEM. */
long sys_eventfd2(u32 count, int flags)
{
	static int next_id;
	struct eventfd *e;
	struct file *f;

	if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	e->id = next_id++ & INT_MAX;
	wq_init(&e->rd_wq);
	wq_init(&e->wr_wq);
	f = anon_file("[eventfd]", &eventfd_fops, e, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(e);
		return PTR_ERR(f);
	}
	return fd_install(f, flags & O_CLOEXEC);
}

/* eventfd(2) of old: no flags. */
long sys_eventfd(u32 count)
{
	return sys_eventfd2(count, 0);
}
