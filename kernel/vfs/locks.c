/*
 * File locks: flock(2), POSIX record locks and open-file-description locks (fcntl(2)).
 *
 * All locks of an inode hang on inode->flocks, ordered by start; an owner's locks of one kind never overlap and
 * neighbours of one type are merged. Owners: the fd table for POSIX locks, the open file for flock and OFD locks.
 * flock locks conflict with flock locks only; POSIX and OFD locks with each other. A lock lives until its owner
 * unlocks it or goes (locks_remove_posix at each close, locks_remove_file at the last); the open file holds the
 * inode meanwhile. Blocked requests sleep on inode->lock_wq and try again whenever a lock goes. POSIX requests that
 * sleep are also on `blocked`, which is walked to find deadlocks. Trying and setting never sleep: atomic.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define DEADLOCK_DEPTH 16

enum lock_kind { LK_FLOCK, LK_POSIX, LK_OFD };
struct file_lock {
	struct list_head node;       /* inode->flocks, by start */
	struct list_head all;        /* all_locks: /proc/locks */
	struct inode *inode;
	const void *owner;
	s64 start, end;              /* inclusive; S64_MAX: to the end of the file */
	enum lock_kind kind;
	int type;                    /* F_RDLCK F_WRLCK F_UNLCK */
	int pid;                     /* of who set it; OFD: -1 */
};
struct blocked_lock {
	struct list_head node;
	const struct file_lock *want;
};
static LIST_HEAD(all_locks);
static LIST_HEAD(blocked);

static bool overlaps(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

/* The first lock that `want` must wait for, or NULL. */
static struct file_lock *conflict(const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry(l, &want->inode->flocks, node) {
		if ((l->kind == LK_FLOCK) != (want->kind == LK_FLOCK) || same_owner(l, want))
			continue;
		if (overlaps(l, want) && (l->type == F_WRLCK || want->type == F_WRLCK))
			return l;
	}
	return NULL;
}

static void insert_sorted(struct file_lock *l)
{
	struct file_lock *o;

	list_for_each_entry(o, &l->inode->flocks, node)
		if (o->start > l->start)
			break;
	list_insert_(&l->node, o->node.prev, &o->node);
	list_add_tail(&l->all, &all_locks);
}

static void lock_free(struct file_lock *l)
{
	list_del(&l->node);
	list_del(&l->all);
	kfree(l);
}

static struct file_lock *lock_dup(const struct file_lock *l)
{
	struct file_lock *n = kmalloc(sizeof(*n));

	if (n)
		*n = *l;
	return n;
}

/*
 * Makes the range of `want` have its type (F_UNLCK: none) among its owner's locks: splits, shrinks, merges. The
 * caller has checked conflicts. 0 or -ENOLCK (then nothing changed).
 */
static int apply(const struct file_lock *want)
{
	struct file_lock *add = lock_dup(want), *split = lock_dup(want), *l, *n;
	bool freed = false;

	if (!add || !split) {
		kfree(add);
		kfree(split);
		return -ENOLCK;
	}
	list_for_each_entry_safe(l, n, &want->inode->flocks, node) {
		if (!same_owner(l, want))
			continue;
		if (l->type == want->type) {
			/* merge: neighbours too */
			if ((add->start > 0 && l->end < add->start - 1) ||
			    (add->end < S64_MAX && l->start > add->end + 1))
				continue;
			add->start = min(add->start, l->start);
			add->end = max(add->end, l->end);
			lock_free(l);
			continue;
		}
		if (!overlaps(l, want))
			continue;
		freed = true;
		if (l->start < want->start && l->end > want->end) { /* only one lock can be like that */
			*split = *l;
			split->start = want->end + 1;
			l->end = want->start - 1;
			insert_sorted(split);
			split = NULL;
		} else if (l->start < want->start) {
			l->end = want->start - 1;
		} else if (l->end > want->end) {
			l->start = want->end + 1;
			list_del(&l->node);
			list_del(&l->all);
			insert_sorted(l);
		} else {
			lock_free(l);
		}
		if (!split)
			break;
	}
	kfree(split);
	if (want->type == F_UNLCK)
		kfree(add);
	else
		insert_sorted(add);
	if (freed)
		wq_wake_all(&want->inode->lock_wq);
	return 0;
}

/* Would waiting for `want` close a circle of POSIX owners that wait for each other? */
static bool would_deadlock(const struct file_lock *want)
{
	const struct file_lock *req = want;

	for (int depth = 0; depth < DEADLOCK_DEPTH; depth++) {
		const struct file_lock *holder = conflict(req);
		struct blocked_lock *b;

		if (!holder || holder->kind != LK_POSIX)
			return false;
		if (holder->owner == want->owner)
			return true;
		req = NULL;
		list_for_each_entry(b, &blocked, node) {
			if (b->want->owner == holder->owner) {
				req = b->want;
				break;
			}
		}
		if (!req)
			return false;
	}
	return false;
}

/* Sets `want`, waiting if `wait`. 0, -EAGAIN, -EDEADLK, -ENOLCK, -ERESTARTSYS. */
static int set_lock(const struct file_lock *want, bool wait)
{
	struct inode *inode = want->inode;

	while (want->type != F_UNLCK && conflict(want)) {
		struct blocked_lock b = { .want = want };
		int err;

		if (!wait)
			return -EAGAIN;
		list_init(&b.node);
		if (want->kind == LK_POSIX) {
			if (would_deadlock(want))
				return -EDEADLK;
			list_add_tail(&b.node, &blocked);
		}
		err = wait_event(&inode->lock_wq, !conflict(want), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		list_del(&b.node);
		if (err)
			return err;
	}
	return apply(want);
}

/* struct flock -> range of bytes. 0, -EINVAL, -EOVERFLOW. */
static int flock_range(struct file *f, const struct flock64 *fl, s64 *start, s64 *end)
{
	s64 base;

	switch (fl->l_whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
		base = (s64)f->inode->size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, fl->l_start, start))
		return fl->l_start > 0 ? -EOVERFLOW : -EINVAL;
	if (*start < 0)
		return -EINVAL;
	*end = S64_MAX;
	if (fl->l_len > 0) {
		if (__builtin_add_overflow(*start, fl->l_len - 1, end))
			return -EOVERFLOW;
	} else if (fl->l_len < 0) {
		if (__builtin_add_overflow(*start, fl->l_len, start) || *start < 0)
			return -EINVAL;
		*end = *start - fl->l_len - 1;
	}
	return 0;
}

static int get_lock(const struct file_lock *want, struct flock64 *fl)
{
	struct file_lock *l = conflict(want);

	if (!l) {
		fl->l_type = F_UNLCK;
		return 0;
	}
	fl->l_type = l->type;
	fl->l_whence = SEEK_SET;
	fl->l_start = l->start;
	fl->l_len = l->end == S64_MAX ? 0 : l->end - l->start + 1;
	fl->l_pid = l->kind == LK_OFD ? -1 : l->pid;
	return 0;
}

long fcntl_lock(struct file *f, unsigned cmd, uaddr_t arg, int fd)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct file_lock want = { .inode = f->inode, .kind = ofd ? LK_OFD : LK_POSIX };
	struct flock64 fl;
	struct file *again;
	int err;

	if (get_user(fl, arg))
		return -EFAULT;
	if (ofd && fl.l_pid)
		return -EINVAL;
	if (fl.l_type != F_RDLCK && fl.l_type != F_WRLCK && (fl.l_type != F_UNLCK || (get && !ofd)))
		return -EINVAL;
	err = flock_range(f, &fl, &want.start, &want.end);
	if (err)
		return err;
	want.owner = ofd ? (const void *)f : current->files;
	want.type = fl.l_type;
	want.pid = ofd ? -1 : current->tg->pid;
	list_init(&want.node);
	list_init(&want.all);
	if (get) {
		get_lock(&want, &fl);
		return put_user(fl, arg);
	}
	if ((fl.l_type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (fl.l_type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	err = set_lock(&want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
	if (err || want.type == F_UNLCK || ofd)
		return err;
	/* Another thread closed the fd while this one slept: its close could not see the lock. */
	again = fd_get_raw(fd);
	if (again != f) {
		want.type = F_UNLCK;
		apply(&want);
		err = -EBADF;
	}
	if (again)
		file_put(again);
	return err;
}

/* No lease is ever granted: F_SETLEASE fails as on a file system without leases, F_GETLEASE tells the truth. */
long fcntl_lease(struct file *f, unsigned cmd, unsigned long arg)
{
	if (cmd == F_GETLEASE)
		return F_UNLCK;
	return (int)arg == F_UNLCK ? -EAGAIN : -EINVAL;
}

/* kinds: bit per enum lock_kind. */
static void remove_owned(struct inode *inode, const void *owner, u32 kinds)
{
	struct file_lock *l, *n;
	bool any = false;

	list_for_each_entry_safe(l, n, &inode->flocks, node) {
		if (l->owner != owner || !(kinds & 1u << l->kind))
			continue;
		lock_free(l);
		any = true;
	}
	if (any)
		wq_wake_all(&inode->lock_wq);
}

void locks_remove_file(struct file *f)
{
	if (f->inode && !list_empty(&f->inode->flocks))
		remove_owned(f->inode, f, 1u << LK_FLOCK | 1u << LK_OFD);
}

void locks_remove_posix(struct file *f, struct files *owner)
{
	if (f->inode && !list_empty(&f->inode->flocks))
		remove_owned(f->inode, owner, 1u << LK_POSIX);
}

/* flock(2): a conversion gives the old lock up first, as the man page says. */
long sys_flock(int fd, u32 cmd)
{
	struct file_lock want = { .kind = LK_FLOCK, .start = 0, .end = S64_MAX };
	bool wait = !(cmd & LOCK_NB), same = false;
	struct file_lock *l;
	struct file *f;
	long err = -EBADF;

	switch (cmd & ~LOCK_NB) {
	case LOCK_SH:
		want.type = F_RDLCK;
		break;
	case LOCK_EX:
		want.type = F_WRLCK;
		break;
	case LOCK_UN:
		want.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (want.type != F_UNLCK && !(f->mode & (FMODE_READ | FMODE_WRITE)))
		goto out;
	want.inode = f->inode;
	want.owner = f;
	want.pid = current->tg->pid;
	list_init(&want.node);
	list_init(&want.all);
	list_for_each_entry(l, &f->inode->flocks, node)
		same |= same_owner(l, &want) && l->type == want.type;
	err = 0;
	if (same)
		goto out;
	remove_owned(f->inode, f, 1u << LK_FLOCK);
	if (want.type != F_UNLCK)
		err = set_lock(&want, wait);
out:
	file_put(f);
	return err;
}

void locks_show(struct seq_file *m)
{
	static const char *const kinds[] = { "FLOCK ", "POSIX ", "OFDLCK" };
	struct file_lock *l;
	int n = 0;

	list_for_each_entry(l, &all_locks, all) {
		seq_printf(m, "%d: %s ADVISORY  %s %d %02x:%02x:%llu %lld ", ++n, kinds[l->kind],
			   l->type == F_WRLCK ? "WRITE" : "READ ", l->pid, MAJOR(l->inode->sb->dev),
			   MINOR(l->inode->sb->dev), (unsigned long long)l->inode->ino,
			   (long long)l->start);
		if (l->end == S64_MAX)
			seq_puts(m, "EOF\n");
		else
			seq_printf(m, "%lld\n", (long long)l->end);
	}
}
