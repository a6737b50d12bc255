/*
 * Where the kernel process sees mailboxes, and those of the dead that are used again. Slot 0 of each mm, all that most
 * have, is mapped in one dense pool: cells share page tables, and dead ones are unmapped many at a time, for each munmap
 * interrupts the CPUs of all vCPUs. The other slots of an mm with threads have a mapping of their own. All under klock.
 */
#include "stubs.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CELLS 4096
#define DEAD_MAX 16

static u8 *pool;
static u8 cell_state[CELLS];
enum { CELL_FREE, CELL_USED, CELL_DEAD };
static u32 next_cell, nr_dead;

static int pool_make(void)
{
	void *p = mmap(NULL, (size_t)CELLS * MBOX_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	pool = p;
	return 0;
}

void mbox_bury(void)
{
	for (u32 i = 0; i < CELLS && nr_dead; i++) {
		u32 n = 0;

		while (i + n < CELLS && cell_state[i + n] == CELL_DEAD)
			cell_state[i + n++] = CELL_FREE;
		if (!n)
			continue;
		mmap(pool + (size_t)i * MBOX_SIZE, (size_t)n * MBOX_SIZE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
		nr_dead -= n;
		next_cell = min(next_cell, i); /* low ones first: they share page tables */
		i += n;
	}
}

static void *map(void *at, size_t n, int fd)
{
	void *p = mmap(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0), fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct mailbox *mbox_map(struct stub *s, u32 slot)
{
	if (slot) {
		if (!s->mb_rest)
			s->mb_rest = map(NULL, MBOX_MAP_BYTES, s->mbfd);
		return s->mb_rest ? (struct mailbox *)(s->mb_rest + (size_t)slot * MBOX_SIZE) : NULL;
	}
	if (s->mb0)
		return s->mb0;
	if (!pool && pool_make())
		return NULL;
	for (u32 tries = 0; tries < CELLS; tries++) {
		u32 i = next_cell;

		next_cell = (next_cell + 1) % CELLS;
		if (cell_state[i] != CELL_FREE)
			continue;
		s->mb0 = map(pool + (size_t)i * MBOX_SIZE, MBOX_SIZE, s->mbfd);
		if (s->mb0)
			cell_state[i] = CELL_USED;
		return s->mb0;
	}
	s->mb0 = map(NULL, MBOX_SIZE, s->mbfd);
	return s->mb0;
}

void mbox_unmap(struct stub *s)
{
	size_t off = (size_t)((u8 *)s->mb0 - pool);

	if (s->mb_rest)
		munmap(s->mb_rest, MBOX_MAP_BYTES);
	if (s->mb0 && pool && (u8 *)s->mb0 >= pool && off < (size_t)CELLS * MBOX_SIZE) {
		cell_state[off / MBOX_SIZE] = CELL_DEAD;
		if (++nr_dead >= DEAD_MAX)
			mbox_bury();
	} else if (s->mb0) {
		munmap(s->mb0, MBOX_SIZE);
	}
	s->mb0 = NULL;
	s->mb_rest = NULL;
}

/*
 * ---- used again ----
 * A new file costs its pages' first touches on both sides, and a mapping whose end interrupts other CPUs; clearing what a
 * dead process left costs next to nothing. Nobody but that process can have the file (I5): the child of an order alone
 * gets the fd, a stub can send none, and one that was ever told to clone is not taken. The watcher has seen its end.
 */
#define SPARES_MAX 8
#define CLEAR_MAX (12 * PAGE_SIZE) /* what is used as it should be; beyond that pages are given back */

static struct { int fd; u32 slots; struct mailbox *mb; } spares[SPARES_MAX];
static u32 nr_spares;

/* All bytes of the file read as zero. */
static bool clear(struct stub *s)
{
	off_t size = (off_t)s->slots_backed * MBOX_SIZE, at = 0, end;

	while ((at = lseek(s->mbfd, at, SEEK_DATA)) >= 0 && at < (off_t)CLEAR_MAX) {
		end = lseek(s->mbfd, at, SEEK_HOLE);
		if (end < 0)
			return false;
		end = min_t(off_t, end, (off_t)CLEAR_MAX);
		memset((u8 *)s->mb0 + at, 0, (size_t)(end - at));
		at = end;
	}
	if (at < 0)
		return errno == ENXIO;
	return !fallocate(s->mbfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, CLEAR_MAX, size - (off_t)CLEAR_MAX);
}

bool mbox_keep(struct stub *s)
{
	if (nr_spares == SPARES_MAX || !stub_left_nobody(s) || s->mb_rest || !s->mb0 || s->mbfd < 0 || !clear(s))
		return false;
	spares[nr_spares].fd = s->mbfd;
	spares[nr_spares].slots = s->slots_backed;
	spares[nr_spares++].mb = s->mb0;
	s->mbfd = -1;
	s->mb0 = NULL;
	return true;
}

bool mbox_reuse(struct stub *s)
{
	if (!nr_spares)
		return false;
	s->mbfd = spares[--nr_spares].fd;
	s->slots_backed = spares[nr_spares].slots;
	s->mb0 = spares[nr_spares].mb;
	return true;
}
