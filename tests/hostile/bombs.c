/* I7: what a guest can make the kernel and the host spend is bounded. Each bomb runs until it is refused or its time is
 * over; afterwards an ordinary process must work as before. */
#include "hostile.h"
#include "cases.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static long until;
static int more(void) { return h_ms() < until; }

static void bomb_fork(void *arg)
{
	while (more())
		if (fork() < 0)
			usleep(1000);
	_exit(0);
}

static void *sleeper(void *arg)
{
	pause();
	return NULL;
}

static void bomb_thread(void *arg)
{
	pthread_attr_t a;
	pthread_t t;
	int n = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	while (more() && n < 40000)
		if (pthread_create(&t, &a, sleeper, NULL))
			break;
		else
			n++;
	_exit(0);
}

static void bomb_fd(void *arg)
{
	int sv[2], n = 0;

	while (more() && n < 2000000) {
		int r = n % 6 == 0 ? open("/dev/null", O_RDONLY) : n % 6 == 1 ? pipe(sv) : n % 6 == 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, sv)
			: n % 6 == 3 ? eventfd(0, 0) : n % 6 == 4 ? epoll_create1(0) : open("/etc/passwd", O_RDONLY);

		if (r < 0 && errno != EMFILE && errno != ENFILE && errno != ENOMEM)
			break;
		if (r < 0 && fork())
			break;
		n++;
	}
	usleep(200000);
	_exit(0);
}

static void bomb_memory(void *arg)
{
	for (long i = 0; i < 64; i++) {
		char *p = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, (arg ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(0);
		memset(p, (int)i + 1, 64 << 20);
	}
	_exit(9); /* 4 GiB with mem=128M */
}

static void bomb_tmpfs(void *arg)
{
	static char buf[1 << 20];
	int fd = open("/dev/shm/bomb", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 4096; i++)
		if (write(fd, buf, sizeof(buf)) <= 0)
			_exit(0);
	_exit(9);
}

static void bomb_files(void *arg)
{
	char name[64];

	for (long i = 0; more(); i++) {
		snprintf(name, sizeof(name), "/dev/shm/f%ld", i);
		if (i % 2 ? mkdir(name, 0700) : (close(open(name, O_RDWR | O_CREAT, 0600)), 0))
			break;
	}
	_exit(0);
}

static void bomb_dentries(void *arg)
{
	char name[128];
	struct stat st;

	for (long i = 0; more(); i++) {
		snprintf(name, sizeof(name), "/dev/shm/no-such-name-%064ld", i);
		stat(name, &st);
	}
	_exit(0);
}

static void bomb_depth(void *arg)
{
	static char path[8192];

	if (chdir("/dev/shm"))
		_exit(0);
	for (long i = 0; more() && i < 100000; i++)
		if (mkdir("d", 0700) || chdir("d"))
			break;
	(void)!getcwd(path, sizeof(path));
	_exit(0);
}

static void bomb_links(void *arg)
{
	char a[64], b[64];

	for (int i = 0; i < 200; i++) {
		snprintf(a, sizeof(a), "/dev/shm/l%d", i + 1);
		snprintf(b, sizeof(b), "/dev/shm/l%d", i);
		(void)!symlink(a, b);
	}
	if (open("/dev/shm/l0", O_RDONLY) >= 0 || (errno != ELOOP && errno != EACCES))
		_exit(9);
	_exit(0);
}

static void bomb_signals(void *arg)
{
	union sigval v = { 0 };
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (long i = 0; more(); i++)
		if (sigqueue(getpid(), SIGRTMIN + (int)(i % 30), v) && errno == EAGAIN)
			_exit(0);
	_exit(9);
}

static void bomb_timers(void *arg)
{
	timer_t t;

	for (long i = 0; more(); i++) {
		struct itimerspec its = { { 0, 1 }, { 0, 1 } };

		if (timer_create(CLOCK_MONOTONIC, NULL, &t))
			break;
		signal(SIGALRM, SIG_IGN);
		timer_settime(t, 0, &its, NULL); /* an interval of a nanosecond */
	}
	_exit(0);
}

static void bomb_sysv(void *arg)
{
	struct { long type; char text[8000]; } m = { 1, { 0 } };
	int q;

	while (more()) {
		int s = shmget(IPC_PRIVATE, 1 << 20, 0600), e = semget(IPC_PRIVATE, 250, 0600);

		q = msgget(IPC_PRIVATE, 0600);
		while (q >= 0 && !msgsnd(q, &m, sizeof(m.text), IPC_NOWAIT))
			;
		if (s < 0 && e < 0 && q < 0)
			break;
	}
	_exit(0);
}

static void send_fd(int via, int fd)
{
	char b = 0, c[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &b, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof(c) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	sendmsg(via, &m, MSG_DONTWAIT);
}

static void bomb_rights(void *arg)
{
	int sv[2], prev = -1;

	/* sockets inside sockets inside sockets, also in circles */
	for (long i = 0; more() && i < 50000; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv))
			break;
		if (prev >= 0)
			send_fd(sv[0], prev);
		send_fd(sv[0], sv[1]);
		close(sv[0]);
		if (prev >= 0)
			close(prev);
		prev = sv[1];
	}
	_exit(0);
}

static void bomb_epoll(void *arg)
{
	struct epoll_event ev = { EPOLLIN, { 0 } };
	int prev = eventfd(1, 0);

	for (int i = 0; i < 900 && more(); i++) {
		int e = epoll_create1(0);

		if (e < 0)
			break;
		if (epoll_ctl(e, EPOLL_CTL_ADD, prev, &ev) && errno != ELOOP && errno != EINVAL)
			break;
		epoll_wait(e, &ev, 1, 0);
		prev = e;
	}
	_exit(0);
}

static void bomb_mounts(void *arg)
{
	mkdir("/dev/shm/m", 0700);
	for (long i = 0; more(); i++)
		if (mount("none", "/dev/shm/m", "tmpfs", 0, NULL) ||
		    mount("/dev/shm", "/dev/shm/m", NULL, MS_BIND | MS_REC, NULL))
			break;
	_exit(0);
}

static void bomb_vmas(void *arg)
{
	for (long i = 0; more(); i++)
		if (mmap((void *)(0x100000000 + i * 8192), 4096, (int)(i & 1) + 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
	_exit(0);
}

static void bomb_robust(void *arg)
{
	static struct { void *next; long off; void *pending; } head, node;

	head.next = &node;
	head.off = 0;
	node.next = &node; /* a list without end */
	h_sys(SYS_set_robust_list, (long)&head, 24, 0, 0, 0, 0);
	_exit(0);
}

static void bomb_log(void *arg)
{
	for (long i = 0; i < 300000 && more(); i++)
		h_sys(5000 + i % 7, 0, 0, 0, 0, 0, 0);
	_exit(0);
}

static void bomb_exec(void *arg)
{
	static char *argv[200000];
	static char big[131072];

	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < 199999; i++)
		argv[i] = big;
	if (execv("/bin/true", argv) != -1 || errno != E2BIG)
		_exit(9);
	_exit(0);
}

static void bomb_inotify(void *arg)
{
	int fd = inotify_init1(IN_NONBLOCK);
	char name[64];

	inotify_add_watch(fd, "/dev/shm", IN_ALL_EVENTS);
	for (long i = 0; more(); i++) {
		snprintf(name, sizeof(name), "/dev/shm/i%ld", i % 4);
		close(open(name, O_CREAT | O_RDWR, 0600));
		unlink(name);
		if (inotify_init1(0) < 0 && i > 100000)
			break;
	}
	_exit(0);
}

static void bomb_pipes(void *arg)
{
	static char buf[1 << 20];
	int p[2];

	while (more()) {
		if (pipe2(p, O_NONBLOCK))
			break;
		fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
		(void)!write(p[1], buf, sizeof(buf));
	}
	_exit(0);
}

static const struct { const char *name; void (*fn)(void *); void *arg; } bombs[] = {
	{ "fork", bomb_fork, NULL }, { "thread", bomb_thread, NULL }, { "fd", bomb_fd, NULL },
	{ "memory", bomb_memory, NULL }, { "shared", bomb_memory, (void *)1 }, { "tmpfs", bomb_tmpfs, NULL },
	{ "files", bomb_files, NULL }, { "dentries", bomb_dentries, NULL }, { "depth", bomb_depth, NULL },
	{ "links", bomb_links, NULL }, { "signals", bomb_signals, NULL }, { "timers", bomb_timers, NULL },
	{ "sysv", bomb_sysv, NULL }, { "rights", bomb_rights, NULL }, { "epoll", bomb_epoll, NULL },
	{ "mounts", bomb_mounts, NULL }, { "vmas", bomb_vmas, NULL }, { "robust", bomb_robust, NULL },
	{ "log", bomb_log, NULL }, { "exec", bomb_exec, NULL }, { "inotify", bomb_inotify, NULL },
	{ "pipes", bomb_pipes, NULL },
};

static void ordinary(void *arg)
{
	char *argv[] = { "true", NULL };
	int p[2], fd = open("/tmp/ordinary", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || pipe(p))
		_exit(9);
	execv("/bin/true", argv);
	_exit(10);
}

void case_bombs(const char *name)
{
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		int bad;

		if (strcmp(name, bombs[i].name))
			continue;
		until = h_ms() + 4000;
		bad = h_child(bombs[i].fn, bombs[i].arg, DIES | EXITS | HANGS, 15000);
		if (getpid() == 1) { /* what it left */
			kill(-1, SIGKILL);
			while (waitpid(-1, NULL, __WALL) > 0)
				;
		}
		h_ok(!bad, "I7 %s bomb is bounded%s%s", name, bad ? ": " : "", h_why);
		(void)!system("rm -rf /dev/shm/*");
		bad = h_child(ordinary, NULL, EXITS, 10000);
		h_ok(!bad, "I7 after the %s bomb a process works%s%s", name, bad ? ": " : "", h_why);
		return;
	}
	h_ok(0, "no bomb %s", name);
}
