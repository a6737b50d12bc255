/*
 * What drivers-host/console/stream_host.c offers to stream.c: the caller's descriptors 0, 1 and 2 when they are not
 * terminals. They are shared with whoever started umber, so their flags are never changed: O_NONBLOCK is not set, and
 * nothing here waits. klock is held on call and given up only around host calls on regular files.
 */
#ifndef PORT_HOSTSTREAM_H
#define PORT_HOSTSTREAM_H
#include <umber/types.h>

enum hoststream_kind { HOSTSTREAM_FILE, HOSTSTREAM_PIPE, HOSTSTREAM_SOCKET, HOSTSTREAM_CHAR };
struct hoststream_info {
	enum hoststream_kind kind;
	u32 flags;              /* O_ACCMODE and O_APPEND of the descriptor */
};
/* A handle of descriptor n (a duplicate: same offset, same flags). 0, or -EBADF if it is closed. */
int hoststream_open(int n, hfd_t *out, struct hoststream_info *info);
/* Bytes, 0 at the end, -EAGAIN when it would have to wait, -EPIPE (no signal), or another negative errno. May be
 * short. */
ssize_t hoststream_read(hfd_t h, enum hoststream_kind kind, void *buf, size_t n);
ssize_t hoststream_write(hfd_t h, enum hoststream_kind kind, const void *buf, size_t n);
/* poll(2) bits that are true now, of `events` and ERR, HUP. */
u32 hoststream_poll(hfd_t h, u32 events);
int hoststream_avail(hfd_t h); /* FIONREAD: bytes that can be read, or negative errno */
#endif
