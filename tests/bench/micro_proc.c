/* Rows that make and end processes and threads. An operation includes the wait. */
#define _GNU_SOURCE
#include "micro.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		row_fail("waitpid");
	if (status) {
		errno = ECHILD;
		row_fail("child's status");
	}
}

/* r->arg MiB of touched private memory make the fork dearer; 4 KiB pages, else it measures THP. */
static void setup_big(const struct row *r)
{
	size_t len = (size_t)r->arg << 20;
	char *p;

	if (!len)
		return;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		row_fail("mmap");
	madvise(p, len, MADV_NOHUGEPAGE);
	memset(p, 1, len);
}

static uint64_t run_fork(const struct row *r, long n)
{
	uint64_t t = now_ns();
	pid_t pid;

	(void)r;
	while (n-- > 0) {
		CHECK(pid = fork());
		if (!pid)
			_exit(0);
		reap(pid);
	}
	return now_ns() - t;
}

static char *exec_self[] = { NULL, "--exit", NULL };
static char *exec_sh[] = { "/bin/sh", "-c", "/bin/true", NULL };
static char **exec_argv;

static void setup_exec(const struct row *r)
{
	exec_self[0] = (char *)self_path;
	exec_argv = r->arg ? exec_sh : exec_self;
}

static uint64_t run_fork_exec(const struct row *r, long n)
{
	uint64_t t = now_ns();
	pid_t pid;

	(void)r;
	while (n-- > 0) {
		CHECK(pid = fork());
		if (!pid) {
			execve(exec_argv[0], exec_argv, environ);
			_exit(127);
		}
		reap(pid);
	}
	return now_ns() - t;
}

/* On its own: vfork's child shares this frame, so nothing of the loop may live in it. */
static __attribute__((noinline)) pid_t vfork_exec(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execve(exec_argv[0], exec_argv, environ);
		_exit(127);
	}
	return pid;
}

static uint64_t run_vfork_exec(const struct row *r, long n)
{
	uint64_t t = now_ns();
	pid_t pid;

	(void)r;
	while (n-- > 0) {
		CHECK(pid = vfork_exec());
		reap(pid);
	}
	return now_ns() - t;
}

static void *thread_main(void *p)
{
	return p;
}

static uint64_t run_pthread(const struct row *r, long n)
{
	uint64_t t = now_ns();
	pthread_t th;

	(void)r;
	while (n-- > 0) {
		errno = pthread_create(&th, NULL, thread_main, NULL);
		if (errno)
			row_fail("pthread_create");
		pthread_join(th, NULL);
	}
	return now_ns() - t;
}

const struct row proc_rows[] = {
	{ "fork", setup_big, run_fork, 0, NULL },
	{ "fork.16m", setup_big, run_fork, 16, NULL },
	{ "fork.256m", setup_big, run_fork, 256, NULL },
	{ "fork_exec", setup_exec, run_fork_exec, 0, NULL },
	{ "vfork_exec", setup_exec, run_vfork_exec, 0, NULL },
	{ "sh_c", setup_exec, run_vfork_exec, 1, NULL },
	{ "pthread", NULL, run_pthread, 0, NULL },
	{ NULL, NULL, NULL, 0, NULL },
};
