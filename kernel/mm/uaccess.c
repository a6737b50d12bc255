/* User memory of current, in terms of the copies of copy_host.c (umber/uaccess.h). */
#include <abi/errno.h>
#include <port/port.h>
#include <umber/mm.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/uaccess.h>

size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n)
{
	ssize_t r = n && current->mm ? port_copy_in(current->mm->port, dst, src, n, 0) : 0;

	return r < 0 ? 0 : (size_t)r;
}

bool uaccess_writable(uaddr_t dst, size_t n)
{
	struct vma *v = mm_find_vma(current->mm, dst);

	return v && v->start <= dst && n <= v->end - dst && (v->flags & VM_WRITE);
}

/* A late copy must not fail any more: what was consumed for it would be lost. */
size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n)
{
	struct task *t = current;
	unsigned late = t->mm && n && t->copy_late && uaccess_writable(dst, n) ? PORT_COPY_LATE : 0;
	ssize_t r = n && t->mm ? port_copy_out(t->mm->port, dst, src, n, late) : 0;

	return r < 0 ? 0 : (size_t)r;
}

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
	return copy_from_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int clear_user(uaddr_t dst, size_t n)
{
	static const char zeros[4096];

	while (n) {
		size_t part = min(n, sizeof(zeros));

		if (copy_to_user(dst, zeros, part))
			return -EFAULT;
		dst += part;
		n -= part;
	}
	return 0;
}

/* Reads in pieces that end at page ends, so that a string just before a hole is not a fault. */
ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t part = min_t(size_t, PAGE_SIZE - PAGE_OFFSET(src + done), done ? 1024 : 128);
		size_t got;
		char *nul;

		part = min(part, n - done);
		got = copy_from_user_partial(dst + done, src + done, part);
		nul = memchr(dst + done, 0, got);
		if (nul)
			return nul - dst;
		if (got < part)
			return -EFAULT;
		done += part;
	}
	return -ENAMETOOLONG;
}

ssize_t strnlen_user(uaddr_t s, size_t max)
{
	char buf[256];
	size_t done = 0;

	while (done < max) {
		size_t part = min_t(size_t, PAGE_SIZE - PAGE_OFFSET(s + done), sizeof(buf));
		size_t got;
		char *nul;

		part = min(part, max - done);
		got = copy_from_user_partial(buf, s + done, part);
		nul = memchr(buf, 0, got);
		if (nul)
			return (ssize_t)(done + (size_t)(nul - buf) + 1);
		if (got < part)
			return 0;
		done += part;
	}
	return (ssize_t)max + 1;
}
