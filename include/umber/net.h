/*
 * The socket layer: what the system calls and the address families know of each other.
 *
 * A struct sock is one end of a communication. The family allocates it, embedded in a struct of its own, and gives it
 * to the layer, which hangs it on an open file (file->priv; sock->file points back without a reference while the
 * file lives). Life: allocated by family->create (or by a connection that waits to be accepted: no file yet) ->
 * on a file -> op->release when the file's last reference goes (sock->file is NULL from then on) -> freed by
 * op->destroy when the last sock_put() comes: peers and queued messages hold references too.
 * All of it runs under klock. User copies do not sleep, so taking a message off a queue and copying it out is one
 * atomic step; no socket lock exists.
 * Three queues: rd_wq has sleepers for data or connections (exclusive), wr_wq sleepers for space, poll_wq pollers.
 */
#ifndef UMBER_NET_H
#define UMBER_NET_H
#include <abi/socket.h>
#include <umber/poll.h>
#include <umber/sync.h>
#include <umber/types.h>
#include <umber/uaccess.h>

struct cred;
struct file;
struct seq_file;
struct sock;
struct tgroup;

enum { RCV_SHUTDOWN = 1, SEND_SHUTDOWN = 2, SHUTDOWN_MASK = 3 };
enum sock_state { SS_CLOSE, SS_LISTEN, SS_ESTABLISHED, SS_DEAD };

/* The files and identity that go with a message (cmsg(3)). Files are referenced. */
#define SCM_MAX_FD 253
struct scm_fds { struct list_head node; u32 n, uid; struct file *fp[]; };
struct scm {
	struct scm_fds *fds;           /* NULL: none */
	bool has_creds;                /* creds came from the sender, or are for the receiver */
	struct ucred64 creds;
	u64 stamp_ns;                  /* receive: CLOCK_REALTIME of arrival, 0: not wanted */
};

/* One sendmsg or recvmsg. Lengths were checked; control is still the user's. */
struct kmsg {
	struct iov_iter it;
	u8 *name;                      /* SOCKADDR_MAX bytes of kernel memory, or NULL: no address given / wanted */
	u32 namelen;                   /* send: bytes given (0: none); receive: out, 0: sender has no name */
	u32 flags;                     /* MSG_* of the call */
	u32 out_flags;                 /* receive: MSG_TRUNC... */
	bool nonblock;
	uaddr_t control;
	u64 controllen;                /* receive: what is left of it */
};

struct sock_ops {
	int family;
	void (*release)(struct sock *sk);                 /* its file is gone. May sleep */
	void (*destroy)(struct sock *sk);                 /* last reference: frees it. Does not sleep */
	/* addr: kernel copy, len 0..SOCKADDR_MAX bytes. NULL ops give -EOPNOTSUPP. */
	int (*bind)(struct sock *sk, const void *addr, u32 len);
	int (*connect)(struct sock *sk, const void *addr, u32 len, bool nonblock);
	int (*listen)(struct sock *sk, u32 backlog);
	/* A connection taken off the queue (its reference goes to the caller, who gives it a file). Or ERR_PTR. */
	struct sock *(*accept)(struct sock *sk, bool nonblock);
	/* Name into buf (SOCKADDR_MAX bytes). Length or negative errno (-ENOTCONN). */
	int (*getname)(struct sock *sk, void *buf, bool peer);
	int (*socketpair)(struct sock *a, struct sock *b);
	ssize_t (*sendmsg)(struct sock *sk, struct kmsg *m);
	ssize_t (*recvmsg)(struct sock *sk, struct kmsg *m);
	u32 (*poll)(struct sock *sk, struct file *f, struct poll_table *pt);
	int (*shutdown)(struct sock *sk, u32 how);        /* how: RCV_SHUTDOWN | SEND_SHUTDOWN */
	long (*ioctl)(struct sock *sk, u32 cmd, u64 arg); /* -ENOTTY: not mine */
	/* Levels other than SOL_SOCKET. get: *len in: room, out: length of val (256 bytes of kernel memory). */
	int (*setsockopt)(struct sock *sk, int level, int name, uaddr_t val, u32 len);
	int (*getsockopt)(struct sock *sk, int level, int name, void *val, u32 *len);
};

struct sock_opts {
	bool reuseaddr, reuseport, keepalive, broadcast, dontroute, debug, oobinline, no_check;
	bool passcred, timestamp, timestamp_ns;
	s32 priority, mark, rcvlowat, peek_off;    /* peek_off -1: off */
	struct linger64 linger;
	u64 rcvtimeo_ns, sndtimeo_ns;              /* WAIT_FOREVER: none */
	u32 sndbuf, rcvbuf;                        /* bytes, as the getsockopt shows them (doubled) */
};
/* Who is at the other end, as of connect(2), listen(2) or socketpair(2). */
struct sock_peercred { struct ucred64 id; struct cred *cred; struct tgroup *tg; };

struct sock {
	refcount_t ref;
	u16 family, type;
	s32 protocol;
	u32 state;                     /* enum sock_state */
	u32 shutdown;                  /* RCV_SHUTDOWN... */
	s32 err;                       /* pending SO_ERROR, positive errno */
	u32 wmem;                      /* bytes that sent messages hold, not yet received */
	const struct sock_ops *op;
	struct file *file;             /* no reference; NULL: not accepted yet, or closed */
	u64 ino;
	u64 cookie;                    /* SO_COOKIE; 0: not asked yet */
	struct wait_queue rd_wq, wr_wq, poll_wq;
	struct sock_opts opt;
	struct sock_peercred peer;
};

static inline struct sock *sock_get(struct sock *sk) { ref_get(&sk->ref); return sk; }
void sock_put(struct sock *sk);
/* Common fields of a fresh zeroed sock; reference 1. */
void sock_init(struct sock *sk, const struct sock_ops *op, int type, int protocol);
/* What every destroy ends with, before the memory goes. */
void sock_fini(struct sock *sk);
/* The sock of a socket's file; NULL: f is no socket. */
struct sock *file_sock(struct file *f);
/* Gives sk (its reference is consumed, also on error) an open file. flags: O_NONBLOCK. ERR_PTR. */
struct file *sock_file(struct sock *sk, u32 flags);
/* Takes the pending error: 0 or negative errno. */
int sock_error(struct sock *sk);
void sock_set_peer(struct sock *sk, const struct sock_peercred *p); /* copies, with references; NULL: forget */
void sock_cred_current(struct sock_peercred *p);                     /* borrows from current: no references */

/* Wake-ups. Cheap when nobody waits. */
void sock_wake_read(struct sock *sk);          /* data or a connection arrived: one sleeper, pollers IN */
void sock_wake_write(struct sock *sk);         /* space: one sleeper, pollers OUT */
void sock_wake_state(struct sock *sk);         /* shutdown, error, hang-up: everybody */
/* More data is left after a receive: hand the exclusive wake-up on. */
static inline void sock_wake_next(struct sock *sk) { if (wq_active(&sk->rd_wq)) wq_wake(&sk->rd_wq); }
/* Deadline of a wait that began now, from a SO_*TIMEO. */
u64 sock_deadline(u64 timeo_ns);
/* What a wait_event() result becomes: -EAGAIN at the deadline, -EINTR instead of a restart if there was a timeout. */
int sock_wait_err(int ret, u64 timeo_ns);

/* Address families. create: a new sock of this type (already checked < SOCK_TYPE_MAX) into *out, or errno. */
struct sock_family {
	int family;
	int (*create)(int type, int protocol, struct sock **out);
};
int sock_family_register(const struct sock_family *f);

/* Control messages. */
int scm_send(struct kmsg *m, struct scm *scm);      /* parses m->control; on error nothing is held */
void scm_recv(struct sock *sk, struct kmsg *m, struct scm *scm); /* writes what fits, releases scm */
void scm_destroy(struct scm *scm);
void scm_fds_free(struct scm_fds *f);               /* drops the files; may sleep, does not recurse */
struct scm_fds *scm_fds_dup(const struct scm_fds *f); /* with references of its own; NULL: no memory */
void cmsg_put(struct kmsg *m, int level, int type, const void *data, u32 len);

/* sockopt.c, device.c */
int sock_setsockopt(struct sock *sk, int name, uaddr_t val, u32 len);
int sock_getsockopt(struct sock *sk, int name, uaddr_t val, uaddr_t ulen);
long netdev_ioctl(u32 cmd, u64 arg);

/* AF_UNIX: /proc/net/unix; is this one of its sockets (garbage collection, SCM_RIGHTS in flight)? */
void unix_show(struct seq_file *m);
/* /proc/sys/net */
extern u32 net_somaxconn, net_wmem_max, net_rmem_max, net_wmem_default, net_rmem_default, net_optmem_max;
extern u32 unix_max_dgram_qlen;
void sockstat_show(struct seq_file *m);              /* /proc/net/sockstat */
void netdev_show(struct seq_file *m);                /* /proc/net/dev */
#endif
