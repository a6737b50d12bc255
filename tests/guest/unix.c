/* AF_UNIX sockets: data, names, files and credentials, ends and errors. Expected results come from Linux: run it natively
 * first. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int tests, failed;
#define OK(c, ...)                                                                                 \
	do {                                                                                       \
		int good_ = !!(c);                                                                 \
		printf("%sok %d - ", good_ ? "" : "not ", ++tests);                                \
		printf(__VA_ARGS__);                                                               \
		printf("\n");                                                                      \
		fflush(stdout);                                                                    \
		failed += !good_;                                                                  \
	} while (0)
#define ERR(expr, e, what)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		long r_ = (long)(expr);                                                            \
		OK(r_ == -1 && errno == (e), "%s (%ld, errno %d)", what, r_, errno);               \
	} while (0)

static volatile int signals;
static void on_signal(int s) { signals++; }

static void pair(int type, int s[2])
{
	if (socketpair(AF_UNIX, type, 0, s)) {
		perror("socketpair");
		exit(1);
	}
}

static int revents(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static socklen_t name(struct sockaddr_un *a, const char *s, size_t n)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, s, n);
	return offsetof(struct sockaddr_un, sun_path) + n;
}

static ssize_t send_fds(int s, const int *fds, int n)
{
	char c[CMSG_SPACE(253 * sizeof(int) + 64)], b = 'f';
	struct iovec v = { &b, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	memset(c, 0, sizeof(c));
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	return sendmsg(s, &m, MSG_DONTWAIT);
}

/* Number of descriptors received into fds, with room for `room`; *flags of the message. */
static int recv_fds(int s, int *fds, int room, int how, int *flags)
{
	char c[CMSG_SPACE(253 * sizeof(int))], b[4];
	struct iovec v = { b, sizeof(b) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c,
			    .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0 };
	struct cmsghdr *h;
	int n = 0;

	if (recvmsg(s, &m, how | MSG_DONTWAIT) < 0)
		return -errno;
	*flags = m.msg_flags;
	h = room ? CMSG_FIRSTHDR(&m) : NULL;
	if (h && h->cmsg_type == SCM_RIGHTS) {
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	}
	return n;
}

static void test_stream(void)
{
	char buf[64], big[70000];
	struct itimerval tv = { .it_value.tv_usec = 30000 };
	struct timeval rt = { 5, 0 };
	int s[2], n;

	pair(SOCK_STREAM, s);
	OK(revents(s[0]) == POLLOUT, "fresh pair is writable");
	OK(write(s[0], "ab", 2) == 2 && write(s[0], "cd", 2) == 2, "two writes");
	OK(recv(s[1], buf, 3, MSG_PEEK) == 3 && !memcmp(buf, "abc", 3), "peek over the border");
	OK(!ioctl(s[1], FIONREAD, &n) && n == 4, "FIONREAD");
	OK(read(s[1], buf, 64) == 4 && !memcmp(buf, "abcd", 4), "one read takes both");
	ERR(recv(s[1], buf, 1, MSG_DONTWAIT), EAGAIN, "nothing there");
	OK(read(s[1], buf, 0) == 0, "read of 0 bytes does not wait");
	ERR(write(s[0], (void *)8, 4), EFAULT, "write from nowhere");
	write(s[0], "keep", 4);
	ERR(read(s[1], (void *)8, 4), EFAULT, "read to nowhere");
	OK(read(s[1], buf, 64) == 4, "a fault loses nothing");
	if (!fork()) {
		memset(big, 7, sizeof(big));
		for (int i = 0; i < 40; i++)
			write(s[0], big, sizeof(big));
		_exit(0);
	}
	n = 0;
	while (n < 40 * (int)sizeof(big) && (s[1] >= 0)) {
		int k = recv(s[1], big, sizeof(big), MSG_WAITALL);
		if (k != sizeof(big))
			break;
		n += k;
	}
	OK(n == 40 * (int)sizeof(big), "a blocked writer goes on (%d)", n);
	wait(NULL);
	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &tv, NULL);
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGALRM, &sa, NULL);
	ERR(read(s[1], buf, 1), EINTR, "a signal without SA_RESTART ends a read");
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &rt, sizeof(rt));
	setitimer(ITIMER_REAL, &tv, NULL);
	ERR(read(s[1], buf, 1), EINTR, "with a timeout no restart either");
	rt = (struct timeval){ 0, 20000 };
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &rt, sizeof(rt));
	ERR(read(s[1], buf, 1), EAGAIN, "SO_RCVTIMEO");
	close(s[0]);
	close(s[1]);
}

static void test_ends(void)
{
	char buf[8];
	int s[2], e;
	socklen_t l = sizeof(e);

	signal(SIGPIPE, on_signal);
	pair(SOCK_STREAM, s);
	write(s[0], "x", 1);
	OK(!shutdown(s[0], SHUT_WR) && revents(s[1]) == (POLLIN | POLLOUT | POLLRDHUP), "half closed: RDHUP");
	OK(read(s[1], buf, 8) == 1 && read(s[1], buf, 8) == 0, "data, then the end");
	signals = 0;
	ERR(write(s[0], "x", 1), EPIPE, "write after SHUT_WR");
	OK(signals == 1, "SIGPIPE");
	ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE, "MSG_NOSIGNAL");
	OK(signals == 1, "no SIGPIPE");
	write(s[1], "unread", 6);
	close(s[0]);
	OK(revents(s[1]) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR), "closed with unread data: ERR");
	OK(!getsockopt(s[1], SOL_SOCKET, SO_ERROR, &e, &l) && e == ECONNRESET, "SO_ERROR ECONNRESET");
	OK(read(s[1], buf, 1) == 0, "then end of file");
	close(s[1]);
	pair(SOCK_SEQPACKET, s);
	write(s[0], "one", 3);
	write(s[0], "two", 3);
	close(s[0]);
	OK(read(s[1], buf, 8) == 3 && read(s[1], buf, 2) == 2 && read(s[1], buf, 8) == 0, "packets keep borders");
	ERR(write(s[1], "x", 1), EPIPE, "packet to nobody");
	close(s[1]);
	pair(SOCK_DGRAM, s);
	close(s[0]);
	ERR(write(s[1], "x", 1), ECONNREFUSED, "datagram to nobody");
	ERR(write(s[1], "x", 1), ENOTCONN, "and it has forgotten the peer");
	close(s[1]);
}

static void test_files(void)
{
	int s[2], p[2], fds[260], got[260], flags, n, flood = 0;
	struct rlimit rl, old;
	struct stat st;

	pipe(p);
	pair(SOCK_STREAM, s);
	fds[0] = p[0];
	fds[1] = p[1];
	OK(send_fds(s[0], fds, 2) == 1, "two files");
	n = recv_fds(s[1], got, 2, MSG_CMSG_CLOEXEC, &flags);
	OK(n == 2 && fcntl(got[0], F_GETFD) == FD_CLOEXEC && flags == MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC");
	OK(!fstat(got[0], &st) && S_ISFIFO(st.st_mode), "it is the pipe");
	close(got[0]);
	close(got[1]);
	send_fds(s[0], fds, 2);
	n = recv_fds(s[1], got, 1, MSG_PEEK, &flags);
	OK(n == 1 && (flags & MSG_CTRUNC), "peek gives one and MSG_CTRUNC");
	close(got[0]);
	n = recv_fds(s[1], got, 2, 0, &flags);
	OK(n == 2 && !(flags & MSG_CTRUNC), "the files are still there");
	close(got[0]);
	close(got[1]);
	send_fds(s[0], fds, 1);
	n = recv_fds(s[1], got, 0, 0, &flags);
	OK(n == 0 && (flags & MSG_CTRUNC), "no room: dropped");
	fds[1] = 9999;
	ERR(send_fds(s[0], fds, 2), EBADF, "a bad descriptor");
	for (int i = 0; i < 254; i++)
		fds[i] = p[0];
	ERR(send_fds(s[0], fds, 254), EINVAL, "too many in one");
	OK(send_fds(s[0], fds, 253) == 1, "253 are not");
	getrlimit(RLIMIT_NOFILE, &old);
	rl = old;
	rl.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &rl);
	n = recv_fds(s[1], got, 253, 0, &flags);
	OK(n > 40 && n < 64 && (flags & MSG_CTRUNC), "as many as the table takes (%d)", n);
	for (int i = 0; i < n; i++)
		close(got[i]);
	setrlimit(RLIMIT_NOFILE, &old);
	if (!fork()) {
		if (!geteuid() && setuid(65534))
			_exit(2);
		rl.rlim_cur = rl.rlim_max = 300;
		setrlimit(RLIMIT_NOFILE, &rl);
		while (send_fds(s[0], fds, 100) == 1 && flood < 50)
			flood++;
		_exit(errno == ETOOMANYREFS && flood < 5 ? 0 : 1);
	}
	wait(&n);
	OK(n == 0, "ETOOMANYREFS (%x)", n);
	close(s[0]);
	close(s[1]);
	close(p[1]);
	OK(read(p[0], got, 1) == 0, "files of unread messages are closed with the socket");
	close(p[0]);
}

static void test_cycle(void)
{
	int s[2], t[2], p[2];
	struct pollfd w;

	pipe(p);
	pair(SOCK_STREAM, s);
	send_fds(s[0], (int[]){ s[0], s[1], p[1] }, 3);
	send_fds(s[1], (int[]){ s[0], s[1] }, 2);
	close(s[0]);
	close(s[1]);
	close(p[1]);
	pair(SOCK_STREAM, t);
	close(t[0]);
	close(t[1]);
	w = (struct pollfd){ p[0], POLLIN, 0 };
	OK(poll(&w, 1, 5000) == 1 && w.revents == POLLHUP, "a cycle of sockets in flight is collected");
	close(p[0]);
}

static void test_names(void)
{
	struct sockaddr_un a, b;
	socklen_t la, lb = sizeof(b);
	struct ucred cr;
	socklen_t lc = sizeof(cr);
	int l, c, k, st;
	char buf[8];

	la = name(&a, "\0umber-test", 11);
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	ERR(listen(l, 1), EINVAL, "listen without a name");
	OK(!bind(l, (void *)&a, la) && !listen(l, 0), "an abstract name");
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	OK(revents(c) == (POLLOUT | POLLHUP), "unconnected: HUP");
	OK(!connect(c, (void *)&a, la) && revents(l) == POLLIN, "connected before accept");
	k = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ERR(connect(k, (void *)&a, la), EAGAIN, "backlog full");
	if (!fork()) {
		fcntl(k, F_SETFL, 0);
		_exit(connect(k, (void *)&a, la) || write(k, "kid", 3) != 3);
	}
	usleep(20000);
	st = accept4(l, (void *)&b, &lb, SOCK_CLOEXEC);
	OK(st >= 0 && lb == 2 && b.sun_family == AF_UNIX, "accept: an unnamed peer");
	wait(&st);
	OK(st == 0, "the blocked connect went on");
	st = accept(l, NULL, NULL);
	OK(read(st, buf, 8) == 3, "its data");
	OK(!getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cr, &lc) && cr.pid == getpid(), "SO_PEERCRED");
	ERR(connect(c, (void *)&a, la), EISCONN, "connect twice");
	close(l);
	ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, la), ECONNREFUSED, "nobody listens");
	l = socket(AF_UNIX, SOCK_DGRAM, 0);
	OK(!bind(l, (void *)&a, 2), "autobind");
	lb = sizeof(b);
	OK(!getsockname(l, (void *)&b, &lb) && lb == 8 && !b.sun_path[0], "five digits");
	OK(sendto(l, "me", 2, 0, (void *)&b, lb) == 2 && recv(l, buf, 8, 0) == 2, "datagram to itself");
	ERR(bind(l, (void *)&a, la), EINVAL, "a second name");
	ERR(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&b, lb), EADDRINUSE, "a taken name");
	ERR(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT, "protocol");
	ERR(socket(AF_UNIX, 4, 0), ESOCKTNOSUPPORT, "type");
	ERR(listen(l, 1), EOPNOTSUPP, "listen on datagrams");
	ERR(getpeername(l, (void *)&b, &lb), ENOTCONN, "no peer");
	ERR(listen(0x7fff, 1), EBADF, "EBADF");
	close(l);
	close(c);
}

static void test_many(void)
{
	struct mmsghdr m[4];
	struct iovec v[4];
	char in[4][8], cred[CMSG_SPACE(sizeof(struct ucred))];
	struct msghdr h = { .msg_iov = v, .msg_iovlen = 1, .msg_control = cred, .msg_controllen = sizeof(cred) };
	int s[2], on = 1;

	pair(SOCK_DGRAM, s);
	memset(m, 0, sizeof(m));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){ "abcdef", i + 1 };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	OK(sendmmsg(s[0], m, 4, 0) == 4 && m[3].msg_len == 4, "sendmmsg");
	for (int i = 0; i < 4; i++)
		v[i] = (struct iovec){ in[i], 8 };
	OK(recvmmsg(s[1], m, 4, MSG_WAITFORONE, NULL) == 4 && m[1].msg_len == 2, "recvmmsg");
	OK(send(s[0], "123456", 6, 0) == 6 && recv(s[1], in[0], 2, MSG_TRUNC) == 6, "MSG_TRUNC says the full length");
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	send(s[0], "c", 1, 0);
	OK(recvmsg(s[1], &h, 0) == 1 && ((struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&h)))->pid == getpid(), "SO_PASSCRED");
	ERR(send(s[0], malloc(400000), 400000, 0), EMSGSIZE, "a datagram over SO_SNDBUF");
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	alarm(0);
	test_stream();
	test_ends();
	test_files();
	test_cycle();
	test_names();
	test_many();
	printf("1..%d\n", tests);
	return failed != 0;
}
