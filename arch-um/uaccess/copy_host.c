/*
 * Copies between the kernel and a stub's memory: process_vm_*, which respects protections and transfers
 * what it can page by page; /proc/PID/mem where protections must be bypassed.
 */
#include "../mm/stubs.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t copy_force(struct stub *s, void *buf, uaddr_t addr, size_t n, bool write_it)
{
	char path[48];
	ssize_t r = 0;
	size_t done = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", s->pid);
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

/* The stub's pid; waits for a child that has just been forked. The listener needs no klock, so it may be held. */
static s32 stub_pid(struct stub *s)
{
	for (int i = 0; !__atomic_load_n(&s->pid, __ATOMIC_ACQUIRE) && s->threads && i < 1000; i++) {
		struct timespec ts = { 0, 10000000 };

		syscall(SYS_futex, &s->threads->attached, FUTEX_WAIT, 0, &ts, NULL, 0);
	}
	return s->pid;
}

static ssize_t copy(port_mm_t mm, void *buf, uaddr_t addr, size_t n, unsigned flags, bool write_it)
{
	struct stub *s = stub_by_id(mm);
	struct iovec local = { buf, n }, remote = { (void *)addr, n };
	ssize_t r;

	if (!s || s->dead || !stub_pid(s))
		return -ESRCH;
	/* Nothing at or above the stub's region is the guest's. */
	if (addr >= PORT_TASK_SIZE)
		return 0;
	if (n > PORT_TASK_SIZE - addr)
		n = local.iov_len = remote.iov_len = PORT_TASK_SIZE - addr;
	if (!n)
		return 0;
	/* a forked child whose stub has not reported yet: set_child_tid and rseq are written before its first run.
	 * Not for one more thread of a living mm: others may copy at the same time, and s2k has one waiter only */
	if (s->nr_threads == 1 && !s->threads->started && uthread_wait_attached(s->threads))
		return -ESRCH;
	if (flags & PORT_COPY_FORCE)
		return copy_force(s, buf, addr, n, write_it);
	r = write_it ? process_vm_writev(s->pid, &local, 1, &remote, 1, 0)
		     : process_vm_readv(s->pid, &local, 1, &remote, 1, 0);
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
