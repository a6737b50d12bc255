/* Red-black tree with embedded nodes; the user walks and links, the library rebalances. */
#ifndef UMBER_RBTREE_H
#define UMBER_RBTREE_H
#include <umber/types.h>

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};
struct rb_root { struct rb_node *node; };
#define RB_ROOT ((struct rb_root){ NULL })
#define rb_entry(p, type, member) container_of(p, type, member)
/* Links node as *link (a NULL child pointer of parent, or root->node), then rebalances. */
void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *node);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
#endif
