/* The cpio unpacker, fed whole and byte by byte: files, parents, links, devices, several archives, damage. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { AT_FDCWD = -100, O_WRONLY = 1, O_CREAT = 0100, O_TRUNC = 01000, O_LARGEFILE = 0100000 };
#include "../../kernel/fs/initramfs/initramfs.c"

void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void kfree(const void *p) { free((void *)p); }
void cond_resched(void) {}
void printk(int level, const char *fmt, ...) { (void)level; (void)fmt; }

/* What was made, as one text. */
static char log_[65536];
static size_t log_n;
#define LOG(...) (log_n += (size_t)snprintf(log_ + log_n, sizeof(log_) - log_n, __VA_ARGS__))
static struct file one_file;
int vfs_mkdir_at(int d, const char *n, u32 m) { (void)d; LOG("mkdir %s %o\n", n, m); return 0; }
int vfs_unlink_at(int d, const char *n, int f) { (void)d; (void)n; (void)f; return -ENOENT; }
int vfs_link_at(int a, const char *o, int b, const char *n, int f)
{
	(void)a, (void)b, (void)f;
	LOG("link %s %s\n", o, n);
	return 0;
}
int vfs_symlink_at(int d, const char *n, const char *t) { (void)d; LOG("symlink %s | %s\n", n, t); return 0; }
int vfs_mknod_at(int d, const char *n, u32 m, u32 r, struct path *o)
{
	(void)d, (void)o;
	LOG("mknod %s %o %u:%u\n", n, m, MAJOR(r), MINOR(r));
	return 0;
}
struct file *file_open(int d, const char *n, u32 f, u32 m) { (void)d, (void)f, (void)m; LOG("open %s\n", n); return &one_file; }
void file_put(struct file *f) { (void)f; LOG("close\n"); }
ssize_t kernel_write(struct file *f, const void *p, size_t n, s64 *pos)
{
	(void)f;
	for (size_t k = 0; k < n; k++)
		LOG("%lld=%c;", (long long)*pos + (long long)k, ((const char *)p)[k]);
	*pos += (s64)n;
	return (ssize_t)n;
}
int path_lookup(int d, const char *n, u32 f, struct path *p) { (void)d, (void)n, (void)f, (void)p; return 0; }
void path_put(const struct path *p) { (void)p; }
int vfs_setattr(const struct path *p, struct iattr *a)
{
	(void)p;
	if (a->valid == ATTR_MODE)
		LOG("mode %o\n", a->mode);
	else if (a->valid & ATTR_UID)
		LOG("own %u:%u\n", a->uid, a->gid);
	else
		LOG("time %lld\n", (long long)a->mtime.tv_sec);
	return 0;
}
/* No gzip here (test_inflate has it): "1f 8b" and then the plain bytes, handed on one by one. */
ssize_t gunzip(const u8 *in, size_t n, inflate_out_fn out, void *ctx)
{
	for (size_t k = 2; k < n; k++) {
		int err = out(ctx, in + k, 1);

		if (err)
			return err;
	}
	return (ssize_t)n;
}

static u8 arc[16384];
static size_t arc_n;
static void entry(const char *name, unsigned ino, unsigned mode, unsigned nlink, unsigned rdev, const char *data)
{
	size_t n = strlen(data);

	arc_n += (size_t)sprintf((char *)arc + arc_n, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino,
				 mode, 10, 20, nlink, 7, (unsigned)n, 8, 1, rdev >> 8, rdev & 255,
				 (unsigned)strlen(name) + 1, 0);
	strcpy((char *)arc + arc_n, name);
	arc_n += strlen(name) + 1;
	while (arc_n & 3)
		arc[arc_n++] = 0;
	memcpy(arc + arc_n, data, n);
	arc_n += n;
	while (arc_n & 3)
		arc[arc_n++] = 0;
}

static int n_test, n_fail;
static void ok(bool good, const char *what)
{
	n_fail += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++n_test, what);
	if (!good)
		printf("# got:\n%s\n", log_);
}
static int unpack(const void *p, size_t n)
{
	memset(log_, 0, sizeof(log_));
	log_n = 0;
	return initramfs_unpack(p, n);
}

int main(void)
{
	static const char want[] =
		"own 10:20\nmode 755\ntime 7\n"
		"mkdir /bin 755\nown 10:20\nmode 755\ntime 7\n"
		"mkdir /bin 755\nopen /bin/sh\n0=a;1=b;2=c;3=d;4=e;close\nown 10:20\nmode 4755\ntime 7\n"
		"mkdir /a 755\nmkdir /a/b 755\nopen /a/b/empty\nclose\nown 10:20\nmode 644\ntime 7\n"
		"symlink /ln | target\nown 10:20\ntime 7\n"
		"mkdir /dev 755\nmknod /dev/null 20666 1:3\nown 10:20\nmode 666\ntime 7\n"
		"open /h1\nclose\nown 10:20\nmode 644\ntime 7\n"
		"link /h1 /h2\nopen /h2\n0=X;close\nown 10:20\nmode 644\ntime 7\n";
	static u8 gz[16384];
	size_t first;

	entry(".", 1, 040755, 2, 0, "");
	entry("bin", 2, 040755, 2, 0, "");
	entry("./bin/sh", 3, 0104755, 1, 0, "abcde");
	entry("/a/b/empty", 4, 0100644, 1, 0, "");
	entry("ln", 5, 0120777, 1, 0, "target");
	entry("dev/null", 6, 020666, 1, 0x103, "");
	entry("h1", 7, 0100644, 2, 0, "");
	entry("h2", 7, 0100644, 2, 0, "X");
	entry("TRAILER!!!", 0, 0, 1, 0, "");
	while (arc_n & 511)
		arc[arc_n++] = 0;
	first = arc_n;
	ok(!unpack(arc, arc_n) && !strcmp(log_, want), "one archive");
	gz[0] = 0x1f;
	gz[1] = 0x8b;
	memcpy(gz + 2, arc, arc_n);
	ok(!unpack(gz, arc_n + 2) && !strcmp(log_, want), "the same byte by byte");
	entry("second", 9, 0100600, 1, 0, "2");
	entry("TRAILER!!!", 0, 0, 1, 0, "");
	ok(!unpack(arc, arc_n) && strstr(log_, "open /second\n0=2;close"), "two archives");
	memcpy(gz + 2, arc + first, arc_n - first);
	ok(!unpack(gz, arc_n - first + 2) && !strncmp(log_, "open /second\n0=2;close", 22), "a last archive without padding");
	for (size_t cut = 1; cut < first; cut++)
		unpack(arc, cut);
	ok(unpack(arc, 200) == -EINVAL, "cut off in an entry");
	for (int k = 0; k < 3000; k++) {
		size_t at = (size_t)rand() % arc_n;
		u8 old = arc[at];

		arc[at] = (u8)rand();
		unpack(arc, arc_n);
		arc[at] = old;
	}
	ok(!unpack(arc, 0), "nothing");
	printf("1..%d\n", n_test);
	return n_fail != 0;
}
