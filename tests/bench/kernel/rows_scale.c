/* The same things where there are many: what should not grow with their number. And System V, message queues, splice. */
#include "bench.h"
#include <abi/fcntl.h>
#include <umber/printk.h>
#include <umber/string.h>

#define NAMES 10000
static uaddr_t st, buf, big_name, big_new, lock;
static int big_dir, fd;

static uaddr_t numbered(const char *dir, int i)
{
	static uaddr_t name;

	if (!name)
		name = bench_mem(64);
	scnprintf((char *)name, 64, "%s/name.%d", dir, i);
	return name;
}

static bool names_setup(void)
{
	st = bench_mem(512);
	buf = bench_mem(65536);
	if (call(mkdir, bench_str("/big"), 0755))
		return false;
	for (int i = 0; i < NAMES; i++)
		if (call(mknod, numbered("/big", i), 0100644, 0))
			return false;
	big_name = bench_str("/big/name.7777");
	big_new = bench_str("/big/new");
	big_dir = (int)call(open, bench_str("/big"), O_RDONLY | O_DIRECTORY, 0);
	return big_dir >= 0;
}
static bool stat_big(void) { return call(stat, big_name, st) == 0; }
static bool create_big(void)
{
	return call(mknod, big_new, 0100644, 0) == 0 && call(unlink, big_new) == 0;
}
/* 1 KiB of names from the middle on. */
static bool getdents_big(void)
{
	static long middle;

	if (!middle) {
		for (int i = 0; i < NAMES / 2; i += 32)
			if (call(getdents64, big_dir, buf, 1024) <= 0)
				return false;
		middle = call(lseek, big_dir, 0, 1);
	}
	return call(lseek, big_dir, middle, 0) == middle && call(getdents64, big_dir, buf, 1024) > 900;
}

/* ---- 1,000 descriptors, locks, watches, mounts ---- */

static bool fds_setup(void)
{
	for (int i = 0; i < 1000; i++)
		if (call(dup, big_dir) < 0)
			return false;
	return true;
}
static bool dup_many(void)
{
	long n = call(dup, big_dir);

	return n > 1000 && call(close, n) == 0;
}

static bool set_lock(s16 type, s64 start)
{
	struct { s16 type, whence; s64 start, len; s32 pid; } l = { type, 0, start, 1, 0 };

	memcpy((void *)lock, &l, sizeof(l));
	return call(fcntl, fd, 6, lock) == 0;
}
static bool locks_setup(void)
{
	lock = bench_mem(64);
	fd = (int)call(open, bench_str("/locked"), O_RDWR | O_CREAT, 0600);
	for (s64 i = 0; i < 1000; i++)
		if (!set_lock(1, i * 3))
			return false;
	return true;
}
static bool lock_unlock(void)
{
	return set_lock(1, 3001) && set_lock(2, 3001);
}

static bool mounts_setup(void)
{
	uaddr_t type = bench_str("tmpfs");

	for (int i = 0; i < 500; i++) {
		if (call(mkdir, numbered("/mnt", i), 0755) && (call(mkdir, bench_str("/mnt"), 0755) ||
							       call(mkdir, numbered("/mnt", i), 0755)))
			return false;
		if (call(mount, type, numbered("/mnt", i), type, 0, 0))
			return false;
	}
	return true;
}
static bool stat_mount(void)
{
	static uaddr_t name;

	if (!name)
		name = bench_str("/mnt/name.300");
	return call(stat, name, st) == 0 && ((u64 *)st)[1] != 0;
}

/* ---- System V, POSIX queues, splice ---- */

static long semid, msqid, mqd;
static uaddr_t sops, msg;
static bool sysv_setup(void)
{
	s16 *s = (s16 *)(sops = bench_mem(12));

	msg = bench_mem(128);
	s[0] = 0, s[1] = 1, s[2] = 0;
	s[3] = 0, s[4] = -1, s[5] = 0;
	((u64 *)msg)[0] = 1;
	semid = call(semget, 0, 1, 0600);
	msqid = call(msgget, 0, 0600);
	mqd = call(mq_open, bench_str("q"), O_RDWR | O_CREAT, 0600, 0);
	return semid >= 0 && msqid >= 0 && mqd >= 0;
}
static bool semop(void) { return call(semop, semid, sops, 2) == 0; }
static bool sysv_msg(void)
{
	return call(msgsnd, msqid, msg, 64, 0) == 0 && call(msgrcv, msqid, msg, 64, 0, 0) == 64;
}
static bool mq(void)
{
	return call(mq_timedsend, mqd, buf, 64, 0, 0) == 0 && call(mq_timedreceive, mqd, buf, 65536, 0, 0) == 64;
}

static s32 pfd[2];
static bool splice_setup(void)
{
	uaddr_t fds = bench_mem(8);

	if (call(pipe2, fds, 0) || call(pwrite64, fd, buf, 65536, 0) != 65536)
		return false;
	memcpy(pfd, (void *)fds, 8);
	*(u64 *)st = 0;
	return true;
}
static bool splice(void)
{
	*(u64 *)st = 0;
	return call(splice, fd, st, pfd[1], 0, 65536, 0) == 65536 && call(read, pfd[0], buf, 65536) == 65536;
}

static bool big_file(void)
{
	for (u64 off = 0; off < 1 << 20; off += 65536)
		if (call(pwrite64, fd, buf, 65536, 65536 + off) != 65536)
			return false;
	return call(ftruncate, fd, 65536) == 0;
}

const struct bench_row rows_scale[] = {
	{ "stat in a directory of 10,000", names_setup, stat_big },
	{ "mknod, unlink in a directory of 10,000", NULL, create_big },
	{ "getdents of 1 KiB amid 10,000 names", NULL, getdents_big },
	{ "dup, close beside 1,000 descriptors", fds_setup, dup_many },
	{ "fcntl lock, unlock beside 1,000 locks", locks_setup, lock_unlock },
	{ "stat of one of 500 mounts", mounts_setup, stat_mount },
	{ "semop up and down", sysv_setup, semop },
	{ "msgsnd, msgrcv 64 B", NULL, sysv_msg },
	{ "mq_timedsend, mq_timedreceive 64 B", NULL, mq },
	{ "splice a file to a pipe, read, 64 KiB", splice_setup, splice },
	{ "write 1 MiB, truncate it away", NULL, big_file },
	{ NULL, NULL, NULL },
};
