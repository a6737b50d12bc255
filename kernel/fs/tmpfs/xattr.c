/* Extended attributes of tmpfs inodes: user., trusted. and security. (xattr(7)); permission is the VFS's to check. */
#include "tmpfs.h"
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/string.h>

#define XATTR_VALUE_MAX 65536UL
#define XATTR_INODE_MAX (256UL * 1024) /* what a guest can pin behind one inode */

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static int check_name(const char *name)
{
	static const char *const spaces[] = { "user.", "trusted.", "security." };

	for (unsigned i = 0; i < ARRAY_SIZE(spaces); i++)
		if (has_prefix(name, spaces[i]))
			return name[strlen(spaces[i])] ? 0 : -EINVAL;
	return -EOPNOTSUPP;
}

static struct txattr *find(struct tnode *tn, const char *name)
{
	struct txattr *x;

	list_for_each_entry(x, &tn->xattrs, node)
		if (!strcmp(x->name, name))
			return x;
	return NULL;
}

static size_t cost(const struct txattr *x)
{
	return sizeof(*x) + strlen(x->name) + 1 + x->size;
}

static void drop(struct tnode *tn, struct txattr *x)
{
	tn->xattr_bytes -= cost(x);
	list_del(&x->node);
	kfree(x);
}

ssize_t tmpfs_listxattr(struct inode *inode, char *buf, size_t n)
{
	struct tnode *tn = tnode(inode);
	size_t used = 0;
	struct txattr *x;

	list_for_each_entry(x, &tn->xattrs, node) {
		size_t len = strlen(x->name) + 1;

		if (has_prefix(x->name, "trusted.") && !capable(CAP_SYS_ADMIN))
			continue;
		if (n) {
			if (used + len > n)
				return -ERANGE;
			memcpy(buf + used, x->name, len);
		}
		used += len;
	}
	return (ssize_t)used;
}

ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *val, size_t n)
{
	int err = check_name(name);
	struct txattr *x;

	if (err)
		return err;
	x = find(tnode(inode), name);
	if (!x)
		return -ENODATA;
	if (n) {
		if (x->size > n)
			return -ERANGE;
		memcpy(val, x->val, x->size);
	}
	return (ssize_t)x->size;
}

int tmpfs_setxattr(struct inode *inode, const char *name, const void *val, size_t n, int flags)
{
	struct tnode *tn = tnode(inode);
	struct txattr *old, *x;
	size_t len = strlen(name) + 1;
	int err = check_name(name);

	if (err)
		return err;
	if (n > XATTR_VALUE_MAX)
		return -E2BIG;
	old = find(tn, name);
	if (!old && (!val || (flags & XATTR_REPLACE)))
		return -ENODATA;
	if (old && val && (flags & XATTR_CREATE))
		return -EEXIST;
	if (val) {
		if (tn->xattr_bytes - (old ? cost(old) : 0) + sizeof(*x) + len + n > XATTR_INODE_MAX)
			return -ENOSPC;
		x = kmalloc(sizeof(*x) + len + n);
		if (!x)
			return -ENOMEM;
		x->size = n;
		x->name = (char *)(x + 1);
		x->val = (u8 *)x->name + len;
		memcpy(x->name, name, len);
		memcpy(x->val, val, n);
		tn->xattr_bytes += cost(x);
		list_add_tail(&x->node, &tn->xattrs);
	}
	if (old)
		drop(tn, old);
	inode->ctime = current_time(inode);
	return 0;
}

void tmpfs_xattr_free(struct tnode *tn)
{
	while (!list_empty(&tn->xattrs))
		drop(tn, list_first_entry(&tn->xattrs, struct txattr, node));
}
