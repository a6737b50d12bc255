/* fsync(2), sync(2), sync_file_range(2), readahead(2), posix_fadvise(2); and vfs_init, the boot order of the VFS. */
#include "internal.h"
#include <umber/syscall.h>

static long do_fsync(int fd, bool datasync)
{
	struct file *f = fd_get(fd);
	long r;

	if (!f)
		return -EBADF;
	r = f->op->fsync ? f->op->fsync(f, datasync) : -EINVAL;
	file_put(f);
	return r;
}

long sys_fsync(int fd)
{
	return do_fsync(fd, false);
}

long sys_fdatasync(int fd)
{
	return do_fsync(fd, true);
}

/* sync may sleep, so the list is walked by mount ids, each mount referenced meanwhile. */
long sys_sync(void)
{
	int id = 0;

	for (;;) {
		struct mount *m, *next = NULL;

		list_for_each_entry(m, &init_mnt_ns->mounts, all)
			if (m->id > id && (!next || m->id < next->id))
				next = m;
		if (!next)
			return 0;
		id = next->id;
		if (!next->sb->op || !next->sb->op->sync || next->root != next->sb->root)
			continue;
		ref_get(&next->ref);
		next->sb->op->sync(next->sb);
		mntput(next);
	}
}

long sys_syncfs(int fd)
{
	struct file *f = fd_get(fd);
	struct super_block *sb;
	long r = 0;

	if (!f)
		return -EBADF;
	sb = f->path.dentry->sb;
	if (sb->op && sb->op->sync)
		r = sb->op->sync(sb);
	file_put(f);
	return r;
}

long sys_sync_file_range(int fd, s64 off, s64 n, u32 flags)
{
	struct file *f;
	u32 t;
	long r = 0;

	f = fd_get(fd);
	if (!f)
		return -EBADF;
	t = f->inode->mode & S_IFMT;
	if ((flags & ~7u) || off < 0 || n < 0 || off > S64_MAX - n)
		r = -EINVAL;
	else if (t != S_IFREG && t != S_IFBLK && t != S_IFDIR && t != S_IFLNK)
		r = -ESPIPE;
	else if (flags && f->op->fsync)
		r = f->op->fsync(f, true);
	file_put(f);
	return r;
}

/* The host reads ahead by itself; only the arguments are checked. */
long sys_readahead(int fd, s64 offset, u64 count)
{
	struct file *f = fd_get(fd);
	long r = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_READ))
		r = -EBADF;
	else if (!inode_is_reg(f->inode))
		r = -EINVAL;
	file_put(f);
	return r;
}

long sys_fadvise64(int fd, s64 offset, u64 len, int advice)
{
	struct file *f = fd_get(fd);
	long r = 0;

	if (!f)
		return -EBADF;
	if (S_ISFIFO(f->inode->mode))
		r = -ESPIPE;
	else if ((s64)len < 0 || advice < 0 || advice > 5)
		r = -EINVAL;
	file_put(f);
	return r;
}

void vfs_init(void)
{
	dcache_init();
	inode_cache_init();
	file_cache_init();
	anon_init();
}
