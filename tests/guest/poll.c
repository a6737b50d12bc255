/* Readiness and its objects: poll, select, epoll (level, edge, oneshot, exclusive, nested), eventfd, timerfd, inotify, pipes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include "t.h"

static int poll1(int fd, int ev, int ms)
{
	struct pollfd p = { fd, (short)ev, 0 };

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

static void pipes(void)
{
	int p[2], n;
	char buf[PIPE_BUF * 2] = "";
	long total = 0;
	struct iovec v[2] = { { buf, 3 }, { buf + 3, 3 } };

	ERR(pipe2(p, O_APPEND), EINVAL, "pipe2 flags");
	ERR(pipe((int *)8), EFAULT, "pipe to nowhere");
	pipe2(p, O_CLOEXEC);
	IS(fcntl(p[0], F_GETFD), FD_CLOEXEC, "O_CLOEXEC");
	IS(fcntl(p[0], F_GETFL) & O_ACCMODE, O_RDONLY, "read end");
	IS(poll1(p[0], POLLIN, 0), 0, "empty: not readable");
	IS(poll1(p[1], POLLOUT, 0), POLLOUT, "empty: writable");
	ERR(write(p[0], "x", 1), EBADF, "no write to the read end");
	ERR(lseek(p[0], 0, SEEK_CUR), ESPIPE, "no seek");
	ERR(pread(p[0], buf, 1, 0), ESPIPE, "no pread");
	IS(writev(p[1], v, 2), 6, "writev");
	ioctl(p[0], FIONREAD, &n);
	IS(n, 6, "FIONREAD");
	IS(read(p[0], buf, 4), 4, "short read");
	IS(read(p[0], buf, 4), 2, "the rest");
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	while ((n = write(p[1], buf, 4096)) > 0)
		total += n;
	OK(total == 65536 && errno == EAGAIN, "capacity 64 KiB");
	IS(poll1(p[1], POLLOUT, 0), 0, "full: not writable");
	read(p[0], buf, 100);
	ERR(write(p[1], buf, PIPE_BUF), EAGAIN, "PIPE_BUF bytes or nothing");
	IS(fcntl(p[1], F_GETPIPE_SZ), 65536, "F_GETPIPE_SZ");
	ERR(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY, "cannot shrink below its contents");
	while (total > 0 && (n = read(p[0], buf, sizeof(buf))) > 0)
		if ((total -= n) <= 100)
			break;
	IS(fcntl(p[1], F_SETPIPE_SZ, 8000), 8192, "F_SETPIPE_SZ rounds up");
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	ERR(write(p[1], "x", 1), EPIPE, "no reader");
	OK(poll1(p[1], POLLOUT, 0) & POLLERR, "POLLERR without reader");
	close(p[1]);
	pipe(p);
	write(p[1], "abc", 3);
	close(p[1]);
	IS(poll1(p[0], POLLIN, 0), POLLIN | POLLHUP, "POLLIN and POLLHUP");
	read(p[0], buf, 3);
	IS(poll1(p[0], POLLIN, 0), POLLHUP, "POLLHUP alone");
	IS(read(p[0], buf, 3), 0, "end of file");
	close(p[0]);
	pipe2(p, O_DIRECT);
	write(p[1], "one", 3);
	write(p[1], "two!", 4);
	IS(read(p[0], buf, 100), 3, "packets keep their borders");
	IS(read(p[0], buf, 2), 2, "a packet cut short");
	fcntl(p[0], F_SETFL, O_NONBLOCK | O_DIRECT);
	ERR(read(p[0], buf, 2), EAGAIN, "loses its rest");
	close(p[0]);
	close(p[1]);
}

static void splices(void)
{
	int a[2], b[2], fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[32] = "";
	loff_t off = 2;

	pipe(a);
	pipe(b);
	write(fd, "0123456789", 10);
	IS(splice(fd, &off, a[1], NULL, 5, 0), 5, "splice from a file");
	IS(off, 7, "moves the offset given");
	IS(tee(a[0], b[1], 100, 0), 5, "tee");
	IS(read(b[0], buf, 32), 5, "the copy");
	OK(!memcmp(buf, "23456", 5), "is right");
	IS(splice(a[0], NULL, fd, NULL, 100, 0), 5, "splice to a file");
	pread(fd, buf, 15, 0);
	OK(!memcmp(buf, "012345678923456", 15), "at its position");
	ERR(splice(fd, NULL, fd, NULL, 5, 0), EINVAL, "one end must be a pipe");
	ERR(splice(a[0], &off, fd, NULL, 5, 0), ESPIPE, "no offset for a pipe");
	struct iovec v = { "vm", 2 };
	IS(vmsplice(a[1], &v, 1, 0), 2, "vmsplice");
	IS(read(a[0], buf, 9), 2, "arrives");
	ERR(splice(a[0], NULL, b[1], NULL, 5, SPLICE_F_NONBLOCK), EAGAIN, "empty, SPLICE_F_NONBLOCK");
	close(a[1]);
	IS(splice(a[0], NULL, b[1], NULL, 5, 0), 0, "end of file");
	close(a[0]);
	close(b[0]);
	close(b[1]);
	close(fd);
	unlink("f");
}

static void polls(void)
{
	struct pollfd p[3] = { { -1, POLLIN, 99 }, { 999, POLLIN, 0 }, { 0 } };
	struct timespec ts = { 0, 20000000 };
	fd_set r;
	long t0 = t_ms();
	int fd = open("/dev/null", O_RDWR), s[2];

	p[2].fd = fd;
	p[2].events = POLLIN | POLLOUT;
	IS(poll(p, 3, 0), 2, "poll counts bad and ready ones");
	OK(p[0].revents == 0 && p[1].revents == POLLNVAL && p[2].revents == (POLLIN | POLLOUT), "revents");
	IS(poll(NULL, 0, 30), 0, "poll as a sleep");
	OK(t_ms() - t0 >= 29, "sleeps");
	IS(ppoll(NULL, 0, &ts, NULL), 0, "ppoll");
	ERR(ppoll(NULL, 0, &(struct timespec){ 0, -1 }, NULL), EINVAL, "ppoll's timeout");
	ERR(poll((void *)8, 1, 0), EFAULT, "poll of nowhere");
	FD_ZERO(&r);
	FD_SET(fd, &r);
	IS(select(fd + 1, &r, NULL, NULL, NULL), 1, "select");
	FD_ZERO(&r);
	FD_SET(40, &r);
	ERR(select(41, &r, NULL, NULL, NULL), EBADF, "select of a closed one");
	ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL, "select of -1");
	struct timeval tv = { 0, 30000 };
	pipe(s);
	FD_ZERO(&r);
	FD_SET(s[0], &r);
	IS(select(s[0] + 1, &r, NULL, NULL, &tv), 0, "select times out");
	OK(tv.tv_sec == 0 && tv.tv_usec == 0 && !FD_ISSET(s[0], &r), "leaves no time and no bits");
	close(s[0]);
	close(s[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	shutdown(s[1], SHUT_WR);
	IS(poll1(s[0], POLLIN | POLLRDHUP, 0), POLLIN | POLLRDHUP, "POLLRDHUP");
	close(s[1]);
	OK(poll1(s[0], POLLIN, 0) & POLLHUP, "POLLHUP of a socket");
	close(s[0]);
	close(fd);
}

static int wait1(int ep, int ms)
{
	struct epoll_event e[8];
	int n = epoll_wait(ep, e, 8, ms);

	return n <= 0 ? n : n == 1 ? (int)e[0].events : 1000 + n;
}

static void epolls(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], ep2, fd, d;
	struct epoll_event e = { EPOLLIN, { .u64 = 77 } }, out;
	char c;

	pipe2(p, O_NONBLOCK);
	ERR(epoll_create(0), EINVAL, "epoll_create(0)");
	ERR(epoll_create1(55), EINVAL, "epoll_create1 flags");
	IS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0, "add");
	ERR(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST, "add twice");
	ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e), ENOENT, "mod of none");
	ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL, "itself");
	ERR(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &e), EBADF, "closed one");
	fd = open("reg", O_RDWR | O_CREAT, 0600);
	ERR(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), EPERM, "regular file");
	close(fd);
	unlink("reg");
	ERR(epoll_wait(ep, &out, 0, 0), EINVAL, "no room");
	IS(epoll_wait(ep, &out, 1, 0), 0, "nothing");
	write(p[1], "ab", 2);
	IS(epoll_wait(ep, &out, 1, 100), 1, "ready");
	OK(out.data.u64 == 77 && out.events == EPOLLIN, "data and events");
	IS(wait1(ep, 0), EPOLLIN, "level: still ready");
	e.events = EPOLLIN | EPOLLET;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
	IS(wait1(ep, 0), EPOLLIN, "edge: once after mod");
	IS(wait1(ep, 0), 0, "edge: not again");
	write(p[1], "c", 1);
	IS(wait1(ep, 0), EPOLLIN, "edge: new data");
	e.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
	IS(wait1(ep, 0), EPOLLIN, "oneshot");
	write(p[1], "d", 1);
	IS(wait1(ep, 0), 0, "oneshot: disarmed");
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
	IS(wait1(ep, 0), EPOLLIN, "oneshot: armed again");
	e.events = EPOLLIN;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
	ep2 = epoll_create1(0);
	IS(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &e), 0, "nested");
	IS(wait1(ep2, 0), EPOLLIN, "nested: ready");
	ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &e), ELOOP, "no loops");
	while (read(p[0], &c, 1) == 1)
		;
	IS(wait1(ep2, 0), 0, "nested: not ready");
	IS(poll1(ep, POLLIN, 0), 0, "an epoll set polls");
	d = dup(p[0]);
	close(p[0]);
	write(p[1], "x", 1);
	IS(wait1(ep, 0), EPOLLIN, "a duplicate keeps it in the set");
	close(d);
	IS(wait1(ep, 0), 0, "the last close removes it");
	close(p[1]);
	close(ep2);
	close(ep);
}

static int xfd[2];
static volatile int xwoken;
static void *exclusive(void *a)
{
	struct epoll_event e = { EPOLLIN | EPOLLEXCLUSIVE, { 0 } }, o;
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, xfd[0], &e);
	if (epoll_wait(ep, &o, 1, 1500) == 1)
		__sync_fetch_and_add(&xwoken, 1);
	close(ep);
	return NULL;
}

static void eventfds(void)
{
	int fd = eventfd(3, EFD_NONBLOCK);
	uint64_t v = 0;

	IS(read(fd, &v, 8), 8, "eventfd reads");
	IS(v, 3, "its count");
	ERR(read(fd, &v, 8), EAGAIN, "then is empty");
	ERR(read(fd, &v, 4), EINVAL, "wants 8 bytes");
	v = UINT64_MAX;
	ERR(write(fd, &v, 8), EINVAL, "all ones is no count");
	v = UINT64_MAX - 1;
	IS(write(fd, &v, 8), 8, "up to the maximum");
	v = 1;
	ERR(write(fd, &v, 8), EAGAIN, "no further");
	IS(poll1(fd, POLLIN | POLLOUT, 0), POLLIN, "not writable at the maximum");
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	read(fd, &v, 8);
	IS(v, 1, "semaphore: one at a time");
	read(fd, &v, 8);
	ERR(read(fd, &v, 8), EAGAIN, "semaphore: two reads");
	close(fd);
	ERR(eventfd(0, 0x1234), EINVAL, "flags");
}

static void timerfds(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec its = { { 0, 10000000 }, { 0, 10000000 } }, cur;
	uint64_t n = 0;

	ERR(timerfd_create(99, 0), EINVAL, "clock");
	ERR(timerfd_create(CLOCK_MONOTONIC, 99), EINVAL, "flags");
	ERR(read(fd, &n, 8), EAGAIN, "not armed");
	timerfd_settime(fd, 0, &its, NULL);
	IS(poll1(fd, POLLIN, 1000), POLLIN, "fires");
	t_sleep_ms(55);
	IS(read(fd, &n, 8), 8, "reads");
	OK(n >= 5, "counts expirations");
	timerfd_gettime(fd, &cur);
	OK(cur.it_interval.tv_nsec == 10000000 && cur.it_value.tv_nsec > 0 && cur.it_value.tv_nsec <= 10000000, "gettime");
	memset(&its, 0, sizeof(its));
	timerfd_settime(fd, 0, &its, &cur);
	t_sleep_ms(15);
	ERR(read(fd, &n, 8), EAGAIN, "disarmed");
	its.it_value.tv_nsec = 1000000000;
	ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL, "bad time");
	its.it_value.tv_nsec = 1;
	IS(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0, "a time in the past");
	IS(read(fd, &n, 8), 8, "has fired");
	close(fd);
}

static int event(int fd, struct inotify_event *e)
{
	static char buf[4096] __attribute__((aligned(8)));
	static long n, pos;

	if (pos >= n) {
		pos = 0;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return 0;
	}
	memcpy(e, buf + pos, sizeof(*e));
	pos += (long)sizeof(*e) + e->len;
	return (int)e->mask;
}

static void inotifies(void)
{
	int fd = inotify_init1(IN_NONBLOCK), w, f;
	struct inotify_event e;
	uint32_t cookie;

	mkdir("in", 0700);
	w = inotify_add_watch(fd, "in", IN_ALL_EVENTS);
	OK(w >= 1, "add_watch");
	IS(event(fd, &e), 0, "nothing yet");
	f = open("in/a", O_RDWR | O_CREAT, 0600);
	IS(event(fd, &e), IN_CREATE, "IN_CREATE");
	IS(e.wd, w, "its watch");
	IS(event(fd, &e), IN_OPEN, "IN_OPEN");
	write(f, "x", 1);
	IS(event(fd, &e), IN_MODIFY, "IN_MODIFY");
	fchmod(f, 0640);
	IS(event(fd, &e), IN_ATTRIB, "IN_ATTRIB");
	close(f);
	IS(event(fd, &e), IN_CLOSE_WRITE, "IN_CLOSE_WRITE");
	rename("in/a", "in/b");
	IS(event(fd, &e), IN_MOVED_FROM, "IN_MOVED_FROM");
	cookie = e.cookie;
	IS(event(fd, &e), IN_MOVED_TO, "IN_MOVED_TO");
	OK(cookie && e.cookie == cookie, "with one cookie");
	mkdir("in/d", 0700);
	IS(event(fd, &e), IN_CREATE | IN_ISDIR, "IN_ISDIR");
	unlink("in/b");
	IS(event(fd, &e), IN_DELETE, "IN_DELETE");
	rmdir("in/d");
	IS(event(fd, &e), IN_DELETE | IN_ISDIR, "IN_DELETE of a directory");
	rmdir("in");
	IS(event(fd, &e), IN_DELETE_SELF, "IN_DELETE_SELF");
	IS(event(fd, &e), IN_IGNORED, "IN_IGNORED");
	ERR(inotify_rm_watch(fd, w), EINVAL, "the watch is gone");
	ERR(inotify_add_watch(fd, "nope", IN_OPEN), ENOENT, "no such file");
	ERR(inotify_add_watch(fd, ".", 0), EINVAL, "no events");
	w = inotify_add_watch(fd, ".", IN_CREATE | IN_ONESHOT);
	close(open("q", O_CREAT, 0600));
	IS(event(fd, &e), IN_CREATE, "oneshot");
	IS(event(fd, &e), IN_IGNORED, "oneshot: gone");
	unlink("q");
	close(fd);
}

int main(void)
{
	pthread_t t[4];

	pipes();
	splices();
	polls();
	epolls();
	pipe(xfd);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, exclusive, NULL);
	t_sleep_ms(300);
	write(xfd[1], "x", 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	OK(xwoken >= 1, "EPOLLEXCLUSIVE wakes some");
	eventfds();
	timerfds();
	inotifies();
	return t_done();
}
