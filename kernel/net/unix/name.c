/* Names of AF_UNIX sockets: bind(2), lookup, getsockname(2). */
#include "unix.h"

#define PATH_OFF ((u32)offsetof(struct sockaddr_un64, sun_path))
#define HASH_SIZE 64u

static struct list_head abstract[HASH_SIZE];

static struct list_head *bucket(const struct sockaddr_un64 *a, u32 len, int type)
{
	if (unlikely(!abstract[0].next))
		for (u32 i = 0; i < HASH_SIZE; i++)
			list_init(&abstract[i]);
	return &abstract[(name_hash(a->sun_path, len - PATH_OFF) ^ (u32)type) % HASH_SIZE];
}

int unix_check_addr(const struct sockaddr_un64 *a, u32 len)
{
	return len <= PATH_OFF || len > sizeof(*a) || a->sun_family != AF_UNIX ? -EINVAL : 0;
}

/* len was checked. The path's length without a NUL. */
static u32 path_len(const struct sockaddr_un64 *a, u32 len)
{
	return (u32)strnlen(a->sun_path, len - PATH_OFF);
}

static struct unix_addr *addr_new(const struct sockaddr_un64 *a, u32 len, int type)
{
	struct unix_addr *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_set(&n->ref, 1);
	list_init(&n->hash);
	memcpy(&n->name, a, len);
	n->type = (u16)type;
	n->len = len;
	if (a->sun_path[0])
		n->len = PATH_OFF + path_len(a, len) + 1; /* with the NUL, which may lie in `end` */
	return n;
}

void unix_addr_put(struct unix_addr *a)
{
	if (ref_put(&a->ref))
		kfree(a);
}

static struct unix_addr *abstract_find(const struct sockaddr_un64 *a, u32 len, int type)
{
	struct list_head *h = bucket(a, len, type);
	struct unix_addr *n;

	list_for_each_entry(n, h, hash)
		if (n->len == len && n->type == type && !memcmp(n->name.sun_path, a->sun_path, len - PATH_OFF))
			return n;
	return NULL;
}

static int bind_abstract(struct unix_sock *u, const struct sockaddr_un64 *a, u32 len)
{
	struct unix_addr *n;

	if (abstract_find(a, len, u->sk.type))
		return -EADDRINUSE;
	n = addr_new(a, len, u->sk.type);
	if (!n)
		return -ENOMEM;
	n->owner = u;
	list_add(&n->hash, bucket(a, len, u->sk.type));
	u->addr = n;
	return 0;
}

static int bind_path(struct unix_sock *u, const struct sockaddr_un64 *a, u32 len)
{
	struct unix_addr *n = addr_new(a, len, u->sk.type);
	int err;

	if (!n)
		return -ENOMEM;
	err = vfs_mknod_at(AT_FDCWD, n->name.sun_path, S_IFSOCK | 0777, 0, &u->path);
	if (err) {
		u->path.dentry = NULL;
		unix_addr_put(n);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	u->path.dentry->inode->sock = u;
	u->addr = n;
	return 0;
}

/* A free abstract name of five hexadecimal digits. bind_lock held. */
static int bind_auto(struct unix_sock *u)
{
	static u32 next;
	struct sockaddr_un64 a = { .sun_family = AF_UNIX };
	int err = -ENOSPC;
	char digits[8];

	if (!next)
		port_random(&next, sizeof(next));
	for (u32 tries = 0; tries <= 0xfffff; tries++) {
		snprintf(digits, sizeof(digits), "%05x", next++ & 0xfffff);
		memcpy(a.sun_path + 1, digits, 5);
		err = bind_abstract(u, &a, PATH_OFF + 6);
		if (err != -EADDRINUSE)
			return err;
	}
	return err == -EADDRINUSE ? -ENOSPC : err;
}

int unix_autobind(struct unix_sock *u)
{
	int err = 0;

	mutex_lock(&u->bind_lock);
	if (!u->addr)
		err = bind_auto(u);
	mutex_unlock(&u->bind_lock);
	return err;
}

int unix_bind(struct sock *sk, const void *addr, u32 len)
{
	const struct sockaddr_un64 *a = addr;
	struct unix_sock *u = unix_of(sk);
	int err;

	if (len == PATH_OFF && a->sun_family == AF_UNIX)
		return unix_autobind(u);
	err = unix_check_addr(a, len);
	if (err)
		return err;
	err = mutex_lock_killable(&u->bind_lock);
	if (err)
		return err;
	if (u->addr)
		err = -EINVAL;
	else if (a->sun_path[0])
		err = bind_path(u, a, len);
	else
		err = bind_abstract(u, a, len);
	mutex_unlock(&u->bind_lock);
	return err;
}

void unix_unbind(struct unix_sock *u)
{
	struct unix_addr *n = u->addr;

	if (!n)
		return;
	if (n->owner == u) {
		n->owner = NULL;
		list_del(&n->hash);
	}
	if (u->path.dentry && u->path.dentry->inode && u->path.dentry->inode->sock == u)
		u->path.dentry->inode->sock = NULL;
}

static struct unix_sock *find_path(const struct sockaddr_un64 *a, u32 len, int type)
{
	char name[UNIX_PATH_MAX + 1];
	u32 n = path_len(a, len);
	struct unix_sock *u = NULL;
	struct inode *i;
	struct path p;
	int err;

	memcpy(name, a->sun_path, n);
	name[n] = 0;
	err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (err)
		return ERR_PTR(err);
	i = p.dentry->inode;
	err = inode_permission(i, MAY_WRITE);
	if (!err) {
		u = S_ISSOCK(i->mode) ? i->sock : NULL;
		if (!u)
			err = -ECONNREFUSED;
		else if (u->sk.type != type)
			err = -EPROTOTYPE;
		else
			sock_get(&u->sk);
	}
	path_put(&p);
	return err ? ERR_PTR(err) : u;
}

struct unix_sock *unix_find(const struct sockaddr_un64 *a, u32 len, int type)
{
	struct unix_addr *n;

	if (a->sun_path[0])
		return find_path(a, len, type);
	n = abstract_find(a, len, type);
	if (!n)
		return ERR_PTR(-ECONNREFUSED);
	sock_get(&n->owner->sk);
	return n->owner;
}

int unix_getname(struct sock *sk, void *buf, bool peer)
{
	struct unix_sock *u = unix_of(sk);
	u16 family = AF_UNIX;

	if (peer) {
		u = u->peer;
		if (!u)
			return -ENOTCONN;
	}
	if (!u->addr) {
		memcpy(buf, &family, sizeof(family));
		return sizeof(family);
	}
	memcpy(buf, &u->addr->name, u->addr->len);
	return (int)u->addr->len;
}

void unix_copy_name(struct kmsg *m, const struct unix_sock *from)
{
	if (!m->name || !from->addr)
		return;
	memcpy(m->name, &from->addr->name, from->addr->len);
	m->namelen = from->addr->len;
}
