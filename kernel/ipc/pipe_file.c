/* Open files on pipes: pipe(2), FIFOs (fifo(7)), poll, ioctl, F_SETPIPE_SZ. */
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/pipe.h>
#include <umber/poll.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define PIPEFS_MAGIC 0x50495045
#define PIPE_SIZE_LIMIT (1UL << 31)

u32 pipe_max_bytes = 1 << 20;
static struct mount *pipe_mnt;

struct pipe *file_pipe(struct file *f)
{
	return f->op == &fifo_fops ? f->priv : NULL;
}

static ssize_t pipe_read_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	ssize_t n = pipe_do_read(f->priv, it, f->flags & O_NONBLOCK);

	if (n > 0 && f->inode->sb != pipe_mnt->sb)
		touch_atime(f);
	return n;
}

static ssize_t pipe_write_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	ssize_t n = pipe_do_write(f->priv, it, f->flags & O_NONBLOCK, f->flags & O_DIRECT);

	if (n > 0 && f->inode->sb != pipe_mnt->sb)
		touch_mtime(f->inode);
	return n;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->priv;
	u32 mask = 0;

	if (pt && pt->queue)
		p->poll_used = true;
	if (f->mode & FMODE_READ) {
		poll_wait(f, &p->rd_wq, pt);
		if (!pipe_empty(p))
			mask |= EPOLLIN | EPOLLRDNORM;
		/* A FIFO opened without a writer has not been hung up on until one came and went. */
		if (!p->writers && f->version != p->w_counter)
			mask |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		poll_wait(f, &p->wr_wq, pt);
		if (!pipe_full(p))
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (!p->readers)
			mask |= EPOLLERR;
	}
	return mask;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	int n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = min_t(u64, pipe_bytes(f->priv), INT_MAX);
	return put_user(n, arg);
}

/* One end of p is no longer open (mode of the file that goes). Frees p with the last one. */
static void pipe_put_end(struct inode *inode, struct pipe *p, u32 mode)
{
	if (mode & FMODE_READ && --p->readers == 0)
		wq_wake_key(&p->wr_wq, INT_MAX, EPOLLOUT | EPOLLWRNORM | EPOLLERR);
	if (mode & FMODE_WRITE && --p->writers == 0)
		wq_wake_key(&p->rd_wq, INT_MAX, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	if (--p->files)
		return;
	if (inode->pipe == p)
		inode->pipe = NULL;
	pipe_free(p);
}

static void pipe_release(struct file *f)
{
	if (f->priv)
		pipe_put_end(f->inode, f->priv, f->mode);
	f->priv = NULL;
}

/*
 * open(2) of a FIFO: waits for the other end unless O_NONBLOCK or O_RDWR. ENXIO: writer without a reader.
 * A pipe of pipe(2), opened again by its name in /proc/PID/fd, waits for nobody.
 */
static int fifo_open(struct inode *inode, struct file *f)
{
	bool is_pipe = inode->sb->magic == PIPEFS_MAGIC;
	struct pipe *p = inode->pipe;
	u32 mode = f->mode & (FMODE_READ | FMODE_WRITE);
	u32 seen;
	int err = 0;

	if (!p) {
		p = pipe_new();
		if (!p)
			return -ENOMEM;
		inode->pipe = p;
	}
	p->files++;
	f->version = 0;
	if (mode == FMODE_WRITE && f->flags & O_NONBLOCK && !p->readers && !is_pipe) {
		pipe_put_end(inode, p, 0);
		return -ENXIO;
	}
	if (mode & FMODE_READ) {
		p->r_counter++;
		p->readers++;
	}
	if (mode & FMODE_WRITE) {
		p->w_counter++;
		p->writers++;
	}
	wq_wake_all(&p->open_wq);
	if (is_pipe) {
		f->priv = p;
	} else if (mode == FMODE_READ && !p->writers) {
		if (f->flags & O_NONBLOCK) {
			f->version = p->w_counter;
		} else {
			seen = p->w_counter;
			err = wait_event(&p->open_wq, p->w_counter != seen, WAIT_INTERRUPTIBLE,
					 WAIT_FOREVER);
		}
	} else if (mode == FMODE_WRITE && !p->readers) {
		seen = p->r_counter;
		err = wait_event(&p->open_wq, p->r_counter != seen, WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	}
	if (err)
		pipe_put_end(inode, p, mode);
	else
		f->priv = p;
	return err;
}

static int pipe_fasync(struct file *f, bool on)
{
	struct pipe *p = f->priv;

	if (!p)
		return 0;
	if (on)
		p->poll_used = true; /* the owner wants to hear of every write */
	return fasync_list_set(&p->async, f, on);
}

const struct file_ops fifo_fops = {
	.fasync = pipe_fasync,
	.read_iter = pipe_read_iter,
	.write_iter = pipe_write_iter,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.open = fifo_open,
	.release = pipe_release,
};

static long set_size(struct pipe *p, u64 bytes)
{
	struct pipe_buf *bufs;
	u64 slots = 1;
	u32 used = pipe_used(p);

	if (bytes > PIPE_SIZE_LIMIT)
		return -EINVAL;
	while (slots << PAGE_SHIFT < bytes)
		slots <<= 1;
	if (slots > p->slots && slots << PAGE_SHIFT > pipe_max_bytes && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (slots < (u64)used + p->reserved)
		return -EBUSY;
	if (slots != p->slots) {
		bufs = kcalloc(slots, sizeof(*bufs));
		if (!bufs)
			return -ENOMEM;
		for (u32 i = 0; i < used; i++)
			bufs[i] = *pipe_slot(p, p->tail + i);
		kfree(p->bufs);
		p->bufs = bufs;
		p->slots = slots;
		p->tail = 0;
		p->head = used;
		pipe_wake_writers(p);
	}
	return (long)(slots << PAGE_SHIFT);
}

long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = file_pipe(f);

	if (!p)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)p->slots << PAGE_SHIFT;
	if (cmd == F_SETPIPE_SZ)
		return set_size(p, (u32)arg);
	return -EINVAL;
}

/* Two files on one new pipe: out[0] reads, out[1] writes. flags: O_CLOEXEC is the caller's. 0 or errno. */
static int pipe_files(struct file *out[2], u32 flags)
{
	struct super_block *sb = pipe_mnt->sb;
	struct pipe *p = pipe_new();
	struct inode *inode = p ? inode_new(sb) : NULL;
	char name[32];

	if (!inode) {
		if (p)
			pipe_free(p);
		return -ENFILE;
	}
	inode->mode = S_IFIFO | 0600;
	inode->uid = current->cred->fsuid;
	inode->gid = current->cred->fsgid;
	inode->nlink = 1;
	inode->atime = inode->mtime = inode->ctime = current_time(inode);
	inode->fop = &fifo_fops;
	inode->pipe = p;
	snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)inode->ino);
	for (int i = 0; i < 2; i++) {
		u32 fl = (i ? O_WRONLY : O_RDONLY) | (flags & (O_NONBLOCK | O_DIRECT));
		struct file *f = pseudo_file(iget(inode), name, &fifo_fops, fl);

		if (IS_ERR(f)) {
			if (i)
				file_put(out[0]); /* frees the pipe */
			else
				pipe_free(p);
			iput(inode);
			return PTR_ERR(f);
		}
		f->priv = p;
		f->version = 0;
		p->files++;
		if (i) {
			p->writers++;
			p->w_counter++;
		} else {
			p->readers++;
			p->r_counter++;
		}
		out[i] = f;
	}
	iput(inode);
	return 0;
}

/* pipe2(2): EINVAL EMFILE ENFILE EFAULT. */
long sys_pipe2(uaddr_t ufds, int flags)
{
	struct file *f[2];
	int fds[2];
	long err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_files(f, flags);
	if (err)
		return err;
	fds[0] = err = fd_alloc(flags & O_CLOEXEC);
	if (err < 0)
		goto out_files;
	fds[1] = err = fd_alloc(flags & O_CLOEXEC);
	if (err < 0)
		goto out_fd0;
	err = copy_to_user(ufds, fds, sizeof(fds));
	if (err)
		goto out_fd1;
	fd_publish(fds[0], f[0]);
	fd_publish(fds[1], f[1]);
	return 0;
out_fd1:
	fd_unreserve(fds[1]);
out_fd0:
	fd_unreserve(fds[0]);
out_files:
	file_put(f[0]);
	file_put(f[1]);
	return err;
}

/* pipe(2) */
long sys_pipe(uaddr_t ufds)
{
	return sys_pipe2(ufds, 0);
}

static int pipefs_fill(struct super_block *sb, const char *source, const char *data)
{
	struct inode *root = inode_new(sb);

	if (!root)
		return -ENOMEM;
	sb->magic = PIPEFS_MAGIC;
	sb->blocksize = PAGE_SIZE;
	root->mode = S_IFDIR | 0600;
	sb->root = d_make_root(root);
	return IS_ERR(sb->root) ? (int)PTR_ERR(sb->root) : 0;
}

static struct fs_type pipefs = { .name = "pipefs", .nodev = true, .fill_super = pipefs_fill };

static int pipefs_init(void)
{
	struct mount *m = kern_mount(&pipefs, NULL);

	if (IS_ERR(m))
		return PTR_ERR(m);
	pipe_mnt = m;
	fs_register(&pipefs);
	return 0;
}
INITCALL(INIT_FS, pipefs_init);
