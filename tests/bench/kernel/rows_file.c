/* Regular files of tmpfs: data, offsets, attributes, directories. */
#include "bench.h"
#include <abi/fcntl.h>
#include <umber/printk.h>
#include <umber/string.h>

#define FILE_BYTES (1u << 20)
static uaddr_t buf, st;
static int fd, wfd, dirfd;

static bool file_setup(void)
{
	buf = bench_mem(65536);
	st = bench_mem(512);
	fd = (int)call(open, bench_str("/data"), O_RDWR | O_CREAT, 0600);
	wfd = (int)call(open, bench_str("/out"), O_RDWR | O_CREAT, 0600);
	memset((void *)buf, 'x', 65536);
	for (u32 off = 0; off < FILE_BYTES; off += 65536)
		if (call(pwrite64, fd, buf, 65536, off) != 65536 || call(pwrite64, wfd, buf, 65536, off) != 65536)
			return false;
	return fd >= 0 && wfd >= 0;
}

/* Reads and writes go round the file: one lseek in 2^20 / n calls. */
static bool read_n(u64 n)
{
	*(u8 *)buf = 0;
	if (call(read, fd, buf, n) != (long)n &&
	    (call(lseek, fd, 0, 0) || call(read, fd, buf, n) != (long)n))
		return false;
	return *(u8 *)buf == 'x';
}
static bool write_n(u64 n)
{
	static u64 at;

	*(u8 *)buf = 'x';
	if (at + n > FILE_BYTES) {
		at = 0;
		if (call(lseek, wfd, 0, 0))
			return false;
	}
	at += n;
	return call(write, wfd, buf, n) == (long)n;
}
static bool read1(void) { return read_n(1); }
static bool read4k(void) { return read_n(4096); }
static bool write1(void) { return write_n(1); }
static bool write4k(void) { return write_n(4096); }

static bool pread64k(void)
{
	return call(pread64, fd, buf, 65536, 65536) == 65536;
}

static uaddr_t iov;
static bool iov_setup(void)
{
	u64 *v = (u64 *)(iov = bench_mem(128));

	for (int i = 0; i < 8; i++) {
		v[2 * i] = buf + (u64)i * 512;
		v[2 * i + 1] = 512;
	}
	return true;
}
static bool preadv8(void)
{
	return call(preadv, fd, iov, 8, 4096, 0) == 4096;
}

static bool append_trunc(void)
{
	return call(pwrite64, wfd, buf, 4096, FILE_BYTES) == 4096 && call(ftruncate, wfd, FILE_BYTES) == 0;
}

static bool lseek(void)
{
	return call(lseek, fd, 12345, 0) == 12345;
}

static bool fstat(void)
{
	return call(fstat, fd, st) == 0 && ((u64 *)st)[6] == FILE_BYTES;
}

static bool dir_setup(void)
{
	char name[32];

	if (call(mkdir, bench_str("/names"), 0755))
		return false;
	for (int i = 0; i < 100; i++) {
		scnprintf(name, sizeof(name), "/names/file.%d", i);
		if (call(mknod, bench_str(name), 0100644, 0))
			return false;
	}
	dirfd = (int)call(open, bench_str("/names"), O_RDONLY | O_DIRECTORY, 0);
	return dirfd >= 0;
}
static bool getdents(void)
{
	return call(lseek, dirfd, 0, 0) == 0 && call(getdents64, dirfd, buf, 65536) == 102 * 32 - 16;
}

const struct bench_row rows_file[] = {
	{ "read 1 B", file_setup, read1 },
	{ "read 4 KiB", NULL, read4k },
	{ "write 1 B", NULL, write1 },
	{ "write 4 KiB", NULL, write4k },
	{ "pread 64 KiB", NULL, pread64k },
	{ "preadv 8 x 512 B", iov_setup, preadv8 },
	{ "write a new page, truncate it away", NULL, append_trunc },
	{ "lseek", NULL, lseek },
	{ "fstat", NULL, fstat },
	{ "getdents of 100 names", dir_setup, getdents },
	{ NULL, NULL, NULL },
};
