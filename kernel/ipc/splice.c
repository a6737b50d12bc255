/*
 * splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2).
 *
 * Data goes through kernel pages: a page read from a file becomes a buffer of the pipe, between pipes whole
 * buffers move. While splice sleeps in the write of a pipe's data, pipe->busy keeps other consumers away; while it
 * sleeps in the read of a file for a pipe, pipe->reserved keeps its slot.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/pipe.h>
#include <umber/poll.h>
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define SPLICE_F_MOVE 1u
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_MORE 4u
#define SPLICE_F_GIFT 8u
#define SPLICE_F_ALL 15u
#define COPY_ORDER 4u                     /* sendfile, copy_file_range: 64 KiB at a time */

/* May more be read from f without waiting, once something came? */
static bool never_waits(struct file *f)
{
	return inode_is_reg(f->inode) || (f->op && f->op->nowait);
}

static bool is_stream_only(struct file *f)
{
	return !(f->mode & (FMODE_PREAD | FMODE_LSEEK));
}

/* ---- pipe to pipe ---- */

/* Moves or (tee) copies up to n bytes; both rings were looked at and nothing slept since. Bytes or errno. */
static ssize_t pipe_transfer(struct pipe *in, struct pipe *out, size_t n, bool copy)
{
	u32 at = in->tail;
	size_t done = 0;

	while (done < n && at != in->head && !pipe_full(out)) {
		struct pipe_buf *b = pipe_slot(in, at);
		u32 part = min_t(size_t, b->len, n - done);

		if (!copy && part == b->len) {
			pipe_push(out, b->page, b->off, b->len, b->packet);
			b->page = NULL;
			at = ++in->tail;
		} else {
			u8 *page = pipe_page_get(out);

			if (!page)
				return done ? (ssize_t)done : -ENOMEM;
			memcpy(page, b->page + b->off, part);
			pipe_push(out, page, 0, part, b->packet);
			if (copy)
				at++;
			else
				pipe_consume(in, part);
		}
		done += part;
	}
	return done;
}

static ssize_t splice_pipes(struct pipe *in, struct pipe *out, size_t n, bool nonblock, bool copy)
{
	bool was_full, was_empty;
	ssize_t done;
	int err;

	for (;;) {
		err = pipe_wait_data(in, nonblock, NULL);
		if (err || pipe_empty(in))
			return err;
		err = pipe_wait_space(out, nonblock, NULL);
		if (err)
			return err;
		if (!pipe_empty(in) && !in->busy) /* the second wait may have slept */
			break;
	}
	was_full = pipe_full(in);
	was_empty = pipe_empty(out);
	done = pipe_transfer(in, out, n, copy);
	if (was_full && !pipe_full(in))
		pipe_wake_writers(in);
	if (!pipe_empty(in))
		pipe_wake_readers(in);
	if (done > 0 && (was_empty || out->poll_used))
		pipe_wake_readers(out);
	if (!pipe_full(out))
		pipe_wake_writers(out);
	return done;
}

/* ---- pipe to file ---- */

static ssize_t pipe_to_file(struct pipe *p, struct file *out, s64 *pos, size_t n, bool nonblock)
{
	ssize_t done = 0, ret;
	int err = pipe_wait_data(p, nonblock, NULL);

	if (err || pipe_empty(p))
		return err;
	p->busy = true;
	while (done < (ssize_t)n && !pipe_empty(p)) {
		struct pipe_buf *b = pipe_slot(p, p->tail);
		size_t part = min_t(size_t, b->len, n - done);
		bool was_full;
		struct iov_iter it;

		iter_init_kernel(&it, b->page + b->off, part);
		ret = vfs_write_iter(out, &it, pos);
		if (ret <= 0) {
			if (!done)
				done = ret;
			break;
		}
		was_full = pipe_full(p);
		pipe_consume(p, ret);
		done += ret;
		if (was_full && !pipe_full(p))
			pipe_wake_writers(p);
		if ((size_t)ret < part || signal_pending(current))
			break;
	}
	p->busy = false;
	wq_wake_all(&p->open_wq);
	if (!pipe_empty(p) || !p->writers)
		pipe_wake_readers(p);
	return done;
}

/* ---- file to pipe ---- */

static ssize_t file_to_pipe(struct file *in, s64 *pos, struct pipe *p, size_t n, bool nonblock)
{
	ssize_t done = 0, ret = 0;

	while (done < (ssize_t)n) {
		size_t part = min_t(size_t, n - done, PAGE_SIZE);
		struct iov_iter it;
		bool was_empty;
		u8 *page;
		int err;

		if (done && (pipe_full(p) || !p->readers))
			break; /* like Linux: what fits, then return */
		err = pipe_wait_space(p, nonblock, NULL);
		if (err)
			return err;
		page = pipe_page_get(p);
		if (!page)
			return done ? done : -ENOMEM;
		p->reserved++;
		iter_init_kernel(&it, page, part);
		ret = vfs_read_iter(in, &it, pos);
		p->reserved--;
		if (ret <= 0) {
			pipe_page_put(p, page);
			if (!pipe_full(p))
				pipe_wake_writers(p);
			break;
		}
		was_empty = pipe_empty(p);
		pipe_push(p, page, 0, ret, false);
		if (was_empty || p->poll_used)
			pipe_wake_readers(p);
		done += ret;
		if ((size_t)ret < part || !never_waits(in) || signal_pending(current))
			break;
	}
	return done ? done : ret;
}

/* Reads an offset argument. 0: none given (pos is f's own); 1: given; errno. */
static int get_offset(struct file *f, uaddr_t uoff, s64 *pos, u32 need_mode)
{
	if (!uoff) {
		*pos = f->pos;
		return 0;
	}
	if (file_pipe(f))
		return -ESPIPE;
	if (!(f->mode & need_mode))
		return -EINVAL;
	if (copy_from_user(pos, uoff, sizeof(*pos)))
		return -EFAULT;
	return *pos < 0 ? -EINVAL : 1;
}

static int put_offset(struct file *f, uaddr_t uoff, s64 pos)
{
	if (uoff)
		return copy_to_user(uoff, &pos, sizeof(pos));
	if (!is_stream_only(f))
		f->pos = pos;
	return 0;
}

static long do_splice(struct file *in, uaddr_t off_in, struct file *out, uaddr_t off_out, size_t len, u32 flags)
{
	struct pipe *pin = file_pipe(in), *pout = file_pipe(out);
	bool nonblock = flags & SPLICE_F_NONBLOCK;
	s64 pos;
	int err;
	long ret;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (pin && pout) {
		if (off_in || off_out)
			return -ESPIPE;
		if (pin == pout)
			return -EINVAL;
		return splice_pipes(pin, pout, len, nonblock || (in->flags | out->flags) & O_NONBLOCK,
				    false);
	}
	if (pin) {
		if (off_in)
			return -ESPIPE;
		err = get_offset(out, off_out, &pos, FMODE_PWRITE);
		if (err < 0)
			return err;
		if (out->flags & O_APPEND || !out->op->write_iter)
			return -EINVAL;
		ret = pipe_to_file(pin, out, &pos, len, nonblock || in->flags & O_NONBLOCK);
		return ret > 0 && put_offset(out, off_out, pos) ? -EFAULT : ret;
	}
	if (!pout)
		return -EINVAL;
	if (off_out)
		return -ESPIPE;
	err = get_offset(in, off_in, &pos, FMODE_PREAD);
	if (err < 0)
		return err;
	if (!in->op->read_iter)
		return -EINVAL;
	if (in->op->splice_read)
		ret = in->op->splice_read(in, &pos, pout, len, flags);
	else
		ret = file_to_pipe(in, &pos, pout, len, nonblock || out->flags & O_NONBLOCK);
	return ret > 0 && put_offset(in, off_in, pos) ? -EFAULT : ret;
}

/* splice(2) */
long sys_splice(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, u64 len, u32 flags)
{
	struct file *in, *out;
	long ret = -EBADF;

	if (!len)
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	in = fd_get(fd_in);
	if (!in)
		return -EBADF;
	out = fd_get(fd_out);
	if (out) {
		ret = do_splice(in, off_in, out, off_out, min_t(u64, len, MAX_RW_COUNT), flags);
		file_put(out);
	}
	file_put(in);
	return ret;
}

/* tee(2) */
long sys_tee(int fd_in, int fd_out, u64 len, u32 flags)
{
	struct file *in, *out;
	long ret = -EBADF;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	in = fd_get(fd_in);
	if (!in)
		return -EBADF;
	out = fd_get(fd_out);
	if (!out)
		goto out_in;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		goto out_both;
	ret = -EINVAL;
	if (file_pipe(in) && file_pipe(out) && file_pipe(in) != file_pipe(out))
		ret = splice_pipes(file_pipe(in), file_pipe(out), min_t(u64, len, MAX_RW_COUNT),
				   flags & SPLICE_F_NONBLOCK || (in->flags | out->flags) & O_NONBLOCK, true);
out_both:
	file_put(out);
out_in:
	file_put(in);
	return ret;
}

/* vmsplice(2): copies either way (SPLICE_F_GIFT is a hint). */
long sys_vmsplice(int fd, uaddr_t uiov, u64 nr, u32 flags)
{
	struct iovec64 fast[IOV_FAST], *heap = NULL;
	struct iov_iter it;
	struct file *f;
	struct pipe *p;
	bool nonblock;
	long ret;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	p = file_pipe(f);
	ret = -EBADF;
	if (!p)
		goto out;
	ret = iter_init_iovec(&it, uiov, nr, fast, &heap);
	if (ret)
		goto out;
	nonblock = flags & SPLICE_F_NONBLOCK || f->flags & O_NONBLOCK;
	if (f->mode & FMODE_WRITE)
		ret = pipe_do_write(p, &it, nonblock, false);
	else
		ret = pipe_do_read(p, &it, nonblock);
	kfree(heap);
out:
	file_put(f);
	return ret;
}

/* Copies n bytes through a buffer. The input position goes only as far as the output took them. */
static ssize_t copy_loop(struct file *in, s64 *ipos, struct file *out, s64 *opos, size_t n)
{
	size_t chunk = PAGE_SIZE << COPY_ORDER;
	u8 *buf = page_alloc(COPY_ORDER);
	unsigned order = COPY_ORDER;
	size_t done = 0;
	ssize_t ret = 0;

	if (!buf) {
		order = 0;
		chunk = PAGE_SIZE;
		buf = page_alloc(0);
		if (!buf)
			return -ENOMEM;
	}
	while (done < n) {
		struct iov_iter it;
		s64 at = *ipos;
		ssize_t got, put = 0;

		iter_init_kernel(&it, buf, min_t(size_t, chunk, n - done));
		ret = got = vfs_read_iter(in, &it, &at);
		if (got <= 0)
			break;
		while (put < got) {
			iter_init_kernel(&it, buf + put, got - put);
			ret = vfs_write_iter(out, &it, opos);
			if (ret <= 0)
				break;
			put += ret;
			if (signal_pending(current))
				break;
		}
		*ipos += put;
		done += put;
		if (put < got)
			break;
		if (signal_pending(current) || (done < n && !never_waits(in) && got < (ssize_t)chunk))
			break;
		cond_resched();
	}
	page_free(buf, order);
	return done ? (ssize_t)done : ret;
}

static long do_sendfile(struct file *out, struct file *in, uaddr_t uoff, size_t n)
{
	s64 ipos, opos;
	long ret;
	int err;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (file_pipe(in)) {
		if (uoff)
			return -ESPIPE;
		if (!n)
			return 0;
		if (file_pipe(out))
			return file_pipe(in) == file_pipe(out) ? -EINVAL :
				splice_pipes(file_pipe(in), file_pipe(out), n,
					     (in->flags | out->flags) & O_NONBLOCK, false);
		opos = out->pos;
		ret = pipe_to_file(file_pipe(in), out, &opos, n, in->flags & O_NONBLOCK);
		put_offset(out, 0, opos);
		return ret;
	}
	err = get_offset(in, uoff, &ipos, FMODE_PREAD);
	if (err < 0)
		return err == -EINVAL && is_stream_only(in) ? -ESPIPE : err;
	if (S_ISSOCK(in->inode->mode) || !in->op->read_iter || !out->op->write_iter)
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	if (!n)
		return 0;
	opos = out->pos;
	ret = copy_loop(in, &ipos, out, &opos, n);
	if (ret > 0) {
		put_offset(out, 0, opos);
		if (put_offset(in, uoff, ipos))
			ret = -EFAULT;
	}
	return ret;
}

/* sendfile(2) */
long sys_sendfile(int fd_out, int fd_in, uaddr_t offset, u64 count)
{
	struct file *in = fd_get(fd_in), *out;
	long ret = -EBADF;

	if (!in)
		return -EBADF;
	out = fd_get(fd_out);
	if (out) {
		ret = do_sendfile(out, in, offset, min_t(u64, count, MAX_RW_COUNT));
		file_put(out);
	}
	file_put(in);
	return ret;
}

static long do_copy_range(struct file *in, uaddr_t off_in, struct file *out, uaddr_t off_out, size_t len)
{
	s64 ipos, opos;
	long ret;
	int err;

	if (inode_is_dir(in->inode) || inode_is_dir(out->inode))
		return -EISDIR;
	if (!inode_is_reg(in->inode) || !inode_is_reg(out->inode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || out->flags & O_APPEND)
		return -EBADF;
	err = get_offset(in, off_in, &ipos, FMODE_PREAD);
	if (err >= 0)
		err = get_offset(out, off_out, &opos, FMODE_PWRITE);
	if (err < 0)
		return err;
	if (ipos > S64_MAX - (s64)len || opos > S64_MAX - (s64)len)
		return -EOVERFLOW;
	if (in->inode == out->inode && ipos < opos + (s64)len && opos < ipos + (s64)len)
		return -EINVAL;
	if (!len)
		return 0;
	ret = copy_loop(in, &ipos, out, &opos, len);
	if (ret > 0 && (put_offset(in, off_in, ipos) || put_offset(out, off_out, opos)))
		ret = -EFAULT;
	return ret;
}

/* copy_file_range(2) */
long sys_copy_file_range(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, u64 len, u32 flags)
{
	struct file *in, *out;
	long ret = -EBADF;

	if (flags)
		return -EINVAL;
	in = fd_get(fd_in);
	if (!in)
		return -EBADF;
	out = fd_get(fd_out);
	if (out) {
		ret = do_copy_range(in, off_in, out, off_out, min_t(u64, len, MAX_RW_COUNT));
		file_put(out);
	}
	file_put(in);
	return ret;
}
