/* Netlink sockets: netlink.c has the socket, rtnl.c the answers of NETLINK_ROUTE. */
#ifndef NETLINK_H
#define NETLINK_H
#include <abi/netlink.h>
#include <umber/net.h>

struct nl_buf { struct list_head node; u32 len, cap; u8 data[]; };
struct nl_sock {
	struct sock sk;
	struct list_head node;         /* every netlink socket */
	struct list_head queue;        /* nl_buf: what is to be received */
	u32 queued;                    /* bytes its buffers take, at most sk.opt.rcvbuf */
	u32 port, dst_port, groups;    /* port 0: not bound */
};

/* Queues b (consumed) on n, or marks the loss. */
void nl_queue(struct nl_sock *n, struct nl_buf *b);
/* Answers the requests in req (len bytes, 4-byte aligned kernel memory). */
void rtnl_request(struct nl_sock *n, const u8 *req, u32 len);
#endif
