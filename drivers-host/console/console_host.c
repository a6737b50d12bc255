/*
 * Host terminals behind the guest's console and serial lines (include/port/console.h).
 *
 * saved[] has the modes of each terminal that was put in raw mode. It is read by exit hooks and by the handler of fatal
 * signals, so an entry is complete before `used` is set, and nothing there is ever freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <port/console.h>
#include <port/hfd_host.h>
#include <port/port.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define MAX_RAW 32

static struct { int fd; struct termios modes; volatile bool used; } saved[MAX_RAW];

static int reopen(int n)
{
	char path[32];
	int fl = fcntl(n, F_GETFL), fd;

	if (fl < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", n);
	fd = open(path, (fl & O_ACCMODE) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	/* Not ours to open (after su, say): share it. Reads and writes then ask poll first, and write little. */
	return fd >= 0 ? fd : fcntl(n, F_DUPFD_CLOEXEC, 64);
}

int conhost_open_fd(int n, hfd_t *out)
{
	if (!isatty(n))
		return errno == EBADF ? -EBADF : -ENOTTY;
	*out = hfd_add(reopen(n));
	return *out < 0 ? *out : 0;
}

int conhost_open_tty(const char *path, hfd_t *out)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && !isatty(fd)) {
		close(fd);
		return -ENOTTY;
	}
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
}

int conhost_open_pts(hfd_t *out, char *name, size_t n)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;
	struct termios t;

	if (fd < 0)
		return -errno;
	grantpt(fd);
	if (unlockpt(fd) || ptsname_r(fd, name, n))
		goto fail;
	/* kept open for ever: the master would get EIO whenever nobody is attached */
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &t))
		goto fail;
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
fail:
	n = (size_t)errno;
	close(fd);
	return -(int)n;
}

void conhost_restore(void)
{
	for (int i = 0; i < MAX_RAW; i++)
		if (saved[i].used)
			tcsetattr(saved[i].fd, TCSANOW, &saved[i].modes);
}

static struct sigaction old_actions[NSIG];

/* A fault of umber itself: the terminal first, then whatever was to happen. */
static void on_fatal(int sig, siginfo_t *si, void *ctx)
{
	struct sigaction *o = &old_actions[sig];

	(void)ctx;
	conhost_restore();
	if ((o->sa_flags & SA_SIGINFO) && o->sa_sigaction) {
		o->sa_sigaction(sig, si, ctx);
		return;
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

static void watch_fatal_signals(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	static bool done;
	struct sigaction sa = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (done)
		return;
	done = true;
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &sa, &old_actions[sigs[i]]);
}

int conhost_raw(hfd_t h)
{
	int fd = hfd_fd(h), i;
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		return -ENOTTY;
	for (i = 0; i < MAX_RAW && saved[i].used && saved[i].fd != fd; i++)
		;
	if (i == MAX_RAW)
		return -ENOSPC;
	if (!saved[i].used) {
		saved[i].fd = fd;
		saved[i].modes = t;
		saved[i].used = true;
		watch_fatal_signals();
	}
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSANOW, &t) ? -errno : 0;
}

bool conhost_foreground(hfd_t h)
{
	pid_t fg = tcgetpgrp(hfd_fd(h));

	return fg < 0 || fg == getpgrp();
}

static bool poll_now(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	return poll(&p, 1, 0) > 0;
}

ssize_t conhost_read(hfd_t h, void *buf, size_t n)
{
	int fd = hfd_fd(h);
	ssize_t r;

	if (!poll_now(fd, POLLIN))
		return -EAGAIN;
	r = read(fd, buf, n);
	return r >= 0 ? r : errno == EINTR ? -EAGAIN : -errno;
}

ssize_t conhost_write(hfd_t h, const void *buf, size_t n)
{
	int fd = hfd_fd(h);
	ssize_t r;

	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK)) {
		if (!poll_now(fd, POLLOUT))
			return -EAGAIN;
		n = n < 256 ? n : 256;
	}
	r = write(fd, buf, n);
	return r > 0 ? r : r == 0 || errno == EINTR ? -EAGAIN : -errno;
}

static bool put_all(int fd, const char *p, size_t n, int timeout_ms)
{
	while (n) {
		struct pollfd pfd = { fd, POLLOUT, 0 };
		ssize_t r;

		if (poll(&pfd, 1, timeout_ms) <= 0)
			return false;
		r = write(fd, p, n);
		if (r < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (r > 0) {
			p += r;
			n -= (size_t)r;
		}
	}
	return true;
}

void conhost_put(hfd_t h, const void *buf, size_t n, bool crlf, int timeout_ms)
{
	const char *p = buf, *end = p + n;
	int fd = hfd_fd(h);

	while (fd >= 0 && p < end) {
		const char *nl = crlf ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		const char *stop = nl ? nl : end;

		if (!put_all(fd, p, (size_t)(stop - p), timeout_ms))
			return;
		if (nl && !put_all(fd, "\r\n", 2, timeout_ms))
			return;
		p = nl ? nl + 1 : end;
	}
}

int conhost_get_winsize(hfd_t h, u16 ws[4])
{
	return ioctl(hfd_fd(h), TIOCGWINSZ, ws) ? -errno : 0;
}

void conhost_set_winsize(hfd_t h, const u16 ws[4])
{
	ioctl(hfd_fd(h), TIOCSWINSZ, ws);
}

int conhost_get_modes(hfd_t h, void *termios)
{
	return ioctl(hfd_fd(h), TCGETS, termios) ? -errno : 0;
}
