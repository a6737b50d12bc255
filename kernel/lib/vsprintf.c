/*
 * Formatted text into a bounded buffer: the conversions of printf(3) without floats. %p prints 0x and the address.
 * The buffer is always terminated when n > 0; the returned length is that of the whole text.
 */
#include <umber/string.h>

struct out {
	char *buf;
	size_t size, len; /* size: room for text, without the NUL */
};
enum { F_LEFT = 1, F_PLUS = 2, F_SPACE = 4, F_ALT = 8, F_ZERO = 16, F_UPPER = 32 };
struct spec {
	u32 flags;
	int width, prec; /* prec < 0: not given */
	int size;        /* bytes of the integer argument */
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

static void put_string(struct out *o, const char *s, const struct spec *sp)
{
	size_t n;

	if (!s)
		s = "(null)";
	n = sp->prec >= 0 ? strnlen(s, (size_t)sp->prec) : strlen(s);
	if (!(sp->flags & F_LEFT))
		pad(o, ' ', sp->width - (int)n);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->flags & F_LEFT)
		pad(o, ' ', sp->width - (int)n);
}

static void put_number(struct out *o, u64 v, bool neg, unsigned base, const struct spec *sp)
{
	const char *digits = sp->flags & F_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[72], prefix[4];
	int n = 0, np = 0, zeros, spaces;

	for (u64 x = v; x; x /= base)
		tmp[n++] = digits[x % base];
	if (neg)
		prefix[np++] = '-';
	else if (sp->flags & F_PLUS)
		prefix[np++] = '+';
	else if (sp->flags & F_SPACE)
		prefix[np++] = ' ';
	if (sp->flags & F_ALT && base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = sp->flags & F_UPPER ? 'X' : 'x';
	}
	zeros = sp->prec >= 0 ? sp->prec - n : (n ? 0 : 1);
	if (sp->flags & F_ALT && base == 8 && zeros <= 0)
		zeros = 1;
	if (zeros < 0)
		zeros = 0;
	if (sp->prec < 0 && (sp->flags & (F_ZERO | F_LEFT)) == F_ZERO && sp->width > np + n + zeros)
		zeros = sp->width - np - n;
	spaces = sp->width - np - n - zeros;
	if (!(sp->flags & F_LEFT))
		pad(o, ' ', spaces);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (sp->flags & F_LEFT)
		pad(o, ' ', spaces);
}

static const char *parse_number(const char *f, int *out)
{
	int n = 0;

	for (; *f >= '0' && *f <= '9'; f++)
		if (n < 100000)
			n = n * 10 + (*f - '0');
	*out = n;
	return f;
}

static const char *parse_flags(const char *f, u32 *flags)
{
	for (;; f++) {
		switch (*f) {
		case '-': *flags |= F_LEFT; break;
		case '+': *flags |= F_PLUS; break;
		case ' ': *flags |= F_SPACE; break;
		case '#': *flags |= F_ALT; break;
		case '0': *flags |= F_ZERO; break;
		default: return f;
		}
	}
}

static const char *parse_size(const char *f, int *size)
{
	*size = 4;
	switch (*f) {
	case 'l':
		*size = 8;
		return f[1] == 'l' ? f + 2 : f + 1;
	case 'h':
		*size = f[1] == 'h' ? 1 : 2;
		return f[1] == 'h' ? f + 2 : f + 1;
	case 'z': case 't': case 'j': case 'q':
		*size = 8;
		return f + 1;
	}
	return f;
}

static s64 sign_extend(u64 v, int size)
{
	switch (size) {
	case 1: return (s8)v;
	case 2: return (s16)v;
	case 4: return (s32)v;
	}
	return (s64)v;
}

static u64 zero_extend(u64 v, int size)
{
	return size == 8 ? v : v & ((1ULL << (size * 8)) - 1);
}

int vsnprintf(char *buf, size_t n, const char *f, __builtin_va_list ap)
{
	struct out o = { buf, n ? n - 1 : 0, 0 };

	for (; *f; f++) {
		struct spec sp = { 0, 0, -1, 4 };
		u64 v;
		s64 sv;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_flags(f + 1, &sp.flags);
		if (*f == '*') {
			sp.width = __builtin_va_arg(ap, int);
			if (sp.width < 0) {
				sp.flags |= F_LEFT;
				sp.width = sp.width == -INT_MAX - 1 ? 0 : -sp.width;
			}
			f++;
		} else {
			f = parse_number(f, &sp.width);
		}
		if (*f == '.' && f[1] == '*') {
			sp.prec = __builtin_va_arg(ap, int);
			f += 2;
		} else if (*f == '.') {
			f = parse_number(f + 1, &sp.prec);
		}
		f = parse_size(f, &sp.size);
		switch (*f) {
		case 'd': case 'i':
			v = sp.size == 8 ? __builtin_va_arg(ap, u64) : (u64)__builtin_va_arg(ap, u32);
			sv = sign_extend(v, sp.size);
			put_number(&o, sv < 0 ? 0 - (u64)sv : (u64)sv, sv < 0, 10, &sp);
			break;
		case 'u': case 'x': case 'X': case 'o':
			v = sp.size == 8 ? __builtin_va_arg(ap, u64) : (u64)__builtin_va_arg(ap, u32);
			sp.flags &= ~(u32)(F_PLUS | F_SPACE);
			if (*f == 'X')
				sp.flags |= F_UPPER;
			put_number(&o, zero_extend(v, sp.size), false, *f == 'u' ? 10 : *f == 'o' ? 8 : 16, &sp);
			break;
		case 'p':
			v = (u64)__builtin_va_arg(ap, void *);
			sp.flags |= F_ALT;
			put_number(&o, v, false, 16, &sp);
			break;
		case 'c': {
			char c[2] = { (char)__builtin_va_arg(ap, int), 0 };

			if (c[0] || sp.width > 1) {
				sp.prec = 1;
				put_string(&o, c, &sp);
			} else {
				put(&o, 0);
			}
			break;
		}
		case 's':
			put_string(&o, __builtin_va_arg(ap, const char *), &sp);
			break;
		case '%':
			put(&o, '%');
			break;
		case 0: /* lone % at the end */
			f--;
			break;
		default:
			put(&o, '%');
			put(&o, *f);
		}
	}
	if (n)
		buf[o.len < o.size ? o.len : o.size] = 0;
	return (int)(o.len > INT_MAX ? INT_MAX : o.len);
}

int snprintf(char *buf, size_t n, const char *fmt, ...)
{
	__builtin_va_list ap;
	int r;

	__builtin_va_start(ap, fmt);
	r = vsnprintf(buf, n, fmt, ap);
	__builtin_va_end(ap);
	return r;
}

int scnprintf(char *buf, size_t n, const char *fmt, ...)
{
	__builtin_va_list ap;
	int r;

	__builtin_va_start(ap, fmt);
	r = vsnprintf(buf, n, fmt, ap);
	__builtin_va_end(ap);
	if (!n)
		return 0;
	return (size_t)r >= n ? (int)n - 1 : r;
}
