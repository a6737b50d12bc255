/* Record locks: ranges split, shrink and merge; conflicts; deadlock search. Against a byte-by-byte model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>

/* <fcntl.h> has a struct flock64 of its own. */
enum { F_GETLK = 5, F_SETLK, F_SETLKW, F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW, F_GETLEASE = 1025 };
enum { F_RDLCK, F_WRLCK, F_UNLCK, LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
#include "../../kernel/vfs/locks.c"

void *kmalloc(size_t n) { return malloc(n); }
void kfree(const void *p) { free((void *)p); }
void file_put(struct file *f) { (void)f; }
struct file *fd_get(int fd) { (void)fd; return NULL; }
struct file *fd_get_raw(int fd) { (void)fd; return NULL; }
int copy_from_user(void *d, uaddr_t s, size_t n) { memcpy(d, (void *)s, n); return 0; }
int copy_to_user(uaddr_t d, const void *s, size_t n) { memcpy((void *)d, s, n); return 0; }
void seq_printf(struct seq_file *m, const char *fmt, ...) { (void)m; (void)fmt; }
void seq_puts(struct seq_file *m, const char *s) { (void)m; (void)s; }
void wq_wake_key(struct wait_queue *q, int nr, u32 key) { (void)q; (void)nr; (void)key; }
void wait_prepare_(struct wait_queue *q, struct waiter *w, unsigned flags) { (void)q; (void)w; (void)flags; }
int wait_sleep_(struct waiter *w, unsigned f, u64 d) { (void)w; (void)f; (void)d; return -EINTR; }

#define SPAN 24
static int n_test, n_fail;
static void ok(bool good, const char *what)
{
	n_fail += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++n_test, what);
}

static struct inode ino;
static char owners[3];
static int model[3][SPAN + 1]; /* last cell: everything from SPAN on */

static bool model_conflict(int o, int type, int s, int e)
{
	for (int k = 0; k < 3; k++)
		for (int i = s; k != o && i <= e; i++)
			if (model[k][i] && (model[k][i] == F_WRLCK + 1 || type == F_WRLCK))
				return true;
	return false;
}

static bool same_as_model(void)
{
	int seen[3][SPAN + 1] = { { 0 } };
	struct file_lock *l, *prev = NULL;

	list_for_each_entry(l, &ino.flocks, node) {
		int o = (const char *)l->owner - owners;

		if (prev && prev->start > l->start)
			return false;
		prev = l;
		for (s64 i = l->start; i <= (l->end == S64_MAX ? SPAN : l->end); i++) {
			if (seen[o][i])
				return false;
			seen[o][i] = l->type + 1;
		}
	}
	return !memcmp(seen, model, sizeof(seen));
}

static bool merged(void)
{
	struct file_lock *a, *b;

	list_for_each_entry(a, &ino.flocks, node)
		list_for_each_entry(b, &ino.flocks, node)
			if (a != b && a->owner == b->owner && a->type == b->type && a->end != S64_MAX &&
			    a->end + 1 == b->start)
				return false;
	return true;
}

int main(void)
{
	bool good = true, good_merge = true, good_conflict = true;

	list_init(&ino.flocks);
	srand(1);
	for (int round = 0; round < 200000; round++) {
		int o = rand() % 3, type = rand() % 3, s = rand() % SPAN, e = s + rand() % (SPAN - s + 1);
		struct file_lock w = { .inode = &ino, .owner = &owners[o], .kind = LK_POSIX, .type = type,
				       .start = s, .end = e == SPAN ? S64_MAX : e };
		bool blocked_ = type != F_UNLCK && model_conflict(o, type, s, e);
		int r = set_lock(&w, false);

		good_conflict &= (r == -EAGAIN) == blocked_ && (r == 0 || r == -EAGAIN);
		if (!r)
			for (int i = s; i <= e; i++)
				model[o][i] = type == F_UNLCK ? 0 : type + 1;
		good &= same_as_model();
		good_merge &= merged();
	}
	ok(good, "ranges are those of the model");
	ok(good_merge, "neighbours of one type are one lock");
	ok(good_conflict, "conflicts are those of the model");
	for (int o = 0; o < 3; o++)
		remove_owned(&ino, &owners[o], 1u << LK_POSIX);
	ok(list_empty(&ino.flocks) && list_empty(&all_locks), "removal leaves nothing");

	struct file_lock a = { .inode = &ino, .owner = &owners[0], .kind = LK_POSIX, .type = F_WRLCK, .start = 0, .end = 0 };
	struct file_lock b = a, want_b, want_a;
	b.owner = &owners[1];
	b.start = b.end = 1;
	set_lock(&a, false);
	set_lock(&b, false);
	want_a = a;
	want_a.start = want_a.end = 1; /* 0 waits for 1 */
	want_b = b;
	want_b.start = want_b.end = 0; /* 1 wants what 0 has */
	struct blocked_lock bl = { .want = &want_a };
	ok(!would_deadlock(&want_b), "no deadlock while 0 does not wait");
	list_add_tail(&bl.node, &blocked);
	ok(would_deadlock(&want_b), "a circle of two is found");
	list_del(&bl.node);
	printf("1..%d\n", n_test);
	return n_fail != 0;
}
