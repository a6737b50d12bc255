/* Circular doubly linked list with an embedded node. */
#ifndef UMBER_LIST_H
#define UMBER_LIST_H
#include <umber/types.h>

struct list_head {
	struct list_head *next, *prev;
};
#define LIST_HEAD_INIT(n) { &(n), &(n) }
#define LIST_HEAD(n) struct list_head n = LIST_HEAD_INIT(n)

static inline void list_init(struct list_head *h) { h->next = h->prev = h; }
static inline bool list_empty(const struct list_head *h) { return h->next == h; }
static inline void list_insert_(struct list_head *n, struct list_head *p, struct list_head *x)
{
	n->prev = p;
	n->next = x;
	p->next = n;
	x->prev = n;
}
static inline void list_add(struct list_head *n, struct list_head *h) { list_insert_(n, h, h->next); }
static inline void list_add_tail(struct list_head *n, struct list_head *h) { list_insert_(n, h->prev, h); }
/* Removes n and leaves it empty, so a second list_del is harmless and list_empty(n) says "not on a list". */
static inline void list_del(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}
static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_del(n);
	list_add_tail(n, h);
}
/* Moves all of `from` to the end of `to`; `from` becomes empty. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member) list_entry((h)->prev, type, member)
#define list_next_entry(e, member) list_entry((e)->member.next, __typeof__(*(e)), member)
#define list_for_each(p, h) for (struct list_head *p = (h)->next; p != (h); p = p->next)
#define list_for_each_entry(e, h, member)                                                          \
	for (e = list_first_entry(h, __typeof__(*e), member); &e->member != (h);                   \
	     e = list_next_entry(e, member))
#define list_for_each_entry_safe(e, n, h, member)                                                  \
	for (e = list_first_entry(h, __typeof__(*e), member), n = list_next_entry(e, member);      \
	     &e->member != (h); e = n, n = list_next_entry(n, member))
#endif
