/* kernel/lib/inflate.c against streams made by hand and by zlib's own compressor (gzip on the path, if there is one). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define UMBER_KMEM_H
static void *kzalloc(size_t n) { return calloc(1, n); }
static void kfree(const void *p) { free((void *)p); }
#define UMBER_STRING_H
#define ABI_ERRNO_H
#include <errno.h>
#include "../../kernel/lib/inflate.c"

static int tests, failed;
static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failed += !good;
}

struct sink { u8 *p; size_t n, room; };
static int sink(void *ctx, const u8 *p, size_t n)
{
	struct sink *s = ctx;

	if (s->n + n > s->room)
		return -ENOSPC;
	memcpy(s->p + s->n, p, n);
	s->n += n;
	return 0;
}

static size_t compress_with(const char *cmd, const u8 *in, size_t n, u8 *out, size_t room)
{
	char name[] = "/tmp/umber-inflate-XXXXXX", line[128];
	int fd = mkstemp(name);
	size_t got = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		return 0;
	fwrite(in, 1, n, f);
	fclose(f);
	snprintf(line, sizeof(line), "%s <%s 2>/dev/null", cmd, name);
	f = popen(line, "r");
	if (f) {
		got = fread(out, 1, room, f);
		if (pclose(f))
			got = 0;
	}
	remove(name);
	return got;
}

static void round_trip(const char *cmd, const char *what, const u8 *in, size_t n)
{
	size_t room = n + n / 2 + 1024, c;
	u8 *z = malloc(room), *o = malloc(n + 1);
	struct sink s = { o, 0, n + 1 };

	c = compress_with(cmd, in, n, z, room - 16);
	if (!c) {
		printf("ok %d - %s # SKIP no gzip\n", ++tests, what);
	} else {
		ssize_t r;

		memset(z + c, 0xa5, 16); /* what follows a member is not consumed */
		r = gunzip(z, c + 16, sink, &s);
		ok(r == (ssize_t)c && s.n == n && !memcmp(o, in, n), what);
		for (size_t cut = 0; cut < c; cut += c / 17 + 1) {
			s.n = 0;
			if (gunzip(z, cut, sink, &s) != -EINVAL)
				ok(0, "a cut-off member is refused");
		}
		for (unsigned k = 0; k < (n > 100000 ? 30u : 300u); k++) { /* damage must not harm; mostly it is noticed */
			size_t at = (size_t)rand() % c;
			u8 old = z[at];

			z[at] ^= (u8)(1 << rand() % 8);
			s.n = 0;
			gunzip(z, c, sink, &s);
			z[at] = old;
		}
	}
	free(z);
	free(o);
}

int main(void)
{
	static const u8 fixed[] = { 0x4b, 0x4c, 0x4a, 0x06, 0x00 };                     /* "abc", fixed codes */
	static const u8 stored[] = { 1, 3, 0, 0xfc, 0xff, 'x', 'y', 'z' };
	static const u8 far[] = { 0x4b, 0x04, 0x82, 0x00 };                             /* may refer before the start */
	static const u8 type3[] = { 7 };
	u8 out[16], *big = malloc(3 << 20);
	struct sink s = { out, 0, sizeof(out) };

	ok(inflate_raw(fixed, sizeof(fixed), sink, &s) == 5 && s.n == 3 && !memcmp(out, "abc", 3), "fixed codes");
	s.n = 0;
	ok(inflate_raw(stored, sizeof(stored), sink, &s) == 8 && s.n == 3 && !memcmp(out, "xyz", 3), "stored block");
	s.n = 0;
	ok(inflate_raw(type3, 1, sink, &s) == -EINVAL, "reserved block type");
	s.n = 0;
	inflate_raw(far, sizeof(far), sink, &s);
	ok(inflate_raw(fixed, 0, sink, &s) == -EINVAL, "empty input");
	ok(crc32_update(0, (const u8 *)"123456789", 9) == 0xcbf43926, "crc32 check value");
	for (size_t k = 0; k < 3 << 20; k++)
		big[k] = k < 1 << 20 ? "the quick brown fox"[k % 19] : k < 2 << 20 ? (u8)rand() : (u8)(rand() % 7 * (k & 3));
	round_trip("gzip -9 -n", "gzip -9, 3 MiB", big, 3 << 20);
	round_trip("gzip -1 -n", "gzip -1, 3 MiB", big, 3 << 20);
	round_trip("gzip -9", "random bytes are stored", big + (1 << 20), 100000);
	round_trip("gzip", "one byte", big, 1);
	round_trip("gzip", "nothing", big, 0);
	free(big);
	printf("1..%d\n", tests);
	return failed != 0;
}
