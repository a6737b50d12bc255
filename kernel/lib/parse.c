/* Numbers from text. */
#include <abi/errno.h>
#include <umber/string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

/* Reads digits at s. Returns the end, NULL if there is no digit; *overflow is set when the value does not fit. */
static const char *scan(const char *s, unsigned base, u64 *out, bool *overflow)
{
	const char *start;
	u64 v = 0;

	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x' && digit(s[2]) < 16) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	*overflow = false;
	for (start = s; (unsigned)digit(*s) < base; s++)
		if (__builtin_mul_overflow(v, (u64)base, &v) || __builtin_add_overflow(v, (u64)digit(*s), &v))
			*overflow = true;
	*out = v;
	return s == start ? NULL : s;
}

int kstrtou64(const char *s, unsigned base, u64 *out)
{
	bool overflow;
	u64 v;

	if (*s == '+')
		s++;
	s = scan(s, base, &v, &overflow);
	if (!s)
		return -EINVAL;
	if (*s == '\n') /* what `echo 1 > file` writes */
		s++;
	if (*s)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtos64(const char *s, unsigned base, s64 *out)
{
	bool neg = *s == '-';
	u64 v;
	int err;

	if (neg && s[1] == '+')
		return -EINVAL;
	err = kstrtou64(s + neg, base, &v);
	if (err)
		return err;
	if (v > (u64)S64_MAX + neg)
		return -ERANGE;
	*out = neg ? (s64)(0 - v) : (s64)v;
	return 0;
}

u64 memparse(const char *s, const char **end)
{
	static const char units[] = "KMGTPE";
	bool overflow;
	u64 v;
	const char *e = scan(s, 0, &v, &overflow);

	if (!e) {
		if (end)
			*end = s;
		return 0;
	}
	for (unsigned i = 0; *e && i < 6; i++) {
		if ((*e & ~32) != units[i])
			continue;
		e++;
		if (v > U64_MAX >> (10 * (i + 1)))
			overflow = true;
		v <<= 10 * (i + 1);
		break;
	}
	if (end)
		*end = e;
	return overflow ? U64_MAX : v;
}
