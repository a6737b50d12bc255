/*
 * Objects smaller than a page: caches of equal-sized objects in slabs of 1 to 4 pages, with a magazine of free
 * objects in front of each so that the usual alloc and free touch no page metadata; kmalloc's sizes are caches too.
 *
 * An object is: fresh (never handed out) -> handed out -> in the magazine or on its slab's free chain -> handed out.
 * The chain is threaded through the objects' first two bytes. A slab is on its cache's partial list exactly when it
 * has something to give; it goes back to the page allocator when it is empty and not the only partial one.
 * UMBER_DEBUG: freed objects are filled with 0x6b and checked when handed out again; a red zone follows each object.
 */
#include "kmem_int.h"

#define MAX_CACHES 192u
#define MAG_MAX 24u
#ifdef UMBER_DEBUG
#define REDZONE 16u
#else
#define REDZONE 0u
#endif
#define REDZONE_BYTE 0xbb
#define FREE_BYTE 0x6b

struct kmem_cache {
	u32 size, usable;      /* of an object with and without red zone */
	u32 partial;           /* page number of the first slab with free objects; 0: none */
	u16 per_slab, index;
	u8 order;
	u8 mag_limit;
	u8 nr_mag;
	void *mag[MAG_MAX];
	char name[24];
};
static struct kmem_cache caches[MAX_CACHES];
static u32 nr_caches;

static const u16 kmalloc_sizes[] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048 };
#define NR_SIZES ARRAY_SIZE(kmalloc_sizes)
#define KMALLOC_SLAB_MAX 2048u
static u16 size_cache[NR_SIZES];            /* index into caches */
static u8 size_class[KMALLOC_SLAB_MAX / 16 + 1]; /* (size + 15) / 16 -> position in kmalloc_sizes */
static bool ready;

static struct kmem_cache *cache_new(const char *name, size_t size)
{
	struct kmem_cache *c;

	if (nr_caches == MAX_CACHES)
		panic("kmem: too many caches (%s)", name);
	c = &caches[nr_caches];
	c->index = (u16)nr_caches++;
	strlcpy(c->name, name, sizeof(c->name));
	c->usable = (u32)ALIGN_UP(max(size, (size_t)16), (size_t)16);
	c->size = c->usable + REDZONE;
	c->order = c->size <= 512 ? 0 : c->size <= 1024 ? 1 : 2;
	while ((PAGE_SIZE << c->order) / c->size < 3)
		c->order++;
	c->per_slab = (u16)((PAGE_SIZE << c->order) / c->size);
	c->mag_limit = (u8)min_t(u32, MAG_MAX, c->size > 1024 ? 4 : c->size > 256 ? 8 : MAG_MAX);
	return c;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size)
{
	BUG_ON(size > 65536);
	return cache_new(name, size);
}

static void kmalloc_init(void)
{
	unsigned k = 0;

	for (unsigned i = 0; i < NR_SIZES; i++) {
		char name[24];

		snprintf(name, sizeof(name), "kmalloc-%u", kmalloc_sizes[i]);
		size_cache[i] = cache_new(name, kmalloc_sizes[i])->index;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(size_class); i++) {
		while (kmalloc_sizes[k] < i * 16)
			k++;
		size_class[i] = (u8)k;
	}
	ready = true;
}

static void partial_add(struct kmem_cache *c, u32 pfn)
{
	struct page_meta *m = page_meta(pfn);

	m->prev = 0;
	m->next = c->partial;
	if (m->next)
		page_meta(m->next)->prev = pfn;
	c->partial = pfn;
}

static void partial_del(struct kmem_cache *c, u32 pfn)
{
	struct page_meta *m = page_meta(pfn);

	if (m->prev)
		page_meta(m->prev)->next = m->next;
	else
		c->partial = m->next;
	if (m->next)
		page_meta(m->next)->prev = m->prev;
}

static u32 slab_new(struct kmem_cache *c)
{
	void *p = page_alloc(c->order);
	struct page_meta *m;
	u32 pfn;

	if (!p)
		return 0;
	pfn = page_number(p);
	for (u32 i = 1; i < 1u << c->order; i++) {
		page_meta(pfn + i)->kind = PG_SLAB_TAIL;
		page_meta(pfn + i)->dirty = pfn;
	}
	m = page_meta(pfn);
	m->kind = PG_SLAB;
	m->cache = c->index;
	m->free = m->inuse = m->fresh = 0;
	kmem_poison(p, PAGE_SIZE << c->order);
	partial_add(c, pfn);
	return pfn;
}

static void slab_destroy(struct kmem_cache *c, u32 pfn)
{
	partial_del(c, pfn);
	for (u32 i = 1; i < 1u << c->order; i++)
		page_meta(pfn + i)->kind = PG_NONE;
	page_meta(pfn)->kind = PG_LARGE;
	page_free(page_address(pfn), c->order);
}

KMEM_NOSAN static u16 chain_next(const void *obj)
{
	return *(const u16 *)obj;
}

KMEM_NOSAN static void chain_set(void *obj, u16 next)
{
	*(u16 *)obj = next;
}

/* Takes one object from the slabs. */
static void *slab_take(struct kmem_cache *c)
{
	u32 pfn = c->partial;
	struct page_meta *m;
	void *obj;

	if (!pfn && !(pfn = slab_new(c)))
		return NULL;
	m = page_meta(pfn);
	if (m->free) {
		obj = (char *)page_address(pfn) + (size_t)(m->free - 1) * c->size;
		m->free = chain_next(obj);
#ifdef UMBER_DEBUG
		*(u16 *)obj = FREE_BYTE << 8 | FREE_BYTE;
#endif
	} else {
		obj = (char *)page_address(pfn) + (size_t)m->fresh++ * c->size;
#ifdef UMBER_DEBUG
		kmem_unpoison(obj, c->size);
		memset(obj, FREE_BYTE, c->usable);
		memset((char *)obj + c->usable, REDZONE_BYTE, REDZONE);
		kmem_poison(obj, c->size);
#endif
	}
	if (++m->inuse == c->per_slab)
		partial_del(c, pfn);
	return obj;
}

static void slab_give(struct kmem_cache *c, void *obj, u32 pfn)
{
	struct page_meta *m = page_meta(pfn);
	u32 i = (u32)(((char *)obj - (char *)page_address(pfn)) / c->size);

	chain_set(obj, m->free);
	m->free = (u16)(i + 1);
	if (m->inuse-- == c->per_slab)
		partial_add(c, pfn);
	if (!m->inuse && (m->next || m->prev))
		slab_destroy(c, pfn);
}

/* Page number of the slab that holds obj; checks that it is an object of a cache. */
static u32 slab_of(const void *obj)
{
	u32 pfn = page_number(obj);
	struct page_meta *m;

	BUG_ON(!page_valid(obj));
	m = page_meta(pfn);
	if (m->kind == PG_SLAB_TAIL)
		pfn = m->dirty;
	return pfn;
}

#ifdef UMBER_DEBUG
static void debug_check_free(struct kmem_cache *c, u8 *obj)
{
	for (u32 i = 0; i < c->usable; i++)
		if (obj[i] != FREE_BYTE)
			panic("kmem: %s object %p written after free at +%u", c->name, (void *)obj, i);
}

static void debug_check_live(struct kmem_cache *c, u8 *obj)
{
	u32 off = (u32)(obj - (u8 *)page_address(slab_of(obj)));

	if (off % c->size)
		panic("kmem: free of %p inside an object of %s", (void *)obj, c->name);
	for (u32 i = c->usable; i < c->size; i++)
		if (obj[i] != REDZONE_BYTE)
			panic("kmem: %s object %p written beyond its end", c->name, (void *)obj);
	for (u32 i = 0; i < c->nr_mag; i++)
		if (c->mag[i] == obj)
			panic("kmem: double free of %s object %p", c->name, (void *)obj);
}
#endif

#if defined(__SANITIZE_ADDRESS__) && !defined(KMEM_NO_QUARANTINE)
/* Freed objects stay poisoned for a while, so that a use after free meets poison and not the next owner. */
#define QUARANTINE 2048u
static struct { struct kmem_cache *c; void *p; } quarantine[QUARANTINE];
static u32 quarantine_next;

static void quarantine_swap(struct kmem_cache **c, void **p)
{
	u32 i;
	struct kmem_cache *oldc;
	void *oldp;

	if ((*c)->size > KMALLOC_SLAB_MAX)
		return;
	i = quarantine_next++ % QUARANTINE;
	oldc = quarantine[i].c;
	oldp = quarantine[i].p;

	quarantine[i].c = *c;
	quarantine[i].p = *p;
	*c = oldc;
	*p = oldp;
}
#else
static void quarantine_swap(struct kmem_cache **c, void **p)
{
	(void)c, (void)p;
}
#endif

void *kmem_cache_alloc(struct kmem_cache *c)
{
	void *p = c->nr_mag ? c->mag[--c->nr_mag] : slab_take(c);

	if (unlikely(!p))
		return NULL;
#ifdef UMBER_DEBUG
	kmem_unpoison(p, c->size);
	debug_check_free(c, p);
#else
	kmem_unpoison(p, c->usable);
#endif
	return p;
}

void *kmem_cache_zalloc(struct kmem_cache *c)
{
	void *p = kmem_cache_alloc(c);

	return p ? memset(p, 0, c->usable) : NULL;
}

static void cache_flush(struct kmem_cache *c, u32 keep)
{
	u32 n = c->nr_mag - keep;

	for (u32 i = 0; i < n; i++) /* the oldest go, what was freed last is warm */
		slab_give(c, c->mag[i], slab_of(c->mag[i]));
	memmove(c->mag, c->mag + n, keep * sizeof(void *));
	c->nr_mag = (u8)keep;
}

void kmem_cache_free(struct kmem_cache *c, void *p)
{
	if (!p)
		return;
	kmem_check(p);
#ifdef UMBER_DEBUG
	kmem_unpoison(p, c->size);
	debug_check_live(c, p);
	memset(p, FREE_BYTE, c->usable);
#endif
	kmem_poison(p, c->size);
	quarantine_swap(&c, &p);
	if (!p)
		return;
	if (c->nr_mag == c->mag_limit)
		cache_flush(c, c->mag_limit / 2);
	c->mag[c->nr_mag++] = p;
}

static unsigned order_of(size_t size)
{
	return size <= PAGE_SIZE ? 0 : 64u - (unsigned)__builtin_clzll((size - 1) >> PAGE_SHIFT);
}

void *kmalloc(size_t size)
{
	void *p;

	if (unlikely(!ready))
		kmalloc_init();
	if (likely(size <= KMALLOC_SLAB_MAX)) {
		struct kmem_cache *c = &caches[size_cache[size_class[(size + 15) / 16]]];

		p = kmem_cache_alloc(c);
		if (p)
			kmem_fit(p, size, c->usable);
		return p;
	}
	if (size > PAGE_SIZE << MAX_ORDER)
		return NULL;
	p = page_alloc(order_of(size));
	if (p)
		kmem_fit(p, size, PAGE_SIZE << order_of(size));
	return p;
}

void *kzalloc(size_t size)
{
	void *p;

	if (size > KMALLOC_SLAB_MAX)
		return size > PAGE_SIZE << MAX_ORDER ? NULL : page_zalloc(order_of(size));
	p = kmalloc(size);
	return p ? memset(p, 0, size) : NULL;
}

void *kcalloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kzalloc(bytes);
}

size_t ksize(const void *p)
{
	const struct page_meta *m;
	size_t room;

	if (!p)
		return 0;
	m = page_meta(slab_of(p));
	BUG_ON(m->kind != PG_SLAB && m->kind != PG_LARGE);
	room = m->kind == PG_SLAB ? caches[m->cache].usable : PAGE_SIZE << m->order;
	kmem_unpoison(p, room); /* who asks may use it */
	return room;
}

void kfree(const void *p)
{
	struct page_meta *m;

	if (!p)
		return;
	m = page_meta(slab_of(p));
	if (likely(m->kind == PG_SLAB)) {
		kmem_cache_free(&caches[m->cache], (void *)p);
		return;
	}
	BUG_ON(m->kind != PG_LARGE);
	page_free((void *)p, m->order);
}

void *krealloc(void *p, size_t size)
{
	size_t old = ksize(p);
	void *q;

	if (p && size <= old && size >= old / 4) {
		kmem_fit(p, size, old);
		return p;
	}
	q = kmalloc(size);
	if (!q)
		return NULL;
	if (p) {
		memcpy(q, p, min(old, size));
		kfree(p);
	}
	return q;
}

char *kstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = kmalloc(len + 1);

	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = 0;
	return p;
}

char *kstrdup(const char *s)
{
	return kstrndup(s, (size_t)-2);
}

char *kasprintf(const char *fmt, ...)
{
	__builtin_va_list ap;
	char *p;
	int n;

	__builtin_va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	__builtin_va_end(ap);
	p = kmalloc((size_t)n + 1);
	if (!p)
		return NULL;
	__builtin_va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	__builtin_va_end(ap);
	return p;
}
