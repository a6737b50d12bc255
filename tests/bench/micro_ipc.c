/*
 * Rows between tasks: ping-pong (an operation is one round trip, two switches), rings (an operation
 * is one hop), and readiness. Peers of a row are children with a death signal, and in its group.
 */
#define _GNU_SOURCE
#include "micro.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static pid_t fork_peer(void)
{
	pid_t pid;

	CHECK(pid = fork());
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int rd = -1, wr = -1;

static void echo(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1 && write(out, &c, 1) == 1)
		;
	_exit(0);
}

static void setup_pipes(const struct row *r)
{
	int a[2], b[2];

	(void)r;
	CHECK(pipe(a));
	CHECK(pipe(b));
	if (!fork_peer()) {
		close(a[1]);
		close(b[0]);
		echo(a[0], b[1]);
	}
	wr = a[1];
	rd = b[0];
}

static void setup_unix(const struct row *r)
{
	int s[2];

	CHECK(socketpair(AF_UNIX, r->arg, 0, s));
	if (!fork_peer()) {
		close(s[1]);
		echo(s[0], s[0]);
	}
	close(s[0]);
	rd = wr = s[1];
}

static uint64_t run_pingpong(const struct row *r, long n)
{
	char c = 'u';
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		if (write(wr, &c, 1) != 1 || read(rd, &c, 1) != 1)
			row_fail("ping");
	return now_ns() - t;
}

/* A ring of r->arg processes; the measuring one is a member. */
static void setup_ring(const struct row *r)
{
	int first[2], in, next[2];

	CHECK(pipe(first));
	in = first[0];
	for (long i = 1; i < r->arg; i++) {
		CHECK(pipe(next));
		if (!fork_peer()) {
			close(first[1]);
			close(next[0]);
			echo(in, next[1]);
		}
		close(in);
		close(next[1]);
		in = next[0];
	}
	rd = in;
	wr = first[1];
}

static uint64_t run_ring(const struct row *r, long n)
{
	long rounds = n / r->arg + 1;
	char c = 'u';
	uint64_t t = now_ns();

	for (long i = rounds; i > 0; i--)
		if (write(wr, &c, 1) != 1 || read(rd, &c, 1) != 1)
			row_fail("ring");
	return (now_ns() - t) * ((double)n / (rounds * r->arg));
}

/* ---- futexes: even values are ours to raise, odd ones the partner's ---------------------- */

static atomic_uint *word;
static int futex_flag;

static void futex_turn(unsigned int mine)
{
	unsigned int v;

	while (((v = atomic_load(word)) & 1) != mine)
		syscall(SYS_futex, word, FUTEX_WAIT | futex_flag, v, NULL, NULL, 0);
	atomic_store(word, v + 1);
	syscall(SYS_futex, word, FUTEX_WAKE | futex_flag, 1, NULL, NULL, 0);
}

static void *futex_partner(void *unused)
{
	(void)unused;
	for (;;)
		futex_turn(1);
	return NULL;
}

/* r->arg: between processes (shared futex) instead of threads (private). */
static void setup_futex(const struct row *r)
{
	pthread_t thread;

	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (word == MAP_FAILED)
		row_fail("mmap");
	futex_flag = r->arg ? 0 : FUTEX_PRIVATE_FLAG;
	if (r->arg) {
		if (!fork_peer())
			futex_partner(NULL);
	} else if (pthread_create(&thread, NULL, futex_partner, NULL)) {
		row_fail("pthread_create");
	}
}

static uint64_t run_futex(const struct row *r, long n)
{
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0) {
		futex_turn(0);
		/* the partner has answered when the value is even again: the next turn waits for it */
	}
	return now_ns() - t;
}

/* ---- readiness ---------------------------------------------------------------------------- */

static int epfd;

static void setup_epoll(const struct row *r)
{
	struct rlimit rl;
	struct epoll_event ev = { .events = EPOLLIN };
	int f = -1;

	CHECK(getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	CHECK(epfd = epoll_create1(0));
	for (long i = 0; i < r->arg; i++) {
		CHECK(f = eventfd(i == r->arg / 2, 0));
		ev.data.fd = f;
		CHECK(epoll_ctl(epfd, EPOLL_CTL_ADD, f, &ev));
	}
}

static uint64_t run_epoll(const struct row *r, long n)
{
	struct epoll_event ev[16];
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0)
		if (epoll_wait(epfd, ev, 16, -1) != 1)
			row_fail("epoll_wait");
	return now_ns() - t;
}

static fd_set watched;
static int top_fd;

static void setup_select(const struct row *r)
{
	int p[2] = { -1, -1 };

	FD_ZERO(&watched);
	for (long i = 0; i < r->arg; i++) {
		CHECK(pipe(p));
		FD_SET(p[0], &watched);
	}
	top_fd = p[0];
	CHECK(write(p[1], "x", 1));
}

static uint64_t run_select(const struct row *r, long n)
{
	fd_set set;
	uint64_t t = now_ns();

	(void)r;
	while (n-- > 0) {
		set = watched;
		if (select(top_fd + 1, &set, NULL, NULL, NULL) != 1)
			row_fail("select");
	}
	return now_ns() - t;
}

const struct row ipc_rows[] = {
	{ "pipe.pingpong", setup_pipes, run_pingpong, 0, NULL },
	{ "unix.pingpong", setup_unix, run_pingpong, SOCK_STREAM, NULL },
	{ "futex.threads", setup_futex, run_futex, 0, NULL },
	{ "futex.procs", setup_futex, run_futex, 1, NULL },
	{ "ctx.2", setup_ring, run_ring, 2, NULL },
	{ "ctx.8", setup_ring, run_ring, 8, NULL },
	{ "ctx.32", setup_ring, run_ring, 32, NULL },
	{ "epoll.1of1000", setup_epoll, run_epoll, 1000, NULL },
	{ "select.100", setup_select, run_select, 100, NULL },
	{ NULL, NULL, NULL, 0, NULL },
};
