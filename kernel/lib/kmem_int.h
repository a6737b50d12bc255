/*
 * Private to kmem_page.c and kmem_slab.c.
 *
 * The arena starts with one struct page_meta for each of its pages (touched lazily: a zero meta means "never used or
 * inside a block"). Pages are handed out by a buddy allocator whose blocks come from a frontier that moves up 4 MiB
 * at a time; what was freed is kept for reuse, up to a few MiB or until it was not wanted for a while (kmem_on_surplus),
 * and then goes back to the host. After the metas comes a bit for each page: it may hold memory of the host.
 *
 * Life of a page: beyond the frontier -> head of or inside a free block -> part of an allocation (PG_LARGE, or
 * PG_SLAB / PG_SLAB_TAIL of a cache) -> free block ...
 * Invariant: only the first page of a free block has kind PG_FREE, and it is on free_list[order].
 */
#ifndef KMEM_INT_H
#define KMEM_INT_H
#include <port/port.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/string.h>

#define MAX_ORDER 10u
enum page_kind { PG_NONE, PG_FREE, PG_LARGE, PG_SLAB, PG_SLAB_TAIL };
struct page_meta {
	u32 next, prev;     /* free list or partial list of a cache, by page number; 0: end */
	u32 dirty;          /* free block: pages in it that may hold host memory; SLAB_TAIL: page number of the head */
	u16 free, inuse;    /* slab: first free object + 1, objects handed out */
	u16 fresh;          /* slab: objects never handed out start here */
	u16 cache;          /* slab: index of its cache */
	u8 kind, order;
};

static inline struct page_meta *page_meta(u32 pfn)
{
	return (struct page_meta *)KMEM_BASE + pfn;
}
static inline u32 page_number(const void *p)
{
	return (u32)(((u64)p - KMEM_BASE) >> PAGE_SHIFT);
}
static inline void *page_address(u32 pfn)
{
	return (void *)(KMEM_BASE + ((u64)pfn << PAGE_SHIFT));
}
bool page_valid(const void *p);    /* lies in a page that was handed out once */

/* Tell the address sanitizer what may be touched. */
#ifdef __SANITIZE_ADDRESS__
void __asan_poison_memory_region(void const volatile *p, size_t n);
void __asan_unpoison_memory_region(void const volatile *p, size_t n);
#define kmem_poison(p, n) __asan_poison_memory_region(p, n)
#define kmem_unpoison(p, n) __asan_unpoison_memory_region(p, n)
/* Of an allocation of `room` bytes only the first n may be touched. */
static inline void kmem_fit(void *p, size_t n, size_t room)
{
	if (!n) /* the first byte tells whether it is free */
		n = 1;
	kmem_unpoison(p, room);
	kmem_poison((char *)p + n, room - n);
}
/* Reports a free of what was freed already. */
#define kmem_check(p) (*(volatile const char *)(p))
#define KMEM_NOSAN __attribute__((no_sanitize_address))
#else
#define kmem_poison(p, n) ((void)(p), (void)(n))
#define kmem_unpoison(p, n) ((void)(p), (void)(n))
#define kmem_fit(p, n, room) ((void)(p), (void)(n), (void)(room))
#define kmem_check(p) ((void)(p))
#define KMEM_NOSAN
#endif
#endif
