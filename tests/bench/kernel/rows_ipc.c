/* Pipes, sockets, eventfd; poll, select, epoll. Nobody sleeps: data is there before it is read. */
#include "bench.h"
#include <abi/fcntl.h>
#include <abi/socket.h>
#include <umber/poll.h>
#include <umber/string.h>
#include <umber/task.h>

static uaddr_t buf;
static s32 pfd[2], sfd[2], dfd[2], efd;

static bool pair(s32 *out, long nr, u64 type)
{
	uaddr_t fds = bench_mem(8);
	long err = nr == __NR_pipe2 ? call(pipe2, fds, 0) : call(socketpair, AF_UNIX, type, 0, fds);

	memcpy(out, (void *)fds, 8);
	return !err;
}

static bool ipc_setup(void)
{
	uaddr_t fds = bench_mem(8);

	buf = bench_mem(65536);
	if (call(pipe2, fds, 0))
		return false;
	memcpy(pfd, (void *)fds, 8);
	efd = (s32)call(eventfd2, 0, 0);
	return efd >= 0 && pair(sfd, __NR_socketpair, SOCK_STREAM) && pair(dfd, __NR_socketpair, SOCK_DGRAM);
}

static bool through(s32 in, s32 out, u64 n)
{
	return call(write, in, buf, n) == (long)n && call(read, out, buf, n) == (long)n;
}
static bool pipe1(void) { return through(pfd[1], pfd[0], 1); }
static bool pipe4k(void) { return through(pfd[1], pfd[0], 4096); }
static bool pipe64k(void) { return through(pfd[1], pfd[0], 65536); }
static bool unix1(void) { return through(sfd[0], sfd[1], 1); }
static bool unix4k(void) { return through(sfd[0], sfd[1], 4096); }
static bool dgram1(void)
{
	return call(sendto, dfd[0], buf, 1, 0, 0, 0) == 1 && call(recvfrom, dfd[1], buf, 100, 0, 0, 0) == 1;
}
static bool eventfd(void)
{
	*(u64 *)buf = 5;
	return call(write, efd, buf, 8) == 8 && call(read, efd, buf, 8) == 8 && *(u64 *)buf == 5;
}

/* ---- readiness: 1,000 eventfds, one of them readable ---- */

#define MANY 1000
#define LUCKY 700
static s32 many[MANY], ep, ep_et;
static uaddr_t events, pollfds, sets, tv, one, eight;

static bool epoll_add(s32 e, s32 fd, u32 mask)
{
	struct { u32 events; u64 data; } __attribute__((packed)) ev = { mask, (u64)fd };

	memcpy((void *)events, &ev, sizeof(ev));
	return call(epoll_ctl, e, 1, fd, events) == 0;
}

static bool many_setup(void)
{
	events = bench_mem(12 * 64);
	tv = bench_mem(16);
	one = bench_mem(8);
	eight = bench_mem(8);
	*(u64 *)one = 1;
	((u64 *)buf)[0] = ((u64 *)buf)[1] = 4096;
	if (call(setrlimit, RLIMIT_NOFILE, buf))
		return false;
	ep = (s32)call(epoll_create1, 0);
	ep_et = (s32)call(epoll_create1, 0);
	for (int i = 0; i < MANY; i++) {
		many[i] = (s32)call(eventfd2, i == LUCKY, 04000);
		if (many[i] < 0 || !epoll_add(ep, many[i], EPOLLIN))
			return false;
		if (i != LUCKY && !epoll_add(ep_et, many[i], EPOLLIN | EPOLLET))
			return false;
	}
	return true;
}

static bool epoll_one(void)
{
	u64 data;

	if (call(epoll_wait, ep, events, 64, -1) != 1)
		return false;
	memcpy(&data, (char *)events + 4, 8);
	return (s32)data == many[LUCKY];
}
/* As a server has it: an event comes, is told, is taken. */
static bool epoll_event(void)
{
	return call(write, many[5], one, 8) == 8 && call(epoll_wait, ep, events, 64, -1) == 2 &&
	       call(read, many[5], eight, 8) == 8;
}
static bool epoll_event_et(void)
{
	return call(write, many[6], one, 8) == 8 && call(epoll_wait, ep_et, events, 64, -1) == 1 &&
	       call(read, many[6], eight, 8) == 8;
}
static bool epoll_none(void)
{
	return call(epoll_wait, ep_et, events, 64, 0) == 0;
}
static bool epoll_add_del(void)
{
	return epoll_add(ep, efd, EPOLLIN) && call(epoll_ctl, ep, 2, efd, 0) == 0;
}

struct pollfd { s32 fd; s16 events, revents; };
static bool poll_setup(void)
{
	struct pollfd *p = (void *)(pollfds = bench_mem(100 * sizeof(*p)));

	for (int i = 0; i < 100; i++)
		p[i] = (struct pollfd){ many[LUCKY - 1 - i % 100 + (i == 9 ? 10 : 0)], 1, 0 };
	return true;
}
static bool poll10(void)
{
	return call(poll, pollfds, 10, -1) == 1 && ((struct pollfd *)pollfds)[9].revents == 1;
}

/* Descriptors of a hundred in the middle of `many`, the lucky one at their end. */
static bool select_setup(void)
{
	sets = bench_mem(3 * 128);
	return true;
}
static bool select100(void)
{
	u64 *in = (u64 *)sets;

	memset(in, 0, 128);
	for (s32 fd = many[LUCKY - 99]; fd <= many[LUCKY]; fd++)
		in[fd / 64] |= 1ULL << fd % 64;
	return call(select, many[LUCKY] + 1, sets, 0, 0, 0) == 1 && in[many[LUCKY] / 64] == 1ULL << many[LUCKY] % 64;
}

const struct bench_row rows_ipc[] = {
	{ "pipe write, read 1 B", ipc_setup, pipe1 },
	{ "pipe write, read 4 KiB", NULL, pipe4k },
	{ "pipe write, read 64 KiB", NULL, pipe64k },
	{ "unix stream write, read 1 B", NULL, unix1 },
	{ "unix stream write, read 4 KiB", NULL, unix4k },
	{ "unix datagram send, recv 1 B", NULL, dgram1 },
	{ "eventfd write, read", NULL, eventfd },
	{ "epoll_wait, one of 1,000 ready", many_setup, epoll_one },
	{ "epoll_wait, none of 1,000 ready", NULL, epoll_none },
	{ "eventfd write, epoll_wait, read", NULL, epoll_event },
	{ "the same, edge-triggered", NULL, epoll_event_et },
	{ "epoll_ctl add, del", NULL, epoll_add_del },
	{ "poll of 10, the last is ready", poll_setup, poll10 },
	{ "select of 100, the last is ready", select_setup, select100 },
	{ NULL, NULL, NULL },
};
