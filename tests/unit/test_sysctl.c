/* /proc/sys: how numbers are read, checked and stored; nothing changes when a write is refused. */
#define UMBER_HOSTED 1
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define PROC_H /* the private header is not needed: what sysctl.c uses of it follows */
#include <umber/types.h>
#include <umber/vfs.h>
struct pseudo_dir;
typedef int (*pseudo_show_fn)(struct seq_file *m, void *arg);
typedef ssize_t (*pseudo_write_fn)(const char *buf, size_t n, void *arg);
static struct pseudo_dir *proc_dir(const char *path) { (void)path; return (void *)16; }
static struct pseudo_dir *pseudo_find(struct pseudo_dir *d, const char *n) { (void)d; (void)n; return NULL; }
static pseudo_show_fn last_show;
static pseudo_write_fn last_write;
static void *last_arg;
static struct pseudo_dir *pseudo_mkfile(struct pseudo_dir *d, const char *n, u32 mode, pseudo_show_fn show,
					pseudo_write_fn write, void *arg)
{
	(void)n;
	(void)mode;
	last_show = show;
	last_write = write;
	last_arg = arg;
	return d;
}
static char *kstrndup(const char *s, size_t n) { return strndup(s, n); }
static void kfree(const void *p) { free((void *)p); }
static int scnprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int r = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	return r;
}
size_t strlcpy(char *d, const char *s, size_t n)
{
	snprintf(d, n, "%s", s);
	return strlen(s);
}
static char shown[256];
void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	size_t n = strlen(shown);
	va_list ap;
	(void)m;
	va_start(ap, fmt);
	vsnprintf(shown + n, sizeof(shown) - n, fmt, ap);
	va_end(ap);
}
void seq_putc(struct seq_file *m, char c) { seq_printf(m, "%c", c); }
#include "../../kernel/lib/parse.c"
#include "../../kernel/fs/proc/sysctl.c"

static int nr, bad;
static void ok(int cond, const char *what)
{
	printf("%sok %d - %s\n", cond ? "" : "not ", ++nr, what);
	bad += !cond;
}
static long w(const char *s) { return last_write(s, strlen(s), last_arg); }
static int shows(const char *s)
{
	struct seq_file m = { 0 };
	shown[0] = 0;
	last_show(&m, last_arg);
	return !strcmp(shown, s);
}
static int hook_calls;
static int hook(const struct ctl *c, const char *text) { (void)c; (void)text; hook_calls++; return 0; }

int main(void)
{
	s32 one = 7, row[3] = { 1, 2, 3 };
	u32 u = 1;
	u64 big = 0;
	char text[5] = "ab";
	struct ctl c1 = { .path = "a/one", .mode = 0644, .type = CTL_S32, .data = &one, .limited = true, .min = -5, .max = 10,
			  .set = hook };
	struct ctl c3 = { .path = "a/row", .mode = 0644, .type = CTL_S32, .data = row, .nr = 3 };
	struct ctl cu = { .path = "a/u", .mode = 0644, .type = CTL_U32, .data = &u };
	struct ctl cb = { .path = "a/b", .mode = 0644, .type = CTL_U64, .data = &big, .limited = true, .max = S64_MAX };
	struct ctl ct = { .path = "a/t", .mode = 0644, .type = CTL_TEXT, .data = text, .size = 5 };
	struct ctl cc = { .path = "c", .type = CTL_CONST, .data = "x" };
	struct ctl cr = { .path = "a/ro", .mode = 0444, .type = CTL_S32, .data = &one };

	sysctl_register(&c1, 1);
	ok(shows("7\n"), "a number is shown");
	ok(w(" 10\n") == 4 && one == 10 && hook_calls == 1, "blanks are skipped, the hook is called");
	ok(w("11") == -EINVAL && one == 10 && w("-6") == -EINVAL && w("-5") == 2 && one == -5, "limits");
	ok(w("abc") == -EINVAL && w("1x") == -EINVAL && w("\n") == -EINVAL && one == -5, "junk");
	ok(w("99999999999999999999999999") == -EINVAL && w("4294967297") == -EINVAL && one == -5, "overflow");
	ok(w("1 2") == -EINVAL && one == -5, "too many values");
	ok(w("") == 0 && one == -5, "an empty write");
	ok(w("0x5") == 3 && one == 5, "hexadecimal");
	sysctl_register(&c3, 1);
	ok(shows("1\t2\t3\n"), "a row is shown");
	ok(w("4 5\n") == 4 && row[0] == 4 && row[1] == 5 && row[2] == 3, "a row is written in part");
	ok(w("6 7 x") == -EINVAL && row[0] == 4, "a bad value spoils all");
	ok(w("1 2 3 4") == -EINVAL && row[0] == 4, "a row has an end");
	sysctl_register(&cu, 1);
	ok(w("4294967295") > 0 && u == 4294967295u && w("4294967296") == -EINVAL && w("-1") == -EINVAL, "u32");
	sysctl_register(&cb, 1);
	ok(w("9223372036854775807") > 0 && big == S64_MAX && w("9223372036854775808") == -EINVAL, "u64");
	sysctl_register(&ct, 1);
	ok(w("abcdefgh\n") == 9 && !strcmp(text, "abcd"), "text is cut");
	ok(w("x\ny") == 3 && !strcmp(text, "x"), "text is one line");
	sysctl_register(&cc, 1);
	ok(shows("x\n") && w("y") == -EACCES, "a constant");
	sysctl_register(&cr, 1);
	ok(w("1") == -EACCES && one == 5, "read-only");
	printf("1..%d\n", nr);
	return bad != 0;
}
