/* hostfs: inodes and their attributes, lookup, and what is believed for how long (see hostfs.h). */
#include "hostfs.h"
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/time.h>

#define MAX_DEVS 4096u
#define INO_BITS 48

/* (host device, inode number) -> a number that is unique in the superblock and stays the same: the host's own for the
 * root's device, with the device's index above it for others. */
u64 hostfs_guest_ino(struct hostfs_sb *hsb, u64 dev, u64 ino)
{
	u64 *devs;
	u32 k;

	for (k = 0; k < hsb->nr_devs; k++)
		if (hsb->devs[k] == dev)
			break;
	if (k == hsb->nr_devs && k < MAX_DEVS) {
		devs = krealloc(hsb->devs, (k + 1) * sizeof(*devs));
		if (devs) {
			hsb->devs = devs;
			devs[hsb->nr_devs++] = dev;
		}
	}
	if (!k)
		return ino;
	if (k < MAX_DEVS && !(ino >> INO_BITS))
		return (u64)k << INO_BITS | ino;
	/* Wide numbers on a second device: mixed, with a bit of their own. */
	return ((ino ^ (dev * 0x9E3779B97F4A7C15ULL)) >> 2) | (1ULL << 62);
}

static u32 hash_of(u64 dev, u64 ino)
{
	return (u32)(((ino * 0x9E3779B97F4A7C15ULL) ^ (dev * 0xC2B2AE3D27D4EB4FULL)) >> 40) % HOSTFS_HASH;
}

static struct timespec64 to_ts(const struct hostfs_time *t)
{
	return (struct timespec64){ t->sec, t->nsec };
}

void hostfs_fill(struct inode *i, const struct hostfs_stat *st)
{
	struct hnode *hn = hnode(i);

	i->mode = (i->mode & S_IFMT) | (st->mode & 07777);
	i->uid = st->uid;
	i->gid = st->gid;
	i->nlink = st->nlink;
	i->size = st->size;
	i->blocks = st->blocks;
	i->atime = to_ts(&st->atime);
	i->mtime = to_ts(&st->mtime);
	i->ctime = to_ts(&st->ctime);
	i->btime = to_ts(&st->btime);
	hn->attr_ns = ktime_mono_ns() | 1;
}

static void set_ops(struct inode *i, u32 rdev)
{
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		i->op = &hostfs_dir_iops;
		i->fop = &hostfs_dir_fops;
		break;
	case S_IFREG:
		i->op = &hostfs_file_iops;
		i->fop = &hostfs_file_fops;
		break;
	case S_IFLNK:
		i->op = &hostfs_link_iops;
		break;
	default:
		i->op = &hostfs_special_iops;
		init_special_inode(i, i->mode, rdev);
	}
}

static bool same_birth(const struct hnode *hn, const struct hostfs_stat *st)
{
	return hn->btime.sec == st->btime.sec && hn->btime.nsec == st->btime.nsec;
}

struct inode *hostfs_iget(struct super_block *sb, const struct hostfs_stat *st)
{
	struct hostfs_sb *hsb = hostfs_sb(sb);
	struct list_head *head = &hsb->hash[hash_of(st->dev, st->ino)];
	struct hnode *hn, *tmp;
	struct inode *i;

	list_for_each_entry_safe(hn, tmp, head, hash) {
		if (hn->dev != st->dev || hn->ino != st->ino || !hn->inode->ref.n)
			continue;
		if (!((hn->inode->mode ^ st->mode) & S_IFMT) && same_birth(hn, st) && hn->blocked == st->blocked) {
			hostfs_fill(hn->inode, st);
			return iget(hn->inode);
		}
		list_del(&hn->hash); /* the host gave the number to something new */
	}
	hn = kzalloc(sizeof(*hn));
	if (!hn)
		return ERR_PTR(-ENOMEM);
	i = inode_new(sb);
	if (!i) {
		kfree(hn);
		return ERR_PTR(-ENOMEM);
	}
	*hn = (struct hnode){ .inode = i, .hsb = hsb, .dev = st->dev, .ino = st->ino, .btime = st->btime,
			      .path = HFD_NONE, .data = HFD_NONE, .fresh = HFD_NONE,
			      .blocked = st->blocked };
	list_init(&hn->lru);
	list_init(&hn->files);
	list_init(&hn->data_idle);
	list_add(&hn->hash, head);
	i->priv = hn;
	i->ino = hostfs_guest_ino(hsb, st->dev, st->ino);
	i->mode = st->mode;
	hostfs_fill(i, st);
	set_ops(i, MKDEV(st->rdev_major, st->rdev_minor));
	return i;
}

void hostfs_evict(struct inode *i)
{
	struct hnode *hn = hnode(i);

	if (!hn)
		return;
	i->priv = NULL;
	list_del(&hn->hash);
	hnode_drop_path(hn);
	hnode_drop_data(hn);
	if (hn->fresh >= 0)
		port_hfd_close(hn->fresh);
	kfree(hn->target);
	kfree(hn);
}

static bool believed(const struct hostfs_sb *hsb, u64 since_ns)
{
	return since_ns && (hsb->cache_ns == U64_MAX || ktime_mono_ns() - since_ns < hsb->cache_ns);
}

static int copy_name(const struct dentry *d, char name[NAME_MAX + 1])
{
	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, d->name.name, d->name.len);
	name[d->name.len] = 0;
	return 0;
}

/* Asks the host about d's name. May sleep: the caller holds d. */
static int stat_dentry(struct dentry *d, struct hostfs_stat *st)
{
	struct inode *dir = iget(d->parent->inode);
	struct hnode *hn = hnode(dir);
	char name[NAME_MAX + 1];
	int r = copy_name(d, name);

	if (!r)
		r = hnode_pin(hn);
	if (!r) {
		r = hostfs_stat_at(hn->path, hn->dev, hn->hsb->fuse, name, st);
		hnode_unpin(hn);
	}
	iput(dir);
	return r;
}

/* Is what the host says still the object that i stands for? */
static bool same_object(const struct inode *i, const struct hostfs_stat *st)
{
	const struct hnode *hn = hnode(i);

	return hn->dev == st->dev && hn->ino == st->ino && !((i->mode ^ st->mode) & S_IFMT) && same_birth(hn, st) &&
	       hn->blocked == st->blocked;
}

bool hostfs_revalidate(struct dentry *d, u32 flags)
{
	struct hostfs_sb *hsb = hostfs_sb(d->sb);
	struct hostfs_stat st;
	struct inode *i;
	bool ok;
	int r;

	if (believed(hsb, d->time) || d->parent == d || d->nr_mounts)
		return true;
	i = d->inode ? iget(d->inode) : NULL;
	r = stat_dentry(d, &st);
	if (i) {
		ok = !r && same_object(i, &st);
		if (ok)
			hostfs_fill(i, &st);
		iput(i);
	} else {
		ok = r == -ENOENT;
	}
	if (ok)
		d->time = ktime_mono_ns() | 1;
	return ok;
}

struct dentry *hostfs_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct hostfs_stat st;
	struct inode *i = NULL;
	struct dentry *other;
	int r = -ENOENT;

	if (d->name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	if (!hnode(dir)->blocked)
		r = stat_dentry(d, &st);
	if (!r) {
		i = hostfs_iget(dir->sb, &st);
		if (IS_ERR(i))
			return (struct dentry *)i;
	} else if (r != -ENOENT) {
		return ERR_PTR(r);
	}
	/* klock was dropped: somebody else may have looked up the same name meanwhile. */
	other = d_lookup(d->parent, &d->name);
	if (other && other != d && other->inode == i) {
		if (i)
			iput(i);
		other->time = ktime_mono_ns() | 1;
		return other;
	}
	if (other) {
		if (other != d)
			d_drop(other);
		dput(other);
	}
	d->time = ktime_mono_ns() | 1;
	d_add(d, i);
	return NULL;
}

int hostfs_refresh(struct inode *i, struct dentry *d)
{
	struct hnode *hn = hnode(i);
	struct hostfs_stat st;
	int r;

	if (hn->blocked || believed(hn->hsb, hn->attr_ns))
		return 0;
	if (hn->path < 0 && hn->data >= 0) {
		r = hnode_data_get(hn);
		if (!r) {
			r = hostfs_fstat(hn->data, &st);
			hnode_data_put(hn);
		}
	} else {
		/* A file's own fd could be closed while klock is dropped, so this may open a path fd of it. */
		r = hnode_pin(hn);
		if (!r) {
			r = hostfs_fstat(hn->path, &st);
			hnode_unpin(hn);
		}
	}
	if (!r)
		hostfs_fill(i, &st);
	return r;
}

int hostfs_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	struct inode *i = d->inode;
	int r;

	if (!i)
		return -ENOENT;
	iget(i);
	r = hostfs_refresh(i, d);
	if (!r) {
		generic_fillattr(i, st);
		st->has_btime = hnode(i)->btime.sec != 0;
		st->btime = i->btime;
	}
	iput(i);
	return r;
}

static int set_size(struct hnode *hn, const struct iattr *a)
{
	struct hfile *hf = a->file ? a->file->priv : NULL;
	hfd_t h;
	int r;

	if (hn->hsb->append)
		return 0; /* mount option append: truncation is ignored */
	if (hf && hf->hn == hn && (a->file->mode & FMODE_WRITE))
		return hostfs_ftruncate(hf->fd, a->size);
	if (hn->fresh >= 0) { /* just made: it is empty, and its mode may not let us open it again */
		h = hn->fresh;
		return a->size ? hostfs_ftruncate(h, a->size) : 0;
	}
	r = hostfs_reopen(hn->path, HOSTFS_WR | HOSTFS_SEEN, &h);
	if (r)
		return r;
	r = hostfs_ftruncate(h, a->size);
	port_hfd_close(h);
	return r;
}

int hostfs_sb_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	struct hnode *hn = hnode(i);
	struct hostfs_attr ha = { 0 };
	struct hostfs_stat st;
	int r = hostfs_may_write(i);

	if (!r)
		r = hnode_pin(hn);
	if (r)
		return r;
	if (a->valid & ATTR_SIZE)
		r = set_size(hn, a);
	if (a->valid & ATTR_UID && a->uid != i->uid)
		ha.valid |= HOSTFS_UID;
	if (a->valid & ATTR_GID && a->gid != i->gid)
		ha.valid |= HOSTFS_GID;
	ha.uid = a->uid;
	ha.gid = a->gid;
	ha.mode = a->valid & ATTR_MODE ? a->mode : i->mode;
	if (a->valid & ATTR_KILL_SUID)
		ha.mode &= ~(S_ISUID | (ha.mode & 010 ? S_ISGID : 0));
	/* The host takes set-id bits away with a chown; what the guest's rules left is set again. */
	if (a->valid & ATTR_MODE || ((ha.mode ^ i->mode) & 07777) || (ha.valid && ha.mode & 06000))
		ha.valid |= HOSTFS_MODE;
	if (inode_is_lnk(i))
		ha.valid &= ~HOSTFS_MODE;
	if (a->valid & ATTR_ATIME) {
		ha.valid |= HOSTFS_ATIME;
		ha.atime = (struct hostfs_time){ a->atime.tv_sec, (u32)a->atime.tv_nsec };
	}
	/* A truncation sets mtime by itself on the host. */
	if (a->valid & ATTR_MTIME && (!(a->valid & ATTR_SIZE) || a->valid & ATTR_TIMES_SET)) {
		ha.valid |= HOSTFS_MTIME;
		ha.mtime = (struct hostfs_time){ a->mtime.tv_sec, (u32)a->mtime.tv_nsec };
	}
	if (!r && ha.valid)
		r = hostfs_setattr(hn->path, &ha);
	if (!hostfs_fstat(hn->path, &st))
		hostfs_fill(i, &st);
	hnode_unpin(hn);
	i->version++;
	return r;
}
