/*
 * Inodes: life, attributes and permission checks (inode(7), path_resolution(7), capabilities(7)).
 *
 * An inode is made by its file system with one reference; dentries, open files and others hold more. The last iput
 * calls evict_inode, which gives the private part back; that may sleep, and then nobody can find the inode any more.
 */
#include "internal.h"

static struct kmem_cache *inode_cache;
static u64 nr_inodes;

u64 vfs_nr_inodes(void)
{
	return nr_inodes;
}

void inode_cache_init(void)
{
	inode_cache = kmem_cache_create("inode", sizeof(struct inode));
}

/* A fresh inode of sb: reference 1, nlink 1, times now. NULL: no memory. */
struct inode *inode_new(struct super_block *sb)
{
	struct inode *i = kmem_cache_zalloc(inode_cache);

	if (!i)
		return NULL;
	ref_set(&i->ref, 1);
	i->nlink = 1;
	i->sb = sb;
	ref_get(&sb->ref);
	i->ino = sb->next_ino++;
	rwsem_init(&i->lock);
	list_init(&i->dentries);
	list_init(&i->flocks);
	list_init(&i->watches);
	wq_init(&i->lock_wq);
	i->atime = i->mtime = i->ctime = i->btime = ktime_real_coarse_ts();
	nr_inodes++;
	return i;
}

/* Gives a reference back; the last one evicts the inode. May sleep. NULL is fine. */
void iput(struct inode *i)
{
	struct super_block *sb;

	if (!i || !ref_put(&i->ref))
		return;
	sb = i->sb;
	if (sb->op && sb->op->evict_inode)
		sb->op->evict_inode(i);
	kmem_cache_free(inode_cache, i);
	nr_inodes--;
	sb_put(sb);
}

/* The mode bits, owner and capability rules of path_resolution(7). mask: MAY_*. 0 or -EACCES. */
int generic_permission(struct inode *i, int mask)
{
	const struct cred *c = cur_cred();
	u32 bits = i->mode;

	if (!c)
		return 0;
	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (c->fsuid == i->uid)
		bits >>= 6;
	else if (((bits >> 3 ^ bits) & 7) && cred_in_group(c, i->gid))
		bits >>= 3;
	if (!(mask & ~bits & 7))
		return 0;
	if (inode_is_dir(i)) {
		if (!(mask & MAY_WRITE) && cred_capable(c, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && cred_capable(c, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (i->mode & 0111)) && cred_capable(c, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

/* May current do `mask` with i? Read-only superblocks give -EROFS. 0 or negative errno. May sleep if the file
 * system has a permission op. */
int inode_permission(struct inode *i, int mask)
{
	if ((mask & MAY_WRITE) && (i->sb->flags & MS_RDONLY)) {
		u32 t = i->mode & S_IFMT;

		if (t == S_IFREG || t == S_IFDIR || t == S_IFLNK)
			return -EROFS;
	}
	if (i->op && i->op->permission)
		return i->op->permission(i, mask);
	return generic_permission(i, mask);
}

/* Fills st from the inode's own fields (stat(2)). dev, blksize from the superblock. */
void generic_fillattr(struct inode *i, struct kstat *st)
{
	*st = (struct kstat){
		.ino = i->ino, .size = i->size, .blocks = i->blocks, .dev = i->sb->dev, .rdev = i->rdev,
		.mode = i->mode, .nlink = i->nlink, .uid = i->uid, .gid = i->gid,
		.blksize = i->sb->blocksize ? i->sb->blocksize : PAGE_SIZE,
		.atime = i->atime, .mtime = i->mtime, .ctime = i->ctime, .btime = i->btime,
		.has_btime = i->btime.tv_sec != 0,
	};
}

/* Owner, group and set-group-ID rule of a new inode in dir (NULL: none). mode carries the file type. */
void inode_init_owner(struct inode *i, struct inode *dir, u32 mode)
{
	const struct cred *c = cur_cred();

	i->uid = c ? c->fsuid : 0;
	i->gid = c ? c->fsgid : 0;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010) && c && !cred_in_group(c, i->gid) &&
			 !vfs_capable(CAP_FSETID))
			mode &= ~(u32)S_ISGID;
	}
	i->mode = mode;
}

/* Now, as of the last tick: a write needs no clock of 1 ns, and Linux has none there either. */
struct timespec64 current_time(struct inode *i)
{
	return ktime_real_coarse_ts();
}

void touch_mtime(struct inode *i)
{
	i->mtime = i->ctime = current_time(i);
	i->version++;
}

static bool ts_before(const struct timespec64 *a, const struct timespec64 *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* After a read of f: atime, under relatime once a day or when not newer than mtime and ctime (mount(8)). */
void touch_atime(struct file *f)
{
	struct inode *i = f->inode;
	u32 mf = f->path.mnt ? f->path.mnt->flags : 0;
	struct timespec64 now;

	if ((f->flags & O_NOATIME) || ((mf | i->sb->flags) & (MS_RDONLY | MS_NOATIME)))
		return;
	if (inode_is_dir(i) && (mf & MS_NODIRATIME))
		return;
	if ((mf & MS_RELATIME) && ts_before(&i->mtime, &i->atime) && ts_before(&i->ctime, &i->atime)) {
		now = current_time(i);
		if (now.tv_sec - i->atime.tv_sec < 24 * 3600)
			return;
		i->atime = now;
		return;
	}
	i->atime = current_time(i);
}

/* Type, rdev and file operations of device, FIFO and socket inodes (mknod(2)). */
void init_special_inode(struct inode *i, u32 mode, u32 rdev)
{
	i->mode = mode;
	switch (mode & S_IFMT) {
	case S_IFCHR:
		i->fop = &chrdev_fops;
		i->rdev = rdev;
		break;
	case S_IFBLK:
		i->fop = &no_open_fops;
		i->rdev = rdev;
		break;
	case S_IFIFO:
		i->fop = &fifo_fops;
		break;
	default:
		i->fop = &no_open_fops;
		break;
	}
}

/* ---- attribute changes (chmod(2), chown(2), utimensat(2), truncate(2)) ---- */

/* Permission rules; clears S_ISGID from a->mode where the caller may not set it. 0 or -EPERM. No sleep. */
int setattr_prepare(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	const struct cred *c = cur_cred();

	if (!c)
		return 0;
	if ((a->valid & ATTR_UID) && !((c->fsuid == i->uid && a->uid == i->uid) || cred_capable(c, CAP_CHOWN)))
		return -EPERM;
	if ((a->valid & ATTR_GID) && !cred_capable(c, CAP_CHOWN) &&
	    !(c->fsuid == i->uid && (a->gid == i->gid || cred_in_group(c, a->gid))))
		return -EPERM;
	if ((a->valid & ATTR_MODE) && !(a->valid & ATTR_KILL_SUID)) {
		u32 gid = a->valid & ATTR_GID ? a->gid : i->gid;

		if (!inode_owner_or_capable(i))
			return -EPERM;
		if (!cred_in_group(c, gid) && !cred_capable(c, CAP_FSETID))
			a->mode &= ~(u32)S_ISGID;
	}
	if ((a->valid & ATTR_TIMES_SET) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

/* Copies what a->valid names, but for the size, into the inode. */
void setattr_copy(struct inode *i, const struct iattr *a)
{
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = a->ctime;
	i->version++;
}

/* Set-user-ID goes at a write or chown, set-group-ID too if the group may execute. */
bool inode_should_kill_priv(const struct inode *i, u32 *new_mode)
{
	u32 kill = 0;

	if (i->mode & S_ISUID)
		kill |= S_ISUID;
	if ((i->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		kill |= S_ISGID;
	*new_mode = i->mode & 07777 & ~kill;
	return kill && inode_is_reg(i);
}

/* One attribute change: rules, then the file system. Adds ctime. 0 or negative errno. May sleep. */
int notify_change(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	u32 mode;
	int err;

	a->ctime = current_time(i);
	a->valid |= ATTR_CTIME;
	if ((a->valid & ATTR_KILL_SUID) && !(a->valid & ATTR_MODE)) {
		if (inode_should_kill_priv(i, &mode)) {
			a->mode = mode;
			a->valid |= ATTR_MODE;
		} else {
			a->valid &= ~(u32)ATTR_KILL_SUID;
		}
	}
	err = setattr_prepare(d, a);
	if (err)
		return err;
	if (!i->op || !i->op->setattr)
		return -EPERM;
	err = i->op->setattr(d, a);
	if (err)
		return err;
	fsnotify_dentry(d, a->valid & ATTR_SIZE ? FSN_MODIFY : FSN_ATTRIB);
	return 0;
}

int file_remove_privs(struct file *f)
{
	struct iattr a = { .valid = ATTR_KILL_SUID };
	u32 mode;

	if (likely(!(f->inode->mode & (S_ISUID | S_ISGID))) || !inode_should_kill_priv(f->inode, &mode) ||
	    vfs_capable(CAP_FSETID) || f->inode != f->path.dentry->inode)
		return 0;
	return notify_change(f->path.dentry, &a);
}
