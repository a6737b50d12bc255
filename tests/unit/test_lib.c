/* kernel/lib: strings, formats, numbers, trees, id maps, page and object allocators. Runs hosted, best under ASan. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#define memcpy k_memcpy
#define memmove k_memmove
#define memset k_memset
#define memcmp k_memcmp
#define memchr k_memchr
#define strlen k_strlen
#define strnlen k_strnlen
#define strcmp k_strcmp
#define strncmp k_strncmp
#define strcasecmp k_strcasecmp
#define strchr k_strchr
#define strrchr k_strrchr
#define strstr k_strstr
#define strlcpy k_strlcpy
#define vsnprintf k_vsnprintf
#define snprintf k_snprintf
#define scnprintf k_scnprintf
#include "../../kernel/lib/string.c"
#include "../../kernel/lib/vsprintf.c"
#include "../../kernel/lib/parse.c"
#include "../../kernel/lib/rbtree.c"
#include "../../kernel/lib/kmem_page.c"
#define KMEM_NO_QUARANTINE 1
#include "../../kernel/lib/kmem_slab.c"
#undef MAX_ORDER
#include "../../kernel/lib/xarray.c"

u64 port_arena_bytes = 256UL << 20;
struct boot_params boot_params = { .mem_bytes = 200UL << 20 };
static u64 released;
void port_arena_populate(void *addr, size_t bytes)
{
}

void port_arena_release(void *addr, size_t bytes)
{
	released += bytes;
	madvise(addr, bytes, MADV_DONTNEED);
}
void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	abort();
}
void printk(int level, const char *fmt, ...)
{
}

static int nr, bad;
static void ok(int cond, const char *what)
{
	printf("%sok %d - %s\n", cond ? "" : "not ", ++nr, what);
	bad += !cond;
}

static void fmt_is(const char *want, const char *fmt, ...)
{
	char buf[128];
	__builtin_va_list ap;
	int n;

	__builtin_va_start(ap, fmt);
	n = k_vsnprintf(buf, sizeof(buf), fmt, ap);
	__builtin_va_end(ap);
	ok(!k_strcmp(buf, want) && n == (int)k_strlen(want), want);
}

static void test_strings(void)
{
	static u8 a[2048], b[2048], want[2048];
	int good = 1;

	for (size_t n = 0; n < 700; n += n < 80 ? 1 : 37) {
		for (int so = 0; so < 70; so += 7) {
			for (int d = 0; d < 70; d += 3) {
				for (int i = 0; i < 2048; i++)
					a[i] = b[i] = want[i] = (u8)(i * 7 + (i >> 8));
				for (size_t i = 0; i < n; i++)
					want[300 + d + i] = b[300 + so + i];
				k_memmove(a + 300 + d, a + 300 + so, n);
				for (int i = 0; i < 2048; i++)
					good &= a[i] == want[i];
				for (int i = 0; i < 2048; i++)
					a[i] = want[i] = 0;
				for (size_t i = 0; i < n; i++)
					want[500 + d + i] = b[so + i];
				k_memcpy(a + 500 + d, b + so, n);
				good &= !k_memcmp(a, want, 2048);
				for (size_t i = 0; i < n; i++)
					want[500 + d + i] = 0xa5;
				k_memset(a + 500 + d, 0xa5, n);
				good &= !k_memcmp(a, want, 2048);
			}
		}
	}
	ok(good, "memcpy memmove memset at all sizes and offsets");
	ok(k_memcmp("abcdefghi", "abcdefghj", 9) < 0 && k_memcmp("\xff", "a", 1) > 0 &&
	   k_memcmp("12345678z", "12345678a", 8) == 0, "memcmp");
	ok(k_strstr("hello world", "o w") && !k_strstr("abc", "d") && *k_strrchr("a/b/c", '/') == '/', "strstr");
}

static void test_formats(void)
{
	u64 v;
	s64 s;
	const char *e;

	fmt_is("[   42|42   |00042]", "[%5d|%-5d|%05d]", 42, 42, 42);
	fmt_is("-5 4294967291 18446744073709551615", "%d %u %llu", -5, -5, ~0ULL);
	fmt_is("0xff FF 0377 0", "%#x %X %#o %#x", 255, 255, 255, 0);
	fmt_is("abc|  ab|ab  |x", "%s|%4.2s|%-4.*s|%c", "abc", "abc", 2, "abc", 'x');
	fmt_is("0x1000 100% -9223372036854775808", "%p %d%% %ld", (void *)4096, 100, (long)(1UL << 63));
	fmt_is("+7  7 007 -1", "%+d % d %.3d %hhd", 7, 7, 7, 255);
	fmt_is("      3.", "%*zu.", 7, (size_t)3);
	ok(!kstrtou64("0x1f\n", 0, &v) && v == 31 && kstrtou64("12x", 10, &v) == -EINVAL &&
	   kstrtou64("18446744073709551616", 10, &v) == -ERANGE && kstrtou64("", 10, &v) == -EINVAL, "kstrtou64");
	ok(!kstrtos64("-9223372036854775808", 10, &s) && s < 0 && kstrtos64("9223372036854775808", 10, &s) == -ERANGE,
	   "kstrtos64");
	ok(memparse("64M,x", &e) == 64ULL << 20 && *e == ',', "memparse");
}

struct item { struct rb_node node; u32 key; };
static int black_height(const struct rb_node *n)
{
	int l, r;

	if (!n)
		return 1;
	if (n->red && (is_red(n->left) || is_red(n->right)))
		return -1000000;
	l = black_height(n->left);
	r = black_height(n->right);
	return l == r ? l + !n->red : -1000000;
}

static void test_rbtree(void)
{
	static struct item it[2000];
	struct rb_root root = RB_ROOT;
	int good = 1, in = 0;

	for (int round = 0; round < 20000; round++) {
		struct item *x = &it[rand() % 2000];
		struct rb_node **link = &root.node, *p = NULL;

		if (x->key) {
			rb_erase(&root, &x->node);
			x->key = 0;
			in--;
		} else {
			x->key = (u32)rand() | 1;
			while (*link) {
				p = *link;
				link = x->key < rb_entry(p, struct item, node)->key ? &p->left : &p->right;
			}
			rb_insert(&root, &x->node, p, link);
			in++;
		}
		if (round % 50 == 0)
			good &= black_height(root.node) > 0;
	}
	u32 last = 0;
	for (struct rb_node *n = rb_first(&root); n; n = rb_next(n), in--) {
		good &= rb_entry(n, struct item, node)->key >= last;
		last = rb_entry(n, struct item, node)->key;
	}
	ok(good && !in, "red-black invariants under random changes");
}

static void test_xarray(void)
{
	struct xarray x;
	u64 idx[64], at = 0, n = 0;
	int good = 1;

	xa_init(&x);
	for (int i = 0; i < 64; i++) {
		idx[i] = 1ULL << i;
		good &= !xa_store(&x, idx[i], &idx[i]);
	}
	for (int i = 0; i < 64; i++)
		good &= xa_load(&x, idx[i]) == &idx[i] && !xa_load(&x, idx[i] * 3 + 1 + (i < 2 ? 1000 : 0));
	while (xa_find(&x, &at)) {
		good &= at == 1ULL << n;
		n++;
		if (++at == 0)
			break;
	}
	good &= n == 64 && x.count == 64;
	for (int i = 0; i < 64; i += 2)
		good &= xa_erase(&x, idx[i]) == &idx[i] && !xa_erase(&x, idx[i]);
	at = 0;
	good &= xa_find(&x, &at) == &idx[1] && at == 2;
	for (int i = 1; i < 64; i += 2)
		xa_erase(&x, idx[i]);
	good &= !x.root && !x.height && !x.count;
	ok(good, "xarray over the whole index range");

	struct idr ids = { 0 };
	good = 1;
	for (int i = 0; i < 300; i++)
		good &= ida_alloc(&ids, 3, 302) == i + 3;
	good &= ida_alloc(&ids, 3, 302) == -ENOSPC;
	ida_free(&ids, 77);
	good &= ida_alloc(&ids, 0, 302) == 0 && ida_alloc(&ids, 3, 1000) == 77;
	ok(good, "ida");
}

static int surplus_calls;
static void count_surplus(void)
{
	surplus_calls++;
}

/* What lies free: counted exactly (a block of which a little was used once is not all taken for used), kept while it is
 * wanted again, given back when it was not. */
static void test_kmem_surplus(void)
{
	static void *p[4000];
	u64 before;
	int good = 1;

	kmem_on_surplus(count_surplus);
	released = 0;
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 4000; i++)
			good &= (p[i] = page_alloc(0)) != NULL;
		for (int i = 0; i < 4000; i++)
			page_free(p[i], 0);
		if (!round)
			kmem_idle_pages();
		for (int i = 0; i < 20; i++)
			page_free(page_alloc(3), 3);
	}
	ok(good && surplus_calls && !released && kmem_has_surplus(), "freed pages wait to be wanted again");
	ok(kmem_idle_pages() < 2000 && kmem_idle_pages() > 3000, "idle is what was free all the time");
	before = dirty_pages;
	good = 1;
	for (u64 n; (n = kmem_release(before)) != 0;)
		good &= n <= 2 * RELEASE_STEP;
	ok(good && !dirty_pages && released >= before * PAGE_SIZE, "and goes back in steps");
	for (u32 pfn = 0, o = 0; o <= 10; o++)
		for (pfn = free_list[o]; pfn; pfn = page_meta(pfn)->next)
			good &= !bits_count(backed, pfn, 1u << o);
	u64 *z = page_zalloc(9);
	for (int k = 0; z && k < 512 * 512; k++)
		good &= !z[k];
	ok(good && z, "what went back is zero when it comes again");
	page_free(z, 9);
	kmem_on_surplus(NULL);
}

static void test_kmem(void)
{
	static struct { u8 *p; size_t n; u8 tag; } a[4000];
	int good = 1;
	u64 used;

	for (int round = 0; round < 400000; round++) {
		int i = rand() % 4000;

		if (a[i].p) {
			good &= a[i].p[0] == a[i].tag && a[i].p[a[i].n - 1] == a[i].tag;
			kfree(a[i].p);
			a[i].p = NULL;
			continue;
		}
		a[i].n = 1 + (size_t)rand() % (rand() % 64 == 0 ? 60000 : rand() % 4 == 0 ? 5000 : 300);
		a[i].p = rand() & 1 ? kmalloc(a[i].n) : kzalloc(a[i].n);
		if (!a[i].p)
			continue;
		good &= !((u64)a[i].p & 15) && ksize(a[i].p) >= a[i].n;
		a[i].tag = (u8)rand();
		a[i].p[0] = a[i].p[a[i].n - 1] = a[i].tag;
	}
	ok(good, "kmalloc: contents, alignment, size");
	for (int i = 0; i < 4000; i++)
		kfree(a[i].p);
	used = kmem_used_pages();
	ok(used < 200, "kmalloc: empty slabs go back");
	for (int i = 0; i < 2000; i++) {
		u64 *z = page_zalloc((unsigned)rand() % 5);

		for (int k = 0; z && k < 512; k++)
			good &= !z[k];
		if (z)
			z[5] = 7;
		if (z)
			page_free(z, page_meta(page_number(z))->order);
	}
	ok(good, "page_zalloc is zero");
	void *big[80];
	int n = 0;
	while (n < 80 && (big[n] = page_alloc(10)))
		n++;
	ok(n >= 48 && n <= 50, "mem= is the limit");
	while (n)
		page_free(big[--n], 10);
	ok(kmem_used_pages() == used && released > 0, "freed pages go back to the host");
	char *s = kasprintf("%s-%d", "x", 5), *t = krealloc(s, 5000);
	ok(t && !k_strcmp(t, "x-5") && !kmalloc(5UL << 20) && !kcalloc(1UL << 60, 100), "krealloc, limits");
	kfree(t);
}

int main(void)
{
	void *arena = mmap((void *)KMEM_BASE, port_arena_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

	if (arena != (void *)KMEM_BASE) {
		printf("1..0 # SKIP no arena\n");
		return 0;
	}
	test_strings();
	test_formats();
	test_rbtree();
	test_xarray();
	test_kmem();
	test_kmem_surplus();
	printf("1..%d\n", nr);
	return bad != 0;
}
