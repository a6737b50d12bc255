/*
 * Host streams: descriptors 0, 1 and 2 of whoever started `umber run`, as files of the guest, when they are not
 * terminals (those are the console's). Reads and writes are passed through; waiting is the guest's own, woken by a
 * watch of the port. fstat shows what the host's descriptor is.
 *
 * Lives: up to three streams, made at their first use, never freed (umber itself holds the descriptors to its end).
 * Each has one inode; any number of open files, also by opening /proc/PID/fd/1 again.
 * The watch is one-shot: `armed` is what it was last armed for, 0 after it fired. Sleepers look again and arm again.
 * Regular files: the offset is the host's, shared with the caller (a shell goes on behind what we wrote). `last` is
 * where we left it: if it is elsewhere now, somebody else moved it and the next transfer starts there.
 */
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <port/hostfs.h>
#include <port/hoststream.h>
#include <port/port.h>
#include <umber/hoststream.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define CHUNK 65536UL

struct stream {
	bool ready;
	hfd_t fd, ro_fd;               /* ro_fd: for mappings that may not write */
	struct hoststream_info info;
	int watch;                     /* id, or negative: always ready */
	u32 armed;
	struct wait_queue wq;
	struct inode *inode;
	s64 last;
};
static struct stream streams[3];
static const struct inode_ops stream_iops;
static const struct file_ops stream_fops, stream_file_fops;

static struct stream *stream_of(const struct file *f)
{
	return f->inode->priv;
}

static void stream_event(void *arg, u32 events)
{
	struct stream *s = arg;

	s->armed = 0;
	wq_wake_key(&s->wq, INT_MAX, 0); /* all of them: whoever waits for something else must arm it again */
}

static void arm(struct stream *s, u32 events)
{
	if (s->watch < 0 || (s->armed & events) == events)
		return;
	s->armed |= events;
	port_watch_arm(s->watch, s->armed);
}

/* Sleeps until the stream may have become ready for `events`. 0 or -ERESTARTSYS. */
static int wait_ready(struct stream *s, u32 events)
{
	if (s->watch < 0)
		return 0;
	arm(s, events);
	return wait_event(&s->wq, hoststream_poll(s->fd, events) || !(s->armed & events), WAIT_INTERRUPTIBLE,
			  WAIT_FOREVER);
}

/* For a regular file: puts the host's offset where this transfer belongs. */
static void place(struct stream *s, const struct file *f, s64 *pos)
{
	s64 cur;

	if (s->info.kind != HOSTSTREAM_FILE)
		return;
	cur = hostfs_lseek(s->fd, 0, SEEK_CUR);
	if (cur != s->last && *pos == f->pos)
		*pos = cur;
	else if (cur != *pos)
		hostfs_lseek(s->fd, *pos, SEEK_SET);
}

static void moved(struct stream *s, s64 *pos)
{
	if (s->info.kind == HOSTSTREAM_FILE)
		s->last = *pos = hostfs_lseek(s->fd, 0, SEEK_CUR);
}

static ssize_t stream_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct stream *s = stream_of(f);
	size_t n = min(it->count, CHUNK), c, done = 0;
	ssize_t r = 0;
	void *buf;

	if (!n)
		return 0;
	buf = kmalloc(n);
	if (!buf)
		return -ENOMEM;
	place(s, f, pos);
	while (it->count) {
		r = hoststream_read(s->fd, s->info.kind, buf, min(n, it->count));
		if (r == -EAGAIN && !done) {
			if (f->flags & O_NONBLOCK) {
				if (wq_active(&s->wq))
					arm(s, EPOLLIN);
				break;
			}
			r = wait_ready(s, EPOLLIN);
			if (!r)
				continue;
		}
		if (r <= 0)
			break;
		c = copy_to_iter(buf, (size_t)r, it);
		done += c;
		if (c < (size_t)r) {
			r = -EFAULT;
			break;
		}
		if (s->info.kind != HOSTSTREAM_FILE || (size_t)r < n)
			break;
	}
	moved(s, pos);
	kfree(buf);
	return done ? (ssize_t)done : r;
}

/* Writes all of buf unless it fails or may not wait. Bytes written (perhaps fewer, with *err), in order. */
static size_t write_all(struct stream *s, struct file *f, const char *buf, size_t n, int *err)
{
	size_t done = 0;
	ssize_t r;

	while (done < n) {
		r = hoststream_write(s->fd, s->info.kind, buf + done, n - done);
		if (r == -EAGAIN) {
			if (f->flags & O_NONBLOCK) {
				if (wq_active(&s->wq))
					arm(s, EPOLLOUT);
			} else {
				r = wait_ready(s, EPOLLOUT);
				if (!r)
					continue;
			}
		}
		if (r <= 0) {
			*err = r ? (int)r : -EIO;
			break;
		}
		done += (size_t)r;
	}
	return done;
}

static ssize_t stream_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct stream *s = stream_of(f);
	size_t n, w, size = min(it->count, CHUNK), done = 0;
	int err = 0;
	char *buf;

	if (!size)
		return 0;
	buf = kmalloc(size);
	if (!buf)
		return -ENOMEM;
	/* The VFS took the end from the inode, which others may have passed on the host. */
	if (s->info.kind == HOSTSTREAM_FILE && (f->flags & O_APPEND))
		*pos = hostfs_lseek(s->fd, 0, SEEK_END);
	else
		place(s, f, pos);
	while (it->count && !err) {
		n = copy_from_iter(buf, min(size, it->count), it);
		if (!n) {
			err = -EFAULT;
			break;
		}
		w = write_all(s, f, buf, n, &err);
		done += w;
	}
	moved(s, pos);
	kfree(buf);
	if (err == -EPIPE && current)
		signal_send_task(SIGPIPE, SEND_SIG_NOINFO, current);
	return done ? (ssize_t)done : err;
}

static u32 stream_poll(struct file *f, struct poll_table *pt)
{
	struct stream *s = stream_of(f);
	u32 want = 0, got;

	if (f->mode & FMODE_READ)
		want |= EPOLLIN;
	if (f->mode & FMODE_WRITE)
		want |= EPOLLOUT;
	if (s->info.kind == HOSTSTREAM_FILE || s->watch < 0)
		return want | (want & EPOLLIN ? EPOLLRDNORM : 0) | (want & EPOLLOUT ? EPOLLWRNORM : 0);
	poll_wait(f, &s->wq, pt);
	got = hoststream_poll(s->fd, want);
	/* Epoll asks again without a queue after each wake-up: keep the watch armed while anybody is registered. */
	if (((pt && pt->queue) || wq_active(&s->wq)) && (want & ~got) && !(got & (EPOLLHUP | EPOLLERR)))
		arm(s, want & ~got);
	if (got & EPOLLIN)
		got |= EPOLLRDNORM;
	if (got & EPOLLOUT)
		got |= EPOLLWRNORM;
	return got;
}

static s64 stream_llseek(struct file *f, s64 off, int whence)
{
	struct stream *s = stream_of(f);
	s64 r;

	if (whence == SEEK_CUR) {
		/* Somebody else who shares the description on the host (stdout and stderr do) may have moved it. */
		r = s->info.kind == HOSTSTREAM_FILE ? hostfs_lseek(s->fd, 0, SEEK_CUR) : -ESPIPE;
		if (r >= 0 && r != s->last)
			f->pos = s->last = r;
		if (__builtin_add_overflow(f->pos, off, &off))
			return -EOVERFLOW;
		whence = SEEK_SET;
	}
	r = hostfs_lseek(s->fd, off, whence);
	if (r >= 0)
		f->pos = s->last = r;
	return r;
}

static long stream_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct stream *s = stream_of(f);
	int n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = hoststream_avail(s->fd);
	return n < 0 ? n : put_user(n, (uaddr_t)arg);
}

static hfd_t stream_mmap(struct file *f, bool shared, bool writable, u64 *off)
{
	struct stream *s = stream_of(f);
	u32 acc = s->info.flags & O_ACCMODE;
	hfd_t path;
	int r;

	if (shared && writable)
		return acc == O_RDWR && (f->mode & FMODE_WRITE) ? s->fd : -EACCES;
	if (acc == O_RDONLY)
		return s->fd;
	if (s->ro_fd < 0) {
		r = hostfs_dup_path(s->fd, &path);
		if (r)
			return r;
		r = hostfs_reopen(path, HOSTFS_RD, &s->ro_fd);
		port_hfd_close(path);
		if (r) {
			s->ro_fd = HFD_NONE;
			return r;
		}
	}
	return s->ro_fd;
}

static int stream_fsync(struct file *f, bool datasync)
{
	return hostfs_fsync(stream_of(f)->fd, datasync);
}

static int stream_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	return hostfs_fallocate(stream_of(f)->fd, mode, off, len);
}

static int refresh(struct stream *s)
{
	struct inode *i = s->inode;
	struct hostfs_stat st;
	int r = hostfs_fstat(s->fd, &st);

	if (r)
		return r;
	i->mode = st.mode;
	i->uid = st.uid;
	i->gid = st.gid;
	i->nlink = st.nlink;
	i->size = st.size;
	i->blocks = st.blocks;
	i->rdev = MKDEV(st.rdev_major, st.rdev_minor);
	i->ino = st.ino;
	i->atime = (struct timespec64){ st.atime.sec, st.atime.nsec };
	i->mtime = (struct timespec64){ st.mtime.sec, st.mtime.nsec };
	i->ctime = (struct timespec64){ st.ctime.sec, st.ctime.nsec };
	return 0;
}

static int stream_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	int r = refresh(d->inode->priv);

	if (!r)
		generic_fillattr(d->inode, st);
	return r;
}

/* ftruncate(1, ...) and `> /dev/stdout`; owner, mode and times are the caller's. */
static int stream_setattr(struct dentry *d, struct iattr *a)
{
	struct stream *s = d->inode->priv;
	int r;

	if (a->valid & (ATTR_UID | ATTR_GID | ATTR_MODE))
		return -EPERM;
	if (!(a->valid & ATTR_SIZE))
		return 0;
	r = hostfs_ftruncate(s->fd, a->size);
	refresh(s);
	return r;
}

static int stream_init(struct stream *s, int n)
{
	int r = hoststream_open(n, &s->fd, &s->info);

	if (r)
		return r;
	s->inode = inode_new(pseudo_sb);
	if (!s->inode) {
		port_hfd_close(s->fd);
		return -ENOMEM;
	}
	s->ro_fd = HFD_NONE;
	wq_init(&s->wq);
	s->inode->priv = s;
	s->inode->op = &stream_iops;
	s->inode->fop = s->info.kind == HOSTSTREAM_FILE ? &stream_file_fops : &stream_fops;
	r = refresh(s);
	if (r) {
		iput(s->inode);
		port_hfd_close(s->fd);
		return r;
	}
	/* What cannot be watched (files, /dev/null) is always ready. */
	s->watch = s->info.kind == HOSTSTREAM_FILE ? -EPERM : port_watch_add(s->fd, stream_event, s);
	s->last = s->info.kind == HOSTSTREAM_FILE ? hostfs_lseek(s->fd, 0, SEEK_CUR) : 0;
	s->ready = true;
	return 0;
}

struct file *hoststream_file(int n)
{
	static const char *const names[] = { "host-stream", "pipe", "socket", "host-device" };
	struct stream *s;
	struct file *f;
	int r;

	if (n < 0 || n >= (int)ARRAY_SIZE(streams))
		return ERR_PTR(-EBADF);
	s = &streams[n];
	if (!s->ready) {
		r = stream_init(s, n);
		if (r)
			return ERR_PTR(r);
	}
	f = pseudo_file(iget(s->inode), names[s->info.kind], s->inode->fop, s->info.flags);
	if (!IS_ERR(f) && s->info.kind == HOSTSTREAM_FILE)
		f->pos = s->last;
	return f;
}

static const struct inode_ops stream_iops = { .getattr = stream_getattr, .setattr = stream_setattr };
static const struct file_ops stream_fops = {
	.read_iter = stream_read,
	.write_iter = stream_write,
	.poll = stream_poll,
	.ioctl = stream_ioctl,
};
static const struct file_ops stream_file_fops = {
	.llseek = stream_llseek,
	.read_iter = stream_read,
	.write_iter = stream_write,
	.ioctl = stream_ioctl,
	.mmap = stream_mmap,
	.fsync = stream_fsync,
	.fallocate = stream_fallocate,
	.nowait = true,
};
