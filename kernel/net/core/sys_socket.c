/* Making, naming and joining sockets: socket(2), socketpair(2), bind(2), listen(2), accept(2), connect(2), ... */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/net.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>
#include "core.h"

#define MAX_FAMILIES 8

static const struct sock_family *families[MAX_FAMILIES];

int sock_family_register(const struct sock_family *f)
{
	for (unsigned i = 0; i < MAX_FAMILIES; i++) {
		if (!families[i]) {
			families[i] = f;
			return 0;
		}
	}
	return -ENOSPC;
}

struct sock *socket_get(int fd, struct file **fp)
{
	struct file *f = fd_get(fd);
	struct sock *sk;

	if (!f)
		return ERR_PTR(-EBADF);
	sk = file_sock(f);
	if (!sk) {
		file_put(f);
		return ERR_PTR(-ENOTSOCK);
	}
	*fp = f;
	return sk;
}

int addr_from_user(u8 *buf, uaddr_t addr, int len)
{
	if (len < 0 || len > SOCKADDR_MAX)
		return -EINVAL;
	return len ? copy_from_user(buf, addr, (size_t)len) : 0;
}

int addr_to_user(const u8 *buf, u32 len, uaddr_t addr, uaddr_t ulen)
{
	s32 room;

	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user(addr, buf, min((u32)room, len)))
		return -EFAULT;
	return put_user((s32)len, ulen);
}

static int sock_create(int family, int type, int protocol, struct sock **out)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_TYPE_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < MAX_FAMILIES && families[i]; i++)
		if (families[i]->family == family)
			return families[i]->create(type, protocol, out);
	return -EAFNOSUPPORT;
}

long sys_socket(int family, int type, int protocol)
{
	u32 flags = (u32)type & ~SOCK_TYPE_MASK;
	struct sock *sk;
	struct file *f;
	int err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = sock_create(family, type & SOCK_TYPE_MASK, protocol, &sk);
	if (err)
		return err;
	f = sock_file(sk, flags);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, flags & O_CLOEXEC);
}

/* Two joined sockets with files. */
static int pair_files(int family, int type, int protocol, u32 flags, struct file *f[2])
{
	struct sock *a, *b;
	int err = sock_create(family, type, protocol, &a);

	if (err)
		return err;
	err = sock_create(family, type, protocol, &b);
	if (err) {
		a->op->release(a);
		sock_put(a);
		return err;
	}
	err = a->op->socketpair ? a->op->socketpair(a, b) : -EOPNOTSUPP;
	if (err) {
		a->op->release(a);
		sock_put(a);
		b->op->release(b);
		sock_put(b);
		return err;
	}
	f[0] = sock_file(a, flags);
	if (IS_ERR(f[0])) {
		b->op->release(b);
		sock_put(b);
		return (int)PTR_ERR(f[0]);
	}
	f[1] = sock_file(b, flags);
	if (IS_ERR(f[1])) {
		file_put(f[0]);
		return (int)PTR_ERR(f[1]);
	}
	return 0;
}

long sys_socketpair(int family, int type, int protocol, uaddr_t ufds)
{
	u32 flags = (u32)type & ~SOCK_TYPE_MASK;
	struct file *f[2] = { NULL, NULL };
	int fds[2];
	long err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	fds[0] = (int)(err = fd_alloc(flags & O_CLOEXEC));
	if (err < 0)
		return err;
	fds[1] = (int)(err = fd_alloc(flags & O_CLOEXEC));
	if (err < 0)
		goto out_fd0;
	err = copy_to_user(ufds, fds, sizeof(fds));
	if (!err)
		err = pair_files(family, type & SOCK_TYPE_MASK, protocol, flags, f);
	if (err)
		goto out_fd1;
	fd_publish(fds[0], f[0]);
	fd_publish(fds[1], f[1]);
	return 0;
out_fd1:
	fd_unreserve(fds[1]);
out_fd0:
	fd_unreserve(fds[0]);
	return err;
}

long sys_bind(int fd, uaddr_t addr, int len)
{
	u8 buf[SOCKADDR_MAX];
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	long err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = addr_from_user(buf, addr, len);
	if (!err)
		err = sk->op->bind ? sk->op->bind(sk, buf, (u32)len) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

long sys_connect(int fd, uaddr_t addr, int len)
{
	u8 buf[SOCKADDR_MAX];
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	long err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = addr_from_user(buf, addr, len);
	if (!err)
		err = sk->op->connect ? sk->op->connect(sk, buf, (u32)len, f->flags & O_NONBLOCK) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	long err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = sk->op->listen ? sk->op->listen(sk, min((u32)backlog, net_somaxconn)) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

/* The connection's file; its peer's name to the user. */
static struct file *do_accept(struct file *lf, struct sock *lsk, uaddr_t addr, uaddr_t ulen, u32 flags)
{
	u8 buf[SOCKADDR_MAX];
	struct sock *sk;
	struct file *f;
	int n, err;

	if (!lsk->op->accept)
		return ERR_PTR(-EOPNOTSUPP);
	sk = lsk->op->accept(lsk, lf->flags & O_NONBLOCK);
	if (IS_ERR(sk))
		return (struct file *)sk;
	f = sock_file(sk, flags);
	if (IS_ERR(f) || !addr)
		return f;
	n = sk->op->getname(sk, buf, true);
	err = n < 0 ? -ECONNABORTED : addr_to_user(buf, (u32)n, addr, ulen);
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	return f;
}

long sys_accept4(int fd, uaddr_t addr, uaddr_t ulen, int flags)
{
	struct file *lf, *f;
	struct sock *sk;
	long newfd;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	sk = socket_get(fd, &lf);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	newfd = fd_alloc(flags & O_CLOEXEC); /* first: no connection is lost for want of a descriptor */
	if (newfd < 0)
		goto out;
	f = do_accept(lf, sk, addr, ulen, (u32)flags);
	if (IS_ERR(f)) {
		fd_unreserve((int)newfd);
		newfd = PTR_ERR(f);
	} else {
		fd_publish((int)newfd, f);
	}
out:
	file_put(lf);
	return newfd;
}

long sys_accept(int fd, uaddr_t addr, uaddr_t ulen)
{
	return sys_accept4(fd, addr, ulen, 0);
}

static long get_name(int fd, uaddr_t addr, uaddr_t ulen, bool peer)
{
	u8 buf[SOCKADDR_MAX];
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	long n;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	n = sk->op->getname ? sk->op->getname(sk, buf, peer) : -EOPNOTSUPP;
	file_put(f);
	return n < 0 ? n : addr_to_user(buf, (u32)n, addr, ulen);
}

long sys_getsockname(int fd, uaddr_t addr, uaddr_t ulen)
{
	return get_name(fd, addr, ulen, false);
}

long sys_getpeername(int fd, uaddr_t addr, uaddr_t ulen)
{
	return get_name(fd, addr, ulen, true);
}

long sys_shutdown(int fd, int how)
{
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	long err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	if (!sk->op->shutdown)
		err = -EOPNOTSUPP;
	else if (how < SHUT_RD || how > SHUT_RDWR)
		err = -EINVAL;
	else
		err = sk->op->shutdown(sk, (u32)how + 1);
	file_put(f);
	return err;
}

long sys_setsockopt(int fd, int level, int name, uaddr_t val, int len)
{
	struct file *f;
	struct sock *sk;
	long err;

	if (len < 0)
		return -EINVAL;
	sk = socket_get(fd, &f);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	if (level == SOL_SOCKET)
		err = sock_setsockopt(sk, name, val, (u32)len);
	else
		err = sk->op->setsockopt ? sk->op->setsockopt(sk, level, name, val, (u32)len) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

static int family_getsockopt(struct sock *sk, int level, int name, uaddr_t val, uaddr_t ulen)
{
	u8 buf[256];
	s32 room;
	u32 len;
	int err;

	if (!sk->op->getsockopt)
		return -EOPNOTSUPP;
	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	len = min((u32)room, (u32)sizeof(buf));
	memset(buf, 0, sizeof(buf));
	err = sk->op->getsockopt(sk, level, name, buf, &len);
	if (err)
		return err;
	if (copy_to_user(val, buf, min(len, (u32)room)))
		return -EFAULT;
	return put_user((s32)len, ulen);
}

long sys_getsockopt(int fd, int level, int name, uaddr_t val, uaddr_t ulen)
{
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	long err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = level == SOL_SOCKET ? sock_getsockopt(sk, name, val, ulen)
				  : family_getsockopt(sk, level, name, val, ulen);
	file_put(f);
	return err;
}
