/* Path walk, names that come and go. All names are in the dcache: nothing here asks a file system. */
#include "bench.h"
#include <abi/errno.h>
#include <abi/fcntl.h>

static uaddr_t st, deep1, deep4, deep8, missing, link, file, made, made2, proc_stat, buf;

static bool path_setup(void)
{
	static const char *const dirs[] = { "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/c/d/e", "/a/b/c/d/e/f", "/a/b/c/d/e/f/g" };

	for (u32 i = 0; i < ARRAY_SIZE(dirs); i++)
		if (call(mkdir, bench_str(dirs[i]), 0755))
			return false;
	st = bench_mem(512);
	deep1 = bench_str("/f");
	deep4 = bench_str("/a/b/c/f");
	deep8 = bench_str("/a/b/c/d/e/f/g/f");
	missing = bench_str("/a/b/c/missing");
	link = bench_str("/link");
	file = bench_str("/a/b/c/f");
	made = bench_str("/a/b/c/made");
	made2 = bench_str("/a/b/c/made2");
	return !call(mknod, deep1, 0100644, 0) && !call(mknod, deep4, 0100644, 0) && !call(mknod, deep8, 0100644, 0) &&
	       !call(symlink, bench_str("a/b/c/f"), link);
}

static bool stat1(void) { return call(stat, deep1, st) == 0; }
static bool stat4(void) { return call(stat, deep4, st) == 0; }
static bool stat8(void) { return call(stat, deep8, st) == 0; }
static bool stat_missing(void) { return call(stat, missing, st) == -ENOENT; }
static bool stat_link(void) { return call(stat, link, st) == 0; }
static bool access(void) { return call(access, file, 4) == 0; }

static bool open_close(void)
{
	long fd = call(open, file, O_RDONLY, 0);

	return fd >= 0 && call(close, fd) == 0;
}

static bool create_unlink(void)
{
	long fd = call(open, made, O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd >= 0 && call(close, fd) == 0 && call(unlink, made) == 0;
}

static bool mkdir_rmdir(void)
{
	return call(mkdir, made, 0700) == 0 && call(rmdir, made) == 0;
}

static bool rename_setup(void)
{
	return call(mknod, made2, 0100600, 0) == 0;
}
static bool rename_back(void)
{
	return call(rename, made2, made) == 0 && call(rename, made, made2) == 0;
}

static bool proc_setup(void)
{
	uaddr_t dir = bench_str("/proc");

	buf = bench_mem(4096);
	proc_stat = bench_str("/proc/self/stat");
	return !call(mkdir, dir, 0555) && !call(mount, bench_str("proc"), dir, bench_str("proc"), 0, 0);
}
static bool proc_read(void)
{
	long fd = call(open, proc_stat, O_RDONLY, 0);

	return fd >= 0 && call(read, fd, buf, 4096) > 50 && call(close, fd) == 0;
}

const struct bench_row rows_path[] = {
	{ "stat, 1 component", path_setup, stat1 },
	{ "stat, 4 components", NULL, stat4 },
	{ "stat, 8 components", NULL, stat8 },
	{ "stat of a missing name, 4 components", NULL, stat_missing },
	{ "stat by a symbolic link, 1 + 4", NULL, stat_link },
	{ "access, 4 components", NULL, access },
	{ "open, close, 4 components", NULL, open_close },
	{ "create, close, unlink", NULL, create_unlink },
	{ "mkdir, rmdir", NULL, mkdir_rmdir },
	{ "rename there and back", rename_setup, rename_back },
	{ "/proc/self/stat: open, read, close", proc_setup, proc_read },
	{ NULL, NULL, NULL },
};
