/* Radix tree from u64 index to a non-NULL pointer (page cache, fd-like id tables), and an id allocator. */
#ifndef UMBER_XARRAY_H
#define UMBER_XARRAY_H
#include <umber/types.h>

struct xarray { void *root; u32 height; u64 count; };
static inline void xa_init(struct xarray *x) { x->root = NULL; x->height = 0; x->count = 0; }
void *xa_load(const struct xarray *x, u64 index);
int xa_store(struct xarray *x, u64 index, void *p);     /* 0 or -ENOMEM; replaces */
void *xa_erase(struct xarray *x, u64 index);            /* old pointer or NULL */
/* First present entry with index >= *index, sets *index; NULL if none. */
void *xa_find(const struct xarray *x, u64 *index);
void xa_destroy(struct xarray *x);                      /* frees the nodes, not the entries */

/* Bitmap id allocator: lowest free id >= min. */
struct idr { u64 *bits; u32 nbits; };
int ida_alloc(struct idr *i, u32 min, u32 max);         /* id or -ENOSPC / -ENOMEM; max inclusive */
void ida_free(struct idr *i, u32 id);
#endif
