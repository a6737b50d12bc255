/*
 * tmpfs file contents: read, write, truncate, fallocate, SEEK_DATA and SEEK_HOLE.
 *
 * Copies go straight between the user and the pages, as long as neighbours in the file are neighbours in memory in
 * one piece. With a memfd (state HFD) they go through a bounce buffer and port_hfd_pread/pwrite.
 */
#include "tmpfs.h"
#include <abi/errno.h>
#include <port/port.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/sched.h>
#include <umber/string.h>

#define BATCH 64U               /* pages looked up before one round of copies; a bit each in a u64 */
#define BOUNCE_ORDER 4U

/* ---- accounting ---- */
/* Is there room in mem= for kmem pages that hold file contents? The last part is for the kernel's own needs. */
static bool room_for(u64 pages)
{
	u64 total = kmem_total_pages();

	return kmem_used_pages() + mem_charged() + pages <= total - total / 32;
}

/* Charges pages to the superblock, and those of a memfd to mem= (pages of kmem count there by themselves). 0, -ENOSPC
 * or -ENOMEM. */
int tmpfs_charge(struct inode *i, u64 pages)
{
	struct tmpfs_sb *s = tmpfs_sbi(i->sb);
	struct tnode *tn = tnode(i);

	if (s->max_pages && (s->used_pages >= s->max_pages || pages > s->max_pages - s->used_pages))
		return -ENOSPC;
	if (tn->hfd < 0 ? !room_for(pages) : mem_charge(pages) != 0)
		return -ENOMEM;
	s->used_pages += pages;
	tn->nr_pages += pages;
	if (tn->hfd >= 0)
		tn->mem_pages += pages;
	i->blocks = tn->nr_pages << (PAGE_SHIFT - 9);
	return 0;
}

void tmpfs_uncharge(struct inode *i, u64 pages)
{
	struct tnode *tn = tnode(i);
	u64 mem = min(pages, tn->mem_pages);

	tn->nr_pages -= pages;
	tmpfs_sbi(i->sb)->used_pages -= pages;
	tn->mem_pages -= mem;
	mem_uncharge(mem);
	i->blocks = tn->nr_pages << (PAGE_SHIFT - 9);
}

void tmpfs_free_range(struct tnode *tn, u64 first, u64 last)
{
	u64 idx = first, freed = 0;
	void *p;

	while (idx <= last && (p = xa_find(&tn->pages, &idx)) && idx <= last) {
		xa_erase(&tn->pages, idx);
		page_free(p, 0);
		freed++;
		if (idx++ == U64_MAX)
			break;
	}
	if (freed)
		tmpfs_uncharge(tn->inode, freed);
}

/* ---- read ---- */
static void *bounce_alloc(size_t *n)
{
	void *p = page_alloc(BOUNCE_ORDER);

	*n = PAGE_SIZE << BOUNCE_ORDER;
	if (!p) {
		p = page_alloc(0);
		*n = PAGE_SIZE;
	}
	return p;
}

static void bounce_free(void *p, size_t n)
{
	page_free(p, n == PAGE_SIZE ? 0 : BOUNCE_ORDER);
}

static ssize_t read_hfd(struct tnode *tn, struct iov_iter *it, u64 pos, size_t n)
{
	size_t bsize, done = 0;
	u8 *b = bounce_alloc(&bsize);
	ssize_t err = 0;

	if (!b)
		return -ENOMEM;
	while (done < n) {
		ssize_t r = port_hfd_pread(tn->hfd, b, min(bsize, n - done), pos + done);
		size_t c;

		if (r <= 0) {
			err = r;
			break;
		}
		c = copy_to_iter(b, (size_t)r, it);
		done += c;
		if (c < (size_t)r) {
			err = -EFAULT;
			break;
		}
	}
	bounce_free(b, bsize);
	return done ? (ssize_t)done : err;
}

static ssize_t read_pages(struct tnode *tn, struct iov_iter *it, u64 pos, size_t n)
{
	size_t done = 0;

	while (done < n) {
		u64 idx = pos >> PAGE_SHIFT, next;
		size_t off = PAGE_OFFSET(pos), left = n - done, len, c;
		u8 *p = xa_load(&tn->pages, idx);

		if (p) {
			len = PAGE_SIZE - off;
			while (len < left && xa_load(&tn->pages, ++idx) == p + off + len)
				len += PAGE_SIZE;
			len = min(len, left);
			c = copy_to_iter(p + off, len, it);
		} else {
			next = idx;
			len = xa_find(&tn->pages, &next) ? min((u64)left, (next << PAGE_SHIFT) - pos) : left;
			c = zero_iter(len, it);
		}
		done += c;
		pos += c;
		if (c < len)
			return done ? (ssize_t)done : -EFAULT;
	}
	return (ssize_t)done;
}

static ssize_t tmpfs_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct inode *i = f->inode;
	ssize_t r = 0;

	if (*pos < 0)
		return -EINVAL;
	down_read(&i->lock);
	if ((u64)*pos < i->size && it->count) {
		size_t n = min((u64)it->count, i->size - (u64)*pos);

		r = tnode(i)->hfd >= 0 ? read_hfd(tnode(i), it, (u64)*pos, n) : read_pages(tnode(i), it, (u64)*pos, n);
	}
	up_read(&i->lock);
	if (r > 0)
		*pos += r;
	touch_atime(f);
	return r;
}

/* ---- write ---- */
static ssize_t write_hfd(struct inode *i, struct iov_iter *it, u64 pos, size_t n)
{
	struct tnode *tn = tnode(i);
	size_t bsize, done = 0;
	u8 *b = bounce_alloc(&bsize);
	ssize_t err = 0;

	if (!b)
		return -ENOMEM;
	while (done < n && !err) {
		size_t want = min(bsize, n - done), c;
		u64 pages = (PAGE_OFFSET(pos) + want + PAGE_SIZE - 1) >> PAGE_SHIFT;
		ssize_t r;

		/* As if all were holes; the reading afterwards puts it right. */
		err = tmpfs_charge(i, pages);
		if (err)
			break;
		c = copy_from_iter(b, want, it);
		if (c < want)
			err = -EFAULT;
		r = c ? port_hfd_pwrite(tn->hfd, b, c, pos) : 0;
		if (r < 0)
			err = r;
		else
			done += (size_t)r, pos += (u64)r;
		if (pos > i->size)
			i->size = pos;
		tmpfs_resample(i);
		if (r >= 0 && (size_t)r < c)
			break;
	}
	bounce_free(b, bsize);
	return done ? (ssize_t)done : err;
}

/* Pages idx.. idx+cnt-1 into pg[]; new ones (bit set in *fresh) have undefined contents. Number had, or -errno. */
static int get_pages(struct inode *i, u64 idx, unsigned cnt, u8 **pg, u64 *fresh)
{
	struct tnode *tn = tnode(i);
	int err = 0;
	unsigned k;

	*fresh = 0;
	for (k = 0; k < cnt; k++) {
		pg[k] = xa_load(&tn->pages, idx + k);
		if (pg[k])
			continue;
		err = tmpfs_charge(i, 1);
		if (err)
			break;
		pg[k] = page_alloc(0);
		if (!pg[k] || xa_store(&tn->pages, idx + k, pg[k])) {
			if (pg[k])
				page_free(pg[k], 0);
			tmpfs_uncharge(i, 1);
			err = -ENOMEM;
			break;
		}
		*fresh |= 1ULL << k;
	}
	return k ? (int)k : err;
}

/* The parts of new pages that a write of [off, off+len) from the first page on did not fill become zero. */
static void zero_rest(u8 **pg, unsigned cnt, u64 fresh, size_t off, size_t len)
{
	for (unsigned k = 0; k < cnt; k++) {
		size_t lo = k * PAGE_SIZE, hi = lo + PAGE_SIZE, a, b;

		if (!(fresh >> k & 1))
			continue;
		a = min(max(off, lo), hi);
		b = min(max(off + len, lo), hi);
		if (a >= b) {
			memset(pg[k], 0, PAGE_SIZE);
			continue;
		}
		memset(pg[k], 0, a - lo);
		memset(pg[k] + (b - lo), 0, hi - b);
	}
}

static ssize_t write_pages(struct inode *i, struct iov_iter *it, u64 pos, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t off = PAGE_OFFSET(pos), want = min(n - done, BATCH * PAGE_SIZE - off), got = 0;
		unsigned cnt = (unsigned)((off + want + PAGE_SIZE - 1) >> PAGE_SHIFT), k = 0;
		u8 *pg[BATCH];
		u64 fresh;
		int r = get_pages(i, pos >> PAGE_SHIFT, cnt, pg, &fresh);

		if (r < 0)
			return done ? (ssize_t)done : r;
		cnt = (unsigned)r;
		want = min(want, cnt * PAGE_SIZE - off);
		while (got < want) {
			size_t o = PAGE_OFFSET(off + got), len = PAGE_SIZE - o, c;
			u8 *p = pg[k] + o;

			while (++k < cnt && pg[k] == p + len)
				len += PAGE_SIZE;
			len = min(len, want - got);
			c = copy_from_iter(p, len, it);
			got += c;
			if (c < len)
				break;
		}
		zero_rest(pg, cnt, fresh, off, got);
		done += got;
		pos += got;
		if (pos > i->size)
			i->size = pos;
		if (got < want)
			return done ? (ssize_t)done : -EFAULT;
	}
	return (ssize_t)done;
}

static ssize_t tmpfs_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct inode *i = f->inode;
	struct tnode *tn = tnode(i);
	u64 p = (u64)*pos, n = it->count; /* O_APPEND and RLIMIT_FSIZE: the VFS has seen to them */
	ssize_t r;

	if ((s64)p < 0)
		return -EINVAL;
	if (!n)
		return 0;
	if (tn->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (p >= i->sb->maxbytes)
		return -EFBIG;
	n = min(n, i->sb->maxbytes - p);
	if ((tn->seals & F_SEAL_GROW) && p + n > i->size) {
		u64 last = i->size & PAGE_MASK; /* whole pages before the end still go, as on Linux */

		if (last <= p)
			return -EPERM;
		n = last - p;
	}
	r = tn->hfd >= 0 ? write_hfd(i, it, p, n) : write_pages(i, it, p, n);
	if (r > 0) {
		*pos = (s64)p + r;
		touch_mtime(i);
	}
	return r;
}

/* ---- truncate, fallocate ---- */
/* Zeroes [pos, pos+n) where pages are, within one page. */
static void zero_in_page(struct tnode *tn, u64 pos, size_t n)
{
	u8 *p = xa_load(&tn->pages, pos >> PAGE_SHIFT);

	if (p && n)
		memset(p + PAGE_OFFSET(pos), 0, n);
}

int tmpfs_truncate(struct inode *i, u64 size)
{
	struct tnode *tn = tnode(i);
	int err = 0;

	if (size > i->sb->maxbytes)
		return -EFBIG;
	if ((size < i->size && (tn->seals & F_SEAL_SHRINK)) || (size > i->size && (tn->seals & F_SEAL_GROW)))
		return -EPERM;
	if (tn->hfd >= 0) {
		err = port_hfd_resize(tn->hfd, size);
		if (!err)
			i->size = size;
		tmpfs_resample(i);
		return err;
	}
	i->size = size;
	/* Also what fallocate put beyond the old end goes. */
	if (PAGE_OFFSET(size))
		zero_in_page(tn, size, PAGE_SIZE - PAGE_OFFSET(size));
	tmpfs_free_range(tn, (size >> PAGE_SHIFT) + (PAGE_OFFSET(size) != 0), U64_MAX);
	return 0;
}

static void punch(struct tnode *tn, u64 off, u64 end)
{
	u64 first = PAGE_ALIGN(off), last = end & PAGE_MASK;

	if (tn->hfd >= 0) {
		port_hfd_punch(tn->hfd, off, end - off);
		tmpfs_resample(tn->inode);
		return;
	}
	if (first > last) {            /* inside one page */
		zero_in_page(tn, off, end - off);
		return;
	}
	zero_in_page(tn, off, first - off);
	zero_in_page(tn, last, end - last);
	if (first < last)
		tmpfs_free_range(tn, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
}

/* Pages for all of [first, last]; those that were made go again on failure. The lock is held across the sleeps. */
static int preallocate(struct inode *i, u64 first, u64 last)
{
	struct tnode *tn = tnode(i);
	struct tmpfs_sb *s = tmpfs_sbi(i->sb);
	u64 idx, n = last - first + 1;
	u64 *made;
	int err = 0;

	if (tn->hfd >= 0) {            /* the host allocates at first touch: reserve nothing, refuse what cannot fit */
		u64 more = n > tn->nr_pages ? n - tn->nr_pages : 0;

		return s->max_pages && more > s->max_pages - min(s->used_pages, s->max_pages) ? -ENOSPC : 0;
	}
	if (s->max_pages && n > s->max_pages)
		return -ENOSPC;
	if (n > kmem_total_pages())
		return -ENOSPC;
	made = kzalloc((n + 63) / 64 * sizeof(u64));
	if (!made)
		return -ENOMEM;
	for (idx = first; idx <= last; idx++) {
		void *p;

		if (xa_load(&tn->pages, idx))
			continue;
		err = tmpfs_charge(i, 1);
		if (err)
			break;
		p = page_zalloc(0);
		if (!p || xa_store(&tn->pages, idx, p)) {
			if (p)
				page_free(p, 0);
			tmpfs_uncharge(i, 1);
			err = -ENOMEM;
			break;
		}
		made[(idx - first) >> 6] |= 1ULL << ((idx - first) & 63);
		if (!(idx & 255))
			cond_resched();
	}
	if (err)
		for (u64 k = 0; k < idx - first; k++)
			if (made[k >> 6] >> (k & 63) & 1)
				tmpfs_free_range(tn, first + k, first + k);
	kfree(made);
	return err == -ENOMEM ? -ENOSPC : err;
}

static int fallocate_locked(struct inode *i, int mode, u64 off, u64 end)
{
	struct tnode *tn = tnode(i);
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	int err;

	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (tn->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			return -EPERM;
		punch(tn, off, end);
		touch_mtime(i);
		return 0;
	}
	if ((mode & FALLOC_FL_ZERO_RANGE) && (tn->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (!keep && end > i->size && (tn->seals & F_SEAL_GROW))
		return -EPERM;
	if (mode & FALLOC_FL_ZERO_RANGE)
		punch(tn, off, min(end, max(off, i->size)));
	err = preallocate(i, off >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
	if (err)
		return err;
	if (!keep && end > i->size) {
		if (tn->hfd >= 0) {
			err = port_hfd_resize(tn->hfd, end);
			if (err)
				return err;
		}
		i->size = end;
	}
	touch_mtime(i);
	return 0;
}

static int tmpfs_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!len)
		return -EINVAL;
	if (off > i->sb->maxbytes || len > i->sb->maxbytes - off)
		return -EFBIG;
	return fallocate_locked(i, mode, off, off + len); /* the VFS holds i->lock */
}

/* ---- seek ---- */
static s64 seek_data_hole(struct inode *i, u64 off, bool data)
{
	struct tnode *tn = tnode(i);
	u64 idx = off >> PAGE_SHIFT;

	if (off >= i->size)
		return -ENXIO;
	if (tn->hfd >= 0)              /* all data: true enough, and what lseek(2) allows */
		return data ? (s64)off : (s64)i->size;
	if (data) {
		if (!xa_find(&tn->pages, &idx) || idx >= (i->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
			return -ENXIO;
	} else {
		while (xa_load(&tn->pages, idx))
			idx++;
		if (idx > i->size >> PAGE_SHIFT)
			return (s64)i->size;
	}
	return (s64)min(max(off, idx << PAGE_SHIFT), i->size);
}

static s64 tmpfs_llseek(struct file *f, s64 off, int whence)
{
	s64 r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence);
	if (off < 0)
		return -ENXIO;
	down_read(&f->inode->lock);
	r = seek_data_hole(f->inode, (u64)off, whence == SEEK_DATA);
	up_read(&f->inode->lock);
	if (r >= 0)
		f->pos = r;
	return r;
}

static int tmpfs_fsync(struct file *f, bool datasync)
{
	return 0;
}

const struct file_ops tmpfs_file_fops = {
	.llseek = tmpfs_llseek, .read_iter = tmpfs_read, .write_iter = tmpfs_write, .mmap = tmpfs_mmap,
	.release = tmpfs_release, .fsync = tmpfs_fsync, .fallocate = tmpfs_fallocate, .nowait = true,
};
