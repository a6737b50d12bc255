/*
 * AF_UNIX sockets (unix(7)).
 *
 * Two ends know each other by `peer`, which holds a reference; both point at each other until one is released, and the
 * survivor keeps its pointer to the dead one (names, EPIPE) until it goes too. A listener has connections that wait to
 * be accepted: socks without a file, linked on accept_q, each owned by that link. Messages wait on the receiver's queue and are
 * charged to the sender's wmem; each holds a reference to its sender (for the charge and the name).
 *
 * Names: a path (the inode's `sock` points to the bound socket, the socket pins the path) or an abstract name in a
 * hash. A struct unix_addr is immutable and shared by a listener and what it accepted.
 *
 * Files in flight (SCM_RIGHTS): a message on a queue counts in `inflight` of each AF_UNIX socket it carries. A socket all of
 * whose references are in flight may be garbage, reachable from nothing but its own queue: gc.c finds those.
 *
 * Files: af_unix.c life, poll, options; name.c binding and lookup; connect.c; stream.c dgram.c data; msg.c buffers;
 * gc.c; show.c.
 */
#ifndef UNIX_H
#define UNIX_H
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/net.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

struct unix_addr {
	refcount_t ref;
	u32 len;                       /* bytes of name */
	struct list_head hash;         /* abstract names in use */
	struct unix_sock *owner;       /* who bound it (abstract); NULL once it is unbound */
	u16 type;
	struct sockaddr_un64 name;
	char end;                      /* a path of 108 bytes has its NUL here */
};

struct unix_sock {
	struct sock sk;
	struct unix_addr *addr;        /* NULL: unnamed */
	struct path path;              /* of a pathname socket; dentry NULL: none */
	struct unix_sock *peer;        /* referenced */
	struct list_head all_node;
	struct list_head queue;        /* struct umsg: data to receive */
	u32 qlen, inq;                 /* messages, bytes on it */
	struct list_head accept_q;     /* listener: unix_sock.embryo */
	struct list_head embryo;
	u32 nr_embryos;
	u32 backlog;                   /* longest accept_q, or queue of datagrams from strangers, less one */
	struct wait_queue room_wq;     /* connectors and senders that wait for place on our queue */
	struct list_head blocked;      /* connected datagram senders to be told when there is place */
	struct list_head blocked_node; /* in peer->blocked */
	struct mutex bind_lock;
	u32 inflight;                  /* references to our file in queued messages */
	struct list_head inflight_node;
	struct list_head gc_node;      /* during a collection */
	u32 gc_count;
	bool gc_candidate;
};
#define unix_of(s) container_of(s, struct unix_sock, sk)

/* One message, or a piece of a stream: bytes [off, len) of data are still to be received. */
struct umsg {
	struct list_head node;
	struct unix_sock *from;        /* referenced; charged with truesize */
	u32 off, len, cap, truesize;
	struct scm_fds *fds;           /* counted in flight while on a queue */
	struct ucred64 creds;
	u64 stamp_ns;
	u8 data[];
};

extern struct list_head unix_socks;   /* all_node */
extern u32 unix_nr_inflight;          /* AF_UNIX sockets in flight */

static inline bool unix_is_stream(const struct unix_sock *u) { return u->sk.type == SOCK_STREAM; }
static inline bool unix_has_connection(const struct unix_sock *u) { return u->sk.type != SOCK_DGRAM; }
static inline bool unix_writable(const struct unix_sock *u)
{
	return u->sk.state != SS_LISTEN && (u64)u->sk.wmem * 4 <= u->sk.opt.sndbuf;
}
static inline bool unix_queue_full(const struct unix_sock *u) { return u->qlen > u->backlog; }
static inline bool unix_dead(const struct unix_sock *u) { return u->sk.state == SS_DEAD; }

/* af_unix.c */
struct unix_sock *unix_new(int type);
void unix_flush_queue(struct unix_sock *u);        /* may sleep */
void unix_set_peer(struct unix_sock *u, struct unix_sock *peer); /* references; drops the old one */
void unix_unblock(struct unix_sock *u);            /* place on our queue: tells who waits for it */
/* Senders that are told of it when `to` has place again. */
void unix_block_on(struct unix_sock *u, struct unix_sock *to);

/* name.c */
int unix_check_addr(const struct sockaddr_un64 *a, u32 len); /* 0 or -EINVAL */
int unix_bind(struct sock *sk, const void *addr, u32 len);
int unix_autobind(struct unix_sock *u);
void unix_unbind(struct unix_sock *u);             /* gives the name free, keeps addr for getpeername */
void unix_addr_put(struct unix_addr *a);
/* The socket of that name, referenced, or ERR_PTR (-ECONNREFUSED, -EPROTOTYPE, -EACCES...). May sleep. */
struct unix_sock *unix_find(const struct sockaddr_un64 *a, u32 len, int type);
int unix_getname(struct sock *sk, void *buf, bool peer);
/* The sender's name for recvfrom. */
void unix_copy_name(struct kmsg *m, const struct unix_sock *from);

/* connect.c */
int unix_stream_connect(struct sock *sk, const void *addr, u32 len, bool nonblock);
int unix_dgram_connect(struct sock *sk, const void *addr, u32 len, bool nonblock);
int unix_listen(struct sock *sk, u32 backlog);
struct sock *unix_accept(struct sock *sk, bool nonblock);
int unix_socketpair(struct sock *a, struct sock *b);
int unix_shutdown(struct sock *sk, u32 how);
void unix_dgram_disconnect(struct unix_sock *u, struct unix_sock *old);

/* msg.c */
struct umsg *umsg_new(struct unix_sock *from, u32 len, u32 cap);  /* NULL: no memory. Charged */
void umsg_free(struct umsg *m);                    /* off every queue; may sleep if it has files */
/* Waits until the sender may have one more message. 0, -EAGAIN, -EPIPE (shut down), pending error. */
int unix_wait_space(struct unix_sock *u, bool nonblock, u64 *deadline_ns);
int unix_attach(struct umsg *m, struct scm *scm, struct unix_sock *to);  /* moves scm into m. 0 or -ETOOMANYREFS */
struct scm_fds *unix_detach_fds(struct umsg *m);   /* no longer in flight */
void unix_enqueue(struct unix_sock *to, struct umsg *m);
void unix_dequeue(struct unix_sock *u, struct umsg *m);

ssize_t unix_stream_send(struct sock *sk, struct kmsg *m);
ssize_t unix_stream_recv(struct sock *sk, struct kmsg *m);
ssize_t unix_dgram_send(struct sock *sk, struct kmsg *m);
ssize_t unix_dgram_recv(struct sock *sk, struct kmsg *m);
ssize_t unix_seqpacket_send(struct sock *sk, struct kmsg *m);
ssize_t unix_seqpacket_recv(struct sock *sk, struct kmsg *m);

/* gc.c */
int unix_inflight_add(struct scm_fds *f);          /* -ETOOMANYREFS: the user has too many under way */
void unix_inflight_del(struct scm_fds *f);
void unix_gc_kick(void);
#endif
