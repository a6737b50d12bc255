/* Sending and receiving: send(2), sendmsg(2), sendmmsg(2), recv(2), recvmsg(2), recvmmsg(2). */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/net.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>
#include "core.h"

#define IOV_MAX_NR 1024

static ssize_t sock_send(struct sock *sk, struct file *f, struct kmsg *m)
{
	m->nonblock = (f->flags & O_NONBLOCK) || (m->flags & MSG_DONTWAIT);
	return sk->op->sendmsg ? sk->op->sendmsg(sk, m) : -EOPNOTSUPP;
}

static ssize_t sock_recv(struct sock *sk, struct file *f, struct kmsg *m)
{
	m->nonblock = (f->flags & O_NONBLOCK) || (m->flags & MSG_DONTWAIT);
	return sk->op->recvmsg ? sk->op->recvmsg(sk, m) : -EOPNOTSUPP;
}

static bool range_ok(uaddr_t buf, u64 len)
{
	return !len || (buf < PORT_TASK_SIZE && len <= PORT_TASK_SIZE - buf);
}

long sys_sendto(int fd, uaddr_t buf, u64 len, u32 flags, uaddr_t addr, int addrlen)
{
	u8 name[SOCKADDR_MAX];
	struct kmsg m = { .flags = flags & ~MSG_CMSG_COMPAT };
	struct file *f;
	struct sock *sk;
	ssize_t n = 0;

	len = min_t(u64, len, MAX_RW_COUNT);
	if (!range_ok(buf, len))
		return -EFAULT;
	sk = socket_get(fd, &f);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	iter_init_user(&m.it, buf, len);
	if (addr) {
		n = addr_from_user(name, addr, addrlen);
		m.name = name;
		m.namelen = (u32)addrlen;
	}
	if (!n)
		n = sock_send(sk, f, &m);
	file_put(f);
	return n;
}

long sys_recvfrom(int fd, uaddr_t buf, u64 len, u32 flags, uaddr_t addr, uaddr_t addrlen)
{
	u8 name[SOCKADDR_MAX];
	struct kmsg m = { .flags = flags & ~MSG_CMSG_COMPAT, .name = addr ? name : NULL };
	struct file *f;
	struct sock *sk;
	ssize_t n;

	len = min_t(u64, len, MAX_RW_COUNT);
	if (!range_ok(buf, len))
		return -EFAULT;
	sk = socket_get(fd, &f);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	iter_init_user(&m.it, buf, len);
	n = sock_recv(sk, f, &m);
	if (n >= 0 && addr) {
		int err = addr_to_user(name, m.namelen, addr, addrlen);

		if (err)
			n = err;
	}
	file_put(f);
	return n;
}

/* What the vectors of one message need while it is under way. */
struct msg_space {
	struct msghdr64 hdr;
	struct iovec64 fast[IOV_FAST], *heap;
	u8 name[SOCKADDR_MAX];
};

static int msg_read(uaddr_t umsg, struct msg_space *s, struct kmsg *m, bool send)
{
	struct msghdr64 *h = &s->hdr;
	int err;

	s->heap = NULL;
	if (copy_from_user(h, umsg, sizeof(*h)))
		return -EFAULT;
	if (!h->msg_name)
		h->msg_namelen = 0;
	if (h->msg_namelen < 0)
		return -EINVAL;
	h->msg_namelen = min(h->msg_namelen, SOCKADDR_MAX);
	if (h->msg_iovlen > IOV_MAX_NR)
		return -EMSGSIZE;
	m->name = h->msg_name ? s->name : NULL;
	m->namelen = 0;
	if (send && h->msg_namelen) {
		err = addr_from_user(s->name, h->msg_name, h->msg_namelen);
		if (err)
			return err;
		m->namelen = (u32)h->msg_namelen;
	} else if (send) {
		m->name = NULL;
	}
	m->control = h->msg_controllen ? h->msg_control : 0;
	m->controllen = h->msg_control ? h->msg_controllen : 0;
	return iter_init_iovec(&m->it, h->msg_iov, h->msg_iovlen, s->fast, &s->heap);
}

static ssize_t send_one(struct sock *sk, struct file *f, uaddr_t umsg, u32 flags)
{
	struct kmsg m = { .flags = flags & ~MSG_CMSG_COMPAT };
	struct msg_space s;
	ssize_t n = msg_read(umsg, &s, &m, true);

	if (!n && m.controllen > INT_MAX)
		n = -ENOBUFS;
	if (!n)
		n = sock_send(sk, f, &m);
	kfree(s.heap);
	return n;
}

static ssize_t recv_one(struct sock *sk, struct file *f, uaddr_t umsg, u32 flags)
{
	struct kmsg m = { .flags = flags & ~MSG_CMSG_COMPAT };
	struct msg_space s;
	u64 room;
	ssize_t n = msg_read(umsg, &s, &m, false);
	int err;

	if (n)
		goto out;
	room = m.controllen;
	n = sock_recv(sk, f, &m);
	if (n < 0)
		goto out;
	if (m.name) {
		err = addr_to_user(s.name, m.namelen, s.hdr.msg_name, umsg + offsetof(struct msghdr64, msg_namelen));
		if (err)
			n = err;
	}
	room -= m.controllen;
	if (n >= 0 && (put_user(m.out_flags | (flags & MSG_CMSG_CLOEXEC), umsg + offsetof(struct msghdr64, msg_flags)) ||
		       put_user(room, umsg + offsetof(struct msghdr64, msg_controllen))))
		n = -EFAULT;
out:
	kfree(s.heap);
	return n;
}

long sys_sendmsg(int fd, uaddr_t msg, u32 flags)
{
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	ssize_t n;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	n = send_one(sk, f, msg, flags);
	file_put(f);
	return n;
}

long sys_recvmsg(int fd, uaddr_t msg, u32 flags)
{
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	ssize_t n;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	n = recv_one(sk, f, msg, flags);
	file_put(f);
	return n;
}

long sys_sendmmsg(int fd, uaddr_t msgs, u32 nr, u32 flags)
{
	struct file *f;
	struct sock *sk = socket_get(fd, &f);
	ssize_t n = 0;
	u32 i;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	nr = min(nr, (u32)IOV_MAX_NR);
	for (i = 0; i < nr; i++) {
		uaddr_t m = msgs + i * sizeof(struct mmsghdr64);

		n = send_one(sk, f, m, flags);
		if (n < 0)
			break;
		if (put_user((u32)n, m + offsetof(struct mmsghdr64, msg_len))) {
			n = -EFAULT;
			break;
		}
		if (signal_pending(current)) {
			i++;
			break;
		}
		cond_resched();
	}
	file_put(f);
	return i ? (long)i : n;
}

/* The timeout is only looked at between messages, as on Linux. */
static long recv_many(struct sock *sk, struct file *f, uaddr_t msgs, u32 nr, u32 flags, u64 deadline_ns)
{
	ssize_t n = sock_error(sk);
	u32 i = 0;

	if (n)
		return n;
	while (i < nr) {
		uaddr_t m = msgs + i * sizeof(struct mmsghdr64);

		n = recv_one(sk, f, m, flags & ~MSG_WAITFORONE);
		if (n < 0)
			break;
		if (put_user((u32)n, m + offsetof(struct mmsghdr64, msg_len))) {
			n = -EFAULT;
			break;
		}
		i++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline_ns != WAIT_FOREVER && ktime_mono_ns() >= deadline_ns)
			break;
		cond_resched();
	}
	if (!i)
		return n;
	if (n < 0 && n != -EAGAIN && n != -EFAULT && n != -ERESTARTSYS && n != -EINTR)
		sk->err = (s32)-n; /* told by the next call */
	return (long)i;
}

long sys_recvmmsg(int fd, uaddr_t msgs, u32 nr, u32 flags, uaddr_t timeout)
{
	u64 deadline = WAIT_FOREVER;
	struct timespec64 left;
	struct file *f;
	struct sock *sk;
	long n;
	int err;

	if (timeout) {
		err = user_timeout_rel(timeout, &deadline);
		if (err)
			return err;
	}
	sk = socket_get(fd, &f);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	n = recv_many(sk, f, msgs, min(nr, (u32)IOV_MAX_NR), flags & ~MSG_CMSG_COMPAT, deadline);
	file_put(f);
	if (n > 0 && timeout) {
		u64 now = ktime_mono_ns();

		left = ns_to_ts(deadline > now ? deadline - now : 0);
		if (copy_to_user(timeout, &left, sizeof(left)))
			n = -EFAULT;
	}
	return n;
}
