/* Host streams, host side: single attempts that never wait (include/port/hoststream.h). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <port/hfd_host.h>
#include <port/hoststream.h>
#include <port/port.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SAFE_BYTES 4096 /* PIPE_BUF: what a pipe that polls writable takes without waiting */

int hoststream_open(int n, hfd_t *out, struct hoststream_info *info)
{
	struct stat st;
	int fl = fcntl(n, F_GETFL), fd;

	if (fl < 0 || fstat(n, &st))
		return -errno;
	fd = fcntl(n, F_DUPFD_CLOEXEC, 64);
	if (fd < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN); /* a reader that went away is the guest's business */
	info->flags = (u32)fl & (O_ACCMODE | O_APPEND);
	info->kind = S_ISREG(st.st_mode) ? HOSTSTREAM_FILE : S_ISFIFO(st.st_mode) ? HOSTSTREAM_PIPE
		   : S_ISSOCK(st.st_mode) ? HOSTSTREAM_SOCKET : HOSTSTREAM_CHAR;
	*out = hfd_add(fd);
	return *out < 0 ? *out : 0;
}

u32 hoststream_poll(hfd_t h, u32 events)
{
	struct pollfd p = { hfd_fd(h), (short)events, 0 };

	return poll(&p, 1, 0) > 0 ? (u32)(unsigned short)p.revents : 0;
}

static ssize_t result(ssize_t r)
{
	return r >= 0 ? r : errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

ssize_t hoststream_read(hfd_t h, enum hoststream_kind kind, void *buf, size_t n)
{
	struct iovec iov = { buf, n };
	int fd = hfd_fd(h);
	ssize_t r;

	switch (kind) {
	case HOSTSTREAM_FILE:
		klock_drop();
		do
			r = result(read(fd, buf, n));
		while (r == -EAGAIN && errno == EINTR);
		klock_take();
		return r;
	case HOSTSTREAM_SOCKET:
		return result(recv(fd, buf, n, MSG_DONTWAIT));
	case HOSTSTREAM_PIPE:
		r = result(preadv2(fd, &iov, 1, -1, RWF_NOWAIT));
		if (r != -EOPNOTSUPP)
			return r;
		break;
	case HOSTSTREAM_CHAR:
		break;
	}
	/* Ready now means that this does not wait, unless somebody else reads the same stream in between. */
	if (!(hoststream_poll(h, POLLIN) & (POLLIN | POLLHUP | POLLERR)))
		return -EAGAIN;
	klock_drop();
	r = result(read(fd, buf, n));
	klock_take();
	return r;
}

ssize_t hoststream_write(hfd_t h, enum hoststream_kind kind, const void *buf, size_t n)
{
	struct iovec iov = { (void *)buf, n };
	int fd = hfd_fd(h);
	ssize_t r;

	switch (kind) {
	case HOSTSTREAM_FILE:
		klock_drop();
		do
			r = result(write(fd, buf, n));
		while (r == -EAGAIN && errno == EINTR);
		klock_take();
		return r;
	case HOSTSTREAM_SOCKET:
		return result(send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL));
	case HOSTSTREAM_PIPE:
		r = result(pwritev2(fd, &iov, 1, -1, RWF_NOWAIT));
		if (r != -EOPNOTSUPP)
			return r;
		break;
	case HOSTSTREAM_CHAR:
		break;
	}
	if (!(hoststream_poll(h, POLLOUT) & (POLLOUT | POLLHUP | POLLERR)))
		return -EAGAIN;
	klock_drop();
	r = result(write(fd, buf, n < SAFE_BYTES ? n : SAFE_BYTES));
	klock_take();
	return r;
}

int hoststream_avail(hfd_t h)
{
	int n = 0;

	return ioctl(hfd_fd(h), FIONREAD, &n) ? -errno : n;
}
