/* Picks rows, runs each in a child process, calibrates, prints. See micro.h. */
#include "micro.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLICES 5

static const struct row *const tables[] = { call_rows, file_rows, ipc_rows, proc_rows, mem_rows };
static uint64_t target_ns = 200 * 1000000ull;	/* $BENCH_MS: all slices of one row together */
static unsigned int row_timeout_s = 30;		/* $BENCH_ROW_S */
static unsigned int work_timeout_s = 180;	/* $BENCH_WORK_S */
static const char *current_row = "?";
static uint64_t row_begin;
static volatile sig_atomic_t timed_out;

const char *self_path;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

const char *bench_dir(const char *where)
{
	const char *d = getenv(!strcmp(where, "tmpfs") ? "W" : !strcmp(where, "file") ? "F" : "S");

	return d && *d ? d : "/tmp";
}

/* One line in one write: what else is on a guest's console cannot cut it in two. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char line[512];
	__builtin_va_list ap;
	int n;

	__builtin_va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	__builtin_va_end(ap);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (write(1, line, n) != n)
		_exit(9);
}

void row_fail(const char *what)
{
	say("@@ fail %s %s: %s\n", current_row, what, strerror(errno));
	_exit(3);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/*
 * Finds n for slices of a fifth of the target, then measures. Warm-up is the calibration.
 * A row whose single operation outlasts the slice runs with n = 1, and fewer times.
 */
static double measure(const struct row *r)
{
	const uint64_t slice = target_ns / SLICES;
	double v[SLICES];
	uint64_t t, total = 0;
	long n = 1;
	int i;

	if (r->setup)
		r->setup(r);
	for (;;) {
		t = r->run(r, n);
		if (t >= slice / 2 || n >= 1l << 32)
			break;
		if (t < slice / 64)
			n *= 16;
		else
			n = n * (double)slice / t + 1;
	}
	n = n * (double)slice / (t ? t : 1);
	if (n < 1)
		n = 1;
	for (i = 0; i < SLICES && total < 10 * target_ns; i++) {
		t = r->run(r, n);
		total += t;
		v[i] = (double)t / n;
	}
	return median(v, i);
}

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
}

static void begin(const char *name)
{
	current_row = name;
	row_begin = now_ns();
	say("@@ begin %s\n", name);
}

/* The last field is the row's whole time by the guest's clock; the harness compares its own. */
static void end(double ns)
{
	say("@@ end %s %.3f %llu\n", current_row, ns, (unsigned long long)(now_ns() - row_begin));
}

/* Waits for a child which leads its own process group; kills the group after the timeout. */
static int wait_group(pid_t pid, unsigned int seconds)
{
	int status = 0;

	timed_out = 0;
	alarm(seconds);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
		if (timed_out)
			kill(-pid, SIGKILL);
	}
	alarm(0);
	kill(-pid, SIGKILL);	/* helpers that a failed row left behind */
	return status;
}

static void report_status(int status)
{
	if (timed_out)
		say("@@ fail %s timeout\n", current_row);
	else if (status == -1)
		say("@@ fail %s waitpid: %s\n", current_row, strerror(errno));
	else if (WIFSIGNALED(status))
		say("@@ fail %s died of signal %d\n", current_row, WTERMSIG(status));
	else if (WEXITSTATUS(status) && WEXITSTATUS(status) != 3)
		say("@@ fail %s exit status %d\n", current_row, WEXITSTATUS(status));
}

static pid_t fork_group(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		say("@@ fail %s fork: %s\n", current_row, strerror(errno));
		return -1;
	}
	setpgid(pid, pid);	/* both sides: whoever comes first */
	if (!pid)
		signal(SIGALRM, SIG_DFL);
	return pid;
}

static void run_micro(const struct row *r)
{
	pid_t pid;

	begin(r->name);
	pid = fork_group();
	if (pid < 0)
		return;
	if (!pid) {
		end(measure(r));
		_exit(0);
	}
	report_status(wait_group(pid, row_timeout_s));
}

/* One step of work/NAME.sh: prepare, run or clean. Returns wait status. */
static int work_step(const char *workdir, const char *name, const char *step)
{
	char script[4096];
	pid_t pid;

	snprintf(script, sizeof(script), "%s/do", workdir);
	pid = fork_group();
	if (pid < 0)
		return -1;
	if (!pid) {
		execl("/bin/sh", "sh", script, name, step, (char *)NULL);
		_exit(127);
	}
	return wait_group(pid, work_timeout_s);
}

static void run_work(const char *workdir, const char *name)
{
	double v[SLICES];
	uint64_t t, total = 0;
	int i = 0, status;

	begin(name);
	status = work_step(workdir, name, "prepare");
	while (!status && i < SLICES && (!i || total < 2 * target_ns)) {
		t = now_ns();
		status = work_step(workdir, name, "run");
		t = now_ns() - t;
		total += t;
		v[i++] = t;
	}
	if (status)
		report_status(status);
	work_step(workdir, name, "clean");
	if (!status)
		end(median(v, i));
}

static int run_named(const char *workdir, const char *pattern)
{
	char path[4096];
	struct stat st;
	int found = 0;

	for (unsigned int t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct row *r = tables[t]; r->name; r++)
			if (!fnmatch(pattern, r->name, 0)) {
				found = 1;
				run_micro(r);
			}
	snprintf(path, sizeof(path), "%s/%s.sh", workdir, pattern);
	if (!found && workdir && !stat(path, &st)) {
		found = 1;
		run_work(workdir, pattern);
	}
	return found;
}

static unsigned int env_number(const char *name, unsigned int dflt)
{
	const char *s = getenv(name);

	return s && atoi(s) > 0 ? (unsigned int)atoi(s) : dflt;
}

static int usage(void)
{
	fprintf(stderr, "usage: micro --list | --halt | --exit | ROW-PATTERN ...\n"
		"  W, F, S: directories on tmpfs, on a file system, of prepared input; WORK: work scripts\n"
		"  BENCH_MS, BENCH_ROW_S, BENCH_WORK_S: time for a row in ms, timeouts in s\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	const char *workdir = getenv("WORK");

	if (argc < 2)
		return usage();
	if (!strcmp(argv[1], "--exit"))
		return 0;
	if (!strcmp(argv[1], "--halt")) {
		reboot(RB_POWER_OFF);
		return 1;
	}
	if (!strcmp(argv[1], "--list")) {
		for (unsigned int t = 0; t < sizeof(tables) / sizeof(*tables); t++)
			for (const struct row *r = tables[t]; r->name; r++)
				puts(r->name);
		return 0;
	}
	if (argv[1][0] == '-')
		return usage();
	self_path = realpath(argv[0], NULL);
	if (!self_path)
		self_path = "/proc/self/exe";
	sigaction(SIGALRM, &sa, NULL);
	target_ns = env_number("BENCH_MS", 200) * 1000000ull;
	row_timeout_s = env_number("BENCH_ROW_S", row_timeout_s);
	work_timeout_s = env_number("BENCH_WORK_S", work_timeout_s);
	for (int i = 1; i < argc; i++)
		if (!run_named(workdir, argv[i]))
			say("@@ begin %s\n@@ fail %s no such row\n", argv[i], argv[i]);
	say("@@ done\n");
	return 0;
}
