/* Rows on memory: mappings, protection, first touch, copy on write, mapped files. */
#define _GNU_SOURCE
#include "micro.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096l
#define CHUNK_PAGES 2048l

static char *map_anon(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		row_fail("mmap");
	return p;
}

static uint64_t run_mmap(const struct row *r, long n)
{
	uint64_t t = now_ns();

	while (n-- > 0)
		munmap(map_anon(r->arg), r->arg);
	return now_ns() - t;
}

static uint64_t touch(char *p, long pages)
{
	uint64_t t = now_ns();

	for (long i = 0; i < pages; i++)
		((volatile char *)p)[i * PAGE] = 1;
	return now_ns() - t;
}

/* An operation is one 4 KiB page written for the first time; mmap and munmap are not counted. */
static uint64_t run_fault(const struct row *r, long n)
{
	uint64_t t = 0;

	(void)r;
	while (n > 0) {
		long pages = n < CHUNK_PAGES ? n : CHUNK_PAGES;
		char *p = map_anon(pages * PAGE);

		madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
		t += touch(p, pages);
		munmap(p, pages * PAGE);
		n -= pages;
	}
	return t;
}

/* The child writes pages that it shares with its parent, and tells how long that took. */
static uint64_t run_cow(const struct row *r, long n)
{
	static char *p;
	uint64_t t = 0, part = 0;
	int fds[2], status;
	pid_t pid;

	(void)r;
	if (!p) {
		p = map_anon(CHUNK_PAGES * PAGE);
		madvise(p, CHUNK_PAGES * PAGE, MADV_NOHUGEPAGE);
		touch(p, CHUNK_PAGES);
	}
	CHECK(pipe(fds));
	while (n > 0) {
		long pages = n < CHUNK_PAGES ? n : CHUNK_PAGES;

		CHECK(pid = fork());
		if (!pid) {
			part = touch(p, pages);
			if (write(fds[1], &part, sizeof(part)) != sizeof(part))
				_exit(1);
			_exit(0);
		}
		if (read(fds[0], &part, sizeof(part)) != sizeof(part))
			row_fail("read");
		CHECK(waitpid(pid, &status, 0));
		t += part;
		n -= pages;
	}
	close(fds[0]);
	close(fds[1]);
	return t;
}

static char *prot_area;

static void setup_mprotect(const struct row *r)
{
	prot_area = map_anon(r->arg);
	touch(prot_area, r->arg / PAGE);
}

static uint64_t run_mprotect(const struct row *r, long n)
{
	uint64_t t = now_ns();

	for (long i = 0; i < n; i++)
		CHECK(mprotect(prot_area, r->arg, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ));
	return now_ns() - t;
}

static int blob = -1;

static void setup_blob(const struct row *r)
{
	char path[4096];

	(void)r;
	snprintf(path, sizeof(path), "%s/blob", bench_dir("scratch"));
	CHECK(blob = open(path, O_RDONLY));
}

/* Map the prepared file, read a byte of each page, unmap: one operation is r->arg bytes. */
static uint64_t run_mmap_read(const struct row *r, long n)
{
	volatile char sink;
	uint64_t t = now_ns();

	while (n-- > 0) {
		char *p = mmap(NULL, r->arg, PROT_READ, MAP_SHARED, blob, 0);

		if (p == MAP_FAILED)
			row_fail("mmap");
		for (long i = 0; i < r->arg; i += PAGE)
			sink = p[i];
		munmap(p, r->arg);
	}
	(void)sink;
	return now_ns() - t;
}

const struct row mem_rows[] = {
	{ "mmap.64k", NULL, run_mmap, 65536, NULL },
	{ "fault", NULL, run_fault, 0, NULL },
	{ "cow", NULL, run_cow, 0, NULL },
	{ "mprotect", setup_mprotect, run_mprotect, 65536, NULL },
	{ "mmapread.16m", setup_blob, run_mmap_read, 16 << 20, NULL },
	{ NULL, NULL, NULL, 0, NULL },
};
