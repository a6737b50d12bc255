/* Pages of kmem: a buddy allocator over the arena. See kmem_int.h for the life of a page. */
#include "kmem_int.h"
#include <port/boot.h>

#define HOT_MAX 64u              /* single pages kept unmerged: absorbs alloc/free pairs */
#define DIRTY_HIGH_PAGES 1024u   /* free pages holding host memory: above, release down to DIRTY_LOW */
#define DIRTY_LOW_PAGES 256u

#define POPULATE_ORDER 5         /* never used memory is asked for in such blocks: a fault a page costs 1 to 13 us */

static u32 free_list[MAX_ORDER + 1];
static u32 hot[HOT_MAX], nr_hot;
static u32 frontier, end_pfn;    /* page numbers; [frontier, end) never used */
static u64 used_pages, dirty_pages;
static struct shrinker *shrinkers;

static void list_push(u32 pfn, unsigned order, u32 dirty)
{
	struct page_meta *m = page_meta(pfn);

	m->kind = PG_FREE;
	m->order = (u8)order;
	m->dirty = dirty;
	m->prev = 0;
	m->next = free_list[order];
	if (m->next)
		page_meta(m->next)->prev = pfn;
	free_list[order] = pfn;
	dirty_pages += dirty;
}

static void list_unlink(u32 pfn)
{
	struct page_meta *m = page_meta(pfn);

	if (m->prev)
		page_meta(m->prev)->next = m->next;
	else
		free_list[m->order] = m->next;
	if (m->next)
		page_meta(m->next)->prev = m->prev;
	m->kind = PG_NONE;
	dirty_pages -= m->dirty;
}

static void init_arena(void)
{
	u64 pages = port_arena_bytes >> PAGE_SHIFT;
	u64 meta_bytes;

	if (pages > U32_MAX)
		pages = U32_MAX;
	meta_bytes = pages * sizeof(struct page_meta);
	frontier = (u32)(PAGE_ALIGN(meta_bytes) >> PAGE_SHIFT);
	end_pfn = (u32)pages;
}

/* Moves the frontier up to the next 4 MiB boundary, in naturally aligned blocks. False: the arena is used up. */
static bool advance_frontier(void)
{
	u32 limit;

	if (!end_pfn)
		init_arena();
	limit = min(ALIGN_UP(frontier + 1, 1u << MAX_ORDER), end_pfn);
	if (frontier >= limit)
		return false;
	while (frontier < limit) {
		unsigned order = (unsigned)__builtin_ctz(frontier);

		if (order > MAX_ORDER)
			order = MAX_ORDER;
		while (frontier + (1u << order) > limit)
			order--;
		list_push(frontier, order, 0);
		frontier += 1u << order;
	}
	return true;
}

/* Takes a block of this order from the free lists. Page number or 0; *dirty: may hold old contents. */
static u32 take_block(unsigned order, bool *dirty)
{
	unsigned o = order;
	u32 pfn, d;

	while (o <= MAX_ORDER && !free_list[o])
		o++;
	if (o > MAX_ORDER)
		return 0;
	pfn = free_list[o];
	d = page_meta(pfn)->dirty;
	list_unlink(pfn);
	while (o > order) { /* the upper halves stay free; which half is dirty is not known: assume both */
		if (!d && o == POPULATE_ORDER) {
			port_arena_populate(page_address(pfn), PAGE_SIZE << o);
			d = 1u << o;
		}
		o--;
		list_push(pfn + (1u << o), o, min(d, 1u << o));
	}
	*dirty = d != 0;
	return pfn;
}

static void free_block(u32 pfn, unsigned order)
{
	u32 dirty = 1u << order;

	while (order < MAX_ORDER) {
		u32 buddy = pfn ^ (1u << order);
		struct page_meta *b;

		if (buddy >= frontier)
			break;
		b = page_meta(buddy);
		if (b->kind != PG_FREE || b->order != order)
			break;
		dirty += b->dirty;
		list_unlink(buddy);
		pfn = min(pfn, buddy);
		order++;
	}
	list_push(pfn, order, dirty);
}

/* Gives the memory of free blocks back to the host, large blocks first. */
static void release_dirty(void)
{
	for (int o = MAX_ORDER; o >= 0 && dirty_pages > DIRTY_LOW_PAGES; o--) {
		for (u32 pfn = free_list[o]; pfn && dirty_pages > DIRTY_LOW_PAGES; pfn = page_meta(pfn)->next) {
			struct page_meta *m = page_meta(pfn);

			if (!m->dirty)
				continue;
			port_arena_release(page_address(pfn), PAGE_SIZE << o);
			dirty_pages -= m->dirty;
			m->dirty = 0;
		}
	}
}

static u64 shrink_all(u64 want)
{
	u64 got = 0;

	for (struct shrinker *s = shrinkers; s && got < want; s = s->next)
		got += s->shrink(want - got);
	return got;
}

static u32 get_block(unsigned order, bool *dirty)
{
	u32 pfn;

	if (order == 0 && nr_hot) {
		*dirty = true;
		return hot[--nr_hot];
	}
	for (;;) {
		pfn = take_block(order, dirty);
		if (pfn)
			return pfn;
		if (!advance_frontier())
			break;
	}
	while (nr_hot) /* unmerged pages may complete a block */
		free_block(hot[--nr_hot], 0);
	return take_block(order, dirty);
}

static void *alloc_pages(unsigned order, bool zero)
{
	u64 n = 1ULL << order;
	bool dirty = true;
	void *p;
	u32 pfn;

	if (order > MAX_ORDER)
		return NULL;
	if (used_pages + n > kmem_total_pages())
		shrink_all(n);
	if (used_pages + n > kmem_total_pages())
		return NULL;
	pfn = get_block(order, &dirty);
	if (!pfn && shrink_all(n))
		pfn = get_block(order, &dirty);
	if (!pfn)
		return NULL;
	used_pages += n;
	page_meta(pfn)->kind = PG_LARGE;
	page_meta(pfn)->order = (u8)order;
	p = page_address(pfn);
	kmem_unpoison(p, PAGE_SIZE << order);
	if (zero && dirty)
		memset(p, 0, PAGE_SIZE << order);
	return p;
}

void *page_alloc(unsigned order)
{
	return alloc_pages(order, false);
}

void *page_zalloc(unsigned order)
{
	return alloc_pages(order, true);
}

void page_free(void *p, unsigned order)
{
	u32 pfn = page_number(p);
	struct page_meta *m;

	if (!p)
		return;
	BUG_ON(PAGE_OFFSET((u64)p) || !page_valid(p));
	m = page_meta(pfn);
	BUG_ON(m->kind != PG_LARGE || m->order != order);
	m->kind = PG_NONE;
	used_pages -= 1ULL << order;
	kmem_poison(p, PAGE_SIZE << order);
	if (order == 0 && nr_hot < HOT_MAX) {
		hot[nr_hot++] = pfn;
		return;
	}
	free_block(pfn, order);
	if (dirty_pages > DIRTY_HIGH_PAGES)
		release_dirty();
}

bool page_valid(const void *p)
{
	return (u64)p >= KMEM_BASE && ((u64)p - KMEM_BASE) >> PAGE_SHIFT < frontier;
}

u64 kmem_used_pages(void)
{
	return used_pages;
}

u64 kmem_total_pages(void)
{
	return boot_params.mem_bytes >> PAGE_SHIFT;
}

void shrinker_register(struct shrinker *s)
{
	struct shrinker **link = &shrinkers;

	while (*link)
		link = &(*link)->next;
	s->next = NULL;
	*link = s;
}
