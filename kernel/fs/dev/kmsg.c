/*
 * /dev/kmsg (1:11): the kernel log, one record a read, "priority,number,microseconds,-;text\n". A write makes a record.
 * The open file's priv is its reader: the number of the record that comes next.
 */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/klog.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/string.h>
#include <umber/sync.h>
#include <umber/vfs.h>

#define KMSG_WRITE_MAX 992U    /* longest text that a write may bring */
#define TEXT_MAX (KLOG_LINE_MAX + 1)
#define RECORD_MAX (TEXT_MAX * 4 + 64)

struct kmsg_reader { u64 seq; };

static int kmsg_open(struct inode *inode, struct file *f)
{
	struct kmsg_reader *r = kzalloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->seq = klog_oldest();
	f->priv = r;
	return 0;
}

static void kmsg_release(struct file *f)
{
	kfree(f->priv);
	f->priv = NULL;
}

/* One record as text, control bytes as \xHH. */
static size_t format_record(char *out, size_t max, const struct klog_record *r, const char *text, size_t n)
{
	size_t len = (size_t)scnprintf(out, max, "%d,%lu,%lu,-;", r->facility << 3 | r->level,
				       (unsigned long)r->seq, (unsigned long)(r->ts_ns / 1000));

	for (size_t k = 0; k < n && len + 6 < max; k++) {
		u8 c = (u8)text[k];

		if (c < ' ' || c >= 127 || c == '\\')
			len += (size_t)scnprintf(out + len, max - len, "\\x%02x", c);
		else
			out[len++] = (char)c;
	}
	out[len++] = '\n';
	return len;
}

static ssize_t kmsg_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct kmsg_reader *r = f->priv;
	struct klog_record rec;
	char *text, *out;
	ssize_t ret;
	u64 seq;
	size_t len;

	if (r->seq >= klog_next()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event(&klog_wq, r->seq < klog_next(), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (ret)
			return ret;
	}
	text = kmalloc(TEXT_MAX + RECORD_MAX);
	if (!text)
		return -ENOMEM;
	out = text + TEXT_MAX;
	seq = r->seq;
	ret = klog_read_record(&seq, &rec, text, TEXT_MAX);
	if (ret < 0) {
		r->seq = seq;          /* EPIPE: the oldest that is left comes next */
		goto out;
	}
	len = format_record(out, RECORD_MAX, &rec, text, (size_t)ret);
	if (len > it->count) {
		ret = -EINVAL;
		goto out;
	}
	r->seq = seq;
	ret = copy_to_iter(out, len, it) == len ? (ssize_t)len : -EFAULT;
out:
	kfree(text);
	return ret;
}

static ssize_t kmsg_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	size_t all = it->count, n = all;
	int level = KERN_WARNING, facility = 1; /* user space has no say in facility 0 */
	char *buf, *text;

	if (n > KMSG_WRITE_MAX)
		return -EINVAL;
	buf = kmalloc(n + 1);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, it) != n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = 0;
	text = buf;
	if (*text == '<') {            /* "<facility*8+level>text" */
		char *e = strchr(text, '>');
		u64 v;

		if (e && e - text <= 5) {
			*e = 0;
			if (kstrtou64(text + 1, 10, &v)) {
				*e = '>';
			} else {
				level = (int)(v & 7);
				if (v >> 3)
					facility = (int)(v >> 3 & 0x1f);
				text = e + 1;
			}
		}
	}
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		n--;
	klog_write_user(level, facility, text, n);
	kfree(buf);
	return (ssize_t)all;
}

static s64 kmsg_llseek(struct file *f, s64 off, int whence)
{
	struct kmsg_reader *r = f->priv;

	if (off)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		r->seq = klog_oldest();
		return 0;
	case SEEK_DATA:
		r->seq = max(klog_clear_seq, klog_oldest());
		return 0;
	case SEEK_END:
		r->seq = klog_next();
		return 0;
	}
	return -EINVAL;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	struct kmsg_reader *r = f->priv;

	poll_wait(f, &klog_wq, pt);
	if (r->seq >= klog_next())
		return 0;
	return r->seq < klog_oldest() ? EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLPRI : EPOLLIN | EPOLLRDNORM;
}

static const struct file_ops kmsg_fops = {
	.llseek = kmsg_llseek, .read_iter = kmsg_read, .write_iter = kmsg_write, .poll = kmsg_poll, .open = kmsg_open,
	.release = kmsg_release,
};

static int kmsg_init(void)
{
	int err = chrdev_register(1, 11, 1, &kmsg_fops, "mem");

	return err ? err : devtmpfs_add("kmsg", S_IFCHR | 0644, MKDEV(1, 11));
}
INITCALL(INIT_DEVICE, kmsg_init);
