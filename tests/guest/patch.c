/*
 * A system call that is made often does not trap for long, by whichever of its sites in libc it is made: those of a program
 * with threads are others. Natively, under ptrace and with patch=off there is nothing to count; results are compared all the same.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "t.h"

#define ROUNDS 2000
#define TRAPS_MAX 400 /* until a site is hot, and what else goes on */

static int zero, null, file, sock[2];
static char buf[64];

static long do_read(void) { return read(zero, buf, 8); }
static long do_write(void) { return write(null, buf, 8); }
static long do_pread(void) { return pread(file, buf, 8, 0); }
static long do_pwrite(void) { return pwrite(file, buf, 8, 0); }
static long do_poll(void) { struct pollfd p = { zero, POLLIN }; return 7 + poll(&p, 1, 0); }
static long do_send(void) { return send(sock[0], buf, 8, 0) + recv(sock[1], buf, 8, 0) - 8; }
static long do_lseek(void) { return lseek(file, 8, SEEK_SET); }
static long do_fstat(void) { struct stat st; return fstat(file, &st) ? 0 : st.st_size; }

static const struct { const char *name; long (*fn)(void); } calls[] = {
	{ "read", do_read }, { "write", do_write }, { "pwrite", do_pwrite }, { "pread", do_pread }, { "poll", do_poll },
	{ "send and recv", do_send }, { "lseek", do_lseek }, { "fstat", do_fstat },
};

/* The trapped calls of all CPUs; -1: this kernel does not count them. */
static long traps(void)
{
	char line[512], *p;
	long sum = -1;
	FILE *f = fopen("/proc/interrupts", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "TRP:") && strstr(line, "trapped"))
			for (p = strstr(line, "TRP:") + 4, sum = 0; *p; ) {
				char *end;
				long n = strtol(p, &end, 10);

				if (end == p)
					break;
				sum += n;
				p = end;
			}
	if (f)
		fclose(f);
	return sum;
}

static bool counts(void)
{
	char line[512] = "";
	FILE *f = fopen("/proc/cmdline", "r");

	if (f) {
		fgets(line, sizeof(line), f);
		fclose(f);
	}
	return traps() > 0 && !strstr(line, "patch=off");
}

static void each(const char *where)
{
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long before = traps(), bad = 0, n;
		char name[128];

		for (int k = 0; k < ROUNDS; k++)
			bad += calls[i].fn() != 8;
		n = counts() ? traps() - before : 0;
		snprintf(name, sizeof(name), "%s, %s", calls[i].name, where);
		OK(!bad, name);
		strcat(name, ": few traps");
		OK(n < TRAPS_MAX, name);
		if (n >= TRAPS_MAX)
			printf("# %ld of %d trapped\n", n, ROUNDS);
	}
}

static void *sleeper(void *arg)
{
	char c;

	read(sock[0], &c, 1);
	return arg;
}

int main(void)
{
	pthread_t t;

	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_WRONLY);
	file = open("f", O_RDWR | O_CREAT, 0600);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sock);
	each("one thread");
	pthread_create(&t, NULL, sleeper, NULL);
	each("two threads");
	write(sock[1], "x", 1);
	pthread_join(t, NULL);
	unlink("f");
	return t_done();
}
