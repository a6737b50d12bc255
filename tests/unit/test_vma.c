/* The VMA tree against a model host: random mmap, munmap, mprotect, mremap, madvise, brk, with failing host ops. */
#define UMBER_HOSTED 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#ifndef MREMAP_DONTUNMAP /* libc's header lacks it with some of its versions */
#define MREMAP_DONTUNMAP 4
#endif
#include <port/port.h>
#undef current
#define current test_task
struct task;
static struct task *test_task;
enum { F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 16, MS_NOEXEC = 8, FALLOC_FL_PUNCH_HOLE = 2,
       FALLOC_FL_KEEP_SIZE = 1 };
#define strlcpy umber_strlcpy
size_t umber_strlcpy(char *d, const char *s, size_t n);
size_t umber_strlcpy(char *d, const char *s, size_t n) { return (size_t)snprintf(d, n, "%s", s); }
#include "../../kernel/mm/mm_internal.h"
#include <umber/cred.h>
#include "../../kernel/lib/rbtree.c"
#include "../../kernel/mm/vma.c"
#include "../../kernel/mm/ops.c"
#include "../../kernel/mm/account.c"
#include "../../kernel/mm/mmap.c"
#include "../../kernel/mm/unmap.c"
#include "../../kernel/mm/mprotect.c"
#include "../../kernel/mm/mremap.c"

#define BASE 0x10000000UL
#define PAGES 64u

static struct { bool mapped; u32 prot; u32 id; u32 content; } host[PAGES];
static u32 next_id = 1, next_content = 1;
static int fail_in = -1; /* host ops until one fails */
static struct mm mm;

void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void *krealloc(void *p, size_t n) { return realloc(p, n); }
void kfree(const void *p) { free((void *)p); }
struct kmem_cache { size_t n; };
struct kmem_cache *kmem_cache_create(const char *name, size_t n)
{
	struct kmem_cache *c = malloc(sizeof(*c));

	c->n = n;
	return c;
}
void *kmem_cache_zalloc(struct kmem_cache *c) { return calloc(1, c->n); }
void kmem_cache_free(struct kmem_cache *c, void *p) { free(p); }
u64 kmem_total_pages(void) { return 1 << 20; }
u64 kmem_used_pages(void) { return 0; }
void mutex_lock(struct mutex *m) { }
int port_patch(struct port_task *pt) { (void)pt; return 0; }
void mutex_unlock(struct mutex *m) { }
void file_put(struct file *f) { f->ref.n--; }
struct file *fd_get(int fd) { return NULL; }
bool capable(int cap) { return true; }
u32 shmem_seals(const struct file *f) { return 0; }
struct file *shmem_file(const char *name, u64 size, u32 flags) { return ERR_PTR(-ENOMEM); }
size_t port_vdso(hfd_t *h) { return 0; }
void oom_poke(void) { }
void mm_populate_range(struct mm *m, uaddr_t s, uaddr_t e) { }
void panic(const char *fmt, ...) { abort(); }
int copy_to_user(uaddr_t d, const void *s, size_t n) { return 0; }

static bool inside(u64 addr, u64 len) { return addr >= BASE && addr + len <= BASE + PAGES * PAGE_SIZE; }

static int host_remap(const struct port_mmop *op)
{
	u64 n = op->len / PAGE_SIZE, s = (op->addr - BASE) / PAGE_SIZE, d = (op->new_addr - BASE) / PAGE_SIZE;

	for (u64 i = 0; i < n; i++)
		if (!host[s + i].mapped || host[s + i].id != host[s].id)
			return -EFAULT;
	for (u64 i = 0; i < n; i++) {
		host[d + i] = host[s + i];
		host[s + i].mapped = false;
	}
	return 0;
}

int port_mm_ops(port_mm_t m, struct port_mmop *ops, unsigned nr)
{
	for (unsigned k = 0; k < nr; k++) {
		struct port_mmop *op = &ops[k];
		u64 s = (op->addr - BASE) / PAGE_SIZE, n = op->len / PAGE_SIZE;

		op->result = -ECANCELED;
		if (fail_in >= 0 && fail_in-- == 0)
			return op->result = -ENOMEM;
		if (!inside(op->addr, op->len) || !n)
			abort();
		op->result = 0;
		if (op->kind == PORT_MM_REMAP) {
			if (!inside(op->new_addr, op->new_len))
				abort();
			op->result = host_remap(op);
			if (op->result)
				return (int)op->result;
		}
		if (op->kind == PORT_MM_MAP_ANON)
			next_id++;
		for (u64 i = s; i < s + n; i++) {
			if (op->kind == PORT_MM_UNMAP)
				host[i].mapped = false;
			else if (op->kind == PORT_MM_PROTECT && host[i].mapped)
				host[i].prot = op->prot;
			else if (op->kind == PORT_MM_MAP_ANON) {
				host[i].mapped = true;
				host[i].prot = op->prot;
				host[i].id = next_id;
				host[i].content = next_content++;
			}
		}
	}
	return 0;
}

static const char *wrong(void)
{
	u64 total = 0, data = 0;
	uaddr_t last = 0;
	struct vma *v, *p = NULL;
	int n = 0;

	for (u32 i = 0; i < PAGES; i++) {
		uaddr_t a = BASE + i * PAGE_SIZE;

		v = mm_find_vma(&mm, a);
		if ((v && v->start <= a) != host[i].mapped)
			return "tree and host differ in what is mapped";
		if (host[i].mapped && mm_host_prot(v->flags) != host[i].prot)
			return "tree and host differ in protection";
	}
	mm_for_each_vma(v, &mm) {
		if (v->start >= v->end || v->start < last)
			return "order";
		if (p && can_merge(p, v))
			return "not merged";
		last = v->end;
		total += vma_pages(v);
		if ((v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
			data += vma_pages(v);
		n++;
		p = v;
	}
	if (total != mm.total_pages || data != mm.data_pages || (s64)data != committed_pages || n != mm.nr_vmas)
		return "counters";
	return NULL;
}

static u64 rnd(u64 n) { return (u64)random() % n; }

static void step(void)
{
	static const u32 prots[] = { 0, 1, 3, 5, 3, 1 };
	u64 s = rnd(PAGES), n = 1 + rnd(min(12UL, PAGES - s)), d = rnd(PAGES - 24), grow = rnd(8);
	uaddr_t a = BASE + s * PAGE_SIZE;
	u32 prot = prots[rnd(6)];

	fail_in = rnd(5) ? -1 : (int)rnd(3);
	switch (rnd(5)) {
	case 0: mm_map(&mm, NULL, a, n * PAGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0); break;
	case 1: mm_unmap(&mm, a, n * PAGE_SIZE); break;
	case 2: mm_protect(&mm, a, n * PAGE_SIZE, prot); break;
	case 3: sys_mremap(a, n * PAGE_SIZE, (n + grow) * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   BASE + d * PAGE_SIZE); break;
	default: sys_mremap(a, n * PAGE_SIZE, min(n, PAGES - s) * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED |
			    (rnd(2) ? MREMAP_DONTUNMAP : 0), BASE + d * PAGE_SIZE); break;
	}
	fail_in = -1;
}

/* The gap search with its hint must give what a full search gives. */
static bool gaps_agree(void)
{
	struct mm plain = { 0 };

	for (int i = 0; i < 2000; i++) {
		u64 len = (1 + rnd(6)) * PAGE_SIZE;
		s64 a, b;

		plain = mm;
		plain.gap_hint = U64_MAX;
		plain.gap_min = 0;
		b = gap_down(&plain, BASE, len);
		a = gap_down(&mm, BASE, len);
		if (a != b) {
			printf("# %lx %lx\n", (u64)a, (u64)b);
			return false;
		}
		if (a > 0 && rnd(2))
			mm_map(&mm, NULL, (u64)a, len, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
		else if (a > 0)
			mm_note_gap(&mm, (u64)a);
		if (a < 0 || rnd(2))
			mm_unmap(&mm, BASE + rnd(PAGES - 8) * PAGE_SIZE, (1 + rnd(8)) * PAGE_SIZE);
	}
	return true;
}

int main(void)
{
	const char *what = NULL;
	int at = 0;
	bool good;

	test_task = calloc(1, sizeof(struct task));
	test_task->tg = calloc(1, sizeof(struct tgroup));
	test_task->mm = &mm;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		test_task->tg->rlim[i].cur = RLIM_INFINITY;
	mm.port = 1;
	mm.mmap_base = BASE + PAGES * PAGE_SIZE;
	mm.gap_hint = U64_MAX;
	srandom(1);
	for (; at < 200000 && !what; at++) {
		step();
		what = wrong();
	}
	printf("1..2\n%sok 1 - tree follows host%s%s (%d steps)\n", what ? "not " : "", what ? ": " : "",
	       what ? what : "", at);
	mm_unmap(&mm, BASE, PAGES * PAGE_SIZE);
	good = gaps_agree() && !wrong();
	printf("%sok 2 - gap search with a hint equals the full one\n", good ? "" : "not ");
	return what || !good;
}
