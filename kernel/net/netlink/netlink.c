/*
 * Netlink sockets (netlink(7)), of the routing family only, and read-only: what programs ask to list interfaces and
 * addresses (getaddrinfo(3), getifaddrs(3), if_nameindex(3), ip link). There is one interface, lo.
 *
 * A send is answered at once: its replies are queued on the sender's own socket, bounded by SO_RCVBUF; a socket that
 * has no room loses the reply and gets ENOBUFS. Nobody else sends to it, so there are no multicast events; joining their
 * groups is allowed and brings nothing. Requests to change anything get -EPERM or -EOPNOTSUPP as an error message.
 */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>
#include "netlink.h"

#define REQUEST_MAX 65536u

static LIST_HEAD(nl_socks);
static const struct sock_ops nl_ops;

static struct nl_sock *nl_of(struct sock *sk)
{
	return container_of(sk, struct nl_sock, sk);
}

static int nl_create(int type, int protocol, struct sock **out)
{
	struct nl_sock *n;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	n = kzalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	sock_init(&n->sk, &nl_ops, type, protocol);
	list_init(&n->queue);
	list_add(&n->node, &nl_socks);
	*out = &n->sk;
	return 0;
}

static void nl_release(struct sock *sk)
{
	struct nl_sock *n = nl_of(sk);

	sk->state = SS_DEAD;
	list_del(&n->node);
	while (!list_empty(&n->queue)) {
		struct nl_buf *b = list_first_entry(&n->queue, struct nl_buf, node);

		list_del(&b->node);
		kfree(b);
	}
}

static void nl_destroy(struct sock *sk)
{
	sock_fini(sk);
	kfree(nl_of(sk));
}

static bool port_used(u32 port)
{
	struct nl_sock *n;

	list_for_each_entry(n, &nl_socks, node)
		if (n->port == port)
			return true;
	return false;
}

/* The process id if it is free, else a number that is none. */
static void autobind(struct nl_sock *n)
{
	static u32 next = 0xfffff000;
	u32 port = (u32)current->tg->pid;

	while (!n->port) {
		if (port && !port_used(port))
			n->port = port;
		port = --next;
	}
}

static int nl_check(const struct sockaddr_nl64 *a, u32 len)
{
	return len < sizeof(*a) || a->nl_family != AF_NETLINK ? -EINVAL : 0;
}

static int nl_bind(struct sock *sk, const void *addr, u32 len)
{
	const struct sockaddr_nl64 *a = addr;
	struct nl_sock *n = nl_of(sk);
	int err = nl_check(a, len);

	if (err)
		return err;
	if (n->port && a->nl_pid != n->port)
		return -EINVAL;
	if (!n->port && a->nl_pid) {
		if (port_used(a->nl_pid))
			return -EADDRINUSE;
		n->port = a->nl_pid;
	}
	autobind(n);
	n->groups = a->nl_groups;
	return 0;
}

static int nl_connect(struct sock *sk, const void *addr, u32 len, bool nonblock)
{
	const struct sockaddr_nl64 *a = addr;
	struct nl_sock *n = nl_of(sk);

	if (len < sizeof(a->nl_family))
		return -EINVAL;
	if (a->nl_family == AF_UNSPEC) {
		sk->state = SS_CLOSE;
		n->dst_port = 0;
		return 0;
	}
	if (nl_check(a, len))
		return -EINVAL;
	if ((a->nl_pid || a->nl_groups) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	autobind(n);
	n->dst_port = a->nl_pid;
	sk->state = SS_ESTABLISHED;
	return 0;
}

static int nl_getname(struct sock *sk, void *buf, bool peer)
{
	struct nl_sock *n = nl_of(sk);
	struct sockaddr_nl64 a = { .nl_family = AF_NETLINK };

	a.nl_pid = peer ? n->dst_port : n->port;
	a.nl_groups = peer ? 0 : n->groups;
	memcpy(buf, &a, sizeof(a));
	return sizeof(a);
}

void nl_queue(struct nl_sock *n, struct nl_buf *b)
{
	if (n->queued + b->cap > n->sk.opt.rcvbuf) {
		kfree(b);
		n->sk.err = ENOBUFS;
		sock_wake_state(&n->sk);
		return;
	}
	n->queued += b->cap;
	list_add_tail(&b->node, &n->queue);
	sock_wake_read(&n->sk);
}

static ssize_t nl_sendmsg(struct sock *sk, struct kmsg *m)
{
	const struct sockaddr_nl64 *a = (const struct sockaddr_nl64 *)m->name;
	struct nl_sock *n = nl_of(sk);
	size_t len = m->it.count;
	u32 port = n->dst_port;
	u8 *req;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->namelen) {
		if (nl_check(a, m->namelen))
			return -EINVAL;
		port = a->nl_pid;
	}
	if (port)
		return -ECONNREFUSED; /* no messages between users */
	autobind(n);
	if (len > REQUEST_MAX || len > sk->opt.sndbuf - 32)
		return -EMSGSIZE;
	req = kmalloc(len + 1);
	if (!req)
		return -ENOBUFS;
	if (copy_from_iter(req, len, &m->it) < len) {
		kfree(req);
		return -EFAULT;
	}
	rtnl_request(n, req, (u32)len);
	kfree(req);
	return (ssize_t)len;
}

static int wait_reply(struct nl_sock *n, bool nonblock)
{
	struct sock *sk = &n->sk;
	int err = sock_error(sk);

	if (err || !list_empty(&n->queue))
		return err;
	if (nonblock)
		return -EAGAIN;
	err = wait_event(&sk->rd_wq, !list_empty(&n->queue) || sk->err, WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE,
			 sock_deadline(sk->opt.rcvtimeo_ns));
	if (err)
		return sock_wait_err(err, sk->opt.rcvtimeo_ns);
	return list_empty(&n->queue) ? sock_error(sk) : 0;
}

static ssize_t nl_recvmsg(struct sock *sk, struct kmsg *m)
{
	struct sockaddr_nl64 from = { .nl_family = AF_NETLINK };
	struct nl_sock *n = nl_of(sk);
	struct scm scm = { .creds = { 0, 0, 0 } };
	struct nl_buf *b;
	size_t part;
	ssize_t ret;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = wait_reply(n, m->nonblock);
	if (err || list_empty(&n->queue))
		return err;
	b = list_first_entry(&n->queue, struct nl_buf, node);
	part = min((size_t)b->len, m->it.count);
	ret = (ssize_t)(m->flags & MSG_TRUNC ? b->len : part);
	if (part < b->len)
		m->out_flags |= MSG_TRUNC;
	if (copy_to_iter(b->data, part, &m->it) < part)
		ret = -EFAULT;
	if (!(m->flags & MSG_PEEK)) {
		list_del(&b->node);
		n->queued -= b->cap;
		kfree(b);
	}
	if (m->name) {
		memcpy(m->name, &from, sizeof(from));
		m->namelen = sizeof(from);
	}
	if (ret >= 0)
		scm_recv(sk, m, &scm);
	return ret;
}

static u32 nl_poll(struct sock *sk, struct file *f, struct poll_table *pt)
{
	struct nl_sock *n = nl_of(sk);

	poll_wait(f, &sk->poll_wq, pt);
	return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | (sk->err ? EPOLLERR : 0) |
	       (list_empty(&n->queue) ? 0 : EPOLLIN | EPOLLRDNORM);
}

static int nl_setsockopt(struct sock *sk, int level, int name, uaddr_t val, u32 len)
{
	s32 v;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	if (get_user(v, val))
		return -EFAULT;
	switch (name) {
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		return v > 0 && v < 64 ? 0 : -EINVAL;
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_CAP_ACK:
	case NETLINK_EXT_ACK:
	case NETLINK_GET_STRICT_CHK:
		return 0;
	}
	return -ENOPROTOOPT;
}

static const struct sock_ops nl_ops = {
	.family = AF_NETLINK,
	.release = nl_release,
	.destroy = nl_destroy,
	.bind = nl_bind,
	.connect = nl_connect,
	.getname = nl_getname,
	.sendmsg = nl_sendmsg,
	.recvmsg = nl_recvmsg,
	.poll = nl_poll,
	.setsockopt = nl_setsockopt,
};

static const struct sock_family nl_family = { .family = AF_NETLINK, .create = nl_create };

static int netlink_init(void)
{
	return sock_family_register(&nl_family);
}
INITCALL(INIT_SUBSYS, netlink_init);
