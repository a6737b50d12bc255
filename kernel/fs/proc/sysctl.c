/* /proc/sys: how settings of any subsystem (umber/sysctl.h) become files. */
#include "proc.h"
#include <umber/sysctl.h>

#define VALUES_MAX 8
#define NUMBER_MAX 24

static bool is_signed(const struct ctl *c)
{
	return c->type == CTL_S32 || c->type == CTL_S64;
}

static u64 load(const struct ctl *c, u32 i)
{
	switch (c->type) {
	case CTL_S32: return (u64)(s64)((const s32 *)c->data)[i];
	case CTL_U32: return ((const u32 *)c->data)[i];
	case CTL_S64: return (u64)((const s64 *)c->data)[i];
	default: return ((const u64 *)c->data)[i];
	}
}

static void store(const struct ctl *c, u32 i, u64 v)
{
	if (c->type == CTL_S32 || c->type == CTL_U32)
		((u32 *)c->data)[i] = (u32)v;
	else
		((u64 *)c->data)[i] = v;
}

static u32 values(const struct ctl *c)
{
	return c->nr ? c->nr : 1;
}

static int ctl_show(struct seq_file *m, void *arg)
{
	const struct ctl *c = arg;

	switch (c->type) {
	case CTL_FN:
		if (!c->get)
			return -EIO;
		c->get(m, c);
		return 0;
	case CTL_TEXT:
	case CTL_CONST:
		seq_printf(m, "%s\n", (const char *)c->data);
		return 0;
	default:
		for (u32 i = 0; i < values(c); i++)
			seq_printf(m, is_signed(c) ? "%s%ld" : "%s%lu", i ? "\t" : "", load(c, i));
		seq_putc(m, '\n');
		return 0;
	}
}

static bool blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n';
}

/* The next number of *s as c's type holds it. 1: got it, 0: there is none, or -EINVAL. */
static int next_number(const struct ctl *c, const char **s, u64 *v)
{
	char word[NUMBER_MAX];
	const char *p = *s;
	size_t n = 0;
	s64 sv;
	int err;

	while (blank(*p))
		p++;
	if (!*p)
		return 0;
	while (*p && !blank(*p)) {
		if (n == sizeof(word) - 1)
			return -EINVAL;
		word[n++] = *p++;
	}
	word[n] = 0;
	*s = p;
	if (is_signed(c)) {
		err = kstrtos64(word, 0, &sv);
		*v = (u64)sv;
		if (!err && c->type == CTL_S32 && sv != (s32)sv)
			err = -EINVAL;
		if (!err && c->limited && (sv < c->min || sv > c->max))
			err = -EINVAL;
	} else {
		err = kstrtou64(word, 0, v);
		if (!err && c->type == CTL_U32 && *v > U32_MAX)
			err = -EINVAL;
		if (!err && c->limited && (*v < (u64)c->min || *v > (u64)c->max))
			err = -EINVAL;
	}
	return err ? -EINVAL : 1;
}

/* All values are looked at before the first is stored; a row may be written in part. */
static int set_numbers(const struct ctl *c, const char *text)
{
	u64 v[VALUES_MAX];
	u32 n = 0;
	int r = 0;

	while (n < values(c) && n < VALUES_MAX && (r = next_number(c, &text, &v[n])) > 0)
		n++;
	if (r < 0)
		return r;
	while (blank(*text))
		text++;
	if (!n || *text)
		return -EINVAL;
	for (u32 i = 0; i < n; i++)
		store(c, i, v[i]);
	return c->set ? c->set(c, text) : 0;
}

static ssize_t ctl_write(const char *buf, size_t n, void *arg)
{
	const struct ctl *c = arg;
	char *text;
	size_t len;
	int err = -EACCES;

	if (!n)
		return 0;
	text = kstrndup(buf, n);
	if (!text)
		return -ENOMEM;
	len = strlen(text);
	while (len && text[len - 1] == '\n')
		text[--len] = 0;
	switch (c->type) {
	case CTL_CONST:
		break;
	case CTL_FN:
		if (c->set)
			err = c->set(c, text);
		break;
	case CTL_TEXT:
		if (!(c->mode & 0222))
			break;
		if (strchr(text, '\n'))
			*strchr(text, '\n') = 0;
		strlcpy(c->data, text, c->size);
		err = c->set ? c->set(c, text) : 0;
		break;
	default:
		if (c->mode & 0222)
			err = set_numbers(c, text);
	}
	kfree(text);
	return err ? err : (ssize_t)n;
}

static int add(const struct ctl *c)
{
	const char *name = strrchr(c->path, '/');
	u32 mode = c->mode ? c->mode : 0444;
	struct pseudo_dir *dir;
	char path[128];

	if (strlen(c->path) > sizeof(path) - 8)
		return -EINVAL;
	scnprintf(path, sizeof(path), "sys/%.*s", name ? (int)(name - c->path) : 0, c->path);
	dir = proc_dir(path);
	if (!dir)
		return -ENOMEM;
	name = name ? name + 1 : c->path;
	if (pseudo_find(dir, name))
		return 0;
	return pseudo_mkfile(dir, name, mode, c->type == CTL_FN && !c->get ? NULL : ctl_show, ctl_write,
			     (void *)(uintptr_t)c) ? 0 : -ENOMEM;
}

int sysctl_register(const struct ctl *tab, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = add(&tab[i]);
	return err;
}
