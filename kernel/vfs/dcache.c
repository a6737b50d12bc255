/*
 * The dentry cache: names of inodes.
 *
 * Lives: allocated (ref 1, unhashed) -> added (hashed, positive or negative) -> unused (ref 0, on the LRU, found
 * again by d_lookup) -> killed (pruned, or unhashed when the last reference goes). A child references its parent, a
 * dentry references its inode; so an unused dentry keeps its parents in use. Unused dentries stay on the LRU when
 * they come back to life; the pruner takes those off that it meets.
 *
 * Sleeping: dput, pruning and d_delete may sleep, because the last iput may. All list changes of one dentry are done
 * before its inode is put.
 */
#include "internal.h"
#include <umber/mm.h>
#include <umber/printk.h>

#define DHASH_BITS 14
#define DHASH_BITS_FIRST 9
/* Buckets are initialised at first use: next NULL = empty. A guest that runs one program touches two pages of them and not
 * one for each name; from DHASH_GROW names on the large table is used. */
#define DHASH_GROW (1u << (DHASH_BITS_FIRST + 1))
static struct list_head dhash_first[1u << DHASH_BITS_FIRST], dhash_large[1u << DHASH_BITS];
static struct list_head *dhash = dhash_first;
static u32 dhash_mask = (1u << DHASH_BITS_FIRST) - 1;
static struct kmem_cache *dentry_cache;
static LIST_HEAD(lru);
static u64 nr_lru, nr_dentries, lru_limit = 4096;
static bool pruning;
static struct work prune_work;
static u64 prune_wanted;

u64 vfs_nr_dentries(bool unused_only)
{
	return unused_only ? nr_lru : nr_dentries;
}

/* Hash of one path component. */
u32 name_hash(const char *name, u32 len)
{
	u64 h = 0x9e3779b97f4a7c15ULL ^ len, w;

	while (len >= 8) {
		memcpy(&w, name, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
		name += 8;
		len -= 8;
	}
	for (w = 0; len; len--)
		w = w << 8 | (u8)*name++;
	h = (h ^ w) * 0xc4ceb9fe1a85ec53ULL;
	return (u32)(h >> 32);
}

static struct list_head *bucket(const struct dentry *parent, u32 hash)
{
	u64 h = ((u64)(uintptr_t)parent >> 6) * 0x9e3779b97f4a7c15ULL + hash * 0x9e3779b1ULL;
	struct list_head *b = &dhash[(h >> 20) & dhash_mask];

	if (unlikely(!b->next))
		list_init(b);
	return b;
}

static void dhash_grow(void)
{
	dhash = dhash_large;
	dhash_mask = (1u << DHASH_BITS) - 1;
	for (u32 i = 0; i < ARRAY_SIZE(dhash_first); i++) {
		struct dentry *d, *n;

		if (!dhash_first[i].next)
			continue;
		list_for_each_entry_safe(d, n, &dhash_first[i], hash_node) {
			list_del(&d->hash_node);
			list_add(&d->hash_node, bucket(d->parent, d->name.hash));
		}
	}
}

static struct dentry *dentry_alloc(struct super_block *sb, const char *name, u32 len, u32 hash)
{
	struct dentry *d;
	char *dst;

	if (len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	d = kmem_cache_zalloc(dentry_cache);
	if (!d)
		return ERR_PTR(-ENOMEM);
	dst = d->iname;
	if (len >= sizeof(d->iname)) {
		dst = kmalloc(len + 1);
		if (!dst) {
			kmem_cache_free(dentry_cache, d);
			return ERR_PTR(-ENOMEM);
		}
		d->flags = DENTRY_LONGNAME;
	}
	memcpy(dst, name, len);
	dst[len] = 0;
	d->name = (struct qstr){ dst, len, hash };
	ref_set(&d->ref, 1);
	d->sb = sb;
	d->parent = d;
	list_init(&d->hash_node);
	list_init(&d->child);
	list_init(&d->children);
	list_init(&d->alias);
	list_init(&d->lru);
	if (unlikely(++nr_dentries == DHASH_GROW) && dhash == dhash_first)
		dhash_grow();
	return d;
}

/* A new unhashed dentry in parent, ref 1; references parent. ERR_PTR(-ENOMEM, -ENAMETOOLONG). */
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d = dentry_alloc(parent->sb, name->name, name->len, name->hash);

	if (IS_ERR(d))
		return d;
	d->parent = dget(parent);
	list_add(&d->child, &parent->children);
	return d;
}

struct dentry *d_alloc_name(struct dentry *parent, const char *name)
{
	u32 len = (u32)strnlen(name, NAME_MAX + 1);
	struct qstr q = { name, len, name_hash(name, len) };

	return d_alloc(parent, &q);
}

/* Root dentry of a superblock; consumes the inode reference, also on failure. */
struct dentry *d_make_root(struct inode *inode)
{
	struct dentry *d;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	d = dentry_alloc(inode->sb, "/", 1, 0);
	if (IS_ERR(d)) {
		iput(inode);
		return d;
	}
	d->flags |= DENTRY_ROOT;
	d->inode = inode;
	list_add(&d->alias, &inode->dentries);
	return d;
}

/* A dentry without parent or hash, for pipes, sockets and anonymous inodes. */
struct dentry *d_alloc_pseudo(struct super_block *sb, const char *name)
{
	struct dentry *d = dentry_alloc(sb, name, (u32)strnlen(name, NAME_MAX), 0);

	if (!IS_ERR(d))
		d->flags |= DENTRY_ROOT | DENTRY_PSEUDO;
	return d;
}

static void lru_del(struct dentry *d)
{
	if (!list_empty(&d->lru)) {
		list_del(&d->lru);
		nr_lru--;
	}
}

static void hash_insert(struct dentry *d)
{
	if (d->flags & (DENTRY_HASHED | DENTRY_ROOT))
		return;
	d->flags |= DENTRY_HASHED;
	list_add(&d->hash_node, bucket(d->parent, d->name.hash));
}

/* Unhashes d: the next lookup asks the file system. No sleep. */
void d_drop(struct dentry *d)
{
	if (d->flags & DENTRY_HASHED) {
		d->flags &= ~DENTRY_HASHED;
		list_del(&d->hash_node);
	}
}

/* Takes the inode off d; the caller then puts it (may sleep). */
static struct inode *take_inode(struct dentry *d)
{
	struct inode *i = d->inode;

	if (i) {
		list_del(&d->alias);
		d->inode = NULL;
	}
	return i;
}

static void put_inode(struct inode *i)
{
	if (!i)
		return;
	if (!i->nlink && list_empty(&i->dentries) && !list_empty(&i->watches))
		fsnotify_inode_gone(i);
	iput(i);
}

/* Frees an unused, unlinked-from-everything dentry. Returns the parent whose reference the caller must put. */
static struct dentry *dentry_kill(struct dentry *d)
{
	struct dentry *parent = d->parent;
	struct inode *i;

	d_drop(d);
	lru_del(d);
	list_del(&d->child);
	i = take_inode(d);
	if (d->op && d->op->release)
		d->op->release(d);
	if (d->flags & DENTRY_LONGNAME)
		kfree(d->name.name);
	kmem_cache_free(dentry_cache, d);
	nr_dentries--;
	put_inode(i);
	return parent != d ? parent : NULL;
}

static void prune_lru(u64 n)
{
	while (n-- && !list_empty(&lru)) {
		struct dentry *d = list_first_entry(&lru, struct dentry, lru);
		struct dentry *parent;

		if (d->ref.n) {
			lru_del(d);
			continue;
		}
		if (d->flags & DENTRY_REFERENCED) {
			d->flags &= ~DENTRY_REFERENCED;
			list_move_tail(&d->lru, &lru);
			continue;
		}
		parent = dentry_kill(d);
		if (parent)
			dput(parent);
	}
}

/* Gives a reference back. May sleep when it is the last one. NULL and ERR_PTR are not allowed. */
void dput(struct dentry *d)
{
	while (d && ref_put(&d->ref)) {
		if (likely(d->flags & DENTRY_HASHED) && !d->sb->no_dcache && !(d->op && d->op->delete_ && d->op->delete_(d))) {
			if (list_empty(&d->lru)) {
				list_add_tail(&d->lru, &lru);
				nr_lru++;
			} else {
				d->flags |= DENTRY_REFERENCED;
			}
			if (unlikely(nr_lru > lru_limit) && !pruning) {
				pruning = true;
				prune_lru(nr_lru - lru_limit + 64);
				pruning = false;
			}
			return;
		}
		d = dentry_kill(d);
	}
}

/* Hashes d with inode (reference consumed); NULL: negative. */
void d_add(struct dentry *d, struct inode *inode)
{
	if (inode) {
		d->inode = inode;
		list_add(&d->alias, &inode->dentries);
	}
	hash_insert(d);
}

/* Makes a negative dentry positive (reference consumed) and hashes it, but for O_TMPFILE inodes (nlink 0). */
void d_instantiate(struct dentry *d, struct inode *inode)
{
	BUG_ON(d->inode);
	d->inode = inode;
	list_add(&d->alias, &inode->dentries);
	if (inode->nlink || inode_is_dir(inode))
		hash_insert(d);
}

/* After unlink or rmdir: negative if nobody else uses d, else unhashed ("(deleted)"). May sleep. */
void d_delete(struct dentry *d)
{
	if (d->ref.n == 1 && !(d->op && d->op->release)) {
		struct inode *i = take_inode(d);

		put_inode(i);
	} else {
		d_drop(d);
	}
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	char tmp[sizeof(a->iname)];
	struct qstr q = a->name;
	u32 la = a->flags & DENTRY_LONGNAME, lb = b->flags & DENTRY_LONGNAME;

	memcpy(tmp, a->iname, sizeof(tmp));
	memcpy(a->iname, b->iname, sizeof(tmp));
	memcpy(b->iname, tmp, sizeof(tmp));
	a->name = b->name;
	b->name = q;
	a->flags = (a->flags & ~DENTRY_LONGNAME) | lb;
	b->flags = (b->flags & ~DENTRY_LONGNAME) | la;
	if (!(a->flags & DENTRY_LONGNAME))
		a->name.name = a->iname;
	if (!(b->flags & DENTRY_LONGNAME))
		b->name.name = b->iname;
}

/* d takes target's place (name and parent). exchange: and the other way round; else target ends unhashed. */
void d_move(struct dentry *d, struct dentry *target, bool exchange)
{
	struct dentry *p = d->parent;
	bool target_hashed = target->flags & DENTRY_HASHED;

	d_drop(d);
	d_drop(target);
	swap_names(d, target);
	if (p != target->parent) {
		list_del(&d->child);
		list_del(&target->child);
		d->parent = target->parent;
		target->parent = p;
		list_add(&d->child, &d->parent->children);
		list_add(&target->child, &p->children);
	}
	hash_insert(d);
	if (exchange && target_hashed)
		hash_insert(target);
}

struct dentry *d_lookup_raw(struct dentry *parent, const struct qstr *name)
{
	struct list_head *b = bucket(parent, name->hash);

	list_for_each(p, b) {
		struct dentry *d = list_entry(p, struct dentry, hash_node);

		if (d->name.hash == name->hash && d->parent == parent && d->name.len == name->len &&
		    !memcmp(d->name.name, name->name, name->len))
			return d;
	}
	return NULL;
}

/* The cached dentry of name in parent, referenced; NULL: not cached. No sleep. */
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d = d_lookup_raw(parent, name);

	return d ? dget(d) : NULL;
}

static bool (*revalidate_op(const struct dentry *d))(struct dentry *, u32)
{
	const struct inode *p = d->parent->inode;

	if (d->inode && d->inode->op && d->inode->op->revalidate)
		return d->inode->op->revalidate;
	return p && p->op ? p->op->revalidate : NULL;
}

bool d_needs_revalidate(const struct dentry *d)
{
	return revalidate_op(d) != NULL;
}

bool d_valid(struct dentry *d, u32 flags)
{
	bool (*fn)(struct dentry *, u32) = revalidate_op(d);

	return !fn || d->nr_mounts || fn(d, flags);
}

/* Is a the same as d, or above it? */
bool d_is_ancestor(struct dentry *a, struct dentry *d)
{
	for (;; d = d->parent) {
		if (d == a)
			return true;
		if (d->parent == d)
			return false;
	}
}

void d_prune_children(struct dentry *d)
{
	bool again = true;

	dget(d);
	while (again) {
		again = false;
		list_for_each(p, &d->children) {
			struct dentry *c = list_entry(p, struct dentry, child);

			if (!c->ref.n) {
				dentry_kill(c); /* may sleep: the list is read anew */
				dput(d);        /* c's reference */
				again = true;
				break;
			}
		}
	}
	dput(d);
}

/* Frees all dentries that nobody uses, and with them the inodes that only they kept. May sleep. */
void vfs_drop_caches(void)
{
	if (pruning)
		return;
	pruning = true;
	prune_lru(nr_lru * 2); /* the first look only clears DENTRY_REFERENCED */
	pruning = false;
}

/* Drops all unused dentries of sb. May sleep. */
void shrink_dcache_sb(struct super_block *sb)
{
	bool again = true;

	while (again) {
		again = false;
		list_for_each(p, &lru) {
			struct dentry *d = list_entry(p, struct dentry, lru), *parent;

			if (d->sb != sb || d->ref.n)
				continue;
			parent = dentry_kill(d);
			if (parent)
				dput(parent);
			again = true;
			break;
		}
	}
}

static void prune_worker(struct work *w)
{
	u64 n = prune_wanted;

	prune_wanted = 0;
	prune_lru(n);
}

/*
 * Called from inside page_alloc, which must not sleep: frees negative dentries at once and leaves the others,
 * whose inodes may sleep when they go, to the kworker.
 */
static u64 dcache_shrink(u64 want_pages)
{
	u64 n = 0, budget = want_pages * 16 + 256;

	for (struct list_head *p = lru.next, *next; p != &lru && budget; p = next, budget--) {
		struct dentry *d = list_entry(p, struct dentry, lru);
		struct dentry *parent = d->parent;

		next = p->next;
		if (d->ref.n || d->inode || (d->op && d->op->release) || d->parent == d || parent->ref.n < 2)
			continue;
		dentry_kill(d);
		ref_put(&parent->ref); /* never the last: checked above */
		n++;
	}
	prune_wanted = min(nr_lru, want_pages * 4 + 256);
	work_queue(&prune_work);
	return n / 16;
}

void dcache_init(void)
{
	static struct shrinker s = { .shrink = dcache_shrink };
	u64 limit = kmem_total_pages() / 4;

	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry));
	lru_limit = limit < 2048 ? 2048 : limit > 262144 ? 262144 : limit;
	work_init(&prune_work, prune_worker);
	shrinker_register(&s);
}
