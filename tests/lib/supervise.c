/*
 * Runs one command as a test case: in a session of its own, with a time limit, and counts what it leaves behind.
 *
 *   supervise -t SECONDS -r REPORT [-g GRACE_MS] -- CMD [ARG ...]
 *
 * It is the subreaper of everything below it, so a process that outlives the command becomes its child and is seen,
 * whatever session it moved to. Such a process has GRACE_MS (default 2000) to end by itself; then it is killed and
 * counted. REPORT gets one line "status=N timeout=0|1 leaked=K ms=T names=..."; status is 128+n for signal n.
 * The exit status is the command's; 124 after a timeout.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char names[512];

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Collects what has ended. Returns true if `pid` was among it, with its wait status in *st. */
static int reap(pid_t pid, int *st)
{
	int s, found = 0;
	pid_t p;

	while ((p = waitpid(-1, &s, WNOHANG | __WALL)) > 0) {
		if (p == pid) {
			*st = s;
			found = 1;
		}
	}
	return found;
}

/* Calls fn for every living process whose parent we are; returns how many. */
static int each_child(void (*fn)(pid_t))
{
	char path[64], buf[512], *p;
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0, fd;
	ssize_t len;

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		len = read(fd, buf, sizeof(buf) - 1);
		close(fd);
		if (len <= 0)
			continue;
		buf[len] = 0;
		p = strrchr(buf, ')');
		if (!p || atoi(p + 4) != getpid() || p[2] == 'Z')
			continue;
		n++;
		if (fn)
			fn(pid);
	}
	closedir(d);
	return n;
}

static void name_it(pid_t pid)
{
	char path[64], comm[64] = "?";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, comm, sizeof(comm) - 1);
		comm[n > 0 ? n - 1 : 0] = 0;
		close(fd);
	}
	if (strlen(names) + strlen(comm) + 2 < sizeof(names)) {
		strcat(names, comm);
		strcat(names, ",");
	}
}

static void kill_it(pid_t pid)
{
	kill(pid, SIGKILL);
}

static void kill_all(void)
{
	int st, i;

	for (i = 0; i < 200 && each_child(kill_it); i++) {
		usleep(5000);
		reap(-1, &st);
	}
}

static pid_t child;
static volatile sig_atomic_t asked_to_end;
static void on_term(int sig)
{
	asked_to_end = sig;
}

/* The command gets a session of its own and no ignored or blocked signals: what nohup or `&` did to us is not its. */
static pid_t start(char **argv)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	setsid();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "supervise: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	long limit = 60000, grace = 2000, t0, end;
	const char *report = NULL;
	int c, st = 0, other, timeout = 0, leaked, status;

	while ((c = getopt(argc, argv, "+t:r:g:")) != -1) {
		if (c == 't')
			limit = (long)(atof(optarg) * 1000);
		else if (c == 'r')
			report = optarg;
		else if (c == 'g')
			grace = atol(optarg);
		else
			return 125;
	}
	if (optind >= argc)
		return 125;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	t0 = now_ms();
	child = start(argv + optind);
	if (child < 0)
		return 125;
	for (int fd = 0; fd < 2; fd++)
		close(fd); /* a reader of our output must not wait for us */
	for (long nap = 500; !reap(child, &st); nap = nap < 10000 ? nap * 2 : nap) {
		if (asked_to_end || now_ms() - t0 > limit) {
			timeout = 1;
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			while (!reap(child, &st))
				usleep(1000);
			break;
		}
		usleep((useconds_t)nap);
	}
	t0 = now_ms() - t0;
	for (end = now_ms() + grace; (leaked = each_child(NULL)) && now_ms() < end; reap(-1, &other))
		usleep(10000);
	if (leaked)
		each_child(name_it);
	kill_all();
	status = timeout ? 124 : WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	if (report) {
		FILE *f = fopen(report, "w");

		if (!f)
			return 125;
		fprintf(f, "status=%d timeout=%d leaked=%d ms=%ld names=%s\n", status, timeout, leaked, t0, names);
		fclose(f);
	}
	return status;
}
