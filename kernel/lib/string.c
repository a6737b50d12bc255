/*
 * kernel/lib: what every other folder may use and what uses nobody: strings, formatted text, trees, id maps, the
 * page and object allocators (kmem_*.c). Pure code: unit tests include these files.
 *
 * The mem* functions are also called by compiler-generated code, so this file is compiled without the pattern that
 * turns a copy loop back into a call of memcpy. Small sizes (most of ours) go by two overlapping moves, mid sizes by
 * 16-byte vectors, large ones by the CPU's string instructions.
 */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif
#include <umber/string.h>

typedef u16 u16_u __attribute__((aligned(1), may_alias));
typedef u32 u32_u __attribute__((aligned(1), may_alias));
typedef u64 u64_u __attribute__((aligned(1), may_alias));
typedef long long v16 __attribute__((vector_size(16), aligned(1), may_alias));

#define LD(type, p) (*(const type *)(p))
#define ST(type, p) (*(type *)(p))
#define REP_COPY_MIN 1024 /* below: vectors beat the start-up cost of rep movsb (25 ns if not aligned alike) */
#define REP_SET_MIN 512

/* memcpy(3). Loads come before stores for n <= 32, so memmove shares that part. */
void *memcpy(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (n <= 16) {
		if (n >= 8) {
			u64 a = LD(u64_u, s), b = LD(u64_u, s + n - 8);
			ST(u64_u, d) = a;
			ST(u64_u, d + n - 8) = b;
		} else if (n >= 4) {
			u32 a = LD(u32_u, s), b = LD(u32_u, s + n - 4);
			ST(u32_u, d) = a;
			ST(u32_u, d + n - 4) = b;
		} else if (n >= 2) {
			u16 a = LD(u16_u, s), b = LD(u16_u, s + n - 2);
			ST(u16_u, d) = a;
			ST(u16_u, d + n - 2) = b;
		} else if (n) {
			*d = *s;
		}
		return dst;
	}
	if (n < REP_COPY_MIN) {
		v16 tail = LD(v16, s + n - 16);
		char *end = d + n - 16;

		for (; end - d >= 64; d += 64, s += 64) {
			v16 v0 = LD(v16, s), v1 = LD(v16, s + 16), v2 = LD(v16, s + 32), v3 = LD(v16, s + 48);

			ST(v16, d) = v0;
			ST(v16, d + 16) = v1;
			ST(v16, d + 32) = v2;
			ST(v16, d + 48) = v3;
		}
		for (; d < end; d += 16, s += 16)
			ST(v16, d) = LD(v16, s);
		ST(v16, end) = tail;
		return dst;
	}
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	return dst;
}

/* memmove(3). */
void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (n <= 16 || d + n <= s || s + n <= d)
		return memcpy(dst, src, n);
	if (d < s) {
		v16 tail = LD(v16, s + n - 16);
		char *end = d + n - 16;

		for (; d < end; d += 16, s += 16)
			ST(v16, d) = LD(v16, s);
		ST(v16, end) = tail;
	} else if (d > s) {
		v16 head = LD(v16, s);

		for (; n > 16; n -= 16)
			ST(v16, d + n - 16) = LD(v16, s + n - 16);
		ST(v16, dst) = head;
	}
	return dst;
}

/* memset(3). */
void *memset(void *dst, int c, size_t n)
{
	char *d = dst;
	u64 v = (u8)c * 0x0101010101010101ULL;

	if (n < 16) {
		if (n >= 8) {
			ST(u64_u, d) = v;
			ST(u64_u, d + n - 8) = v;
		} else if (n >= 4) {
			ST(u32_u, d) = (u32)v;
			ST(u32_u, d + n - 4) = (u32)v;
		} else if (n >= 2) {
			ST(u16_u, d) = (u16)v;
			ST(u16_u, d + n - 2) = (u16)v;
		} else if (n) {
			*d = (char)c;
		}
		return dst;
	}
	if (n < REP_SET_MIN) {
		v16 w = { (long long)v, (long long)v };
		char *end = d + n - 16;

		for (; d < end; d += 16)
			ST(v16, d) = w;
		ST(v16, end) = w;
		return dst;
	}
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

/* memcmp(3). */
int memcmp(const void *x, const void *y, size_t n)
{
	const u8 *a = x, *b = y;

	for (; n >= 8; n -= 8, a += 8, b += 8) {
		u64 p = LD(u64_u, a), q = LD(u64_u, b);

		if (p != q) {
			p = __builtin_bswap64(p);
			q = __builtin_bswap64(q);
			return p < q ? -1 : 1;
		}
	}
	for (; n; n--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

/* memchr(3). */
void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n; n--, p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

/* strlen(3). */
size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

/* strnlen(3). */
size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

/* strcmp(3). */
int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

/* strncmp(3). */
int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* strcasecmp(3), ASCII only. */
int strcasecmp(const char *a, const char *b)
{
	while (*a && lower((u8)*a) == lower((u8)*b))
		a++, b++;
	return lower((u8)*a) - lower((u8)*b);
}

/* strchr(3): c may be 0. */
char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

/* strrchr(3): c may be 0. */
char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

/* strstr(3). */
char *strstr(const char *h, const char *n)
{
	size_t len = strlen(n);

	if (!len)
		return (char *)h;
	for (; (h = strchr(h, *n)); h++)
		if (!strncmp(h, n, len))
			return (char *)h;
	return NULL;
}

size_t strlcpy(char *d, const char *s, size_t n)
{
	size_t len = strlen(s);

	if (n) {
		size_t k = len < n - 1 ? len : n - 1;

		memcpy(d, s, k);
		d[k] = 0;
	}
	return len;
}
