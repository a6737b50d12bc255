/* hostfs: open files and directories. Data goes through a kernel buffer, mappings are of the host's file itself. */
#include "hostfs.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/task.h>

#define CHUNK (256UL << 10)     /* data of one host call */
#define TRY_MAX (16UL << 10)    /* reads up to this are first tried without giving up klock */
#define DIRBUF (32UL << 10)
#define MAX_SPARE 4

/* Chunk buffers are kept: the host's memory behind a fresh one would have to be faulted in each time. */
static void *spare[MAX_SPARE];
static int nr_spare;

static void *chunk_get(size_t want, size_t *size)
{
	void *p;

	if (want <= TRY_MAX) {
		*size = want;
		return kmalloc(want);
	}
	*size = CHUNK;
	if (nr_spare)
		return spare[--nr_spare];
	p = kmalloc(CHUNK);
	if (!p) {
		*size = TRY_MAX;
		p = kmalloc(TRY_MAX);
	}
	return p;
}

static void chunk_put(void *p, size_t size)
{
	if (size == CHUNK && nr_spare < MAX_SPARE)
		spare[nr_spare++] = p;
	else
		kfree(p);
}

static struct hfile *hfile_new(struct inode *inode, struct file *f, hfd_t fd)
{
	struct hfile *hf = kzalloc(sizeof(*hf));

	if (!hf)
		return NULL;
	hf->hn = hnode(inode);
	hf->fd = fd;
	list_init(&hf->node);
	if (fd >= 0)
		list_add(&hf->node, &hf->hn->files);
	f->priv = hf;
	return hf;
}

static int open_shared(struct inode *inode, struct file *f)
{
	struct hnode *hn = hnode(inode);
	struct hfile *hf;
	int r = hnode_data_get(hn);

	if (r)
		return r;
	hf = hfile_new(inode, f, hn->data);
	if (!hf) {
		hnode_data_put(hn);
		return -ENOMEM;
	}
	hf->shared = hf->holds_data = true;
	return 0;
}

int hostfs_file_open(struct inode *inode, struct file *f)
{
	struct hnode *hn = hnode(inode);
	u32 how = HOSTFS_WR | HOSTFS_SEEN;
	bool fresh = hn->fresh >= 0 && hn->fresh_tid == (current ? current->tid : 0);
	struct hfile *hf;
	hfd_t fd;
	int r;

	if ((f->flags & O_ACCMODE) == O_RDONLY && !fresh)
		return open_shared(inode, f);
	r = hostfs_may_write(inode);
	if (r)
		return r;
	if ((f->flags & O_ACCMODE) != O_WRONLY)
		how |= HOSTFS_RD;
	how |= (f->flags & O_SYNC) == O_SYNC ? HOSTFS_SYNC : f->flags & O_DSYNC ? HOSTFS_DSYNC : 0;
	if (fresh && !(how & (HOSTFS_SYNC | HOSTFS_DSYNC))) {
		fd = hn->fresh;
		hn->fresh = HFD_NONE;
	} else {
		r = hnode_pin(hn);
		if (r)
			return r;
		r = hostfs_reopen(hn->path, how, &fd);
		hnode_unpin(hn);
		if (r)
			return r;
	}
	hf = hfile_new(inode, f, fd);
	if (!hf) {
		port_hfd_close(fd);
		return -ENOMEM;
	}
	hf->fd_rw = true;
	return 0;
}

int hostfs_dir_open(struct inode *inode, struct file *f)
{
	struct hnode *hn = hnode(inode);
	hfd_t fd = HFD_NONE;
	int r;

	if (!hn->blocked) {
		r = hnode_pin(hn);
		if (r)
			return r;
		r = hostfs_reopen(hn->path, HOSTFS_RD | HOSTFS_DIR, &fd);
		hnode_unpin(hn);
		if (r)
			return r;
	}
	if (!hfile_new(inode, f, fd)) {
		if (fd >= 0)
			port_hfd_close(fd);
		return -ENOMEM;
	}
	return 0;
}

void hostfs_release(struct file *f)
{
	struct hfile *hf = f->priv;

	if (!hf)
		return;
	f->priv = NULL;
	list_del(&hf->node);
	if (hf->fd_rw)
		hf->hn->attr_ns = 0; /* a mapping may have written */
	if (hf->fd >= 0 && !hf->shared)
		port_hfd_close(hf->fd);
	if (hf->holds_data)
		hnode_data_put(hf->hn);
	kfree(hf->dirbuf);
	kfree(hf);
}

/* The attempt that may not wait gives what the host has cached; the rest up to the end of the file is waited for, so
 * that a read is short only there. Bytes or negative errno. */
static ssize_t read_some(struct hfile *hf, char *buf, size_t n, u64 off)
{
	ssize_t r, done = 0;

	if (n <= TRY_MAX && !hf->no_nowait) {
		r = hostfs_pread(hf->fd, buf, n, off, true);
		if (r > 0) {
			done = r;
			if ((size_t)done == n || off + (u64)done >= hf->hn->inode->size)
				return done;
		}
		if (r == -EOPNOTSUPP)
			hf->no_nowait = true;
	}
	r = hostfs_pread(hf->fd, buf + done, n - (size_t)done, off + (u64)done, false);
	return r < 0 ? (done ? done : r) : done + r;
}

static ssize_t hostfs_read_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct hfile *hf = f->priv;
	size_t size, n, c, done = 0;
	ssize_t r = 0;
	void *buf;

	if (!it->count)
		return 0;
	if (*pos < 0)
		return -EINVAL;
	buf = chunk_get(it->count, &size);
	if (!buf)
		return -ENOMEM;
	while (it->count) {
		n = min(it->count, size);
		r = read_some(hf, buf, n, (u64)*pos);
		if (r <= 0)
			break;
		c = copy_to_iter(buf, (size_t)r, it);
		*pos += (s64)c;
		done += c;
		if (c < (size_t)r) {
			r = -EFAULT;
			break;
		}
		if ((size_t)r < n || (current && fatal_signal_pending(current)))
			break;
	}
	chunk_put(buf, size);
	return done ? (ssize_t)done : r;
}

/* inode->lock is held for write. *pos ends behind what was written. */
static ssize_t hostfs_write_iter(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct hfile *hf = f->priv;
	struct inode *i = hf->hn->inode;
	bool append = (f->flags & O_APPEND) || hf->hn->hsb->append;
	size_t size, n, done = 0;
	ssize_t r = 0;
	void *buf;
	u64 off;

	if (!it->count)
		return 0;
	if (*pos < 0)
		return -EINVAL;
	buf = chunk_get(it->count, &size);
	if (!buf)
		return -ENOMEM;
	while (it->count) {
		n = copy_from_iter(buf, min(it->count, size), it);
		if (!n) {
			r = -EFAULT;
			break;
		}
		off = (u64)*pos;
		r = hostfs_pwrite(hf->fd, buf, n, &off, append);
		if (r <= 0)
			break;
		*pos = (s64)off + r;
		done += (size_t)r;
		i->size = max(i->size, (u64)*pos);
		if ((size_t)r < n || (current && fatal_signal_pending(current)))
			break;
	}
	chunk_put(buf, size);
	if (done) {
		hostfs_stale(i);
		i->version++;
	}
	return done ? (ssize_t)done : r;
}

static s64 hostfs_file_llseek(struct file *f, s64 off, int whence)
{
	struct hfile *hf = f->priv;
	s64 r;

	switch (whence) {
	case SEEK_SET:
		r = off;
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow(f->pos, off, &r))
			return -EOVERFLOW;
		break;
	case SEEK_END:
	case SEEK_DATA:
	case SEEK_HOLE:
		r = hostfs_lseek(hf->fd, off, whence);
		if (r < 0)
			return r;
		break;
	default:
		return -EINVAL;
	}
	if (r < 0)
		return -EINVAL;
	f->pos = r;
	return r;
}

static hfd_t hostfs_mmap(struct file *f, bool shared, bool writable, u64 *off)
{
	struct hfile *hf = f->priv;
	int r;

	if (shared && writable)
		return hf->hn->hsb->append || !hf->fd_rw || !(f->mode & FMODE_WRITE) ? -EACCES : hf->fd;
	/* The stub gets no more than it may do with the mapping: a descriptor that is only for reading. */
	if (!hf->holds_data) {
		r = hnode_data_get(hf->hn);
		if (r)
			return r;
		if (hf->holds_data)
			hnode_data_put(hf->hn);
		hf->holds_data = true;
	}
	return hf->hn->data;
}

static int hostfs_do_fsync(struct file *f, bool datasync)
{
	struct hfile *hf = f->priv;

	return hf->fd < 0 ? 0 : hostfs_fsync(hf->fd, datasync);
}

static int hostfs_do_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct hfile *hf = f->priv;
	struct hostfs_stat st;
	int r;

	if (hf->hn->hsb->append && mode & ~FALLOC_FL_KEEP_SIZE)
		return -EPERM;
	r = hostfs_fallocate(hf->fd, mode, off, len);
	if (!hostfs_fstat(hf->fd, &st))
		hostfs_fill(hf->hn->inode, &st);
	return r;
}

/* ---- directories ---- */

struct host_dirent { u64 ino; s64 off; u16 reclen; u8 type; char name[]; } __packed;

/* Fills the buffer from position f->pos on. Bytes, 0 at the end, or negative errno. */
static ssize_t dir_fill(struct hfile *hf, struct file *f)
{
	ssize_t r;

	if (!hf->dirbuf) {
		hf->dirbuf = kmalloc(DIRBUF);
		if (!hf->dirbuf)
			return -ENOMEM;
	}
	/* The call that found the end gave names first, so the guest asks once more; only that once it is believed. */
	if (hf->dir_end && hf->dir_pos == (u64)f->pos) {
		hf->dir_end = false;
		return 0;
	}
	r = hostfs_getdents(hf->fd, hf->dirbuf, DIRBUF, hf->host_pos == (u64)f->pos ? HOSTFS_HERE : (u64)f->pos);
	hf->dir_len = r > 0 ? (size_t)r : 0;
	hf->dir_at = 0;
	hf->dir_pos = (u64)f->pos;
	hf->dir_end = !r;
	hf->host_pos = r ? HOSTFS_HERE : (u64)f->pos;
	return r;
}

static u64 ino_of(struct hfile *hf, struct file *f, const struct host_dirent *e, int len)
{
	struct dentry *p;

	if (len == 2 && e->name[0] == '.' && e->name[1] == '.') {
		p = f->path.dentry->parent; /* the root's is itself: what lies above it is nobody's business */
		return p->inode && p->sb == hf->hn->inode->sb ? p->inode->ino : hf->hn->inode->ino;
	}
	return hostfs_guest_ino(hf->hn->hsb, hf->hn->dev, e->ino);
}

static int iterate_blocked(struct file *f, filldir_t fill, void *ctx)
{
	struct hfile *hf = f->priv;

	if (f->pos == 0) {
		if (fill(ctx, ".", 1, 1, hf->hn->inode->ino, DT_DIR))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (fill(ctx, "..", 2, 2, hf->hn->inode->ino, DT_DIR))
			return 0;
		f->pos = 2;
	}
	return 0;
}

static int hostfs_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct hfile *hf = f->priv;
	struct host_dirent *e;
	size_t left;
	ssize_t r;
	int len;

	if (hf->fd < 0)
		return iterate_blocked(f, fill, ctx);
	for (;;) {
		if (hf->dir_at >= hf->dir_len || hf->dir_pos != (u64)f->pos) {
			r = dir_fill(hf, f);
			if (r <= 0)
				return (int)r;
		}
		e = (struct host_dirent *)(hf->dirbuf + hf->dir_at);
		left = hf->dir_len - hf->dir_at;
		if (left < sizeof(*e) + 1 || e->reclen < sizeof(*e) + 1 || e->reclen > left)
			return -EIO;
		len = (int)strnlen(e->name, e->reclen - sizeof(*e));
		if (fill(ctx, e->name, len, (u64)e->off, ino_of(hf, f, e, len), e->type))
			return 0;
		f->pos = e->off;
		hf->dir_pos = (u64)e->off;
		hf->dir_at += e->reclen;
		if (hf->dir_at >= hf->dir_len)
			hf->host_pos = (u64)e->off;
	}
}

/* Positions are the host's cookies; rewinding reads the directory again. */
static s64 hostfs_dir_llseek(struct file *f, s64 off, int whence)
{
	struct hfile *hf = f->priv;

	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	if (off != f->pos || !off) {
		hf->dir_len = hf->dir_at = 0;
		hf->dir_end = false;
	}
	f->pos = off;
	return off;
}

const struct file_ops hostfs_file_fops = {
	.llseek = hostfs_file_llseek,
	.read_iter = hostfs_read_iter,
	.write_iter = hostfs_write_iter,
	.mmap = hostfs_mmap,
	.open = hostfs_file_open,
	.release = hostfs_release,
	.fsync = hostfs_do_fsync,
	.fallocate = hostfs_do_fallocate,
	.nowait = true,
};
const struct file_ops hostfs_dir_fops = {
	.llseek = hostfs_dir_llseek,
	.iterate = hostfs_iterate,
	.open = hostfs_dir_open,
	.release = hostfs_release,
	.fsync = hostfs_do_fsync,
};
