/*
 * Red-black trees. Invariants between calls: the root is black; a red node has black children; every path from a
 * node to a NULL child passes the same number of black nodes. So depth <= 2 log2(n + 1).
 */
#include <umber/rbtree.h>

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

/* Puts `by` where `old` hangs below its parent. */
static void replace_child(struct rb_root *root, struct rb_node *old, struct rb_node *by)
{
	struct rb_node *p = old->parent;

	if (!p)
		root->node = by;
	else if (p->left == old)
		p->left = by;
	else
		p->right = by;
	if (by)
		by->parent = p;
}

static void rotate_left(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *r = n->right;

	replace_child(root, n, r);
	n->right = r->left;
	if (n->right)
		n->right->parent = n;
	r->left = n;
	n->parent = r;
}

static void rotate_right(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *l = n->left;

	replace_child(root, n, l);
	n->left = l->right;
	if (n->left)
		n->left->parent = n;
	l->right = n;
	n->parent = l;
}

void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->parent = parent;
	n->left = n->right = NULL;
	n->red = true;
	*link = n;
	while (is_red(n->parent)) {
		struct rb_node *p = n->parent, *g = p->parent;
		bool left = p == g->left;
		struct rb_node *uncle = left ? g->right : g->left;

		if (is_red(uncle)) { /* push the red up */
			p->red = uncle->red = false;
			g->red = true;
			n = g;
			continue;
		}
		if (n == (left ? p->right : p->left)) { /* inner grandchild: make it an outer one */
			if (left)
				rotate_left(root, p);
			else
				rotate_right(root, p);
			p = n;
		}
		p->red = false;
		g->red = true;
		if (left)
			rotate_right(root, g);
		else
			rotate_left(root, g);
		break;
	}
	root->node->red = false;
}

/* The subtree at n (may be NULL, below p) lacks one black node. */
static void fix_black(struct rb_root *root, struct rb_node *n, struct rb_node *p)
{
	while (p && !is_red(n)) {
		bool left = n == p->left;
		struct rb_node *s = left ? p->right : p->left;
		struct rb_node *near, *far;

		if (s->red) {
			s->red = false;
			p->red = true;
			if (left)
				rotate_left(root, p);
			else
				rotate_right(root, p);
			s = left ? p->right : p->left;
		}
		near = left ? s->left : s->right;
		far = left ? s->right : s->left;
		if (!is_red(near) && !is_red(far)) {
			s->red = true;
			n = p;
			p = n->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			s->red = true;
			if (left)
				rotate_right(root, s);
			else
				rotate_left(root, s);
			far = s;
			s = near;
		}
		s->red = p->red;
		p->red = false;
		far->red = false;
		if (left)
			rotate_left(root, p);
		else
			rotate_right(root, p);
		return;
	}
	if (n)
		n->red = false;
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *child, *parent;
	bool red;

	if (n->left && n->right) {
		struct rb_node *s = n->right; /* successor takes n's place */

		while (s->left)
			s = s->left;
		child = s->right;
		red = s->red;
		if (s->parent == n) {
			parent = s;
		} else {
			parent = s->parent;
			replace_child(root, s, child);
			s->right = n->right;
			s->right->parent = s;
		}
		replace_child(root, n, s);
		s->left = n->left;
		s->left->parent = s;
		s->red = n->red;
	} else {
		child = n->left ? n->left : n->right;
		parent = n->parent;
		red = n->red;
		replace_child(root, n, child);
	}
	if (!red)
		fix_black(root, child, parent);
	n->parent = n->left = n->right = NULL;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->right) {
		for (p = n->right; p->left;)
			p = p->left;
		return p;
	}
	for (p = n->parent; p && n == p->right; p = p->parent)
		n = p;
	return p;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->left) {
		for (p = n->left; p->right;)
			p = p->right;
		return p;
	}
	for (p = n->parent; p && n == p->left; p = p->parent)
		n = p;
	return p;
}
