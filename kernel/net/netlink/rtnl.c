/* Answers of NETLINK_ROUTE (rtnetlink(7)): the interface lo and its address. */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include "netlink.h"

#define BUF_BYTES 1024u
#define LO_INDEX 1
#define LO_MTU 65536u

static struct nl_buf *buf_new(void)
{
	struct nl_buf *b = kzalloc(sizeof(*b) + BUF_BYTES);

	if (b) {
		list_init(&b->node);
		b->cap = BUF_BYTES;
	}
	return b;
}

/* Room for n bytes at the end (padded to 4). All answers fit in BUF_BYTES by construction. */
static void *put(struct nl_buf *b, u32 n)
{
	void *p = b->data + b->len;

	b->len += NLMSG_ALIGN64(n);
	return b->len <= b->cap ? p : NULL;
}

static void put_attr(struct nl_buf *b, u16 type, const void *data, u16 n)
{
	struct rtattr64 *a = put(b, sizeof(*a) + n);

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = (u16)(sizeof(*a) + n);
	memcpy(a + 1, data, n);
}

static struct nlmsghdr64 *begin(struct nl_buf *b, const struct nlmsghdr64 *req, u16 type, u16 flags, u32 port)
{
	struct nlmsghdr64 *h = put(b, sizeof(*h));

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = req->nlmsg_seq;
	h->nlmsg_pid = port;
	return h;
}

static void end(struct nl_buf *b, struct nlmsghdr64 *h)
{
	h->nlmsg_len = (u32)(b->data + b->len - (u8 *)h);
}

static void put_link(struct nl_buf *b, const struct nlmsghdr64 *req, u16 flags, u32 port)
{
	static const u8 mac[6];
	struct nlmsghdr64 *h = begin(b, req, RTM_NEWLINK, flags, port);
	struct ifinfomsg64 *i = put(b, sizeof(*i));
	u32 txqlen = 1000, mtu = LO_MTU, group = 0;
	u8 oper = 0, mode = 0;

	*i = (struct ifinfomsg64){ .ifi_type = ARPHRD_LOOPBACK, .ifi_index = LO_INDEX,
				   .ifi_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP };
	put_attr(b, IFLA_IFNAME, "lo", 3);
	put_attr(b, IFLA_TXQLEN, &txqlen, sizeof(txqlen));
	put_attr(b, IFLA_OPERSTATE, &oper, sizeof(oper));
	put_attr(b, IFLA_LINKMODE, &mode, sizeof(mode));
	put_attr(b, IFLA_MTU, &mtu, sizeof(mtu));
	put_attr(b, IFLA_GROUP, &group, sizeof(group));
	put_attr(b, IFLA_QDISC, "noqueue", 8);
	put_attr(b, IFLA_ADDRESS, mac, sizeof(mac));
	put_attr(b, IFLA_BROADCAST, mac, sizeof(mac));
	end(b, h);
}

static void put_addr(struct nl_buf *b, const struct nlmsghdr64 *req, u16 flags, u32 port)
{
	static const u8 ip[4] = { 127, 0, 0, 1 };
	struct nlmsghdr64 *h = begin(b, req, RTM_NEWADDR, flags, port);
	struct ifaddrmsg64 *a = put(b, sizeof(*a));
	u32 aflags = IFA_F_PERMANENT;

	*a = (struct ifaddrmsg64){ AF_INET, 8, IFA_F_PERMANENT, RT_SCOPE_HOST, LO_INDEX };
	put_attr(b, IFA_ADDRESS, ip, sizeof(ip));
	put_attr(b, IFA_LOCAL, ip, sizeof(ip));
	put_attr(b, IFA_LABEL, "lo", 3);
	put_attr(b, IFA_FLAGS, &aflags, sizeof(aflags));
	end(b, h);
}

static void put_error(struct nl_buf *b, const struct nlmsghdr64 *req, int err, u32 port)
{
	struct nlmsghdr64 *h = begin(b, req, NLMSG_ERROR, 0, port);
	struct nlmsgerr64 *e = put(b, sizeof(*e));

	e->error = err;
	e->msg = *req;
	end(b, h);
}

/* A dump comes as one datagram of records, then another that says it is done. */
static void dump(struct nl_sock *n, const struct nlmsghdr64 *req, u8 family)
{
	struct nl_buf *b = buf_new(), *done = buf_new();
	struct nlmsghdr64 *h;

	if (!b || !done) {
		kfree(b);
		kfree(done);
		n->sk.err = ENOBUFS;
		return;
	}
	if (req->nlmsg_type == RTM_GETLINK)
		put_link(b, req, NLM_F_MULTI, n->port);
	else if (req->nlmsg_type == RTM_GETADDR && (family == AF_UNSPEC || family == AF_INET))
		put_addr(b, req, NLM_F_MULTI, n->port);
	if (b->len)
		nl_queue(n, b);
	else
		kfree(b);
	h = begin(done, req, NLMSG_DONE, NLM_F_MULTI, n->port);
	memset(put(done, sizeof(s32)), 0, sizeof(s32));
	end(done, h);
	nl_queue(n, done);
}

static bool names_lo(const u8 *attrs, u32 len)
{
	struct rtattr64 a;

	while (len >= sizeof(a)) {
		memcpy(&a, attrs, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > len)
			return false;
		if (a.rta_type == IFLA_IFNAME)
			return a.rta_len >= sizeof(a) + 3 && !memcmp(attrs + sizeof(a), "lo", 3);
		if (NLMSG_ALIGN64(a.rta_len) >= len)
			return false;
		attrs += NLMSG_ALIGN64(a.rta_len);
		len -= NLMSG_ALIGN64(a.rta_len);
	}
	return false;
}

/* RTM_GETLINK of one interface, by index or name. 0 or errno. */
static int one_link(struct nl_sock *n, const struct nlmsghdr64 *req, const u8 *body, u32 len)
{
	struct ifinfomsg64 i;
	struct nl_buf *b;

	if (len < sizeof(i))
		return -EINVAL;
	memcpy(&i, body, sizeof(i));
	if (i.ifi_index ? i.ifi_index != LO_INDEX : !names_lo(body + sizeof(i), len - (u32)sizeof(i)))
		return -ENODEV;
	b = buf_new();
	if (!b)
		return -ENOBUFS;
	put_link(b, req, 0, n->port);
	nl_queue(n, b);
	return 0;
}

/* 0: answered, or acknowledge if asked; errno: goes back in an error message. */
static int answer(struct nl_sock *n, const struct nlmsghdr64 *req, const u8 *body, u32 len, bool *dumped)
{
	bool get = (req->nlmsg_type & 3) == 2; /* NEW, DEL, GET, SET */

	if (req->nlmsg_type < RTM_BASE)
		return 0;
	if (!get)
		return capable(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM;
	if ((req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		switch (req->nlmsg_type) {
		case RTM_GETLINK:
		case RTM_GETADDR:
		case RTM_GETROUTE:
		case RTM_GETNEIGH:
		case RTM_GETRULE:
			*dumped = true;
			dump(n, req, len ? body[0] : 0);
			return 0;
		}
		return -EOPNOTSUPP;
	}
	if (req->nlmsg_type == RTM_GETLINK)
		return one_link(n, req, body, len);
	return req->nlmsg_type == RTM_GETROUTE ? -ENETUNREACH : -EOPNOTSUPP;
}

void rtnl_request(struct nl_sock *n, const u8 *req, u32 len)
{
	struct nlmsghdr64 h;

	while (len >= sizeof(h)) {
		bool dumped = false;
		struct nl_buf *b;
		int err;

		memcpy(&h, req, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len)
			return;
		if (h.nlmsg_flags & NLM_F_REQUEST) {
			err = answer(n, &h, req + sizeof(h), h.nlmsg_len - (u32)sizeof(h), &dumped);
			if (err || ((h.nlmsg_flags & NLM_F_ACK) && !dumped)) {
				b = buf_new();
				if (b) {
					put_error(b, &h, err, n->port);
					nl_queue(n, b);
				}
			}
		}
		if (NLMSG_ALIGN64(h.nlmsg_len) >= len)
			return;
		req += NLMSG_ALIGN64(h.nlmsg_len);
		len -= NLMSG_ALIGN64(h.nlmsg_len);
	}
}
