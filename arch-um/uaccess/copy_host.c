/*
 * Copies between the kernel and a stub's memory: by the mailbox, if the stub brought a copy along (a window) or may make
 * one on its way back (late); process_vm_*, which respects protections and transfers what it can page by page;
 * /proc/PID/mem where protections must be bypassed.
 */
#include "../entry/backend.h"
#include "../mm/stubs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

/* current's user side if it is one of s's threads and in a call. */
static struct uthread *mine(struct stub *s)
{
	struct port_task *pt = (struct port_task *)current;
	struct uthread *ut = pt ? uthread_by_id(pt->uthread) : NULL;

	return ut && ut->stub == s && !ut->running ? ut : NULL;
}

/* The user side of an mm that has not run yet: what exec puts there waits for its first answer. */
static struct uthread *newborn(struct stub *s)
{
	struct uthread *ut = s->threads;

	return ut && !ut->next && ut->started && ut->fresh && !ut->running ? ut : NULL;
}

/* w: a late copy. */
static bool overlap(const struct stub_win *w, u64 addr, u64 n)
{
	return addr < w->addr + w->len && w->addr < addr + n;
}

ssize_t stub_transfer(struct stub *s, void *buf, u64 addr, size_t n, bool write_it)
{
	struct iovec local = { buf, n }, remote = { (void *)addr, n };
	ssize_t r = write_it ? process_vm_writev(stub_pid(s), &local, 1, &remote, 1, 0)
			     : process_vm_readv(stub_pid(s), &local, 1, &remote, 1, 0);

	if (r >= 0)
		return r;
	return errno == ESRCH || errno == EPERM ? -ESRCH : 0;
}

void late_flush(struct stub *s)
{
	for (struct uthread *ut = s->threads; ut && s->nr_late; ut = ut->next) {
		if (!ut->nlate)
			continue;
		for (u32 i = 0; i < ut->nlate; i++)
			stub_transfer(s, (u8 *)ut->mb + MBOX_BULK_OFF + ut->late[i].off, ut->late[i].addr, ut->late[i].len, true);
		ut->nlate = 0;
		s->nr_late--;
	}
}

void late_hand_over(struct uthread *ut)
{
	if (!ut->nlate)
		return;
	memcpy(ut->mb->late, ut->late, ut->nlate * sizeof(ut->late[0]));
	ut->mb->nlate = ut->nlate;
	ut->nlate = 0;
	ut->stub->nr_late--;
}

/* Puts a copy to where the stub will take it from. False: no room. */
static bool put_late(struct uthread *ut, const void *buf, uaddr_t addr, size_t n)
{
	struct stub_win *last = ut->nlate ? &ut->late[ut->nlate - 1] : NULL;
	u32 off = ut->bulk_used;

	if (last && last->addr + last->len == addr && n <= MBOX_BULK - (last->off + last->len)) { /* goes on where it ended */
		off = last->off + last->len;
		last->len += (u32)n;
	} else {
		if (n > MBOX_BULK - off || ut->nlate == STUB_LATE)
			return false;
		if (!ut->nlate++)
			ut->stub->nr_late++;
		ut->late[ut->nlate - 1] = (struct stub_win){ addr, (u32)n, off };
	}
	memcpy((u8 *)ut->mb + MBOX_BULK_OFF + off, buf, n);
	ut->bulk_used = min_t(u32, (off + (u32)n + 63) & ~63u, MBOX_BULK);
	return true;
}

/* Takes from a copy that came with the call; fewer bytes than asked only at the end of a string. 0: not there. */
static size_t from_window(struct uthread *ut, void *buf, uaddr_t addr, size_t n)
{
	for (u32 i = 0; i < ut->nwins; i++) {
		const struct stub_win *w = &ut->wins[i];
		u32 len = w->len & ~STUB_WIN_STRING;
		u64 skip = addr - w->addr;

		if (skip >= len || (n > len - skip && !(w->len & STUB_WIN_STRING)))
			continue;
		n = min_t(size_t, n, len - skip);
		memcpy(buf, (const u8 *)ut->mb + MBOX_BULK_OFF + w->off + skip, n);
		return n;
	}
	return 0;
}

/*
 * Order of what a task does to its own memory in a call: windows show it as it was at the call's start, late copies come
 * at its end. Whatever would see the difference flushes the late ones and forgets the windows.
 */
static ssize_t copy(port_mm_t mm, void *buf, uaddr_t addr, size_t n, unsigned flags, bool write_it)
{
	struct stub *s = stub_by_id(mm);
	struct uthread *ut;
	ssize_t r;

	if (!s || stub_dead(s) || !stub_pid(s)) /* see port_user_wait() */
		return -ESRCH;
	/* Nothing at or above the stub's region is the guest's. */
	if (addr >= PORT_TASK_SIZE)
		return 0;
	if (n > PORT_TASK_SIZE - addr)
		n = PORT_TASK_SIZE - addr;
	if (!n)
		return 0;
	ut = s->nr_late || !(flags & PORT_COPY_FORCE) ? mine(s) : NULL;
	if (!ut && (flags & PORT_COPY_LATE) && backend->defers)
		ut = newborn(s);
	if (write_it && ut && (flags & PORT_COPY_LATE) && put_late(ut, buf, addr, n))
		return (ssize_t)n;
	if (s->nr_late) {
		bool seen = !ut || write_it;

		for (u32 i = 0; ut && !seen && i < ut->nlate; i++)
			seen = overlap(&ut->late[i], addr, n);
		if (seen) {
			late_flush(s);
			if (ut)
				ut->nwins = 0;
		}
	}
	if (s->deferred && stub_flush(s, false))
		return -ESRCH;
	if (flags & PORT_COPY_FORCE) {
		s->poked |= write_it;
		if (s->patch && write_it && !(flags & PATCH_COPY_RAW))
			patch_restore(s, addr, n);
		r = copy_force(s, buf, addr, n, write_it);
		if (s->patch && !write_it && r > 0)
			patch_view(s, addr, buf, (size_t)r);
		return r;
	}
	if (ut && ut->nwins) {
		if (write_it)
			ut->nwins = 0;
		else if ((r = (ssize_t)from_window(ut, buf, addr, n)))
			return r;
	}
	return stub_transfer(s, buf, addr, n, write_it);
}

ssize_t port_copy_in(port_mm_t mm, void *dst, uaddr_t src, size_t n, unsigned flags)
{
	return copy(mm, dst, src, n, flags, false);
}

ssize_t port_copy_out(port_mm_t mm, uaddr_t dst, const void *src, size_t n, unsigned flags)
{
	return copy(mm, (void *)src, dst, n, flags, true);
}
