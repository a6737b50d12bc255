/*
 * Descriptor tables: an array of files, one bit a descriptor for "taken" and one for close-on-exec.
 *
 * A taken bit without a file is reserved (fd_alloc, until fd_publish or fd_unreserve). next_fd: no free descriptor
 * below it. Tables grow by doubling up to RLIMIT_NOFILE and vfs_nr_open; they are shared by CLONE_FILES. The first 64
 * descriptors need no extra allocation.
 */
#include "internal.h"
#include <umber/printk.h>

#define FDS_INLINE 64u

struct files {
	refcount_t ref;
	u32 max;                 /* slots; a multiple of 64 */
	u32 next_fd;
	struct file **fd;
	u64 *open, *cloexec;
	struct file *fd0[FDS_INLINE];
	u64 open0, cloexec0;
};

static bool bit(const u64 *map, u32 n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static void set_bit(u64 *map, u32 n, bool on)
{
	if (on)
		map[n / 64] |= 1ULL << (n % 64);
	else
		map[n / 64] &= ~(1ULL << (n % 64));
}

/* An empty table; NULL: no memory. */
struct files *files_new(void)
{
	struct files *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_set(&t->ref, 1);
	t->max = FDS_INLINE;
	t->fd = t->fd0;
	t->open = &t->open0;
	t->cloexec = &t->cloexec0;
	return t;
}

/* Makes room for descriptor n. 0, -EMFILE, -ENOMEM. */
static int files_grow(struct files *t, u32 n)
{
	u32 want = t->max;
	struct file **fd;
	u64 *maps;

	if (n < t->max)
		return 0;
	if (n >= vfs_nr_open || n >= 1048576)
		return -EMFILE;
	while (want <= n)
		want *= 2;
	fd = kcalloc(want, sizeof(*fd));
	maps = kcalloc(want / 64 * 2, sizeof(u64));
	if (!fd || !maps) {
		kfree(fd);
		kfree(maps);
		return -ENOMEM;
	}
	memcpy(fd, t->fd, t->max * sizeof(*fd));
	memcpy(maps, t->open, t->max / 8);
	memcpy(maps + want / 64, t->cloexec, t->max / 8);
	if (t->fd != t->fd0) {
		kfree(t->fd);
		kfree(t->open);
	}
	t->fd = fd;
	t->open = maps;
	t->cloexec = maps + want / 64;
	t->max = want;
	return 0;
}

/* fork: a copy of the published descriptors. NULL: no memory. */
struct files *files_copy(struct files *old)
{
	struct files *t = files_new();
	u32 top = 0;

	if (!t)
		return NULL;
	for (u32 w = 0; w < old->max / 64; w++)
		if (old->open[w])
			top = w * 64 + 63;
	if (top && files_grow(t, top)) {
		kfree(t);
		return NULL;
	}
	for (u32 w = 0; w <= top / 64; w++) {
		u64 m = old->open[w];

		t->cloexec[w] = old->cloexec[w];
		while (m) {
			u32 n = w * 64 + (u32)__builtin_ctzll(m);

			m &= m - 1;
			if (old->fd[n]) {
				t->fd[n] = file_get(old->fd[n]);
				set_bit(t->open, n, true);
			} else {
				set_bit(t->cloexec, n, false);
			}
		}
	}
	t->next_fd = 0;
	return t;
}

struct files *files_get(struct files *t)
{
	ref_get(&t->ref);
	return t;
}

/* The last user closes all. May sleep. */
void files_put(struct files *t)
{
	if (!t || !ref_put(&t->ref))
		return;
	for (u32 w = 0; w < t->max / 64; w++) {
		while (t->open[w]) {
			u32 n = w * 64 + (u32)__builtin_ctzll(t->open[w]);
			struct file *f = t->fd[n];

			t->fd[n] = NULL;
			set_bit(t->open, n, false);
			if (f) {
				filp_close(f, t);
				cond_resched();
			}
		}
	}
	if (t->fd != t->fd0) {
		kfree(t->fd);
		kfree(t->open);
	}
	kfree(t);
}

/* current gets a table of its own. 0 or -ENOMEM. */
int files_unshare(void)
{
	struct files *old = current->files, *t;

	if (!old || old->ref.n == 1)
		return 0;
	t = files_copy(old);
	if (!t)
		return -ENOMEM;
	current->files = t;
	files_put(old);
	return 0;
}

/* exec: closes what is marked. The table is current's alone. May sleep. */
void files_close_on_exec(void)
{
	struct files *t = current->files;

	if (!t)
		return;
	for (u32 w = 0; w < t->max / 64; w++) {
		while (t->open[w] & t->cloexec[w]) {
			u32 n = w * 64 + (u32)__builtin_ctzll(t->open[w] & t->cloexec[w]);

			set_bit(t->cloexec, n, false);
			fd_close((int)n);
		}
	}
}

/* The file of fd, referenced; NULL: not open. O_PATH files too. */
struct file *fd_get_raw(int fd)
{
	struct files *t = current->files;
	struct file *f;

	if (unlikely(!t || (u32)fd >= t->max))
		return NULL;
	f = t->fd[fd];
	return f ? file_get(f) : NULL;
}

struct file *fd_get(int fd)
{
	struct files *t = current->files;
	struct file *f;

	if (unlikely(!t || (u32)fd >= t->max))
		return NULL;
	f = t->fd[fd];
	if (unlikely(!f || (f->mode & FMODE_PATH)))
		return NULL;
	return file_get(f);
}

struct file *task_fd_get(struct task *t, int fd)
{
	struct files *ft = t->files;

	if (!ft || (u32)fd >= ft->max || !ft->fd[fd])
		return NULL;
	return file_get(ft->fd[fd]);
}

int task_fd_next(struct task *t, int fd)
{
	struct files *ft = t->files;

	if (fd < 0)
		fd = 0;
	if (!ft)
		return -1;
	for (u32 n = (u32)fd; n < ft->max; n++) {
		if (!(n % 64) && !ft->open[n / 64]) {
			n += 63;
			continue;
		}
		if (ft->fd[n])
			return (int)n;
	}
	return -1;
}

bool task_fd_cloexec(struct task *t, int fd)
{
	return t->files && (u32)fd < t->files->max && bit(t->files->cloexec, (u32)fd);
}

static int alloc_min(u32 min_fd, u32 flags)
{
	struct files *t = current->files;
	u64 limit = min(rlimit(RLIMIT_NOFILE), vfs_nr_open);
	u32 n = max(min_fd, t->next_fd);
	int err;

	while (n < t->max && bit(t->open, n)) {
		u64 free_bits = ~t->open[n / 64] & (~0ULL << (n % 64));

		n = free_bits ? n / 64 * 64 + (u32)__builtin_ctzll(free_bits) : (n / 64 + 1) * 64;
	}
	if (n >= limit)
		return -EMFILE;
	err = files_grow(t, n);
	if (err)
		return err;
	set_bit(t->open, n, true);
	set_bit(t->cloexec, n, flags & O_CLOEXEC);
	if (min_fd <= t->next_fd)
		t->next_fd = n + 1;
	return (int)n;
}

/* Reserves the lowest free descriptor. flags: O_CLOEXEC. Descriptor, -EMFILE or -ENOMEM. */
int fd_alloc(u32 flags)
{
	return alloc_min(0, flags);
}

/* Gives a reserved descriptor its file (reference taken over). */
void fd_publish(int fd, struct file *f)
{
	struct files *t = current->files;

	BUG_ON((u32)fd >= t->max || t->fd[fd]);
	t->fd[fd] = f;
}

static void release_bit(struct files *t, u32 fd)
{
	set_bit(t->open, fd, false);
	set_bit(t->cloexec, fd, false);
	if (fd < t->next_fd)
		t->next_fd = fd;
}

void fd_unreserve(int fd)
{
	release_bit(current->files, (u32)fd);
}

int fd_install_min(struct file *f, u32 flags, u32 min_fd)
{
	int fd = alloc_min(min_fd, flags);

	if (fd < 0)
		file_put(f);
	else
		current->files->fd[fd] = f;
	return fd;
}

/* Lowest free descriptor for f, whose reference is taken over even on error. */
int fd_install(struct file *f, u32 flags)
{
	return fd_install_min(f, flags, 0);
}

/* close(2). May sleep. */
int fd_close(int fd)
{
	struct files *t = current->files;
	struct file *f;

	if (!t || (u32)fd >= t->max || !t->fd[fd])
		return -EBADF;
	f = t->fd[fd];
	t->fd[fd] = NULL;
	release_bit(t, (u32)fd);
	return filp_close(f, t);
}

/* dup2: newfd is f now; what was there is closed. Consumes f. newfd, -EBADF, -EBUSY, -ENOMEM. May sleep. */
int fd_replace(struct file *f, int newfd, u32 flags)
{
	struct files *t = current->files;
	struct file *old;
	int err = 0;

	if (newfd < 0 || (u64)newfd >= min(rlimit(RLIMIT_NOFILE), vfs_nr_open))
		err = -EBADF;
	else
		err = files_grow(t, (u32)newfd);
	if (err == -EMFILE)
		err = -EBADF;
	if (!err && !t->fd[newfd] && bit(t->open, (u32)newfd))
		err = -EBUSY; /* another thread is opening it */
	if (err) {
		file_put(f);
		return err;
	}
	old = t->fd[newfd];
	t->fd[newfd] = f;
	set_bit(t->open, (u32)newfd, true);
	set_bit(t->cloexec, (u32)newfd, flags & O_CLOEXEC);
	if (old)
		filp_close(old, t);
	return newfd;
}

int fd_set_cloexec(int fd, bool on)
{
	struct files *t = current->files;

	if (!t || (u32)fd >= t->max || !t->fd[fd])
		return -EBADF;
	set_bit(t->cloexec, (u32)fd, on);
	return 0;
}

int fd_get_cloexec(int fd)
{
	struct files *t = current->files;

	if (!t || (u32)fd >= t->max || !t->fd[fd])
		return -EBADF;
	return bit(t->cloexec, (u32)fd) ? FD_CLOEXEC : 0;
}

/* close_range(2) on current's table, which is its own by now where that was asked. */
int fd_close_range(u32 first, u32 last, bool cloexec)
{
	struct files *t = current->files;

	for (u32 n = first; n <= last && n < t->max; n++) {
		if (!(n % 64) && !t->open[n / 64]) {
			if (n > U32_MAX - 64)
				break;
			n += 63;
			continue;
		}
		if (!t->fd[n])
			continue;
		if (cloexec)
			set_bit(t->cloexec, n, true);
		else
			fd_close((int)n);
	}
	return 0;
}
