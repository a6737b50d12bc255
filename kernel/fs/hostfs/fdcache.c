/* hostfs: the bounded list of path fds, and how one is opened again (see hostfs.h). */
#include "hostfs.h"
#include <abi/errno.h>
#include <umber/string.h>

#define MAX_KEPT 256u           /* path fds kept open when nobody uses them; data fds likewise */
#define KEPT_SHARE 8            /* of all descriptors we may have: processes need some, too */

static LIST_HEAD(lru);          /* hnodes with a path fd and without `keep`; most recently used first */
static LIST_HEAD(idle);         /* hnodes with a data fd that nobody uses; most recently used first */
static u32 nr_paths, nr_idle;

static u32 max_kept(void)
{
	static u32 max;

	if (!max)
		max = (u32)min_t(u64, MAX_KEPT, hostfs_fd_limit() / KEPT_SHARE + 1);
	return max;
}

void hnode_drop_path(struct hnode *hn)
{
	if (hn->path < 0)
		return;
	port_hfd_close(hn->path);
	hn->path = HFD_NONE;
	if (!list_empty(&hn->lru)) {
		list_del(&hn->lru);
		nr_paths--;
	}
}

static void shrink(void)
{
	struct hnode *hn, *prev;

	for (hn = list_last_entry(&lru, struct hnode, lru); nr_paths > max_kept() && &hn->lru != &lru; hn = prev) {
		prev = list_entry(hn->lru.prev, struct hnode, lru);
		if (!hn->pins)
			hnode_drop_path(hn);
	}
}

void hnode_set_path(struct hnode *hn, hfd_t path)
{
	if (hn->path >= 0) {
		port_hfd_close(path);
		return;
	}
	hn->path = path;
	if (hn->keep)
		return;
	list_add(&hn->lru, &lru);
	nr_paths++;
	hn->pins++;
	shrink();
	hn->pins--;
}

/* Opens the path fd of `in` below its parent, which has one. */
static int open_below(struct hnode *parent, struct hnode *hn, const struct dentry *d)
{
	struct hostfs_stat st;
	char name[NAME_MAX + 1];
	hfd_t h;
	int r;

	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, d->name.name, d->name.len);
	name[d->name.len] = 0;
	parent->pins++;
	r = hostfs_open_path(parent->path, parent->dev, hn->hsb->fuse, name, &h, &st);
	parent->pins--;
	if (r)
		return r == -ENOENT || r == -ENOTDIR ? -ESTALE : r;
	if (st.dev != hn->dev || st.ino != hn->ino || ((st.mode ^ hn->inode->mode) & S_IFMT) || st.blocked) {
		port_hfd_close(h);
		return -ESTALE;
	}
	hnode_set_path(hn, h);
	hostfs_fill(hn->inode, &st);
	return 0;
}

/* One step: gives a path fd to the highest object on the way to hn that has none. */
static int open_step(struct hnode *hn)
{
	struct dentry *d = NULL, *parent, *a;
	struct inode *pi, *i;
	int r;

	list_for_each_entry(a, &hn->inode->dentries, alias)
		if (!d || (list_empty(&d->hash_node) && !list_empty(&a->hash_node)))
			d = a; /* a name that still is one, if there is any */
	if (!d)
		return -ESTALE;
	while (d->parent != d && d->parent->inode && hnode(d->parent->inode)->path < 0)
		d = d->parent;
	parent = d->parent;
	if (parent == d || !parent->inode || !d->inode)
		return -ESTALE;
	dget(d);
	pi = iget(parent->inode);
	i = iget(d->inode);
	r = open_below(hnode(pi), hnode(i), d);
	iput(i);
	iput(pi);
	dput(d);
	return r;
}

int hnode_pin(struct hnode *hn)
{
	hfd_t h;
	int r = 0;

	if (hn->blocked)
		return -EACCES;
	/* Each step opens one directory; others may push them out again, so there is a limit. */
	for (int steps = 0; hn->path < 0 && !r; steps++)
		r = steps < 8192 ? open_step(hn) : -ELOOP;
	if (r && hn->path < 0 && (!list_empty(&hn->files) || hn->fresh >= 0)) {
		/* No name any more, but somebody has it open. */
		h = hn->fresh >= 0 ? hn->fresh : list_first_entry(&hn->files, struct hfile, node)->fd;
		r = hostfs_dup_path(h, &h);
		if (!r)
			hnode_set_path(hn, h);
	}
	if (hn->path < 0)
		return r == -ESTALE ? -ENOENT : r;
	hn->pins++;
	if (!list_empty(&hn->lru) && hn->lru.prev != &lru) {
		list_del(&hn->lru);
		list_add(&hn->lru, &lru);
	}
	return 0;
}

void hnode_unpin(struct hnode *hn)
{
	hn->pins--;
}

void hnode_drop_data(struct hnode *hn)
{
	if (hn->data < 0)
		return;
	port_hfd_close(hn->data);
	hn->data = HFD_NONE;
	if (!list_empty(&hn->data_idle)) {
		list_del(&hn->data_idle);
		nr_idle--;
	}
}

int hnode_data_get(struct hnode *hn)
{
	hfd_t h;
	int r;

	if (hn->data < 0) {
		r = hnode_pin(hn);
		if (r)
			return r;
		r = hostfs_reopen(hn->path, HOSTFS_RD | HOSTFS_SEEN, &h);
		hnode_unpin(hn);
		if (r)
			return r;
		if (hn->data < 0)
			hn->data = h;
		else /* somebody was faster while klock was dropped */
			port_hfd_close(h);
	}
	hn->data_users++;
	if (!list_empty(&hn->data_idle)) {
		list_del(&hn->data_idle);
		nr_idle--;
	}
	return 0;
}

void hnode_data_put(struct hnode *hn)
{
	if (--hn->data_users)
		return;
	if (!hn->inode->nlink) { /* removed: do not keep its space on the host */
		hnode_drop_data(hn);
		return;
	}
	list_add(&hn->data_idle, &idle);
	if (++nr_idle > max_kept())
		hnode_drop_data(list_last_entry(&idle, struct hnode, data_idle));
}
