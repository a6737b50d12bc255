/* Tasks: clone, exec, exit, wait, ids, pidfds, ptrace. Expected results come from Linux: run it natively first. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int tests, failed;
static char dir[] = "/tmp/umber-task-XXXXXX";
static char self[4096];

#define OK(c, ...)                                                                                 \
	do {                                                                                       \
		int good_ = !!(c);                                                                 \
		printf("%sok %d - ", good_ ? "" : "not ", ++tests);                                \
		printf(__VA_ARGS__);                                                               \
		printf("\n");                                                                      \
		fflush(stdout);                                                                    \
		failed += !good_;                                                                  \
	} while (0)
#define ERR(expr, e, what)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		long r_ = (long)(expr);                                                            \
		int e_ = errno;                                                                    \
		OK(r_ == -1 && e_ == (e), "%s (ret %ld errno %d)", what, r_, e_);                   \
	} while (0)

static int wait_status(pid_t p)
{
	int st = -1;
	return waitpid(p, &st, 0) == p ? st : -1;
}

static pid_t child(int (*fn)(void))
{
	fflush(stdout);
	pid_t p = fork();
	if (!p)
		_exit(fn());
	return p;
}
#define IN_CHILD(...)                                                                             \
	({                                                                                         \
		fflush(stdout);                                                                    \
		pid_t p_ = fork();                                                                 \
		if (!p_) {                                                                         \
			__VA_ARGS__;                                                                     \
			_exit(0);                                                                  \
		}                                                                                  \
		p_;                                                                                \
	})

static void *noop(void *a) { return a; }

static void test_clone(void)
{
	ERR(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL, "THREAD without SIGHAND");
	ERR(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL, "SIGHAND without VM");
	ERR(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0), EINVAL, "NEWNS with FS");
	ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, 0, 0, 0), EINVAL, "PIDFD with PARENT_SETTID");
	ERR(syscall(SYS_clone3, 0, 8), EINVAL, "clone3 too small");
	struct { uint64_t a[11]; } ca = { { 0 } };
	ca.a[4] = 65;
	ERR(syscall(SYS_clone3, &ca, 88), EINVAL, "clone3 bad signal");
	ca.a[4] = SIGCHLD;
	ca.a[5] = 4096;
	ERR(syscall(SYS_clone3, &ca, 88), EINVAL, "clone3 stack without size");
	ERR(syscall(SYS_unshare, 1), EINVAL, "unshare junk");
	OK(unshare(CLONE_FILES | CLONE_FS) == 0, "unshare FILES FS");
	pthread_t t[32];
	int n = 0;
	for (int i = 0; i < 32; i++)
		n += pthread_create(&t[i], NULL, noop, (void *)(long)i) == 0;
	for (int i = 0; i < n; i++) {
		void *r;
		pthread_join(t[i], &r);
		n -= r != (void *)(long)i ? 100 : 0;
	}
	OK(n == 32, "32 threads made and joined");
	int pfd = -1, st, go[2];
	pipe(go);
	pid_t p = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pfd, 0, 0);
	if (!p) {
		char c;
		read(go[0], &c, 1);
		_exit(3);
	}
	struct pollfd pf = { pfd, POLLIN, 0 };
	OK(pfd >= 0 && (fcntl(pfd, F_GETFD) & FD_CLOEXEC), "CLONE_PIDFD is close-on-exec");
	OK(poll(&pf, 1, 0) == 0 && write(go[1], "x", 1) == 1 && poll(&pf, 1, 5000) == 1 && (pf.revents & POLLIN),
	   "pidfd becomes readable at exit");
	close(go[0]);
	close(go[1]);
	siginfo_t si;
	memset(&si, 0, sizeof(si));
	OK(waitid(P_PIDFD, pfd, &si, WEXITED | WNOWAIT) == 0 && si.si_pid == p && si.si_status == 3 &&
		   si.si_code == CLD_EXITED, "waitid P_PIDFD WNOWAIT");
	OK(waitpid(p, &st, 0) == p && WEXITSTATUS(st) == 3, "still there");
	ERR(waitid(P_PIDFD, pfd, &si, WEXITED), ECHILD, "waitid gone");
	ERR(syscall(SYS_pidfd_open, p, 0), ESRCH, "pidfd_open of a reaped one");
	ERR(syscall(SYS_pidfd_open, -1, 0), EINVAL, "pidfd_open -1");
	ERR(syscall(SYS_pidfd_send_signal, pfd, 0, 0, 0), ESRCH, "pidfd_send_signal to a reaped one");
	close(pfd);
	int data[2];
	OK(pipe(data) == 0, "pipe");
	static volatile int flag;
	p = vfork();
	if (!p) {
		flag = 1;
		_exit(0);
	}
	OK(flag == 1, "vfork shares memory and runs first");
	wait_status(p);
}

static void test_wait(void)
{
	ERR(wait(NULL), ECHILD, "wait without children");
	ERR(waitpid(-1, NULL, 0x100), EINVAL, "wait4 junk option");
	ERR(waitid(P_ALL, 0, NULL, 0), EINVAL, "waitid without state");
	ERR(waitid(P_PID, 0, NULL, WEXITED), EINVAL, "waitid pid 0");
	ERR(waitpid(-2147483647 - 1, NULL, 0), ESRCH, "wait4 INT_MIN");
	pid_t p = IN_CHILD(for (;;) pause());
	int st;
	OK(waitpid(p, &st, WNOHANG) == 0, "WNOHANG: nothing yet");
	siginfo_t si;
	memset(&si, 0x55, sizeof(si));
	OK(waitid(P_PID, p, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0 && si.si_signo == 0, "waitid WNOHANG zeroes");
	kill(p, SIGSTOP);
	OK(waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "stopped %x", st);
	OK(waitpid(p, &st, WUNTRACED | WNOHANG) == 0, "reported once");
	kill(p, SIGCONT);
	OK(waitpid(p, &st, WCONTINUED) == p && WIFCONTINUED(st), "continued %x", st);
	kill(p, SIGTERM);
	struct rusage ru;
	OK(wait4(p, &st, 0, &ru) == p && WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM, "killed %x", st);
	OK(ru.ru_maxrss > 0, "maxrss %ld", ru.ru_maxrss);
	p = IN_CHILD(_exit(300));
	OK(wait_status(p) == (300 & 255) << 8, "exit code is 8 bits");
	p = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (!p)
		_exit(1);
	usleep(20000);
	ERR(waitpid(p, &st, WNOHANG), ECHILD, "clone child needs __WCLONE");
	OK(waitpid(p, &st, __WCLONE) == p, "__WCLONE");
	signal(SIGCHLD, SIG_IGN);
	p = IN_CHILD(_exit(0));
	ERR(waitpid(p, &st, 0), ECHILD, "SIGCHLD ignored: reaped at once");
	signal(SIGCHLD, SIG_DFL);
	p = IN_CHILD(setpgid(0, 0); _exit(4));
	usleep(20000);
	OK(waitpid(-p, &st, 0) == p && WEXITSTATUS(st) == 4, "wait for a pgrp");
}

static void *thread_exec(void *a)
{
	char *argv[] = { "x", "exec-tid", NULL };
	execv(self, argv);
	return a;
}

static void *sleeper(void *a)
{
	for (;;)
		pause();
	return a;
}

static void write_file(const char *name, const char *text, int mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (write(fd, text, strlen(text)) < 0)
		perror("write");
	fchmod(fd, mode);
	close(fd);
}

static void test_exec(void)
{
	char *argv[] = { "x", "exec-ok", NULL }, *env[] = { "A=1", NULL };
	char f[4200], g[4200];
	ERR(execve("/nonexistent/x", argv, env), ENOENT, "exec ENOENT");
	ERR(execve("/tmp", argv, env), EACCES, "exec of a directory");
	ERR(execve("", argv, env), ENOENT, "exec of nothing");
	snprintf(f, sizeof(f), "%s/junk", dir);
	write_file(f, "junk", 0755);
	ERR(execve(f, argv, env), ENOEXEC, "exec junk");
	write_file(f, "", 0755);
	ERR(execve(f, argv, env), ENOEXEC, "exec empty");
	write_file(f, "#!\n", 0755);
	ERR(execve(f, argv, env), ENOEXEC, "empty #!");
	write_file(f, "#!/nonexistent/y\n", 0755);
	ERR(execve(f, argv, env), ENOENT, "#! of nothing");
	write_file(f, "#!/bin/sh\nexit 9\n", 0644);
	ERR(execve(f, argv, env), EACCES, "not executable");
	chmod(f, 0755);
	pid_t p = IN_CHILD(execve(f, argv, env));
	OK(wait_status(p) == 9 << 8, "script");
	snprintf(g, sizeof(g), "#!%s script-args  a b  \n", self);
	write_file(f, g, 0755);
	p = IN_CHILD(char *av[] = { "zero", "one", NULL }; setenv("SCRIPT", f, 1); execv(f, av));
	OK(wait_status(p) == 0, "script arguments");
	for (int i = 0; i < 7; i++) {
		char n[4200], t[4300];
		snprintf(n, sizeof(n), "%s/s%d", dir, i);
		if (i)
			snprintf(t, sizeof(t), "#!%s/s%d\n", dir, i - 1);
		else
			snprintf(t, sizeof(t), "#!/bin/true\n");
		write_file(n, t, 0755);
	}
	snprintf(f, sizeof(f), "%s/s4", dir);
	p = IN_CHILD(execve(f, argv, env));
	OK(wait_status(p) == 0, "five interpreters");
	snprintf(f, sizeof(f), "%s/s6", dir);
	ERR(execve(f, argv, env), ELOOP, "seven interpreters");
	char *big = malloc(140000);
	memset(big, 'a', 139999);
	big[139999] = 0;
	char *bigv[] = { big, NULL };
	ERR(execve(self, bigv, env), E2BIG, "one string too long");
	big[131071] = 0;
	char *many[100];
	for (int i = 0; i < 99; i++)
		many[i] = big;
	many[99] = NULL;
	ERR(execve(self, many, env), E2BIG, "too much in all");
	ERR(execve(self, (char **)8, env), EFAULT, "bad argv");
	free(big);
	p = IN_CHILD(execve(self, NULL, NULL));
	OK(wait_status(p) == 77 << 8, "argc 0 becomes \"\" (%x)", 0);
	int fd = open(self, O_RDONLY | O_CLOEXEC);
	p = IN_CHILD(syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH));
	OK(wait_status(p) == 0, "execveat with an empty path");
	ERR(syscall(SYS_execveat, fd, "", argv, env, 0), ENOENT, "... without the flag");
	ERR(syscall(SYS_execveat, fd, "x", argv, env, 1), EINVAL, "execveat junk flag");
	close(fd);
	p = IN_CHILD(pthread_t t; for (int i = 0; i < 5; i++) pthread_create(&t, NULL, sleeper, NULL);
		     char e[32]; snprintf(e, sizeof(e), "%d", getpid()); setenv("PID", e, 1);
		     pthread_create(&t, NULL, thread_exec, NULL); for (;;) pause());
	OK(wait_status(p) == 0, "exec by a thread that is not the leader");
	p = IN_CHILD(signal(SIGUSR1, SIG_IGN); signal(SIGUSR2, (void (*)(int))noop); char *av[] = { "x", "exec-sig", NULL };
		     execv(self, av));
	OK(wait_status(p) == 0, "handlers reset, ignored stay");
	p = vfork();
	if (!p) {
		execve(self, argv, env);
		_exit(1);
	}
	OK(wait_status(p) == 0, "vfork + exec");
}

static int leader_is_gone(void)
{
	char path[64], buf[256] = "", *p;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	read(fd, buf, sizeof(buf) - 1);
	close(fd);
	p = strrchr(buf, ')');
	return p && p[1] && p[2] == 'Z';
}

static void *exit_thread(void *a)
{
	for (int i = 0; i < 20000 && !leader_is_gone(); i++)
		usleep(1000);
	if (a)
		exit(6);
	syscall(SYS_exit, 5);
	return NULL;
}

static void test_exit(void)
{
	pid_t p = IN_CHILD(pthread_t t; pthread_create(&t, NULL, exit_thread, (void *)1); syscall(SYS_exit, 1));
	OK(wait_status(p) == 6 << 8, "exit by the last thread counts");
	p = IN_CHILD(pthread_t t; pthread_create(&t, NULL, exit_thread, NULL); syscall(SYS_exit, 2));
	int st = wait_status(p);
	OK(st == 5 << 8, "without exit_group the last thread's code counts (%x)", st);
	p = IN_CHILD(pthread_t t; pthread_create(&t, NULL, sleeper, NULL); pthread_create(&t, NULL, sleeper, NULL);
		     raise(SIGABRT));
	st = wait_status(p);
	OK(WIFSIGNALED(st) && WTERMSIG(st) == SIGABRT, "a signal ends all threads (%x)", st);
	/* orphan goes to a subreaper */
	int fds[2];
	if (pipe(fds))
		perror("pipe");
	p = IN_CHILD(prctl(PR_SET_CHILD_SUBREAPER, 1); pid_t c = fork(); if (!c) {
		if (!fork()) { usleep(50000); pid_t pp = getppid(); if (write(fds[1], &pp, 4) < 0) _exit(1); _exit(0); }
		_exit(0); }
		wait(NULL); wait(NULL); _exit(0));
	pid_t got = 0;
	OK(read(fds[0], &got, 4) == 4 && got == p, "orphan to the subreaper (%d %d)", got, p);
	wait_status(p);
	p = IN_CHILD(pid_t c = fork(); if (!c) { prctl(PR_SET_PDEATHSIG, SIGUSR1); sigset_t s; sigemptyset(&s);
		sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, NULL); if (write(fds[1], "r", 1) < 0) _exit(1);
		int sig = 0; sigwait(&s, &sig); if (write(fds[1], &sig, 4) < 0) _exit(1); _exit(0); }
		char b; if (read(fds[0], &b, 1) != 1) _exit(1); _exit(0));
	wait_status(p);
	OK(read(fds[0], &got, 4) == 4 && got == SIGUSR1, "parent death signal (%d)", got);
	/* orphaned stopped group: SIGHUP and SIGCONT */
	p = IN_CHILD(setsid(); pid_t c = fork(); if (!c) { setpgid(0, 0); if (!fork()) {
		sigset_t s; sigemptyset(&s); sigaddset(&s, SIGHUP); sigprocmask(SIG_BLOCK, &s, NULL);
		if (write(fds[1], "s", 1) < 0) _exit(1); raise(SIGSTOP); sigpending(&s); int h = sigismember(&s, SIGHUP);
		if (write(fds[1], &h, 4) < 0) _exit(1); _exit(0); } usleep(100000); _exit(0); }
		wait(NULL); _exit(0));
	char b;
	struct pollfd pf = { fds[0], POLLIN, 0 };
	OK(read(fds[0], &b, 1) == 1 && poll(&pf, 1, 3000) == 1 && read(fds[0], &got, 4) == 4 && got == 1,
	   "orphaned stopped group gets SIGHUP, SIGCONT");
	wait_status(p);
	close(fds[0]);
	close(fds[1]);
}

static int ids_child(void)
{
	if (setresuid(1000, 1000, 1000) || setuid(0) != -1 || errno != EPERM)
		return 1;
	if (setreuid(1000, 1000) || seteuid(0) != -1)
		return 2;
	if (prctl(PR_GET_DUMPABLE))
		return 3;
	if (setgroups(0, NULL) != -1 || errno != EPERM)
		return 4;
	return kill(1, 0) != -1 || errno != EPERM ? 5 : 0;
}

static int keepcaps_child(void)
{
	struct { uint32_t v; int pid; } h = { 0x20080522, 0 };
	struct { uint32_t e, p, i; } d[2];
	prctl(PR_SET_KEEPCAPS, 1);
	if (setuid(1000) || syscall(SYS_capget, &h, d))
		return 1;
	return d[0].e || !d[0].p ? 2 : 0;
}

static void test_ids(void)
{
	ERR(setsid() == -1 ? -1 : setsid(), EPERM, "setsid of a group leader");
	ERR(setpgid(0, -1), EINVAL, "setpgid -1");
	ERR(setpgid(0x3ffff0, 0), ESRCH, "setpgid of nobody");
	ERR(getpgid(0x3ffff0), ESRCH, "getpgid of nobody");
	ERR(setgroups(-1, NULL), EINVAL, "setgroups -1");
	ERR(setuid(-1), EINVAL, "setuid -1");
	gid_t g[3] = { 30, 10, 20 }, r[3];
	if (getuid() == 0) {
		OK(setgroups(3, g) == 0 && getgroups(3, r) == 3 && r[0] == 10 && r[2] == 30, "groups are sorted");
		ERR(getgroups(2, r), EINVAL, "getgroups: too small");
		setgroups(0, NULL);
		OK(wait_status(child(ids_child)) == 0, "dropped ids stay dropped");
		OK(wait_status(child(keepcaps_child)) == 0, "keep caps");
	}
	struct { uint32_t v; int pid; } h = { 1, 0 };
	OK(syscall(SYS_capget, &h, NULL) == 0 && h.v == 0x20080522, "capget tells its version");
	ERR(prctl(PR_CAPBSET_READ, 64, 0, 0, 0), EINVAL, "capbset of nothing");
	ERR(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL, "nnp 2");
	ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL, "pdeathsig 65");
	ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL, "dumpable 2");
	ERR(prctl(9999, 0, 0, 0, 0), EINVAL, "prctl junk");
	char name[17] = "";
	prctl(PR_SET_NAME, "0123456789abcdefXYZ");
	OK(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "0123456789abcde"), "name is cut: %s", name);
	struct rlimit l = { 10, 5 };
	ERR(setrlimit(RLIMIT_NOFILE, &l), EINVAL, "soft above hard");
	ERR(getrlimit(16, &l), EINVAL, "rlimit 16");
	ERR(syscall(SYS_arch_prctl, 0x1002, 1UL << 63), EPERM, "FS base not canonical");
	ERR(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL, "arch_prctl junk");
	OK(syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0) == 0, "kcmp VM with itself");
	ERR(syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0), EINVAL, "kcmp junk");
	ERR(syscall(SYS_set_robust_list, 0, 1), EINVAL, "robust list size");
	OK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_SECURE) == 0 && getauxval(AT_RANDOM), "auxv");
	OK(getauxval(AT_SYSINFO_EHDR) != 0, "vDSO");
	OK(!strcmp((char *)getauxval(AT_PLATFORM), "x86_64"), "platform");
}

static void test_ptrace(void)
{
	int st;
	pid_t p = IN_CHILD(ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); getppid(); _exit(8));
	OK(waitpid(p, &st, 0) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "TRACEME stop %x", st);
	OK(ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT) == 0, "options");
	int calls = 0, saw = 0, evexit = 0;
	ptrace(PTRACE_SYSCALL, p, 0, 0);
	while (waitpid(p, &st, 0) == p && WIFSTOPPED(st)) {
		struct user_regs_struct r;
		if (WSTOPSIG(st) == (SIGTRAP | 0x80)) {
			ptrace(PTRACE_GETREGS, p, 0, &r);
			calls++;
			saw |= r.orig_rax == SYS_getppid;
		} else if (st >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
			evexit = 1;
		}
		ptrace(PTRACE_SYSCALL, p, 0, 0);
	}
	OK(saw && calls >= 3 && evexit, "syscall stops %d, exit event %d", calls, evexit);
	OK(WIFEXITED(st) && WEXITSTATUS(st) == 8, "end %x", st);
	volatile long word = 0x1234;
	p = IN_CHILD(for (;;) pause());
	OK(ptrace(PTRACE_ATTACH, p, 0, 0) == 0 && waitpid(p, &st, 0) == p && WSTOPSIG(st) == SIGSTOP, "attach");
	OK(ptrace(PTRACE_PEEKDATA, p, &word, 0) == 0x1234, "peek");
	OK(ptrace(PTRACE_POKEDATA, p, &word, 0x77) == 0 && ptrace(PTRACE_PEEKDATA, p, &word, 0) == 0x77 && word == 0x1234,
	   "poke");
	ERR(ptrace(PTRACE_PEEKDATA, p, 8, 0), EIO, "peek at nothing");
	OK(ptrace(PTRACE_DETACH, p, 0, 0) == 0, "detach");
	kill(p, SIGKILL);
	OK(wait_status(p) == SIGKILL, "killed");
	p = IN_CHILD(for (;;) pause());
	OK(ptrace(PTRACE_SEIZE, p, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, p, 0, 0) == 0 && waitpid(p, &st, 0) == p &&
	   st >> 8 == (SIGTRAP | PTRACE_EVENT_STOP << 8), "seize, interrupt %x", st);
	kill(p, SIGKILL);
	OK(wait_status(p) == SIGKILL, "killed while stopped");
	p = IN_CHILD(ptrace(PTRACE_TRACEME, 0, 0, 0); char *av[] = { "x", "exec-ok", NULL }; execv(self, av));
	OK(waitpid(p, &st, 0) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP, "exec trap %x", st);
	int steps = 0;
	for (; steps < 20; steps++) {
		ptrace(PTRACE_SINGLESTEP, p, 0, 0);
		if (waitpid(p, &st, 0) != p || !WIFSTOPPED(st) || WSTOPSIG(st) != SIGTRAP)
			break;
	}
	OK(steps == 20, "20 single steps (%d, %x)", steps, st);
	ptrace(PTRACE_CONT, p, 0, 0);
	OK(wait_status(p) == 0, "runs on");
	ERR(ptrace(PTRACE_CONT, 1, 0, 0), ESRCH, "not ours");
}

static int modes(int argc, char **argv)
{
	const char *m = argv[1];
	if (!strcmp(m, "exec-ok"))
		return 0;
	if (!strcmp(m, "exec-tid"))
		return getpid() == atoi(getenv("PID")) && syscall(SYS_gettid) == getpid() ? 0 : 1;
	if (!strcmp(m, "exec-sig"))
		return signal(SIGUSR1, SIG_DFL) == SIG_IGN && signal(SIGUSR2, SIG_DFL) == SIG_DFL ? 0 : 1;
	if (!strcmp(m, "script-args  a b"))
		return argc == 4 && !strcmp(argv[2], getenv("SCRIPT")) && !strcmp(argv[3], "one") ? 0 : 1;
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 1 && !argv[0][0])
		return 77;
	if (argc > 1)
		return modes(argc, argv);
	alarm(60);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0 && !realpath(argv[0], self)) /* no /proc */
		n = -1;
	else
		n = 0;
	if (n < 0 || !mkdtemp(dir)) {
		perror("setup");
		return 1;
	}
	test_clone();
	test_wait();
	test_exec();
	test_exit();
	test_ids();
	test_ptrace();
	char cmd[100];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		perror(cmd);
	printf("1..%d\n", tests);
	return failed ? 1 : 0;
}
