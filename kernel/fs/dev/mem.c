/*
 * The memory devices, major 1: null zero full random urandom (null(4), full(4), random(4)), and getrandom(2).
 *
 * They keep no state. Private mappings of /dev/zero are anonymous memory and shared ones are memory files: kernel/mm
 * knows the device by its number. Randomness is the host's, so the pool is always ready and what the guest writes
 * into it cannot make it worse; it is read and dropped.
 */
#include <abi/errno.h>
#include <abi/memfd.h>
#include <port/port.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define MEM_MAJOR 1
#define CHUNK (256UL * 1024)   /* zeroes between two looks at signals and other tasks */

enum {
	RNDGETENTCNT = 0x80045200, RNDADDTOENTCNT = 0x40045201, RNDADDENTROPY = 0x40085203, RNDZAPENTCNT = 0x5204,
	RNDCLEARPOOL = 0x5206, RNDRESEEDCRNG = 0x5207,
};

static s64 zero_llseek(struct file *f, s64 off, int whence)
{
	return f->pos = 0;
}

static ssize_t null_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	size_t n = it->count;

	iter_advance(it, n);
	return (ssize_t)n;
}

static ssize_t zero_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	size_t done = 0;

	while (it->count) {
		size_t want = min(it->count, CHUNK), got = zero_iter(want, it);

		done += got;
		if (got < want)
			return done ? (ssize_t)done : -EFAULT;
		if (it->count) {
			if (signal_pending(current))
				break;
			cond_resched();
		}
	}
	return (ssize_t)done;
}

static ssize_t full_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	return -ENOSPC;
}

/* ---- random ---- */
/* Fills it with random bytes; at least 256 come whatever signals there are (getrandom(2)). */
static ssize_t random_fill(struct iov_iter *it)
{
	u8 small[256], *buf = small;
	size_t size = sizeof(small), done = 0;
	ssize_t err = 0;

	if (it->count > sizeof(small)) {
		u8 *page = page_alloc(0);

		if (page) {
			buf = page;
			size = PAGE_SIZE;
		}
	}
	while (it->count) {
		size_t want = min(it->count, size), got;

		port_random(buf, want);
		got = copy_to_iter(buf, want, it);
		done += got;
		if (got < want) {
			err = -EFAULT;
			break;
		}
		if (it->count && done >= sizeof(small)) {
			if (signal_pending(current))
				break;
			cond_resched();
		}
	}
	if (buf != small)
		page_free(buf, 0);
	return done ? (ssize_t)done : err;
}

static ssize_t random_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	return random_fill(it);
}

static ssize_t random_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	u8 buf[256];
	size_t done = 0;

	while (it->count) {
		size_t want = min(it->count, sizeof(buf)), got = copy_from_iter(buf, want, it);

		done += got;
		if (got < want)
			return done ? (ssize_t)done : -EFAULT;
		if (!(done % CHUNK)) {
			if (signal_pending(current))
				break;
			cond_resched();
		}
	}
	return (ssize_t)done;
}

static u32 random_poll(struct file *f, struct poll_table *pt)
{
	return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
}

static long random_ioctl(struct file *f, u32 cmd, u64 arg)
{
	s32 n = 256, head[2];

	switch (cmd) {
	case RNDGETENTCNT:
		return put_user(n, arg);
	case RNDADDTOENTCNT:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (get_user(n, arg))
			return -EFAULT;
		return n < 0 ? -EINVAL : 0;
	case RNDADDENTROPY:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (copy_from_user(head, arg, sizeof(head)))
			return -EFAULT;
		return head[0] < 0 || head[1] < 0 ? -EINVAL : 0;
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	}
	return -ENOTTY;
}

long sys_getrandom(uaddr_t buf, u64 len, u32 flags)
{
	struct iov_iter it;

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	iter_init_user(&it, buf, min(len, MAX_RW_COUNT));
	return random_fill(&it);
}

static const struct file_ops null_fops = {
	.llseek = zero_llseek, .read_iter = null_read, .write_iter = null_write, .nowait = true,
};
static const struct file_ops zero_fops = {
	.llseek = zero_llseek, .read_iter = zero_read, .write_iter = null_write, .nowait = true,
};
static const struct file_ops full_fops = {
	.llseek = zero_llseek, .read_iter = zero_read, .write_iter = full_write, .nowait = true,
};
static const struct file_ops random_fops = {
	.llseek = noop_llseek, .read_iter = random_read, .write_iter = random_write, .poll = random_poll,
	.ioctl = random_ioctl, .nowait = true,
};

static int mem_init(void)
{
	static const struct { const char *name; u32 minor; const struct file_ops *fop; } devs[] = {
		{ "null", 3, &null_fops }, { "zero", 5, &zero_fops }, { "full", 7, &full_fops },
		{ "random", 8, &random_fops }, { "urandom", 9, &random_fops },
	};

	for (unsigned k = 0; k < ARRAY_SIZE(devs); k++) {
		int err = chrdev_register(MEM_MAJOR, devs[k].minor, 1, devs[k].fop, "mem");

		if (!err)
			err = devtmpfs_add(devs[k].name, S_IFCHR | 0666, MKDEV(MEM_MAJOR, devs[k].minor));
		if (err)
			return err;
	}
	return 0;
}
INITCALL(INIT_DEVICE, mem_init);
