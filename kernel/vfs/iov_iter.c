/*
 * Buffers of a transfer, in user or kernel memory, consumed from the front; path names and sized structs from user
 * memory (the rest of umber/uaccess.h).
 */
#include "internal.h"
#include <umber/uaccess.h>

void iter_init_user(struct iov_iter *it, uaddr_t buf, size_t n)
{
	*it = (struct iov_iter){ .user = true, .nr = 1, .iov = &it->one, .count = n, .one = { buf, n } };
}

void iter_init_kernel(struct iov_iter *it, void *buf, size_t n)
{
	*it = (struct iov_iter){ .nr = 1, .iov = &it->one, .count = n, .one = { (uintptr_t)buf, n } };
}

int iter_init_iovec(struct iov_iter *it, uaddr_t iov, u64 nr, struct iovec64 *fast, struct iovec64 **heap)
{
	struct iovec64 *v = fast;
	size_t total = 0;

	*heap = NULL;
	if (nr > 1024)
		return -EINVAL;
	if (nr > IOV_FAST) {
		v = *heap = kmalloc(nr * sizeof(*v));
		if (!v)
			return -ENOMEM;
	}
	if (nr && copy_from_user(v, iov, nr * sizeof(*v)))
		goto fault;
	for (u64 i = 0; i < nr; i++) {
		if ((s64)v[i].len < 0) {
			kfree(*heap);
			*heap = NULL;
			return -EINVAL;
		}
		if (v[i].base > PORT_TASK_SIZE || v[i].len > PORT_TASK_SIZE - v[i].base)
			goto fault;
		if (v[i].len > MAX_RW_COUNT - total)
			v[i].len = MAX_RW_COUNT - total;
		total += v[i].len;
	}
	*it = (struct iov_iter){ .user = true, .nr = (u32)nr, .iov = v, .count = total };
	return 0;
fault:
	kfree(*heap);
	*heap = NULL;
	return -EFAULT;
}

/* Skips n bytes; n <= it->count is enforced. */
void iter_advance(struct iov_iter *it, size_t n)
{
	n = min(n, it->count);
	it->count -= n;
	while (it->nr) {
		size_t left = it->iov->len - it->seg_off;

		if (n < left) {
			it->seg_off += n;
			return;
		}
		n -= left;
		if (it->nr == 1) { /* keep the last segment: the iterator may be asked again */
			it->seg_off = it->iov->len;
			return;
		}
		it->iov++;
		it->nr--;
		it->seg_off = 0;
	}
}

enum { COPY_TO, COPY_FROM, COPY_ZERO };

static size_t copy_seg(int dir, const struct iov_iter *it, void *k, size_t n)
{
	u64 base = it->iov->base + it->seg_off;

	if (!it->user) {
		void *p = (void *)(uintptr_t)base;

		if (dir == COPY_TO)
			memcpy(p, k, n);
		else if (dir == COPY_FROM)
			memcpy(k, p, n);
		else
			memset(p, 0, n);
		return n;
	}
	if (dir == COPY_TO)
		return copy_to_user_partial(base, k, n);
	if (dir == COPY_FROM)
		return copy_from_user_partial(k, base, n);
	return clear_user(base, n) ? 0 : n;
}

static size_t iter_copy(int dir, void *k, size_t n, struct iov_iter *it)
{
	size_t done = 0;

	n = min(n, it->count);
	while (done < n) {
		size_t seg = min(n - done, it->iov->len - it->seg_off);
		size_t got = 0;

		if (seg) {
			got = copy_seg(dir, it, (u8 *)k + done, seg);
			done += got;
		}
		if (got < seg) {
			iter_advance(it, got);
			break;
		}
		iter_advance(it, got); /* steps over empty segments too */
	}
	return done;
}

size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it)
{
	return iter_copy(COPY_TO, (void *)(uintptr_t)src, n, it);
}

size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it)
{
	return iter_copy(COPY_FROM, dst, n, it);
}

size_t zero_iter(size_t n, struct iov_iter *it)
{
	return iter_copy(COPY_ZERO, NULL, n, it);
}

char *getname(uaddr_t path, bool allow_empty)
{
	char small[128], *s;
	ssize_t n = strncpy_from_user(small, path, sizeof(small));

	if (n >= 0) {
		if (!n && !allow_empty)
			return ERR_PTR(-ENOENT);
		s = kmalloc((size_t)n + 1);
		if (!s)
			return ERR_PTR(-ENOMEM);
		memcpy(s, small, (size_t)n);
		s[n] = 0;
		return s;
	}
	if (n != -ENAMETOOLONG)
		return ERR_PTR(n);
	s = kmalloc(PATH_MAX);
	if (!s)
		return ERR_PTR(-ENOMEM);
	n = strncpy_from_user(s, path, PATH_MAX);
	if (n < 0 || (!n && !allow_empty)) {
		kfree(s);
		return ERR_PTR(n < 0 ? n : -ENOENT);
	}
	return s;
}

void putname(char *name)
{
	if (!IS_ERR(name))
		kfree(name);
}

int copy_struct_from_user(void *dst, size_t ksize, uaddr_t src, size_t usize)
{
	size_t n = min(ksize, usize);
	u8 rest[64];

	if (usize > PAGE_SIZE)
		return -E2BIG;
	for (size_t off = ksize; off < usize;) {
		size_t k = min(usize - off, sizeof(rest));

		if (copy_from_user(rest, src + off, k))
			return -EFAULT;
		for (size_t i = 0; i < k; i++)
			if (rest[i])
				return -E2BIG;
		off += k;
	}
	if (copy_from_user(dst, src, n))
		return -EFAULT;
	memset((u8 *)dst + n, 0, ksize - n);
	return 0;
}
