/* tmpfs file contents in both states (pages, memfd) against a flat model: writes, reads, truncates, holes, seeks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* <fcntl.h> has a struct flock64 of its own. */
enum { FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2,
       FALLOC_FL_ZERO_RANGE = 16, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 16 };
#include "../../kernel/lib/xarray.c"
#include "../../kernel/fs/tmpfs/data.c"
#define punch map_punch_unused
#include "../../kernel/fs/tmpfs/map.c"
#undef punch

/* ---- the world below ---- */
static u64 charged, mem_limit = 100000;
static long pages_out;
void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void *krealloc(void *p, size_t n) { return realloc(p, n); }
void kfree(const void *p) { free((void *)p); }
struct kmem_cache { size_t n; };
struct kmem_cache *kmem_cache_create(const char *name, size_t n)
{
	struct kmem_cache *c = malloc(sizeof(*c));

	(void)name;
	c->n = n;
	return c;
}
void *kmem_cache_alloc(struct kmem_cache *c) { return malloc(c->n); }
void *kmem_cache_zalloc(struct kmem_cache *c) { return calloc(1, c->n); }
void kmem_cache_free(struct kmem_cache *c, void *p) { (void)c; free(p); }
/* Neighbours now and then, as a buddy allocator gives them. */
static u8 pool[512][4096] __attribute__((aligned(4096)));
static bool pool_used[512];
void *page_alloc(unsigned order)
{
	if (order) {
		pages_out++;
		return aligned_alloc(4096, 4096UL << order);
	}
	for (int k = 0; k < 512; k++)
		if (!pool_used[k]) {
			pool_used[k] = true;
			pages_out++;
			memset(pool[k], 0xee, 4096);
			return pool[k];
		}
	return NULL;
}
void *page_zalloc(unsigned order)
{
	void *p = page_alloc(order);

	if (p)
		memset(p, 0, 4096UL << order);
	return p;
}
void page_free(void *p, unsigned order)
{
	pages_out--;
	if (order)
		free(p);
	else
		pool_used[((u8 *)p - pool[0]) / 4096] = false;
}
u64 kmem_total_pages(void) { return 100000; }
u64 kmem_used_pages(void) { return (u64)pages_out; }
u64 mem_charged(void) { return charged; }
int mem_charge(u64 n)
{
	if (charged + n > mem_limit)
		return -ENOMEM;
	charged += n;
	return 0;
}
void mem_uncharge(u64 n) { charged -= n; }
void cond_resched(void) {}
void down_read(struct rwsem *s) { s->readers++; }
void up_read(struct rwsem *s) { s->readers--; }
void down_write(struct rwsem *s) { s->readers--; }
void up_write(struct rwsem *s) { s->readers++; }
void touch_atime(struct file *f) { (void)f; }
void touch_mtime(struct inode *i) { i->version++; }
s64 generic_llseek(struct file *f, s64 off, int whence) { (void)f; (void)off; (void)whence; return -EINVAL; }

static size_t it_copy(struct iov_iter *it, u8 *k, const u8 *src, size_t n)
{
	u8 *u = (u8 *)it->one.base + it->seg_off;

	n = n < it->count ? n : it->count;
	if (k)
		memcpy(k, u, n);
	else if (src)
		memcpy(u, src, n);
	else
		memset(u, 0, n);
	it->seg_off += n;
	it->count -= n;
	return n;
}
size_t copy_to_iter(const void *s, size_t n, struct iov_iter *it) { return it_copy(it, NULL, s, n); }
size_t copy_from_iter(void *d, size_t n, struct iov_iter *it) { return it_copy(it, d, NULL, n); }
size_t zero_iter(size_t n, struct iov_iter *it) { return it_copy(it, NULL, NULL, n); }

#define SPAN (160UL * 4096)
static u8 host[SPAN + 4096];
static u64 host_size, host_open;
hfd_t port_memfd_new(u64 size)
{
	memset(host, 0, sizeof(host));
	host_size = size;
	host_open++;
	return 3;
}
int port_hfd_resize(hfd_t h, u64 size)
{
	(void)h;
	if (size < host_size)
		memset(host + size, 0, host_size - size);
	host_size = size;
	return 0;
}
ssize_t port_hfd_pread(hfd_t h, void *b, size_t n, u64 off)
{
	(void)h;
	if (off >= host_size)
		return 0;
	n = n < host_size - off ? n : host_size - off;
	memcpy(b, host + off, n);
	return (ssize_t)n;
}
ssize_t port_hfd_pwrite(hfd_t h, const void *b, size_t n, u64 off)
{
	(void)h;
	memcpy(host + off, b, n);
	host_size = host_size > off + n ? host_size : off + n;
	return (ssize_t)n;
}
int port_hfd_punch(hfd_t h, u64 off, u64 len)
{
	(void)h;
	memset(host + off, 0, len);
	return 0;
}
u64 port_hfd_blocks(hfd_t h)
{
	u64 n = 0;

	(void)h;
	for (u64 p = 0; p < SPAN; p += 4096)
		for (int k = 0; k < 4096; k++)
			if (host[p + k]) {
				n += 4096;
				break;
			}
	return n;
}
void port_hfd_close(hfd_t h) { (void)h; host_open--; }

/* ---- the model ---- */
static int n_test, n_fail;
static void ok(bool good, const char *what)
{
	n_fail += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++n_test, what);
}
static struct super_block sb = { .maxbytes = S64_MAX };
static struct tmpfs_sb sbi;
static struct tnode tn;
static struct inode ino = { .sb = &sb, .priv = &tn, .nlink = 1, .mode = 0100644 };
static struct file file = { .inode = &ino, .op = &tmpfs_file_fops };
static u8 model[SPAN + 4096], buf[SPAN];
static u64 msize;

static struct iov_iter iter(void *p, size_t n)
{
	struct iov_iter it = { .nr = 1, .count = n };

	it.one = (struct iovec64){ (u64)p, n };
	return it;
}

static bool check_all(void)
{
	struct iov_iter it = iter(buf, SPAN);
	s64 pos = 0;
	ssize_t r = tmpfs_read(&file, &it, &pos);

	if (r != (ssize_t)msize || ino.size != msize || memcmp(buf, model, msize))
		return false;
	for (s64 o = 0; (u64)o < msize;) { /* between data and hole only zeroes, and it ends */
		s64 d = tmpfs_llseek(&file, o, SEEK_DATA), h;

		for (s64 k = o; k < (d < 0 ? (s64)msize : d); k++)
			if (model[k])
				return false;
		if (d < 0)
			break;
		h = tmpfs_llseek(&file, d, SEEK_HOLE);
		if (h <= d || (u64)h > msize)
			return false;
		o = h;
	}
	return tn.hfd >= 0 || tn.nr_pages == tn.pages.count;
}

static bool one_step(void)
{
	u64 a = (u64)rand() % SPAN, n = (u64)rand() % (rand() & 1 ? 5000 : 150000), end, off = 0;
	struct iov_iter it;
	s64 pos = (s64)a;

	a = rand() & 1 ? a & ~4095UL : a;
	pos = (s64)a;
	n = a + n > SPAN ? SPAN - a : n;
	end = a + n;
	switch (rand() % 8) {
	case 0 ... 2:
		for (u64 k = 0; k < n; k++)
			buf[k] = (u8)(rand() | 1);
		it = iter(buf, n);
		if (tmpfs_write(&file, &it, &pos) != (ssize_t)n || pos != (s64)end)
			return false;
		memcpy(model + a, buf, n);
		msize = n && end > msize ? end : msize;
		return true;
	case 3:
		if (a < msize)
			memset(model + a, 0, msize - a);
		msize = a;
		return !tmpfs_truncate(&ino, a);
	case 4:
		if (!n)
			return tmpfs_fallocate(&file, 3, a, n) == -EINVAL;
		memset(model + a, 0, n);
		return !tmpfs_fallocate(&file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, a, n);
	case 5:
		if (!n)
			return true;
		memset(model + a, 0, n);
		msize = end > msize ? end : msize;
		return !tmpfs_fallocate(&file, FALLOC_FL_ZERO_RANGE, a, n);
	case 6:
		return !n || !tmpfs_fallocate(&file, FALLOC_FL_KEEP_SIZE, a, n);
	default:
		if (rand() % 8)
			return true;
		if (tn.hfd < 0)
			return tmpfs_mmap(&file, true, true, &off) == 3;
		tmpfs_release(&file);
		return reclaim_one() && tn.hfd < 0 && !host_open;
	}
}

int main(void)
{
	bool good = true;
	struct iov_iter it = iter(buf, 8192);
	s64 pos = 0;

	sb.priv = &sbi;
	tn.inode = &ino;
	tn.hfd = HFD_NONE;
	list_init(&tn.hfd_node);
	for (int k = 0; k < 3000 && good; k++) {
		good = one_step();
		if (good && !(k % 16))
			good = check_all();
		if (!good)
			printf("# step %d, state %s\n", k, tn.hfd < 0 ? "pages" : "memfd");
	}
	ok(good, "random operations agree with the model");
	if (tn.hfd >= 0) {
		tmpfs_release(&file);
		reclaim_one();
	}
	tmpfs_truncate(&ino, 0);
	ok(!tn.nr_pages && !sbi.used_pages && !charged && !pages_out, "nothing is left after truncation to 0");
	sbi.max_pages = 1;
	ok(tmpfs_write(&file, &it, &pos) == 4096, "a full file system gives a short write");
	it = iter(buf, 10);
	ok(tmpfs_write(&file, &it, &pos) == -ENOSPC, "then ENOSPC");
	ok(tmpfs_fallocate(&file, 0, 0, 8192) == -ENOSPC && tn.nr_pages == 1, "fallocate undoes what it made");
	sbi.max_pages = 0;
	tn.seals = F_SEAL_GROW;
	pos = 4090;
	it = iter(buf, 6);
	ok(tmpfs_write(&file, &it, &pos) == 6, "F_SEAL_GROW: writes inside go on");
	it = iter(buf, 1);
	ok(tmpfs_write(&file, &it, &pos) == -EPERM && tmpfs_truncate(&ino, 5000) == -EPERM, "F_SEAL_GROW refuses growth");
	tn.seals = F_SEAL_SHRINK;
	ok(tmpfs_truncate(&ino, 100) == -EPERM, "F_SEAL_SHRINK");
	tn.seals = F_SEAL_WRITE;
	pos = 0;
	ok(tmpfs_write(&file, &it, &pos) == -EPERM &&
	   tmpfs_fallocate(&file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == -EPERM, "F_SEAL_WRITE");
	printf("1..%d\n", n_test);
	return n_fail != 0;
}
