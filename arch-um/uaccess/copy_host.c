/*
 * Copies between the kernel and a stub's memory: process_vm_*, which respects protections and transfers
 * what it can page by page; /proc/PID/mem where protections must be bypassed.
 */
#include "../mm/stubs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t copy_force(struct stub *s, void *buf, uaddr_t addr, size_t n, bool write_it)
{
	char path[48];
	ssize_t r = 0;
	size_t done = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", stub_pid(s));
	fd = open(path, (write_it ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	while (done < n) {
		r = write_it ? pwrite(fd, (char *)buf + done, n - done, (off_t)(addr + done))
			     : pread(fd, (char *)buf + done, n - done, (off_t)(addr + done));
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	close(fd);
	return (ssize_t)done;
}

static ssize_t copy(port_mm_t mm, void *buf, uaddr_t addr, size_t n, unsigned flags, bool write_it)
{
	struct stub *s = stub_by_id(mm);
	struct iovec local = { buf, n }, remote = { (void *)addr, n };
	ssize_t r;

	if (!s || stub_dead(s) || !stub_pid(s)) /* see port_user_wait() */
		return -ESRCH;
	/* Nothing at or above the stub's region is the guest's. */
	if (addr >= PORT_TASK_SIZE)
		return 0;
	if (n > PORT_TASK_SIZE - addr)
		n = local.iov_len = remote.iov_len = PORT_TASK_SIZE - addr;
	if (!n)
		return 0;
	if (s->deferred && stub_flush(s, false))
		return -ESRCH;
	if (flags & PORT_COPY_FORCE) {
		if (s->patch && write_it && !(flags & PATCH_COPY_RAW))
			patch_restore(s, addr, n);
		r = copy_force(s, buf, addr, n, write_it);
		if (s->patch && !write_it && r > 0)
			patch_view(s, addr, buf, (size_t)r);
		return r;
	}
	r = write_it ? process_vm_writev(stub_pid(s), &local, 1, &remote, 1, 0)
		     : process_vm_readv(stub_pid(s), &local, 1, &remote, 1, 0);
	if (r >= 0)
		return r;
	return errno == ESRCH || errno == EPERM ? -ESRCH : 0;
}

ssize_t port_copy_in(port_mm_t mm, void *dst, uaddr_t src, size_t n, unsigned flags)
{
	return copy(mm, dst, src, n, flags, false);
}

ssize_t port_copy_out(port_mm_t mm, uaddr_t dst, const void *src, size_t n, unsigned flags)
{
	return copy(mm, (void *)src, dst, n, flags, true);
}
