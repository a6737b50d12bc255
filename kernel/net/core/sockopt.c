/* setsockopt(2) and getsockopt(2) at level SOL_SOCKET (socket(7), unix(7)). */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/net.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
#define BUF_LIMIT (1u << 28) /* what SO_*BUFFORCE may ask for, too */

/* ---- set ---- */

static bool *bool_opt(struct sock *sk, int name)
{
	struct sock_opts *o = &sk->opt;

	switch (name) {
	case SO_DEBUG: return &o->debug;
	case SO_REUSEADDR: return &o->reuseaddr;
	case SO_REUSEPORT: return &o->reuseport;
	case SO_DONTROUTE: return &o->dontroute;
	case SO_BROADCAST: return &o->broadcast;
	case SO_KEEPALIVE: return &o->keepalive;
	case SO_OOBINLINE: return &o->oobinline;
	case SO_NO_CHECK: return &o->no_check;
	case SO_PASSCRED: return &o->passcred;
	}
	return NULL;
}

/* Doubled, for the bookkeeping that the user does not count. */
static u32 buf_size(s32 val, u32 limit, u32 least)
{
	u32 v = val < 0 ? 0 : (u32)val;

	return max(min(v, min(limit, BUF_LIMIT)) * 2, least);
}

static int set_timeo(u64 *timeo_ns, uaddr_t val, u32 len)
{
	struct timeval64 tv;

	if (len < sizeof(tv))
		return -EINVAL;
	if (get_user(tv, val))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		*timeo_ns = 0;
	else if ((!tv.tv_sec && !tv.tv_usec) || tv.tv_sec >= S64_MAX / (s64)NSEC_PER_SEC)
		*timeo_ns = WAIT_FOREVER;
	else
		*timeo_ns = (u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_usec * NSEC_PER_USEC;
	return 0;
}

static int set_int(struct sock *sk, int name, s32 val)
{
	struct sock_opts *o = &sk->opt;
	bool *flag = bool_opt(sk, name);

	if (flag) {
		if (name == SO_REUSEPORT && sk->family == AF_UNIX)
			return val ? -EOPNOTSUPP : 0;
		if (name == SO_DEBUG && val && !capable(CAP_NET_ADMIN))
			return -EACCES;
		*flag = val != 0;
		if (name == SO_PASSCRED && sk->family != AF_UNIX && sk->family != AF_NETLINK)
			return -EOPNOTSUPP;
		return 0;
	}
	switch (name) {
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_ACCEPTCONN:
	case SO_SNDLOWAT:
		return -ENOPROTOOPT;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		if (name == SO_SNDBUFFORCE)
			o->sndbuf = buf_size(val, BUF_LIMIT, SNDBUF_MIN);
		else
			o->rcvbuf = buf_size(val, BUF_LIMIT, RCVBUF_MIN);
		break;
	case SO_SNDBUF:
		o->sndbuf = buf_size(val, net_wmem_max, SNDBUF_MIN);
		break;
	case SO_RCVBUF:
		o->rcvbuf = buf_size(val, net_rmem_max, RCVBUF_MIN);
		return 0;
	case SO_PRIORITY:
		if ((val < 0 || val > 6) && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		o->priority = val;
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		o->mark = val;
		return 0;
	case SO_RCVLOWAT:
		o->rcvlowat = val < 0 ? INT_MAX : val ? val : 1;
		return 0;
	case SO_PEEK_OFF:
		if (sk->family != AF_UNIX)
			return -EOPNOTSUPP;
		if (val < -1)
			return -EINVAL;
		o->peek_off = val;
		return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMP_NEW:
		o->timestamp = val != 0;
		o->timestamp_ns = false;
		return 0;
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMPNS_NEW:
		o->timestamp = o->timestamp_ns = val != 0;
		return 0;
	case SO_BSDCOMPAT:
	case SO_INCOMING_CPU:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
	sock_wake_write(sk);
	return 0;
}

int sock_setsockopt(struct sock *sk, int name, uaddr_t val, u32 len)
{
	struct linger64 l;
	s32 v;

	if (name == SO_RCVTIMEO || name == SO_RCVTIMEO_NEW)
		return set_timeo(&sk->opt.rcvtimeo_ns, val, len);
	if (name == SO_SNDTIMEO || name == SO_SNDTIMEO_NEW)
		return set_timeo(&sk->opt.sndtimeo_ns, val, len);
	if (len < sizeof(v))
		return -EINVAL;
	if (name == SO_LINGER) {
		if (len < sizeof(l))
			return -EINVAL;
		if (get_user(l, val))
			return -EFAULT;
		sk->opt.linger = (struct linger64){ l.l_onoff != 0, l.l_onoff ? l.l_linger : sk->opt.linger.l_linger };
		return 0;
	}
	if (get_user(v, val))
		return -EFAULT;
	return set_int(sk, name, v);
}

/* ---- get ---- */

static int put_result(uaddr_t val, uaddr_t ulen, u32 room, const void *p, u32 n)
{
	n = min(n, room);
	if (copy_to_user(val, p, n))
		return -EFAULT;
	return put_user((s32)n, ulen);
}

static int get_peergroups(struct sock *sk, uaddr_t val, uaddr_t ulen, u32 room)
{
	const struct cred *c = sk->peer.cred;
	u32 n;

	if (!c)
		return -ENODATA;
	n = c->ngroups * (u32)sizeof(u32);
	if (room < n)
		return put_user((s32)n, ulen) ? -EFAULT : -ERANGE;
	if (n && copy_to_user(val, c->groups, n))
		return -EFAULT;
	return put_user((s32)n, ulen);
}

static int get_peerpidfd(struct sock *sk, uaddr_t val, uaddr_t ulen, u32 room)
{
	struct file *f;
	int fd, err;

	if (room < sizeof(fd))
		return -EINVAL;
	if (!sk->peer.tg)
		return -ENODATA;
	fd = fd_alloc(O_CLOEXEC);
	if (fd < 0)
		return fd;
	f = pidfd_file(sk->peer.tg, 0);
	err = IS_ERR(f) ? (int)PTR_ERR(f) : put_result(val, ulen, room, &fd, sizeof(fd));
	if (err) {
		if (!IS_ERR(f))
			file_put(f);
		fd_unreserve(fd);
		return err;
	}
	fd_publish(fd, f);
	return 0;
}

static int get_peername(struct sock *sk, uaddr_t val, uaddr_t ulen, u32 room)
{
	u8 buf[SOCKADDR_MAX];
	int n = sk->op->getname ? sk->op->getname(sk, buf, true) : -ENOTCONN;

	if (n < 0)
		return -ENOTCONN;
	if ((u32)n < room)
		room = (u32)n;
	return put_result(val, ulen, room, buf, (u32)n);
}

static int get_timeo(u64 timeo_ns, uaddr_t val, uaddr_t ulen, u32 room)
{
	struct timeval64 tv = { 0, 0 };

	if (timeo_ns != WAIT_FOREVER)
		tv = (struct timeval64){ (s64)(timeo_ns / NSEC_PER_SEC),
					 (s64)(timeo_ns % NSEC_PER_SEC / NSEC_PER_USEC) };
	return put_result(val, ulen, room, &tv, sizeof(tv));
}

static u64 cookie(struct sock *sk)
{
	static u64 last;

	if (!sk->cookie)
		sk->cookie = ++last;
	return sk->cookie;
}

/* Options that are one int. */
static int get_int(struct sock *sk, int name, s32 *v)
{
	struct sock_opts *o = &sk->opt;
	bool *flag = bool_opt(sk, name);

	if (flag) {
		*v = *flag;
		return 0;
	}
	switch (name) {
	case SO_TYPE: *v = sk->type; break;
	case SO_PROTOCOL: *v = sk->protocol; break;
	case SO_DOMAIN: *v = sk->family; break;
	case SO_ERROR: *v = -sock_error(sk); break;
	case SO_ACCEPTCONN: *v = sk->state == SS_LISTEN; break;
	case SO_SNDBUF: *v = (s32)o->sndbuf; break;
	case SO_RCVBUF: *v = (s32)o->rcvbuf; break;
	case SO_PRIORITY: *v = o->priority; break;
	case SO_MARK: *v = o->mark; break;
	case SO_RCVLOWAT: *v = o->rcvlowat; break;
	case SO_SNDLOWAT: *v = 1; break;
	case SO_PEEK_OFF:
		if (sk->family != AF_UNIX)
			return -EOPNOTSUPP;
		*v = o->peek_off;
		break;
	case SO_TIMESTAMP:
	case SO_TIMESTAMP_NEW: *v = o->timestamp && !o->timestamp_ns; break;
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMPNS_NEW: *v = o->timestamp_ns; break;
	case SO_BSDCOMPAT:
	case SO_SELECT_ERR_QUEUE: *v = 0; break;
	case SO_INCOMING_CPU: *v = -1; break;
	default: return -ENOPROTOOPT;
	}
	return 0;
}

int sock_getsockopt(struct sock *sk, int name, uaddr_t val, uaddr_t ulen)
{
	s32 room, v;
	u64 c;
	int err;

	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	switch (name) {
	case SO_LINGER:
		return put_result(val, ulen, (u32)room, &sk->opt.linger, sizeof(sk->opt.linger));
	case SO_PEERCRED:
		return put_result(val, ulen, (u32)room, &sk->peer.id, sizeof(sk->peer.id));
	case SO_PEERGROUPS:
		return get_peergroups(sk, val, ulen, (u32)room);
	case SO_PEERPIDFD:
		return get_peerpidfd(sk, val, ulen, (u32)room);
	case SO_PEERNAME:
		return get_peername(sk, val, ulen, (u32)room);
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return get_timeo(sk->opt.rcvtimeo_ns, val, ulen, (u32)room);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return get_timeo(sk->opt.sndtimeo_ns, val, ulen, (u32)room);
	case SO_COOKIE:
	case SO_NETNS_COOKIE:
		if (room < (s32)sizeof(c))
			return -EINVAL;
		c = name == SO_COOKIE ? cookie(sk) : 1;
		return put_result(val, ulen, (u32)room, &c, sizeof(c));
	}
	err = get_int(sk, name, &v);
	return err ? err : put_result(val, ulen, (u32)room, &v, sizeof(v));
}
