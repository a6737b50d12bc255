/*
 * Open file descriptions: made by file_alloc, bound to a path by file_bind (which calls op->open), shared by
 * references (fd tables, VMAs, sleepers), ended by the last file_put, which may sleep.
 */
#include "internal.h"

static struct kmem_cache *file_cache;
static u64 nr_files;
u64 vfs_max_files = 65536;
u64 vfs_nr_open = 1048576;

const struct file_ops empty_fops = { .nowait = true };

u64 vfs_nr_files(void)
{
	return nr_files;
}

void file_cache_init(void)
{
	u64 by_mem = kmem_total_pages() / 4;

	file_cache = kmem_cache_create("file", sizeof(struct file));
	vfs_max_files = by_mem < 8192 ? 8192 : by_mem > 1048576 ? 1048576 : by_mem;
}

/* An unbound file, reference 1. flags: O_*. ERR_PTR(-ENFILE, -ENOMEM). */
struct file *file_alloc(u32 flags)
{
	struct file *f;

	if (nr_files >= vfs_max_files && !vfs_capable(CAP_SYS_ADMIN))
		return ERR_PTR(-ENFILE);
	f = kmem_cache_zalloc(file_cache);
	if (!f)
		return ERR_PTR(-ENOMEM);
	ref_set(&f->ref, 1);
	f->flags = flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
	if (flags & O_PATH)
		f->mode = FMODE_PATH;
	else if ((flags & O_ACCMODE) != O_ACCMODE)
		f->mode = (flags + 1) & O_ACCMODE;
	mutex_init(&f->pos_lock);
	list_init(&f->epitems);
	if (cur_cred())
		f->cred = cred_get(current->cred);
	nr_files++;
	return f;
}

void file_free_unopened(struct file *f)
{
	if (f->mode & FMODE_WRITER)
		f->inode->writecount--;
	if (f->mode & FMODE_EXEC)
		f->inode->writecount++;
	if (f->cred)
		cred_put(f->cred);
	if (f->path.mnt)
		path_put(&f->path);
	kmem_cache_free(file_cache, f);
	nr_files--;
}

static void set_position_mode(struct file *f)
{
	if (f->op->llseek && !(f->mode & FMODE_STREAM))
		f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
}

/*
 * Opens f on p: write counts (-ETXTBSY), then the file system's open. exec: for execve, denies writers. On error
 * the caller calls file_free_unopened. May sleep.
 */
int file_bind(struct file *f, const struct path *p, bool exec)
{
	struct inode *i = p->dentry->inode;
	int err = 0;

	f->path = *p;
	path_get(p);
	f->inode = i;
	if (f->mode & FMODE_PATH) {
		f->op = &empty_fops;
		return 0;
	}
	if (inode_is_reg(i)) {
		if (exec) {
			if (i->writecount > 0)
				return -ETXTBSY;
			i->writecount--;
			f->mode |= FMODE_EXEC;
		} else if (f->mode & FMODE_WRITE) {
			if (i->writecount < 0)
				return -ETXTBSY;
			i->writecount++;
			f->mode |= FMODE_WRITER;
		}
	}
	if (!i->fop && (!(i->mode & S_IFMT) || (i->mode & S_IFMT) == S_IFSOCK))
		return -ENXIO; /* sockets and anonymous inodes, reached by /proc/PID/fd */
	f->op = i->fop ? i->fop : &empty_fops;
	if (f->op->open)
		err = f->op->open(i, f);
	if (err)
		return err;
	f->flags &= ~(u32)O_NOCTTY; /* terminals have seen it */
	set_position_mode(f);
	fsnotify_dentry(p->dentry, FSN_OPEN | (inode_is_dir(i) ? FSN_ISDIR : 0));
	return 0;
}

/* The last reference of f goes: release, notify, free. May sleep. */
static void file_end(struct file *f)
{
	struct inode *i = f->inode;

	if (!(f->mode & FMODE_PATH)) {
		if (!list_empty(&f->epitems))
			epoll_file_gone(f); /* before anything that may sleep */
		fsnotify_dentry(f->path.dentry, (f->mode & FMODE_WRITE ? FSN_CLOSE_WRITE : FSN_CLOSE_NOWRITE) |
				(inode_is_dir(i) ? FSN_ISDIR : 0));
		if (!list_empty(&i->flocks))
			locks_remove_file(f);
		if ((f->flags & O_ASYNC) && f->op->fasync)
			f->op->fasync(f, false);
		if (f->op->release)
			f->op->release(f);
	}
	file_free_unopened(f);
}

void file_put(struct file *f)
{
	if (ref_put(&f->ref))
		file_end(f);
}

/* close(2) of one descriptor of f, whose reference it takes. owner: the fd table, for POSIX locks. */
int filp_close(struct file *f, struct files *owner)
{
	int err = 0;

	if (!(f->mode & FMODE_PATH)) {
		if (f->op->flush)
			err = f->op->flush(f);
		if (!list_empty(&f->inode->flocks))
			locks_remove_posix(f, owner);
	}
	file_put(f);
	return err;
}
