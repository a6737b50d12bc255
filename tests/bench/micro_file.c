/* Rows on files: null and zero, pread and pwrite on tmpfs and on a file, names. */
#define _GNU_SOURCE
#include "micro.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES (4l << 20)

static int fd = -1;
static char path[4096];
static char *buf;

/* A file of FILE_BYTES in the row's directory, its name in path; removed again but for names. */
static void make_file(const char *where, int keep)
{
	snprintf(path, sizeof(path), "%s/bench.%d", bench_dir(where), (int)getpid());
	CHECK(fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
	buf = malloc(1 << 20);
	memset(buf, 'u', 1 << 20);
	for (long done = 0; done < FILE_BYTES; done += 1 << 20)
		if (write(fd, buf, 1 << 20) != 1 << 20)
			row_fail("write");
	if (!keep)
		unlink(path);
}

static void setup_data(const struct row *r)
{
	make_file(r->where, 0);
}

/* Reads come from a file that was there before: the prepared blob, or a tmpfs file. */
static void setup_read(const struct row *r)
{
	if (!strcmp(r->where, "tmpfs")) {
		make_file(r->where, 0);
		return;
	}
	snprintf(path, sizeof(path), "%s/blob", bench_dir("scratch"));
	CHECK(fd = open(path, O_RDONLY));
	buf = malloc(1 << 20);
	for (long at = 0; at < FILE_BYTES; at += 1 << 20)
		if (pread(fd, buf, 1 << 20, at) != 1 << 20)
			row_fail("pread");
}

static uint64_t run_pread(const struct row *r, long n)
{
	long at = 0;
	uint64_t t = now_ns();

	while (n-- > 0) {
		if (pread(fd, buf, r->arg, at) != r->arg)
			row_fail("pread");
		at = (at + r->arg) & (FILE_BYTES - 1);
	}
	return now_ns() - t;
}

static uint64_t run_pwrite(const struct row *r, long n)
{
	long at = 0;
	uint64_t t = now_ns();

	while (n-- > 0) {
		if (pwrite(fd, buf, r->arg, at) != r->arg)
			row_fail("pwrite");
		at = (at + r->arg) & (FILE_BYTES - 1);
	}
	return now_ns() - t;
}

static void setup_device(const struct row *r)
{
	CHECK(fd = open(r->where, O_RDWR));
	buf = malloc(1);
}

static uint64_t run_read(const struct row *r, long n)
{
	uint64_t t = now_ns();

	while (n-- > 0)
		if (read(fd, buf, r->arg) != r->arg)
			row_fail("read");
	return now_ns() - t;
}

static uint64_t run_write(const struct row *r, long n)
{
	uint64_t t = now_ns();

	while (n-- > 0)
		if (write(fd, buf, r->arg) != r->arg)
			row_fail("write");
	return now_ns() - t;
}

static void setup_path(const struct row *r)
{
	if (!strcmp(r->where, "tmpfs"))
		make_file(r->where, 1);
	else
		snprintf(path, sizeof(path), "/etc/passwd");
}

static uint64_t run_stat(const struct row *r, long n)
{
	struct stat st;
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		CHECK(stat(path, &st));
	return now_ns() - t;
}

static uint64_t run_open_close(const struct row *r, long n)
{
	uint64_t t = now_ns();
	int f;

	(void)r;
	while (n-- > 0) {
		CHECK(f = open(path, O_RDONLY));
		close(f);
	}
	return now_ns() - t;
}

static uint64_t run_fstat(const struct row *r, long n)
{
	struct stat st;
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		CHECK(fstat(fd, &st));
	return now_ns() - t;
}

static uint64_t run_lseek(const struct row *r, long n)
{
	uint64_t t = now_ns();

	(void)r;
	for (long i = 0; i < n; i++)
		CHECK(lseek(fd, i & 4095, SEEK_SET));
	return now_ns() - t;
}

/* create, write one byte, close, unlink: the life of a small temporary file */
static uint64_t run_create(const struct row *r, long n)
{
	uint64_t t;
	int f;

	snprintf(path, sizeof(path), "%s/life.%d", bench_dir(r->where), (int)getpid());
	t = now_ns();
	while (n-- > 0) {
		CHECK(f = open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
		CHECK(write(f, "x", 1));
		close(f);
		CHECK(unlink(path));
	}
	return now_ns() - t;
}

const struct row file_rows[] = {
	{ "read.zero", setup_device, run_read, 1, "/dev/zero" },
	{ "write.null", setup_device, run_write, 1, "/dev/null" },
	{ "pread.tmpfs.4k", setup_read, run_pread, 4096, "tmpfs" },
	{ "pread.tmpfs.64k", setup_read, run_pread, 65536, "tmpfs" },
	{ "pread.tmpfs.1m", setup_read, run_pread, 1 << 20, "tmpfs" },
	{ "pwrite.tmpfs.4k", setup_data, run_pwrite, 4096, "tmpfs" },
	{ "pwrite.tmpfs.64k", setup_data, run_pwrite, 65536, "tmpfs" },
	{ "pwrite.tmpfs.1m", setup_data, run_pwrite, 1 << 20, "tmpfs" },
	{ "pread.file.4k", setup_read, run_pread, 4096, "file" },
	{ "pread.file.64k", setup_read, run_pread, 65536, "file" },
	{ "pread.file.1m", setup_read, run_pread, 1 << 20, "file" },
	{ "pwrite.file.4k", setup_data, run_pwrite, 4096, "file" },
	{ "pwrite.file.64k", setup_data, run_pwrite, 65536, "file" },
	{ "pwrite.file.1m", setup_data, run_pwrite, 1 << 20, "file" },
	{ "stat", setup_path, run_stat, 0, "file" },
	{ "stat.tmpfs", setup_path, run_stat, 0, "tmpfs" },
	{ "open_close", setup_path, run_open_close, 0, "file" },
	{ "open_close.tmpfs", setup_path, run_open_close, 0, "tmpfs" },
	{ "fstat", setup_data, run_fstat, 0, "tmpfs" },
	{ "lseek", setup_data, run_lseek, 0, "tmpfs" },
	{ "create_unlink", NULL, run_create, 0, "tmpfs" },
	{ NULL, NULL, NULL, 0, NULL },
};
