/*
 * tmpfs files that guests map: the move of an inode's bytes to a memfd of the host and back, and the accounting of
 * what the host allocates there.
 *
 * An open file that was ever mapped has priv set and counts in tnode.mappers until its release; the VMAs of a
 * mapping hold the file, so mappers == 0 means that no guest maps the inode. Such memfds stay (hfd_idle, oldest
 * first) until there are more than IDLE_MAX or the host refuses another; then their bytes return to pages, when they
 * are few enough to be worth it.
 */
#include "tmpfs.h"
#include <abi/errno.h>
#include <port/port.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/shmem.h>
#include <umber/string.h>

#define IDLE_MAX 64U
#define MOVE_BACK_MAX (16UL << 20)

static struct list_head hfd_busy = LIST_HEAD_INIT(hfd_busy), hfd_idle = LIST_HEAD_INIT(hfd_idle);
static unsigned nr_idle;

static void set_busy(struct tnode *tn, bool was_idle)
{
	if (was_idle)
		nr_idle--;
	list_move_tail(&tn->hfd_node, &hfd_busy);
}

/* Makes the charges follow what the host has allocated. */
void tmpfs_resample(struct inode *i)
{
	struct tnode *tn = tnode(i);
	struct tmpfs_sb *s = tmpfs_sbi(i->sb);
	u64 now = (port_hfd_blocks(tn->hfd) + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (now < tn->nr_pages) {
		tmpfs_uncharge(i, tn->nr_pages - now);
		return;
	}
	/* It is there already: no limit can refuse it, but what mem= has no room for is charged at a later try. */
	s->used_pages += now - tn->nr_pages;
	tn->nr_pages = now;
	if (now > tn->mem_pages && !mem_charge(now - tn->mem_pages))
		tn->mem_pages = now;
	i->blocks = now << (PAGE_SHIFT - 9);
}

void shmem_account(void)
{
	struct tnode *tn;

	list_for_each_entry(tn, &hfd_busy, hfd_node)
		tmpfs_resample(tn->inode);
}

void tmpfs_hfd_drop(struct tnode *tn)
{
	if (tn->hfd < 0)
		return;
	if (!tn->mappers)
		nr_idle--;
	list_del(&tn->hfd_node);
	port_hfd_close(tn->hfd);
	tn->hfd = HFD_NONE;
	tmpfs_uncharge(tn->inode, tn->nr_pages);
}

static bool all_zero(const u64 *p)
{
	for (size_t k = 0; k < PAGE_SIZE / sizeof(*p); k++)
		if (p[k])
			return false;
	return true;
}

/* HFD -> PAGES. 0, or negative with the memfd still in force. Does not sleep. */
static int to_pages(struct inode *i)
{
	struct tnode *tn = tnode(i);
	u64 n = (i->size + PAGE_SIZE - 1) >> PAGE_SHIFT, idx, made = 0;
	int err = 0;

	tmpfs_resample(i);
	if (!tn->nr_pages)
		n = 0;
	if (n << PAGE_SHIFT > MOVE_BACK_MAX)
		return -EFBIG;
	for (idx = 0; idx < n && !err; idx++) {
		u8 *p = page_zalloc(0);

		if (!p || port_hfd_pread(tn->hfd, p, min(PAGE_SIZE, i->size - (idx << PAGE_SHIFT)),
					 idx << PAGE_SHIFT) < 0) {
			err = -ENOMEM;
		} else if (!all_zero((u64 *)p)) {
			err = xa_store(&tn->pages, idx, p);
			if (!err) {
				made++;
				continue;
			}
		}
		if (p)
			page_free(p, 0);
	}
	if (!err) {
		tmpfs_hfd_drop(tn);    /* gives back all charges */
		/* No limit is asked: this many, or more, were there a moment ago. */
		tmpfs_sbi(i->sb)->used_pages += made;
		tn->nr_pages = made;
		i->blocks = made << (PAGE_SHIFT - 9);
		return 0;
	}
	for (idx = 0; idx < n; idx++) {
		void *p = xa_erase(&tn->pages, idx);

		if (p)
			page_free(p, 0);
	}
	return err;
}

/* Tries to give one idle memfd back; the oldest that can go. */
static bool reclaim_one(void)
{
	struct tnode *tn;

	list_for_each_entry(tn, &hfd_idle, hfd_node) {
		struct inode *i = tn->inode;

		if (i->lock.readers || i->lock.writer) /* in use right now, and we may not sleep */
			continue;
		if (!to_pages(i))
			return true;
	}
	return false;
}

static hfd_t memfd_new(u64 size)
{
	hfd_t h = port_memfd_new(size);

	while ((h == -EMFILE || h == -ENFILE) && reclaim_one())
		h = port_memfd_new(size);
	return h;
}

/* PAGES -> HFD. inode->lock held for write. */
int tmpfs_to_hfd(struct inode *i)
{
	struct tnode *tn = tnode(i);
	hfd_t h = memfd_new(i->size);
	u64 idx = 0, pos;
	u8 *p;

	if (h < 0)
		return h;
	while ((p = xa_find(&tn->pages, &idx)) && (pos = idx << PAGE_SHIFT) < i->size) {
		size_t len = PAGE_SIZE;
		ssize_t r;

		while (xa_load(&tn->pages, ++idx) == p + len)
			len += PAGE_SIZE;
		len = min((u64)len, i->size - pos);
		for (size_t done = 0; done < len; done += (size_t)r) {
			r = port_hfd_pwrite(h, p + done, len - done, pos + done);
			if (r <= 0) {
				port_hfd_close(h);
				return r ? (int)r : -EIO;
			}
		}
	}
	tmpfs_free_range(tn, 0, U64_MAX);
	tn->hfd = h;
	list_add_tail(&tn->hfd_node, &hfd_busy);
	tmpfs_resample(i);
	return 0;
}

hfd_t tmpfs_mmap(struct file *f, bool shared, bool writable, u64 *off)
{
	struct inode *i = f->inode;
	struct tnode *tn = tnode(i);
	int err = 0;

	down_write(&i->lock);
	if (shared && writable && (tn->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
		err = -EPERM;
		goto out;
	}
	if (tn->hfd < 0)
		err = tmpfs_to_hfd(i);
	else if (!tn->mappers)
		set_busy(tn, true);
	if (!err && !f->priv) {
		f->priv = tn;          /* "has mapped" */
		tn->mappers++;
	}
out:
	up_write(&i->lock);
	return err ? err : tn->hfd;
}

void tmpfs_release(struct file *f)
{
	struct tnode *tn = f->priv;

	if (!tn)
		return;
	f->priv = NULL;
	if (--tn->mappers || tn->hfd < 0)
		return;
	list_move_tail(&tn->hfd_node, &hfd_idle);
	nr_idle++;
	tmpfs_resample(tn->inode);
	if (nr_idle > IDLE_MAX && tn->inode->nlink)
		reclaim_one();
}
