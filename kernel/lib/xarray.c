/*
 * Radix tree of 64-way nodes. height 0: root is the entry of index 0 (or NULL); height h: root is a node whose
 * slots each span 64^(h-1) indices. A node is freed when its last slot empties; the height shrinks only with that.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/xarray.h>

#define XA_BITS 6
#define XA_SLOTS 64
#define XA_MAX_HEIGHT 11 /* 11 * 6 >= 64 bits */

struct xa_node {
	void *slot[XA_SLOTS];
	u32 used;
};
static struct kmem_cache *node_cache;

static struct xa_node *node_new(void)
{
	if (!node_cache)
		node_cache = kmem_cache_create("xa_node", sizeof(struct xa_node));
	return node_cache ? kmem_cache_zalloc(node_cache) : NULL;
}

static void node_free(struct xa_node *n)
{
	kmem_cache_free(node_cache, n);
}

static bool fits(u64 index, u32 height)
{
	return height * XA_BITS >= 64 || index >> (height * XA_BITS) == 0;
}

static unsigned slot_of(u64 index, u32 level)
{
	return index >> (level * XA_BITS) & (XA_SLOTS - 1);
}

void *xa_load(const struct xarray *x, u64 index)
{
	void *p = x->root;

	if (!fits(index, x->height))
		return NULL;
	for (u32 l = x->height; l && p; l--)
		p = ((struct xa_node *)p)->slot[slot_of(index, l - 1)];
	return p;
}

/* Adds levels at the top until index fits. 0 or -ENOMEM. */
static int grow(struct xarray *x, u64 index)
{
	while (!fits(index, x->height)) {
		struct xa_node *n;

		if (x->root) {
			n = node_new();
			if (!n)
				return -ENOMEM;
			n->slot[0] = x->root;
			n->used = 1;
			x->root = n;
		}
		x->height++;
	}
	return 0;
}

int xa_store(struct xarray *x, u64 index, void *p)
{
	void **link = &x->root;
	struct xa_node *parent = NULL;
	u32 l;

	if (!p) {
		xa_erase(x, index);
		return 0;
	}
	if (grow(x, index))
		return -ENOMEM;
	for (l = x->height; l; l--) {
		struct xa_node *n = *link;

		if (!n) {
			n = node_new();
			if (!n) {
				/* an empty path above is harmless but must not stay: give its nodes back */
				if (parent && !parent->used)
					xa_erase(x, index);
				return -ENOMEM;
			}
			*link = n;
			if (parent)
				parent->used++;
		}
		parent = n;
		link = &n->slot[slot_of(index, l - 1)];
	}
	if (!*link) {
		x->count++;
		if (parent)
			parent->used++;
	}
	*link = p;
	return 0;
}

void *xa_erase(struct xarray *x, u64 index)
{
	struct xa_node *path[XA_MAX_HEIGHT];
	void *p = x->root;
	u32 l;

	if (!fits(index, x->height))
		return NULL;
	for (l = x->height; l && p; l--) {
		path[l - 1] = p;
		p = path[l - 1]->slot[slot_of(index, l - 1)];
	}
	if (p)
		x->count--;
	/* clear the entry (l == 0), or the empty node's place (l > 0), and whatever becomes empty above it */
	for (; l < x->height; l++) {
		struct xa_node *n = path[l];
		void **link = &n->slot[slot_of(index, l)];

		if (*link) {
			*link = NULL;
			n->used--;
		}
		if (n->used)
			return p;
		node_free(n);
	}
	x->root = NULL;
	x->height = 0;
	return p;
}

static void *find_in(void *p, u32 level, u64 *index, u64 base)
{
	struct xa_node *n = p;
	unsigned i;

	if (!level)
		return p;
	level--;
	for (i = *index > base ? slot_of(*index, level) : 0; i < XA_SLOTS; i++) {
		u64 start = base + ((u64)i << (level * XA_BITS));
		void *e;

		if (!n->slot[i])
			continue;
		if (*index < start)
			*index = start;
		e = find_in(n->slot[i], level, index, start);
		if (e)
			return e;
	}
	return NULL;
}

void *xa_find(const struct xarray *x, u64 *index)
{
	if (!x->root || !fits(*index, x->height))
		return NULL;
	return find_in(x->root, x->height, index, 0);
}

static void destroy(void *p, u32 level)
{
	struct xa_node *n = p;

	if (!p || !level)
		return;
	for (unsigned i = 0; i < XA_SLOTS && level > 1; i++)
		destroy(n->slot[i], level - 1);
	node_free(n);
}

void xa_destroy(struct xarray *x)
{
	destroy(x->root, x->height);
	xa_init(x);
}

/* Makes room for bit `id`. 0 or -ENOMEM. */
static int ida_grow(struct idr *i, u32 id)
{
	u32 words = i->nbits / 64, want = id / 64 + 1;
	u64 *bits;

	if (want < words * 2)
		want = words * 2;
	bits = krealloc(i->bits, want * sizeof(u64));
	if (!bits)
		return -ENOMEM;
	memset(bits + words, 0, (want - words) * sizeof(u64));
	i->bits = bits;
	i->nbits = want * 64;
	return 0;
}

int ida_alloc(struct idr *i, u32 min_id, u32 max_id)
{
	u32 id = min_id;

	if (max_id > INT_MAX)
		max_id = INT_MAX;
	while (id < i->nbits) {
		u64 free_bits = ~i->bits[id / 64] & (U64_MAX << (id % 64));

		if (free_bits) {
			id = (id & ~63u) + (u32)__builtin_ctzll(free_bits);
			break;
		}
		id = (id | 63) + 1;
	}
	if (id > max_id)
		return -ENOSPC;
	if (id >= i->nbits && ida_grow(i, id))
		return -ENOMEM;
	i->bits[id / 64] |= 1ULL << (id % 64);
	return (int)id;
}

void ida_free(struct idr *i, u32 id)
{
	if (id < i->nbits)
		i->bits[id / 64] &= ~(1ULL << (id % 64));
}
