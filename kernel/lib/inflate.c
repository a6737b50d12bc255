/*
 * DEFLATE and gzip decompression (RFC 1951, RFC 1952), streaming: output goes through a ring of 64 KiB that holds the
 * 32 KiB of history which distances may refer to, and is handed on in pieces.
 *
 * Codes up to FAST bits long are found by one table look-up, longer ones bit by bit by their canonical numbers.
 */
#include <abi/errno.h>
#include <umber/inflate.h>
#include <umber/kmem.h>
#include <umber/string.h>

#define WINDOW 32768U
#define RING (2 * WINDOW)
#define FAST 10U
#define MAX_BITS 15U
#define NR_LIT 288U
#define NR_DIST 30U

struct huff {
	u16 count[MAX_BITS + 1];       /* codes of each length */
	u16 symbol[NR_LIT];            /* in order of their codes */
	u16 fast[1U << FAST];          /* next FAST bits -> length << 9 | symbol; 0: longer code or none */
};

struct inflate {
	const u8 *in, *end;
	u64 bits;
	unsigned nbits;
	u32 pos;                       /* bytes in ring since the last flush started it anew */
	u32 flushed;                   /* of these handed on */
	u64 total;
	inflate_out_fn out;
	void *ctx;
	struct huff lit, dist;
	u8 lengths[NR_LIT + 32];
	u8 ring[RING];
};

/* ---- bits ---- */
static void refill(struct inflate *s)
{
	while (s->nbits <= 56 && s->in < s->end) {
		s->bits |= (u64)*s->in++ << s->nbits;
		s->nbits += 8;
	}
}

/* n <= 16 bits, or -EINVAL at the end of the input. */
static int get_bits(struct inflate *s, unsigned n)
{
	int v;

	if (s->nbits < n)
		refill(s);
	if (s->nbits < n)
		return -EINVAL;
	v = (int)(s->bits & ((1U << n) - 1));
	s->bits >>= n;
	s->nbits -= n;
	return v;
}

/* ---- codes ---- */
static u32 reverse(u32 v, unsigned n)
{
	u32 r = 0;

	while (n--) {
		r = r << 1 | (v & 1);
		v >>= 1;
	}
	return r;
}

/* Builds the code of n symbols from their lengths. -EINVAL: over-subscribed, or incomplete with more than a code. */
static int huff_build(struct huff *h, const u8 *len, unsigned n)
{
	u16 offs[MAX_BITS + 2], next[MAX_BITS + 2];
	int left = 1;
	unsigned used = 0;
	u32 code = 0;

	memset(h, 0, sizeof(*h));
	for (unsigned k = 0; k < n; k++)
		h->count[len[k]]++;
	used = n - h->count[0];
	h->count[0] = 0;
	offs[1] = 0;
	for (unsigned l = 1; l <= MAX_BITS; l++) {
		left = left * 2 - h->count[l];
		if (left < 0)
			return -EINVAL;
		code = (code + h->count[l - 1]) << 1;
		next[l] = (u16)code;
		offs[l + 1] = (u16)(offs[l] + h->count[l]);
	}
	if (left && used > 1)
		return -EINVAL;
	for (unsigned k = 0; k < n; k++) {
		unsigned l = len[k];

		if (!l)
			continue;
		h->symbol[offs[l]++] = (u16)k;
		if (l <= FAST)
			for (u32 c = reverse(next[l], l); c < 1U << FAST; c += 1U << l)
				h->fast[c] = (u16)(l << 9 | k);
		next[l]++;
	}
	return 0;
}

/* The next symbol or -EINVAL. */
static int decode(struct inflate *s, const struct huff *h)
{
	u32 e, code = 0, first = 0, index = 0;

	if (s->nbits < MAX_BITS)
		refill(s);
	e = h->fast[s->bits & ((1U << FAST) - 1)];
	if (e) {
		if (e >> 9 > s->nbits)
			return -EINVAL;
		s->bits >>= e >> 9;
		s->nbits -= e >> 9;
		return (int)(e & 511);
	}
	for (unsigned l = 1; l <= MAX_BITS && l <= s->nbits; l++) {
		code |= (u32)(s->bits >> (l - 1)) & 1;
		if (code < first + h->count[l]) {
			s->bits >>= l;
			s->nbits -= l;
			return h->symbol[index + (code - first)];
		}
		index += h->count[l];
		first = (first + h->count[l]) << 1;
		code <<= 1;
	}
	return -EINVAL;
}

/* ---- output ---- */
/* Hands on what is new; when the ring is full its second half, the history, moves to the front. */
static int flush(struct inflate *s)
{
	int err = s->pos > s->flushed ? s->out(s->ctx, s->ring + s->flushed, s->pos - s->flushed) : 0;

	s->flushed = s->pos;
	if (s->pos == RING) {
		memcpy(s->ring, s->ring + WINDOW, WINDOW);
		s->pos = s->flushed = WINDOW;
	}
	return err;
}

static int put_byte(struct inflate *s, u8 c)
{
	s->ring[s->pos++] = c;
	s->total++;
	return s->pos == RING ? flush(s) : 0;
}

static int put_match(struct inflate *s, u32 len, u32 dist)
{
	int err = 0;

	if (dist > s->total || dist > WINDOW)
		return -EINVAL;
	while (len-- && !err)
		err = put_byte(s, s->ring[s->pos - dist]);
	return err;
}

/* ---- blocks ---- */
static int stored_block(struct inflate *s)
{
	u32 len, inv;
	int err = 0;

	/* Whole bytes that were read ahead go back. */
	s->in -= s->nbits / 8;
	s->bits = 0;
	s->nbits = 0;
	if (s->end - s->in < 4)
		return -EINVAL;
	len = s->in[0] | (u32)s->in[1] << 8;
	inv = s->in[2] | (u32)s->in[3] << 8;
	s->in += 4;
	if (len != (~inv & 0xffff) || (size_t)(s->end - s->in) < len)
		return -EINVAL;
	while (len && !err) {
		u32 n = min(len, RING - s->pos);

		memcpy(s->ring + s->pos, s->in, n);
		s->in += n;
		s->pos += n;
		s->total += n;
		len -= n;
		if (s->pos == RING)
			err = flush(s);
	}
	return err;
}

static int fixed_codes(struct inflate *s)
{
	for (unsigned k = 0; k < NR_LIT; k++)
		s->lengths[k] = k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8;
	if (huff_build(&s->lit, s->lengths, NR_LIT))
		return -EINVAL;
	memset(s->lengths, 5, 32);
	return huff_build(&s->dist, s->lengths, 32);
}

static int dynamic_codes(struct inflate *s)
{
	static const u8 order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	int nlit = get_bits(s, 5), ndist = get_bits(s, 5), nlen = get_bits(s, 4), n = 0;

	if (nlit < 0 || ndist < 0 || nlen < 0 || nlit > 29 || ndist > 29)
		return -EINVAL;
	nlit += 257;
	ndist += 1;
	nlen += 4;
	memset(s->lengths, 0, sizeof(s->lengths));
	for (int k = 0; k < nlen; k++) {
		int v = get_bits(s, 3);

		if (v < 0)
			return v;
		s->lengths[order[k]] = (u8)v;
	}
	if (huff_build(&s->lit, s->lengths, 19))
		return -EINVAL;
	while (n < nlit + ndist) {
		int sym = decode(s, &s->lit), rep, val = 0;

		if (sym < 0)
			return sym;
		if (sym < 16) {
			s->lengths[n++] = (u8)sym;
			continue;
		}
		if (sym == 16) {
			if (!n)
				return -EINVAL;
			val = s->lengths[n - 1];
			rep = get_bits(s, 2);
		} else {
			rep = get_bits(s, sym == 17 ? 3 : 7);
		}
		if (rep < 0)
			return rep;
		rep += sym == 18 ? 11 : 3;
		if (n + rep > nlit + ndist)
			return -EINVAL;
		while (rep--)
			s->lengths[n++] = (u8)val;
	}
	if (!s->lengths[256] || huff_build(&s->lit, s->lengths, (unsigned)nlit))
		return -EINVAL;
	return huff_build(&s->dist, s->lengths + nlit, (unsigned)ndist);
}

static int coded_block(struct inflate *s)
{
	static const u16 lbase[29] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83,
				       99, 115, 131, 163, 195, 227, 258 };
	static const u8 lext[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5,
				     0 };
	static const u16 dbase[30] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
				       1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
	int err = 0;

	while (!err) {
		int sym = decode(s, &s->lit), extra, d;
		u32 len;

		if (sym < 0)
			return sym;
		if (sym < 256) {
			err = put_byte(s, (u8)sym);
			continue;
		}
		if (sym == 256)
			return 0;
		sym -= 257;
		if (sym >= 29)
			return -EINVAL;
		extra = get_bits(s, lext[sym]);
		if (extra < 0)
			return extra;
		len = lbase[sym] + (u32)extra;
		d = decode(s, &s->dist);
		if (d < 0 || d >= (int)NR_DIST)
			return -EINVAL;
		extra = get_bits(s, d < 2 ? 0 : (unsigned)d / 2 - 1);
		if (extra < 0)
			return extra;
		err = put_match(s, len, dbase[d] + (u32)extra);
	}
	return err;
}

static int run(struct inflate *s)
{
	int last, type, err;

	do {
		last = get_bits(s, 1);
		type = get_bits(s, 2);
		if (last < 0 || type < 0)
			return -EINVAL;
		switch (type) {
		case 0:
			err = stored_block(s);
			break;
		case 1:
			err = fixed_codes(s);
			err = err ? err : coded_block(s);
			break;
		case 2:
			err = dynamic_codes(s);
			err = err ? err : coded_block(s);
			break;
		default:
			err = -EINVAL;
		}
		if (err)
			return err;
	} while (!last);
	return flush(s);
}

ssize_t inflate_raw(const u8 *in, size_t n, inflate_out_fn out, void *ctx)
{
	struct inflate *s = kzalloc(sizeof(*s));
	ssize_t ret;

	if (!s)
		return -ENOMEM;
	s->in = in;
	s->end = in + n;
	s->out = out;
	s->ctx = ctx;
	ret = run(s);
	if (!ret)
		ret = s->in - in - s->nbits / 8;
	kfree(s);
	return ret;
}

/* ---- gzip ---- */
u32 crc32_update(u32 crc, const u8 *p, size_t n)
{
	static u32 table[256];

	if (!table[1])
		for (u32 k = 0; k < 256; k++) {
			u32 c = k;

			for (int b = 0; b < 8; b++)
				c = c & 1 ? c >> 1 ^ 0xedb88320U : c >> 1;
			table[k] = c;
		}
	crc = ~crc;
	while (n--)
		crc = table[(crc ^ *p++) & 255] ^ crc >> 8;
	return ~crc;
}

struct gz { inflate_out_fn out; void *ctx; u32 crc, len; };

static int gz_out(void *ctx, const u8 *p, size_t n)
{
	struct gz *g = ctx;

	g->crc = crc32_update(g->crc, p, n);
	g->len += (u32)n;
	return g->out(g->ctx, p, n);
}

static u32 le32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* Length of the gzip header, or -EINVAL. */
static ssize_t gz_header(const u8 *in, size_t n)
{
	size_t p = 10;
	u8 flags;

	if (n < 18 || in[0] != 0x1f || in[1] != 0x8b || in[2] != 8 || (in[3] & 0xe0))
		return -EINVAL;
	flags = in[3];
	if (flags & 4)                 /* extra field */
		p += 2U + in[10] + ((size_t)in[11] << 8);
	for (u8 f = 8; f <= 16; f <<= 1) { /* name, comment */
		if (!(flags & f))
			continue;
		while (p < n && in[p])
			p++;
		p++;
	}
	if (flags & 2)                 /* header checksum */
		p += 2;
	return p < n ? (ssize_t)p : -EINVAL;
}

ssize_t gunzip(const u8 *in, size_t n, inflate_out_fn out, void *ctx)
{
	struct gz g = { out, ctx, 0, 0 };
	ssize_t head = gz_header(in, n), r;

	if (head < 0)
		return head;
	r = inflate_raw(in + head, n - (size_t)head, gz_out, &g);
	if (r < 0)
		return r;
	r += head;
	if (n - (size_t)r < 8 || le32(in + r) != g.crc || le32(in + r + 4) != g.len)
		return -EINVAL;
	return r + 8;
}
