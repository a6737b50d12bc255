/* syslog(2). */
#include <abi/errno.h>
#include <umber/klog.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/signal.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/uaccess.h>

enum {
	SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF, SYSLOG_CONSOLE_ON, SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER,
};
#define LINE_BUF (KLOG_LINE_MAX + 32)

static u64 read_seq;       /* SYSLOG_READ consumes: one position for the whole guest */
static size_t read_partial; /* bytes of record read_seq that were handed out */
static int saved_loglevel = -1;

/* Formats record *seq and steps over it. Length, or -EAGAIN at the end. */
static ssize_t next_line(u64 *seq, char *line, char *text)
{
	struct klog_record r;
	ssize_t n;

	do {
		n = klog_read_record(seq, &r, text, KLOG_LINE_MAX + 1);
	} while (n == -EPIPE);
	return n < 0 ? n : (ssize_t)klog_format(&r, text, true, line, LINE_BUF);
}

bool klog_unread(void)
{
	return klog_next() > read_seq;
}

/* line and text: buffers of next_line(). */
static ssize_t consume(struct iov_iter *it, char *line, char *text)
{
	size_t done = 0;

	while (it->count) {
		u64 seq = max(read_seq, klog_oldest());
		size_t skip = seq == read_seq ? read_partial : 0, n;
		u64 here = seq;
		ssize_t r = next_line(&seq, line, text);

		if (r < 0)
			break;
		skip = min(skip, (size_t)r);
		n = min((size_t)r - skip, it->count);
		if (copy_to_iter(line + skip, n, it) < n)
			return done ? (ssize_t)done : -EFAULT;
		done += n;
		if (skip + n == (size_t)r) {
			read_seq = seq;
			read_partial = 0;
		} else {
			read_seq = here;
			read_partial = skip + n;
		}
	}
	return (ssize_t)done;
}

ssize_t klog_consume(struct iov_iter *it)
{
	char *line = kmalloc(LINE_BUF + KLOG_LINE_MAX + 1);
	ssize_t r;

	if (!line)
		return -ENOMEM;
	r = consume(it, line, line + LINE_BUF);
	kfree(line);
	return r;
}

static long log_read(uaddr_t buf, size_t len, char *line, char *text)
{
	int err = wait_event(&klog_wq, klog_unread(), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	struct iov_iter it;

	if (err)
		return err;
	iter_init_user(&it, buf, len);
	return consume(&it, line, text);
}

/* The newest whole records that fit. */
static long log_read_all(uaddr_t buf, size_t len, bool clear, char *line, char *text)
{
	u64 seq = max(klog_clear_seq, klog_oldest()), start = seq;
	size_t total = 0, done = 0;
	ssize_t r;

	while ((r = next_line(&seq, line, text)) >= 0)
		total += (size_t)r;
	seq = start;
	while (total > len && (r = next_line(&seq, line, text)) >= 0)
		total -= (size_t)r;
	while ((r = next_line(&seq, line, text)) >= 0 && done + (size_t)r <= len) {
		if (copy_to_user(buf + done, line, (size_t)r))
			return -EFAULT;
		done += (size_t)r;
	}
	if (clear)
		klog_clear();
	return (long)done;
}

static long size_unread(char *line, char *text)
{
	u64 seq = max(read_seq, klog_oldest());
	size_t total = 0;
	ssize_t r;

	while ((r = next_line(&seq, line, text)) >= 0)
		total += (size_t)r;
	return (long)(total - min(total, read_partial));
}

static long set_level(int type, int len)
{
	switch (type) {
	case SYSLOG_CONSOLE_OFF:
		if (saved_loglevel < 0)
			saved_loglevel = console_loglevel;
		console_loglevel = 1;
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (saved_loglevel >= 0)
			console_loglevel = saved_loglevel;
		saved_loglevel = -1;
		return 0;
	}
	if (len < 1 || len > 8)
		return -EINVAL;
	console_loglevel = len;
	saved_loglevel = -1;
	return 0;
}

static long with_buffers(int type, uaddr_t buf, int len)
{
	char *line = kmalloc(LINE_BUF + KLOG_LINE_MAX + 1);
	long ret;

	if (!line)
		return -ENOMEM;
	if (type == SYSLOG_READ)
		ret = log_read(buf, (size_t)len, line, line + LINE_BUF);
	else if (type == SYSLOG_SIZE_UNREAD)
		ret = size_unread(line, line + LINE_BUF);
	else
		ret = log_read_all(buf, (size_t)len, type == SYSLOG_READ_CLEAR, line, line + LINE_BUF);
	kfree(line);
	return ret;
}

long sys_syslog(int type, uaddr_t buf, int len)
{
	bool open_to_all = type == SYSLOG_READ_ALL || type == SYSLOG_SIZE_BUFFER;

	if (type < SYSLOG_CLOSE || type > SYSLOG_SIZE_BUFFER)
		return -EINVAL;
	if (!open_to_all && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (type) {
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		return len ? with_buffers(type, buf, len) : 0;
	case SYSLOG_CLEAR:
		klog_clear();
		return 0;
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL:
		return set_level(type, len);
	case SYSLOG_SIZE_UNREAD:
		return with_buffers(type, 0, 0);
	case SYSLOG_SIZE_BUFFER:
		return KLOG_RING_BYTES;
	}
	return 0; /* open, close */
}
