/*
 * Kernel memory: everything that the guest kernel keeps lives in the kmem arena (see include/port).
 * Context of all functions: kernel lock held, never sleep. NULL when the arena or `mem=` is exhausted:
 * every caller handles that (-ENOMEM). All sizes in bytes unless the name says pages.
 */
#ifndef UMBER_KMEM_H
#define UMBER_KMEM_H
#include <umber/types.h>

void *kmalloc(size_t size);               /* 16-byte aligned; large sizes are page aligned */
void *kzalloc(size_t size);
void *kcalloc(size_t n, size_t size);     /* zeroed; checks overflow */
void *krealloc(void *p, size_t size);     /* contents kept; p may be NULL; on NULL p stays valid */
void kfree(const void *p);                /* NULL is fine */
size_t ksize(const void *p);              /* usable size */
char *kstrdup(const char *s);
char *kstrndup(const char *s, size_t n);
char *kasprintf(const char *fmt, ...) __printf(1, 2);

/* Whole pages: 2^order contiguous, page aligned, contents undefined / zeroed. */
void *page_alloc(unsigned order);
void *page_zalloc(unsigned order);
void page_free(void *p, unsigned order);

/* Object cache for hot fixed-size objects (files, dentries, inodes, tasks). */
struct kmem_cache;
struct kmem_cache *kmem_cache_create(const char *name, size_t size);
void *kmem_cache_alloc(struct kmem_cache *c);
void *kmem_cache_zalloc(struct kmem_cache *c);
void kmem_cache_free(struct kmem_cache *c, void *p);

u64 kmem_used_pages(void);
u64 kmem_total_pages(void);               /* mem= in pages */
/* fn is called when freed pages pile up that still hold the host's memory; without one they go back at once. It sees to
 * it that later, and in steps, kmem_release() gives back what was not wanted again. */
void kmem_on_surplus(void (*fn)(void));
u64 kmem_idle_pages(void);                /* how many of those were free all the time since the last call */
bool kmem_has_surplus(void);              /* would fn be called? */
u64 kmem_release(u64 pages);              /* one step (some ms at most); pages given back, 0: nothing to give */
/* Shrinkers are asked, oldest first, when page_alloc fails; each returns pages freed. */
struct shrinker { u64 (*shrink)(u64 want_pages); struct shrinker *next; };
void shrinker_register(struct shrinker *s);
#endif
