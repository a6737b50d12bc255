/*
 * The initial root: "newc" cpio archives, plain or gzip, one after the other, unpacked below "/".
 *
 * The unpacker is fed pieces of any size (the decompressor's output) and keeps where it is in `struct cpio`:
 *   HEADER (110 bytes of hex) -> NAME (padded to 4) -> DATA (padded to 4) -> HEADER ... until "TRAILER!!!".
 * Hard links are entries with nlink > 1 and the same (inode, device): the first makes the file, the others link to
 * it, and whichever has the bytes writes them. Attributes are set last, as the archive says, whatever the umask.
 */
#include <abi/errno.h>
#include <umber/inflate.h>
#include <umber/initramfs.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/sched.h>
#include <umber/string.h>
#include <umber/vfs.h>

#define HEADER_BYTES 110U
#define LINK_BUCKETS 64U

enum cpio_state { CPIO_HEADER, CPIO_NAME, CPIO_DATA, CPIO_PAD };
enum { F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_DEVMAJ, F_DEVMIN, F_RDEVMAJ, F_RDEVMIN, F_NAMESIZE,
       F_CHECK, NR_FIELDS };

struct link_name { struct link_name *next; u32 ino, maj, min; char path[]; };

struct cpio {
	enum cpio_state state;
	u32 field[NR_FIELDS];
	u32 have;                      /* bytes of buf collected for the present state */
	u32 want;                      /* bytes that the present state needs (PAD, NAME, symlink DATA) */
	u64 left;                      /* bytes of file data to come */
	u32 pad;                       /* after DATA */
	bool done;                     /* trailer seen */
	struct file *file;             /* being written */
	struct link_name *links[LINK_BUCKETS];
	char head[HEADER_BYTES + 1];
	char path[PATH_MAX + 2];       /* "/" + name */
	char target[PATH_MAX + 1];
};

static int parse_header(struct cpio *c)
{
	if (memcmp(c->head, "07070", 5) || (c->head[5] != '1' && c->head[5] != '2'))
		return -EINVAL;
	for (unsigned k = 0; k < NR_FIELDS; k++) {
		u32 v = 0;

		for (unsigned d = 0; d < 8; d++) {
			char ch = c->head[6 + k * 8 + d];
			u32 x;

			if (ch >= '0' && ch <= '9')
				x = (u32)(ch - '0');
			else if ((ch | 32) >= 'a' && (ch | 32) <= 'f')
				x = (u32)((ch | 32) - 'a' + 10);
			else
				return -EINVAL;
			v = v << 4 | x;
		}
		c->field[k] = v;
	}
	if (!c->field[F_NAMESIZE] || c->field[F_NAMESIZE] > PATH_MAX)
		return -EINVAL;
	if (S_ISLNK(c->field[F_MODE]) && (!c->field[F_SIZE] || c->field[F_SIZE] >= PATH_MAX))
		return -EINVAL;
	return 0;
}

/* ---- making things ---- */
static int set_attrs(const char *path, const u32 *f, bool link)
{
	struct iattr a = {
		.valid = ATTR_UID | ATTR_GID, .uid = f[F_UID], .gid = f[F_GID], .mode = f[F_MODE] & 07777,
	};
	struct path p;
	int err = path_lookup(AT_FDCWD, path, link ? 0 : LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = vfs_setattr(&p, &a);
	if (!err && !link) {
		/* After the owner: a chown takes set-user-ID away. */
		a.valid = ATTR_MODE;
		err = vfs_setattr(&p, &a);
	}
	if (!err) {
		a.valid = ATTR_ATIME | ATTR_MTIME | ATTR_TIMES_SET;
		a.atime = a.mtime = (struct timespec64){ f[F_MTIME], 0 };
		err = vfs_setattr(&p, &a);
	}
	path_put(&p);
	return err;
}

/* Directories above path that the archive did not name. */
static int make_parents(char *path)
{
	int err = 0;

	for (char *p = strchr(path + 1, '/'); p && !err; p = strchr(p + 1, '/')) {
		*p = 0;
		err = vfs_mkdir_at(AT_FDCWD, path, 0755);
		if (err == -EEXIST)
			err = 0;
		*p = '/';
	}
	return err;
}

static struct link_name **link_slot(struct cpio *c)
{
	const u32 *f = c->field;
	struct link_name **p = &c->links[f[F_INO] % LINK_BUCKETS];

	while (*p && ((*p)->ino != f[F_INO] || (*p)->maj != f[F_DEVMAJ] || (*p)->min != f[F_DEVMIN]))
		p = &(*p)->next;
	return p;
}

static void links_free(struct cpio *c)
{
	for (unsigned k = 0; k < LINK_BUCKETS; k++)
		while (c->links[k]) {
			struct link_name *l = c->links[k];

			c->links[k] = l->next;
			kfree(l);
		}
}

/* Removes what is in the way of a new entry that is no directory; a directory stays and gives -EISDIR later. */
static void make_room(const char *path)
{
	vfs_unlink_at(AT_FDCWD, path, 0);
}

/* 1: path is now a link to an earlier entry. 0: it is the first of its inode, remembered. */
static int maybe_link(struct cpio *c)
{
	const u32 *f = c->field;
	struct link_name **slot, *l;
	size_t n = strlen(c->path) + 1;
	int err;

	if (f[F_NLINK] < 2 || S_ISDIR(f[F_MODE]))
		return 0;
	slot = link_slot(c);
	if (*slot) {
		if (!strcmp((*slot)->path, c->path))
			return 1;
		make_room(c->path);
		err = vfs_link_at(AT_FDCWD, (*slot)->path, AT_FDCWD, c->path, 0);
		return err ? err : 1;
	}
	l = kmalloc(sizeof(*l) + n);
	if (!l)
		return -ENOMEM;
	l->next = NULL;
	l->ino = f[F_INO];
	l->maj = f[F_DEVMAJ];
	l->min = f[F_DEVMIN];
	memcpy(l->path, c->path, n);
	*slot = l;
	return 0;
}

static int open_file(struct cpio *c, int linked)
{
	struct file *f;

	if (linked > 0 && !c->field[F_SIZE])
		return 0;
	if (!linked)
		make_room(c->path);
	f = file_open(AT_FDCWD, c->path, O_WRONLY | O_CREAT | O_TRUNC | O_LARGEFILE, 0600);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	c->file = f;
	return 0;
}

/* The name is complete: everything but file contents and link targets happens here. */
static int begin_entry(struct cpio *c)
{
	const u32 *f = c->field;
	u32 mode = f[F_MODE];
	int err = make_parents(c->path), linked;

	if (err)
		return err;
	if (S_ISDIR(mode)) {
		err = vfs_mkdir_at(AT_FDCWD, c->path, mode & 07777);
		if (err && err != -EEXIST)
			return err;
		return set_attrs(c->path, f, false);
	}
	if (S_ISLNK(mode))             /* made when its target is here */
		return 0;
	linked = maybe_link(c);
	if (linked < 0)
		return linked;
	if (S_ISREG(mode))
		return open_file(c, linked);
	if (linked)
		return 0;
	make_room(c->path);
	err = vfs_mknod_at(AT_FDCWD, c->path, mode, MKDEV(f[F_RDEVMAJ], f[F_RDEVMIN]), NULL);
	return err ? err : set_attrs(c->path, f, false);
}

static int end_entry(struct cpio *c)
{
	int err = 0;

	if (S_ISLNK(c->field[F_MODE])) {
		c->target[c->have] = 0;
		make_room(c->path);
		err = vfs_symlink_at(AT_FDCWD, c->path, c->target);
		return err ? err : set_attrs(c->path, c->field, true);
	}
	if (c->file) {
		file_put(c->file);
		c->file = NULL;
		err = set_attrs(c->path, c->field, false);
	}
	return err;
}

/* ---- feeding ---- */
/* "/" and the name without leading "./" and "/"; empty for the root itself. */
static void clean_path(struct cpio *c)
{
	char *s = c->path + 1, *d = s;

	for (;;) {
		if (s[0] == '/')
			s++;
		else if (s[0] == '.' && s[1] == '/')
			s += 2;
		else
			break;
	}
	if (s[0] == '.' && !s[1])
		s++;
	memmove(d, s, strlen(s) + 1);
	for (size_t n = strlen(c->path); n > 1 && c->path[n - 1] == '/'; n--)
		c->path[n - 1] = 0;
}

static int after_name(struct cpio *c)
{
	int err = 0;

	c->path[1 + c->field[F_NAMESIZE] - 1] = 0;
	if (!strcmp(c->path + 1, "TRAILER!!!")) {
		c->done = true;
		links_free(c);
		c->state = CPIO_HEADER;
		c->have = 0;
		return 0;
	}
	clean_path(c);
	if (c->path[1])
		err = begin_entry(c);
	else if (S_ISDIR(c->field[F_MODE]))
		err = set_attrs("/", c->field, false);
	c->state = CPIO_DATA;
	c->have = 0;
	c->left = c->field[F_SIZE];
	c->pad = (4 - (c->field[F_SIZE] & 3)) & 3;
	return err;
}

static int eat_data(struct cpio *c, const u8 *p, size_t n)
{
	s64 pos;

	if (S_ISLNK(c->field[F_MODE])) {
		memcpy(c->target + c->have, p, n);
		c->have += (u32)n;
		return 0;
	}
	if (!c->file)
		return 0;
	pos = (s64)(c->field[F_SIZE] - c->left);
	while (n) {
		ssize_t r = kernel_write(c->file, p, n, &pos);

		if (r <= 0)
			return r ? (int)r : -EIO;
		p += r;
		n -= (size_t)r;
	}
	cond_resched();
	return 0;
}

/* Collects up to `want` bytes at dst; true when there. */
static bool collect(struct cpio *c, char *dst, u32 want, const u8 **p, size_t *n)
{
	size_t take = min((size_t)(want - c->have), *n);

	memcpy(dst + c->have, *p, take);
	c->have += (u32)take;
	*p += take;
	*n -= take;
	return c->have == want;
}

static int step(struct cpio *c, const u8 **p, size_t *n)
{
	size_t take;
	int err;

	switch (c->state) {
	case CPIO_HEADER:
		if (!c->have && **p == 0) {    /* padding between archives */
			++*p;
			--*n;
			return 0;
		}
		if (!collect(c, c->head, HEADER_BYTES, p, n))
			return 0;
		err = parse_header(c);
		if (err)
			return err;
		c->done = false;
		c->state = CPIO_NAME;
		c->have = 0;
		c->want = ALIGN_UP(HEADER_BYTES + c->field[F_NAMESIZE], 4U) - HEADER_BYTES;
		return 0;
	case CPIO_NAME:
		/* The padding falls behind the name's NUL and is dropped with it. */
		if (c->have < c->field[F_NAMESIZE]) {
			collect(c, c->path + 1, c->field[F_NAMESIZE], p, n);
		} else {
			take = min((size_t)(c->want - c->have), *n);
			c->have += (u32)take;
			*p += take;
			*n -= take;
		}
		return c->have == c->want ? after_name(c) : 0;
	case CPIO_DATA:
		take = min((u64)*n, c->left);
		err = take ? eat_data(c, *p, take) : 0;
		*p += take;
		*n -= take;
		c->left -= take;
		if (err || c->left)
			return err;
		c->state = CPIO_PAD;
		return c->path[1] ? end_entry(c) : 0;
	case CPIO_PAD:
		take = min((size_t)c->pad, *n);
		*p += take;
		*n -= take;
		c->pad -= (u32)take;
		if (!c->pad) {
			c->state = CPIO_HEADER;
			c->have = 0;
		}
		return 0;
	}
	return -EINVAL;
}

/* inflate_out_fn. Empty DATA and PAD states run without input, too. */
static int feed(void *ctx, const u8 *p, size_t n)
{
	struct cpio *c = ctx;
	int err = 0;

	while (!err && (n || (c->state == CPIO_DATA && !c->left) || (c->state == CPIO_PAD && !c->pad)))
		err = step(c, &p, &n);
	return err;
}

/* Bytes of the plain archive at p: up to and with its trailer, or all. */
static int feed_plain(struct cpio *c, const u8 **p, size_t *n)
{
	int err = 0;

	c->done = false;
	while (*n && !err && !c->done)
		err = step(c, p, n);
	return err;
}

int initramfs_unpack(const void *data, size_t n)
{
	struct cpio *c = kzalloc(sizeof(*c));
	const u8 *p = data;
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->path[0] = '/';
	while (n && !err) {
		if (*p == 0) {
			p++;
			n--;
		} else if (n > 2 && p[0] == 0x1f && p[1] == 0x8b) {
			ssize_t r = gunzip(p, n, feed, c);

			err = r < 0 ? (int)r : 0;
			p += r > 0 ? r : 0;
			n -= r > 0 ? (size_t)r : 0;
		} else {
			err = feed_plain(c, &p, &n);
		}
	}
	if (!err && (c->state != CPIO_HEADER || c->have))
		err = -EINVAL;         /* cut off */
	if (err)
		pr_err("initramfs: damaged or not unpackable after %lu bytes (error %d)",
		       (unsigned long)(p - (const u8 *)data), -err);
	if (c->file)
		file_put(c->file);
	links_free(c);
	kfree(c);
	return err;
}
