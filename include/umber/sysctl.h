/*
 * /proc/sys: tables of settings that subsystems register (sysctl(8), proc_sys(5)).
 *
 * A setting is a number, a row of numbers, a string or a pair of functions. Numbers are written as decimal (0x and 0
 * prefixes too), separated by blanks; a write that is malformed or out of [min, max] changes nothing and gives
 * -EINVAL. Tables and what they point to stay valid for ever. Context of get and set: task, klock; may sleep.
 */
#ifndef UMBER_SYSCTL_H
#define UMBER_SYSCTL_H
#include <umber/types.h>

struct seq_file;
struct ctl;
enum ctl_type {
	CTL_S32, CTL_U32, CTL_S64, CTL_U64, /* `data`: array of max_t(nr, 1) of them */
	CTL_TEXT,                           /* data: char[], size bytes with the NUL; one line */
	CTL_CONST,                          /* data: constant text, shown with a newline; not writable */
	CTL_FN,                             /* get and set */
};
struct ctl {
	const char *path;                   /* below /proc/sys: "kernel/pid_max"; directories are made */
	u32 mode;                           /* 0444, 0644...; 0: 0444 */
	enum ctl_type type;
	void *data;
	u32 nr, size;
	bool limited;                       /* min and max count */
	s64 min, max;
	void (*get)(struct seq_file *m, const struct ctl *c);   /* writes the whole text with its newline */
	/* text: what was written, without trailing newline, NUL-terminated. 0 or negative errno. For numbers: NULL, or
	 * called after data was stored (text is the old contents then no more): to pass the new value on. */
	int (*set)(const struct ctl *c, const char *text);
};
/* Adds n settings; a path that exists already is left alone. From INIT_CORE on. 0 or -ENOMEM. */
int sysctl_register(const struct ctl *tab, size_t n);
#endif
