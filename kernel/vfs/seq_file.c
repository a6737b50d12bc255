/*
 * Text that is generated on demand (proc, sysfs). A seq_file is a growing buffer: writers append and need not check,
 * `overflow` says at the end that memory ran out. The owner frees buf. Bounded to 64 MiB.
 */
#include "internal.h"

#define SEQ_MAX (64UL << 20)

static bool seq_room(struct seq_file *m, size_t n)
{
	size_t want;
	char *p;

	if (m->overflow)
		return false;
	if (m->size - m->len > n)
		return true;
	want = max(m->size * 2, ALIGN_UP(m->len + n + 1, 1024UL));
	p = want <= SEQ_MAX ? krealloc(m->buf, want) : NULL;
	if (!p) {
		m->overflow = true;
		return false;
	}
	m->buf = p;
	m->size = want;
	return true;
}

void seq_write(struct seq_file *m, const void *p, size_t n)
{
	if (n > SEQ_MAX || !seq_room(m, n)) {
		m->overflow = true;
		return;
	}
	memcpy(m->buf + m->len, p, n);
	m->len += n;
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_putc(struct seq_file *m, char c)
{
	seq_write(m, &c, 1);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	__builtin_va_list ap;
	int n;

	if (!seq_room(m, 128))
		return;
	__builtin_va_start(ap, fmt);
	n = vsnprintf(m->buf + m->len, m->size - m->len, fmt, ap);
	__builtin_va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= m->size - m->len) {
		if (!seq_room(m, (size_t)n))
			return;
		__builtin_va_start(ap, fmt);
		n = vsnprintf(m->buf + m->len, m->size - m->len, fmt, ap);
		__builtin_va_end(ap);
	}
	m->len += (size_t)n;
}

/* s with space, tab, newline and backslash as \ooo, as in /proc/mounts. */
void seq_escape(struct seq_file *m, const char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\' || *s == '#')
			seq_printf(m, "\\%03o", (u8)*s);
		else
			seq_putc(m, *s);
	}
}

void seq_path(struct seq_file *m, const struct path *p)
{
	char *buf = kmalloc(PATH_MAX), *s;

	if (!buf) {
		m->overflow = true;
		return;
	}
	s = d_path(p, buf, PATH_MAX);
	seq_escape(m, IS_ERR(s) ? "(unknown)" : s);
	kfree(buf);
}
