/* Pages of kmem: a buddy allocator over the arena. See kmem_int.h for the life of a page. */
#include "kmem_int.h"
#include <port/boot.h>

#define HOT_MAX 64u              /* single pages kept unmerged: absorbs alloc/free pairs */
#define DIRTY_HIGH_PAGES 1024u   /* free pages holding host memory: above, release down to DIRTY_LOW */
#define DIRTY_LOW_PAGES 256u
#define KEEP_MAX_PAGES 32768u    /* ... but so many may wait for kmem_release(), when somebody calls it */
#define RELEASE_STEP 1024u

#define POPULATE_ORDER 5         /* never used memory is asked for in such blocks: a fault a page costs 1 to 13 us */

static u32 free_list[MAX_ORDER + 1];
static u32 hot[HOT_MAX], nr_hot;
static u32 frontier, end_pfn;    /* page numbers; [frontier, end) never used */
static u64 used_pages, dirty_pages, dirty_min;
static u64 *backed;              /* a bit for each page: may hold host memory */
static struct shrinker *shrinkers;
static void (*surplus_fn)(void);

/* The compiler's own would be a call to its library, which kernel/ is not linked with. */
static u32 popcount64(u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (u32)(x * 0x0101010101010101ULL >> 56);
}

/* n is a power of two and pfn a multiple of it. */
static u32 bits_count(const u64 *map, u32 pfn, u32 n)
{
	u32 c = 0;

	if (n < 64)
		return popcount64(map[pfn >> 6] >> (pfn & 63) & ((1ULL << n) - 1));
	for (u32 k = pfn >> 6; k < (pfn + n) >> 6; k++)
		c += popcount64(map[k]);
	return c;
}

static void bits_put(u64 *map, u32 pfn, u32 n, bool on)
{
	u64 bits;

	if (n < 64) {
		bits = ((1ULL << n) - 1) << (pfn & 63);
		map[pfn >> 6] = on ? map[pfn >> 6] | bits : map[pfn >> 6] & ~bits;
		return;
	}
	for (u32 k = pfn >> 6; k < (pfn + n) >> 6; k++)
		map[k] = on ? ~0ULL : 0;
}

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
	dirty_min = min(dirty_min, dirty_pages);
}

static void init_arena(void)
{
	u64 pages = port_arena_bytes >> PAGE_SHIFT;
	u64 meta_bytes, map_bytes;

	if (pages > U32_MAX)
		pages = U32_MAX;
	meta_bytes = ALIGN_UP(pages * sizeof(struct page_meta), 8);
	map_bytes = (pages / 64 + 1) * sizeof(u64);
	backed = (u64 *)(KMEM_BASE + meta_bytes);
	frontier = (u32)(PAGE_ALIGN(meta_bytes + map_bytes) >> PAGE_SHIFT);
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

/* Takes a block of this order from the free lists: its page number, or 0. */
static u32 take_block(unsigned order)
{
	unsigned o = order;
	u32 pfn, d, upper;

	while (o <= MAX_ORDER && !free_list[o])
		o++;
	if (o > MAX_ORDER)
		return 0;
	pfn = free_list[o];
	d = page_meta(pfn)->dirty;
	list_unlink(pfn);
	while (o > order) { /* the upper halves stay free */
		if (o == POPULATE_ORDER && d <= 1u << (o - 1)) {
			port_arena_populate(page_address(pfn), PAGE_SIZE << o);
			bits_put(backed, pfn, 1u << o, true);
			d = 1u << o;
		}
		o--;
		upper = pfn + (1u << o);
		list_push(upper, o, d ? bits_count(backed, upper, 1u << o) : 0);
		d -= page_meta(upper)->dirty;
	}
	return pfn;
}

static void free_block(u32 pfn, unsigned order)
{
	u32 dirty = bits_count(backed, pfn, 1u << order);

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

/* Gives the memory of free blocks back to the host, large blocks first, until no more than keep is held. */
static void release_dirty(u64 keep)
{
	for (int o = MAX_ORDER; o >= 0 && dirty_pages > keep; o--) {
		for (u32 pfn = free_list[o]; pfn && dirty_pages > keep; pfn = page_meta(pfn)->next) {
			struct page_meta *m = page_meta(pfn);

			if (!m->dirty)
				continue;
			port_arena_release(page_address(pfn), PAGE_SIZE << o);
			bits_put(backed, pfn, 1u << o, false);
			dirty_pages -= m->dirty;
			m->dirty = 0;
		}
	}
	dirty_min = min(dirty_min, dirty_pages);
}

/* More is free than the next allocations want. If somebody calls kmem_release() some of it is kept: what a program frees
 * it often wants again, and memory that is new costs many times what it costs to use it. */
static void surplus(void)
{
	u64 total = kmem_total_pages(), room = used_pages < total ? total - used_pages : 0;
	u64 keep = min(min_t(u64, KEEP_MAX_PAGES, total / 8), room);

	if (!surplus_fn || keep < DIRTY_HIGH_PAGES) {
		release_dirty(DIRTY_LOW_PAGES);
		return;
	}
	if (dirty_pages > keep)
		release_dirty(dirty_pages - RELEASE_STEP);
	surplus_fn();
}

void kmem_on_surplus(void (*fn)(void))
{
	surplus_fn = fn;
}

u64 kmem_idle_pages(void)
{
	u64 n = dirty_min > DIRTY_LOW_PAGES ? dirty_min - DIRTY_LOW_PAGES : 0;

	dirty_min = dirty_pages;
	return n;
}

bool kmem_has_surplus(void)
{
	return dirty_pages > DIRTY_HIGH_PAGES;
}

u64 kmem_release(u64 pages)
{
	u64 before = dirty_pages;

	release_dirty(before - min(before, min_t(u64, pages, RELEASE_STEP)));
	return before - dirty_pages;
}

static u64 shrink_all(u64 want)
{
	u64 got = 0;

	for (struct shrinker *s = shrinkers; s && got < want; s = s->next)
		got += s->shrink(want - got);
	return got;
}

static u32 get_block(unsigned order)
{
	u32 pfn;

	if (order == 0 && nr_hot)
		return hot[--nr_hot];
	for (;;) {
		pfn = take_block(order);
		if (pfn)
			return pfn;
		if (!advance_frontier())
			break;
	}
	while (nr_hot) /* unmerged pages may complete a block */
		free_block(hot[--nr_hot], 0);
	return take_block(order);
}

static bool have_room(u64 n)
{
	if (used_pages + n > kmem_total_pages())
		shrink_all(n);
	return used_pages + n <= kmem_total_pages();
}

static void *hand_out(u32 pfn, unsigned order)
{
	void *p = page_address(pfn);

	used_pages += 1ULL << order;
	page_meta(pfn)->kind = PG_LARGE;
	page_meta(pfn)->order = (u8)order;
	kmem_unpoison(p, PAGE_SIZE << order);
	return p;
}

static void *alloc_pages(unsigned order, bool zero)
{
	u32 pfn, n = 1u << order;
	bool dirty;
	void *p;

	if (order > MAX_ORDER || !have_room(n))
		return NULL;
	pfn = get_block(order);
	if (!pfn && shrink_all(n))
		pfn = get_block(order);
	if (!pfn)
		return NULL;
	p = hand_out(pfn, order);
	dirty = zero && bits_count(backed, pfn, n);
	bits_put(backed, pfn, n, true);
	if (dirty)
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
		surplus();
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
