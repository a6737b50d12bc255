/* Argument strings of execve(2) and `#!` scripts. */
#include "task_priv.h"

static int grow(struct exec_args *a, size_t room)
{
	if (a->cap - a->len >= room)
		return 0;
	size_t cap = max(a->cap * 2, a->len + room);
	if (cap < 4096)
		cap = 4096;
	char *b = krealloc(a->buf, cap);
	if (!b)
		return -ENOMEM;
	a->buf = b;
	a->cap = cap;
	return 0;
}

/* Strings and the pointers to them (argv, envp, two NULLs, argc) together stay below the limit. */
static int within_limit(const struct exec_args *a, size_t more)
{
	return a->len + more + 8ULL * (a->argc + a->envc + 4) <= a->limit ? 0 : -E2BIG;
}

int exec_args_add(struct exec_args *a, const char *s)
{
	size_t n = strlen(s) + 1;
	int err = n > MAX_ARG_STRLEN ? -E2BIG : within_limit(a, n);
	if (!err)
		err = grow(a, n);
	if (err)
		return err;
	memcpy(a->buf + a->len, s, n);
	a->len += n;
	return 0;
}

/*
 * Argument strings lie side by side as a rule: one copy of a few KiB serves many of them. Takes the string from the
 * window if it is whole in there. Its length, or -EAGAIN.
 */
static ssize_t from_window(struct exec_args *a, uaddr_t s)
{
	char *nul;
	size_t off;

	if (!a->win)
		a->win = page_alloc(0);
	if (!a->win)
		return -EAGAIN;
	if (s < a->win_at || s >= a->win_at + a->win_n) {
		a->win_at = s;
		a->win_n = copy_from_user_partial(a->win, s, PAGE_SIZE);
	}
	off = s - a->win_at;
	nul = off < a->win_n ? memchr(a->win + off, 0, a->win_n - off) : NULL;
	if (!nul || grow(a, (size_t)(nul - (a->win + off)) + 1)) {
		a->win_n = 0; /* a string that crosses its end starts the next one */
		return -EAGAIN;
	}
	memcpy(a->buf + a->len, a->win + off, (size_t)(nul - (a->win + off)) + 1);
	return nul - (a->win + off);
}

/* Tries with the room that is there; a longer string makes the buffer grow and is read again, whole. */
int exec_args_add_user(struct exec_args *a, uaddr_t s)
{
	ssize_t whole = from_window(a, s);

	if (whole >= 0) {
		int bad = within_limit(a, (size_t)whole + 1);

		if (!bad)
			a->len += (size_t)whole + 1;
		return bad;
	}
	for (size_t room = 256;; room *= 8) {
		if (room > MAX_ARG_STRLEN)
			room = MAX_ARG_STRLEN;
		int err = grow(a, room);
		if (err)
			return err;
		ssize_t n = strncpy_from_user(a->buf + a->len, s, room);
		if (n >= 0) {
			err = within_limit(a, (size_t)n + 1);
			if (!err)
				a->len += (size_t)n + 1;
			return err;
		}
		if (n != -ENAMETOOLONG)
			return (int)n;
		if (room == MAX_ARG_STRLEN || within_limit(a, room))
			return -E2BIG;
	}
}

int exec_args_replace_arg0(struct exec_args *a, const char *const *strs, int n)
{
	size_t old = a->argc ? strlen(a->buf) + 1 : 0, add = 0;
	for (int i = 0; i < n; i++)
		add += strlen(strs[i]) + 1;
	int err = within_limit(a, add);
	if (!err)
		err = grow(a, add);
	if (err)
		return err;
	memmove(a->buf + add, a->buf + old, a->len - old);
	char *d = a->buf;
	for (int i = 0; i < n; i++) {
		size_t k = strlen(strs[i]) + 1;
		memcpy(d, strs[i], k);
		d += k;
	}
	a->len += add - old;
	a->env_off += add - old;
	a->argc += (u32)n - (old ? 1 : 0);
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * `#! interpreter [one argument]`, within the first 256 bytes (execve(2)). A name that is cut off there is
 * ENOEXEC; a cut argument is used as far as it goes.
 */
int binfmt_script(struct exec_params *p, const char *script, char **interp)
{
	char line[SCRIPT_LINE + 1];
	memcpy(line, p->head.bytes, SCRIPT_LINE);
	line[SCRIPT_LINE] = 0;
	if (line[0] != '#' || line[1] != '!')
		return -ENOEXEC;
	char *end = strchr(line, '\n');
	bool whole = end != NULL;
	if (!end)
		end = line + strnlen(line, SCRIPT_LINE);
	if (!whole && end < line + SCRIPT_LINE)
		whole = true; /* the file ends there */
	while (end > line + 2 && blank(end[-1]))
		end--;
	*end = 0;
	char *name = line + 2;
	while (blank(*name))
		name++;
	if (!*name)
		return -ENOEXEC;
	char *arg = name;
	while (*arg && !blank(*arg))
		arg++;
	if (!*arg && !whole)
		return -ENOEXEC;
	while (blank(*arg))
		*arg++ = 0;
	const char *strs[3];
	int n = 0;
	strs[n++] = name;
	if (*arg)
		strs[n++] = arg;
	strs[n++] = script;
	if (p->execfd_hidden)
		return -ENOENT;
	int err = exec_args_replace_arg0(&p->args, strs, n);
	if (err)
		return err;
	*interp = kstrdup(name);
	return *interp ? 0 : -ENOMEM;
}
