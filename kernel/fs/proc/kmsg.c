/*
 * /proc/kmsg: the kernel log as syslog(2) reads it, one position for the whole guest, read by root only. A reader
 * that falls behind goes on with the oldest record that is left.
 */
#include "proc.h"
#include <umber/cred.h>
#include <umber/klog.h>
#include <umber/poll.h>

static int kmsg_open(struct inode *inode, struct file *f)
{
	return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static ssize_t kmsg_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	int err;

	if (!it->count)
		return 0;
	if (!klog_unread() && (f->flags & O_NONBLOCK))
		return -EAGAIN;
	err = wait_event(&klog_wq, klog_unread(), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	return err ? err : klog_consume(it);
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, &klog_wq, pt);
	return klog_unread() ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_ops kmsg_fops = { .read_iter = kmsg_read, .poll = kmsg_poll, .open = kmsg_open };

int proc_build_kmsg(struct pseudo_dir *root)
{
	return pseudo_mkfile_ops(root, "kmsg", 0400, &kmsg_fops, NULL) ? 0 : -ENOMEM;
}
