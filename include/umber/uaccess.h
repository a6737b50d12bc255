/*
 * User memory of current (arch-um/uaccess behind port_copy_*). Everything is copied once and checked after
 * the copy. None of these sleep in the guest's sense (the host may page). Return 0 or -EFAULT, unless said
 * otherwise. A short copy_to_user may have written a prefix.
 */
#ifndef UMBER_UACCESS_H
#define UMBER_UACCESS_H
#include <umber/types.h>

int copy_from_user(void *dst, uaddr_t src, size_t n);
int copy_to_user(uaddr_t dst, const void *src, size_t n);
/* Bytes really copied before a fault (0..n). */
size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n);
size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n);
bool uaccess_writable(uaddr_t dst, size_t n);           /* one writable VMA of current's holds it all */
int clear_user(uaddr_t dst, size_t n);
/* Copies a NUL-terminated string. Length without NUL (0..n-1), -EFAULT, or -ENAMETOOLONG when no NUL in n. */
ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t n);
ssize_t strnlen_user(uaddr_t s, size_t max);            /* with the NUL; 0: fault; > max: too long */
/* A path name: kmalloc'd copy; ERR_PTR(-ENOENT) for "" unless allow_empty, -ENAMETOOLONG over PATH_MAX. */
char *getname(uaddr_t path, bool allow_empty);
void putname(char *name);
#define get_user(var, uaddr) copy_from_user(&(var), uaddr, sizeof(var))
#define put_user(val, uaddr)                                                                       \
	({                                                                                         \
		__typeof__(val) pu_ = (val);                                                       \
		copy_to_user(uaddr, &pu_, sizeof(pu_));                                            \
	})
/* Struct with a user-given size (openat2, clone3...): -E2BIG if unknown trailing bytes are not zero. */
int copy_struct_from_user(void *dst, size_t ksize, uaddr_t src, size_t usize);

/* A sequence of buffers, user or kernel, consumed from the front. */
struct iovec64 { u64 base, len; };
struct iov_iter {
	bool user;                 /* else base is a kernel address */
	u32 nr;                    /* segments left */
	const struct iovec64 *iov; /* current segment */
	size_t seg_off;            /* consumed of it */
	size_t count;              /* bytes left in all */
	struct iovec64 one;        /* storage for the single-segment case */
};
void iter_init_user(struct iov_iter *it, uaddr_t buf, size_t n);
void iter_init_kernel(struct iov_iter *it, void *buf, size_t n);
/* Reads a user iovec array (<= 1024 entries; total clamped to MAX_RW). `fast` has room for 8; larger arrays are
 * kmalloc'd into *heap (kfree it). 0 or negative errno (readv(2)). */
#define IOV_FAST 8
int iter_init_iovec(struct iov_iter *it, uaddr_t iov, u64 nr, struct iovec64 *fast, struct iovec64 **heap);
#define MAX_RW_COUNT 0x7ffff000UL
/* Copy and advance. Return bytes copied; fewer than min(n, count) only at a fault. */
size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it);
size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it);
size_t zero_iter(size_t n, struct iov_iter *it);
void iter_advance(struct iov_iter *it, size_t n);
#endif
