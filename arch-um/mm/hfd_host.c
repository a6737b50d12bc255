/*
 * Host fds behind handles. kernel/ stores handles only; the table is here. klock guards it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <port/hfd_host.h>
#include <port/port.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_HFDS (1u << 20)
static int fds[MAX_HFDS]; /* fd + 1; 0: free. Fixed, so that readers without klock never see it move */
static u8 modes[MAX_HFDS]; /* access mode + 1; 0: not asked yet */
static u32 nr_fds, first_free;

hfd_t hfd_add(int fd)
{
	if (fd < 0)
		return -errno;
	while (first_free < nr_fds && fds[first_free])
		first_free++;
	if (first_free == MAX_HFDS) {
		close(fd);
		return -ENFILE;
	}
	if (first_free == nr_fds)
		nr_fds++;
	fds[first_free] = fd + 1;
	modes[first_free] = 0;
	return (hfd_t)first_free;
}

int hfd_mode(hfd_t h)
{
	int fd = hfd_fd(h);

	if (fd < 0)
		return -EBADF;
	if (!modes[h])
		modes[h] = (u8)(1 + (fcntl(fd, F_GETFL) & O_ACCMODE));
	return modes[h] - 1;
}

int hfd_fd(hfd_t h)
{
	return h >= 0 && (u32)h < MAX_HFDS ? fds[h] - 1 : -1;
}

void port_hfd_close(hfd_t h)
{
	int fd = hfd_fd(h);

	if (fd < 0)
		return;
	fds[h] = 0;
	if ((u32)h < first_free)
		first_free = (u32)h;
	close(fd);
}

hfd_t port_memfd_new(u64 size)
{
	int fd = memfd_create("umber-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size)) {
		int err = errno;

		close(fd);
		return -err;
	}
	return hfd_add(fd);
}

int port_hfd_resize(hfd_t h, u64 size)
{
	return ftruncate(hfd_fd(h), (off_t)size) ? -errno : 0;
}

ssize_t port_hfd_pread(hfd_t h, void *buf, size_t n, u64 off)
{
	ssize_t r = pread(hfd_fd(h), buf, n, (off_t)off);

	return r < 0 ? -errno : r;
}

ssize_t port_hfd_pwrite(hfd_t h, const void *buf, size_t n, u64 off)
{
	ssize_t r = pwrite(hfd_fd(h), buf, n, (off_t)off);

	return r < 0 ? -errno : r;
}

int port_hfd_punch(hfd_t h, u64 off, u64 len)
{
	return fallocate(hfd_fd(h), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len)
		? -errno : 0;
}

u64 port_hfd_blocks(hfd_t h)
{
	struct stat st;

	return fstat(hfd_fd(h), &st) ? 0 : (u64)st.st_blocks * 512;
}
