/* Signals: dispositions, masks, queues, restart semantics, siginfo, alternate stacks, faults, stop and continue. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include "t.h"

static volatile int hits, last;
static siginfo_t info;
static void handler(int s) { hits++; last = s; }
static void siginfo_handler(int s, siginfo_t *i, void *u) { hits++; last = s; info = *i; }

static void set(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = flags | SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}

static void set_plain(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void basics(void)
{
	struct sigaction old;
	sigset_t s, o;

	set_plain(SIGUSR1, handler, 0);
	hits = 0;
	raise(SIGUSR1);
	IS(hits, 1, "raise runs the handler");
	ERR(kill(getpid(), 65), EINVAL, "kill with signal 65");
	ERR(kill(getpid(), -1), EINVAL, "kill with a negative signal");
	IS(kill(getpid(), 0), 0, "kill 0 to self");
	ERR(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = handler }, NULL), EINVAL, "no handler for KILL");
	ERR(sigaction(SIGSTOP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), EINVAL, "STOP cannot be ignored");
	IS(sigaction(SIGKILL, NULL, &old), 0, "KILL's action can be read");
	set_plain(SIGUSR1, handler, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	OK(old.sa_handler == SIG_DFL, "SA_RESETHAND resets");
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGKILL);
	sigprocmask(SIG_BLOCK, &s, NULL);
	sigprocmask(SIG_BLOCK, NULL, &o);
	OK(sigismember(&o, SIGUSR1) && !sigismember(&o, SIGKILL), "KILL cannot be blocked");
	set_plain(SIGUSR1, handler, 0);
	hits = 0;
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	IS(hits, 0, "blocked signals wait");
	sigpending(&o);
	OK(sigismember(&o, SIGUSR1), "sigpending shows it");
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	IS(hits, 1, "a standard signal is queued once");
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigpending(&o);
	OK(!sigismember(&o, SIGUSR1), "ignoring discards what is pending");
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &s, NULL, 4), EINVAL, "sigset size must be 8");
	ERR(syscall(SYS_rt_sigprocmask, 77, &s, NULL, 8), EINVAL, "bad how");
}

static volatile int depth, max_depth, runs;
static void nest(int s)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (++runs < 3)
		raise(s);
	depth--;
}

static sigset_t mask_in_handler;
static void see_mask(int s) { sigprocmask(SIG_BLOCK, NULL, &mask_in_handler); }

static void masks(void)
{
	struct sigaction sa = { .sa_handler = see_mask };

	max_depth = runs = 0;
	set_plain(SIGUSR1, nest, 0);
	raise(SIGUSR1);
	IS(max_depth, 1, "a handler's own signal is blocked in it");
	max_depth = runs = 0;
	set_plain(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	IS(max_depth, 3, "SA_NODEFER lets it nest");
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	OK(sigismember(&mask_in_handler, SIGUSR2) && sigismember(&mask_in_handler, SIGUSR1), "sa_mask holds in the handler");
	sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
	OK(!sigismember(&mask_in_handler, SIGUSR2) && !sigismember(&mask_in_handler, SIGUSR1), "and is undone after it");
}

static volatile int order[16], n_order;
static void rt(int s, siginfo_t *i, void *u) { if (n_order < 16) order[n_order++] = s * 100 + i->si_value.sival_int; }

static void queues(void)
{
	sigset_t s, o;
	siginfo_t si;
	struct timespec zero = { 0, 0 }, ms20 = { 0, 20000000 };
	long t0;
	int fd;

	sigemptyset(&s);
	for (int i = 0; i < 3; i++)
		sigaddset(&s, SIGRTMIN + i);
	sigaddset(&s, SIGUSR2);
	sigprocmask(SIG_BLOCK, &s, &o);
	for (int i = 2; i >= 0; i--)
		for (int k = 0; k < 3; k++)
			sigqueue(getpid(), SIGRTMIN + i, (union sigval){ .sival_int = k });
	raise(SIGUSR2);
	for (int i = 0; i < 3; i++)
		set(SIGRTMIN + i, rt, 0);
	IS(sigtimedwait(&s, &si, &zero), SIGUSR2, "standard signals first");
	OK(si.si_code == SI_TKILL || si.si_code == SI_USER, "raise's si_code (glibc shows SI_TKILL as SI_USER)");
	IS(sigwaitinfo(&s, &si), SIGRTMIN, "lowest number first");
	IS(si.si_value.sival_int, 0, "first queued first");
	IS(si.si_code, SI_QUEUE, "SI_QUEUE");
	IS(si.si_pid, getpid(), "si_pid");
	IS(si.si_uid, getuid(), "si_uid");
	n_order = 0;
	sigprocmask(SIG_SETMASK, &o, NULL);
	IS(n_order, 8, "all are delivered");
	sigprocmask(SIG_BLOCK, &s, &o);
	t0 = t_ms();
	ERR(sigtimedwait(&s, &si, &ms20), EAGAIN, "sigtimedwait times out");
	OK(t_ms() - t0 >= 19, "after its time");
	fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
	struct signalfd_siginfo fi;
	ERR(read(fd, &fi, sizeof(fi)), EAGAIN, "signalfd is empty");
	ERR(read(fd, &fi, 10), EINVAL, "signalfd wants a whole record");
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 99 });
	struct pollfd p = { fd, POLLIN, 0 };
	IS(poll(&p, 1, 100), 1, "signalfd polls");
	IS(read(fd, &fi, sizeof(fi)), sizeof(fi), "signalfd reads");
	IS(fi.ssi_signo, SIGRTMIN + 1, "ssi_signo");
	IS(fi.ssi_int, 99, "ssi_int");
	IS(fi.ssi_pid, getpid(), "ssi_pid");
	close(fd);
	sigprocmask(SIG_SETMASK, &o, NULL);
	pid_t kid_ = fork();

	if (!kid_)
		pause();
	ERR(syscall(SYS_rt_sigqueueinfo, kid_, SIGRTMIN, &(siginfo_t){ .si_code = SI_USER }), EPERM, "no forged SI_USER to others");
	IS(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &(siginfo_t){ .si_code = SI_USER }), 0, "but to oneself");
	kill(kid_, SIGKILL);
	waitpid(kid_, NULL, 0);
}

/* How calls behave when a handler with and without SA_RESTART interrupts them. */
static int pipe_fd[2], sock_fd[2];
static pthread_t main_thread;
static void *poke(void *p)
{
	t_sleep_ms(60);
	pthread_kill(main_thread, SIGUSR1);
	t_sleep_ms(60);
	if (p)
		write(*(int *)p, "x", 1);
	return NULL;
}

static long interrupted(int restart, long (*fn)(void), int *release)
{
	pthread_t t;
	long r;

	set_plain(SIGUSR1, handler, restart ? SA_RESTART : 0);
	hits = 0;
	pthread_create(&t, NULL, poke, release);
	errno = 0;
	r = fn();
	r = r < 0 ? -errno : r;
	pthread_join(t, NULL);
	return hits ? r : -9999;
}

static long do_read(void) { char c; return read(pipe_fd[0], &c, 1); }
static long do_recv(void) { char c; return recv(sock_fd[0], &c, 1, 0); }
static long do_poll(void) { struct pollfd p = { pipe_fd[0], POLLIN, 0 }; return poll(&p, 1, 400); }
static long do_select(void) { struct timeval tv = { 0, 400000 }; return select(0, NULL, NULL, NULL, &tv); }
static long do_nanosleep(void) { struct timespec ts = { 0, 200000000 }; return nanosleep(&ts, NULL); }
static long do_pause(void) { return pause(); }
static long do_epoll(void)
{
	struct epoll_event e;
	int fd = epoll_create1(0);
	long r = epoll_wait(fd, &e, 1, 400);
	int err = errno;

	close(fd);
	errno = err;
	return r;
}
static long do_sigsuspend(void) { sigset_t s; sigemptyset(&s); return sigsuspend(&s); }
static long do_futex(void)
{
	int f = 0;
	struct timespec ts = { 0, 300000000 };

	return syscall(SYS_futex, &f, 0, 0, &ts);
}
static long do_futex_forever(void)
{
	static int f;

	return syscall(SYS_futex, &f, 0, 0, NULL);
}
static pid_t kid;
static long do_wait(void) { return waitpid(kid, NULL, 0) == kid ? 1 : -1; }
static long do_flock(void)
{
	return 0;
}

static void restarts(void)
{
	main_thread = pthread_self();
	pipe(pipe_fd);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sock_fd);
	IS(interrupted(0, do_read, &pipe_fd[1]), -EINTR, "read without SA_RESTART");
	IS(do_read(), 1, "the byte is still there");
	IS(interrupted(1, do_read, &pipe_fd[1]), 1, "read with SA_RESTART");
	IS(interrupted(0, do_recv, &sock_fd[1]), -EINTR, "recv without SA_RESTART");
	IS(do_recv(), 1, "the byte is still there (socket)");
	IS(interrupted(1, do_recv, &sock_fd[1]), 1, "recv with SA_RESTART");
	IS(interrupted(1, do_poll, NULL), -EINTR, "poll is never restarted");
	IS(interrupted(1, do_select, NULL), -EINTR, "select is never restarted");
	IS(interrupted(1, do_epoll, NULL), -EINTR, "epoll_wait is never restarted");
	IS(interrupted(1, do_nanosleep, NULL), -EINTR, "nanosleep is never restarted");
	IS(interrupted(1, do_pause, NULL), -EINTR, "pause");
	IS(interrupted(1, do_sigsuspend, NULL), -EINTR, "sigsuspend");
	IS(interrupted(1, do_futex, NULL), -EINTR, "a futex wait with timeout is not restarted");
	IS(interrupted(0, do_futex_forever, NULL), -EINTR, "a futex wait without SA_RESTART");
	struct timeval rcv = { 0, 300000 };
	setsockopt(sock_fd[0], SOL_SOCKET, SO_RCVTIMEO, &rcv, sizeof(rcv));
	IS(interrupted(1, do_recv, NULL), -EINTR, "recv with SO_RCVTIMEO is not restarted");
	for (int r = 0; r < 2; r++) {
		kid = fork();
		if (!kid) { /* r: ends when it is told, after the signal */
			char c;
			read(pipe_fd[0], &c, 1);
			_exit(0);
		}
		IS(interrupted(r, do_wait, r ? &pipe_fd[1] : NULL), r ? 1 : -EINTR, r ? "wait with SA_RESTART" : "wait without SA_RESTART");
		if (!r)
			write(pipe_fd[1], "x", 1);
		waitpid(kid, NULL, 0);
	}
	long t0 = t_ms();
	signal(SIGUSR1, SIG_IGN);
	pthread_t t;
	pthread_create(&t, NULL, poke, NULL);
	IS(do_nanosleep(), 0, "an ignored signal does not interrupt");
	OK(t_ms() - t0 >= 199, "the sleep was whole");
	pthread_join(t, NULL);
}

static void remaining_time(void)
{
	struct timespec ts = { 0, 300000000 }, rem = { 0, 0 };
	pthread_t t;

	set_plain(SIGUSR1, handler, 0);
	pthread_create(&t, NULL, poke, NULL);
	ERR(nanosleep(&ts, &rem), EINTR, "nanosleep is interrupted");
	OK(rem.tv_sec == 0 && rem.tv_nsec > 0 && rem.tv_nsec < 300000000, "the rest is told");
	pthread_join(t, NULL);
}

static sigjmp_buf jb;
static void fault(int s, siginfo_t *i, void *u) { info = *i; last = s; siglongjmp(jb, 1); }
#define FAULT(stmt) do { last = 0; memset(&info, 0, sizeof(info)); if (!sigsetjmp(jb, 1)) { stmt; } } while (0)

static void faults(void)
{
	char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
	volatile int zero = 0, sink;
	int fd = memfd_create("x", 0);

	for (int s = SIGILL; s <= SIGSEGV; s++)
		if (s != SIGABRT && s != SIGKILL && s != SIGUSR1)
			set(s, fault, SA_ONSTACK);
	FAULT(*(volatile char *)0x1234 = 1);
	OK(last == SIGSEGV && info.si_code == SEGV_MAPERR && info.si_addr == (void *)0x1234, "SEGV_MAPERR and its address");
	FAULT(*(volatile char *)(p + 100) = 1);
	OK(last == SIGSEGV && info.si_code == SEGV_ACCERR && info.si_addr == p + 100, "SEGV_ACCERR on a write");
	mprotect(p, 4096, PROT_NONE);
	FAULT(sink = *(volatile char *)(p + 5));
	OK(last == SIGSEGV && info.si_code == SEGV_ACCERR && info.si_addr == p + 5, "SEGV_ACCERR on a read");
	FAULT(((void (*)(void))(p + 4096))());
	OK(last == SIGSEGV && info.si_code == SEGV_ACCERR && info.si_addr == p + 4096, "SEGV_ACCERR on execution");
	FAULT(sink = *(volatile char *)0x8000000000000000ul);
	OK(last == SIGSEGV && info.si_code == SI_KERNEL && info.si_addr == NULL, "non-canonical address");
	ftruncate(fd, 4096);
	q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	FAULT(sink = q[4096 + 7]);
	OK(last == SIGBUS && info.si_code == BUS_ADRERR && info.si_addr == q + 4096 + 7, "SIGBUS beyond the end of the file");
	FAULT(q[10] = 1);
	IS(last, 0, "within the file is fine");
	ftruncate(fd, 0);
	FAULT(sink = q[10]);
	IS(last, SIGBUS, "SIGBUS after truncation");
	ftruncate(fd, 4096);
	FAULT(sink = q[10]);
	OK(last == 0 && q[10] == 0, "zeroes after it grew again");
	FAULT(__asm__ volatile("xor %%edx,%%edx; xor %%ecx,%%ecx; mov $1,%%eax; idivl %%ecx" ::: "eax", "ecx", "edx"));
	OK(last == SIGFPE && info.si_code == FPE_INTDIV, "SIGFPE FPE_INTDIV");
	FAULT(__asm__ volatile("ud2"));
	OK(last == SIGILL && info.si_code == ILL_ILLOPN, "SIGILL ILL_ILLOPN");
	FAULT(__asm__ volatile("int3"));
	OK(last == SIGTRAP && info.si_code == SI_KERNEL, "SIGTRAP by int3");
	FAULT(__asm__ volatile("hlt"));
	OK(last == SIGSEGV && info.si_code == SI_KERNEL, "privileged instruction");
	FAULT(__asm__ volatile("pushf; orl $0x100,(%%rsp); popf; nop; nop" ::: "memory", "cc"));
	OK(last == SIGTRAP && info.si_code == TRAP_TRACE, "single step");
	FAULT(__asm__ volatile("int $0x81"));
	IS(last, SIGSEGV, "int 0x81");
	for (int s = SIGILL; s <= SIGSEGV; s++)
		if (s != SIGKILL)
			signal(s, SIG_DFL);
	close(fd);
}

static volatile uintptr_t handler_sp;
static void see_sp(int s) { int x; handler_sp = (uintptr_t)&x; stack_t o; sigaltstack(NULL, &o); last = o.ss_flags; }
static int overflow(int n) { volatile char b[2048]; b[0] = (char)n; return overflow(n + 1) + b[0]; }
static void count(int s) { hits++; }

static void altstack(void)
{
	static char st[65536];
	stack_t ss = { .ss_sp = st, .ss_size = sizeof(st) }, old;
	int status;

	ERR(sigaltstack(&(stack_t){ .ss_sp = st, .ss_size = 100 }, NULL), ENOMEM, "too small an alternate stack");
	ERR(sigaltstack(&(stack_t){ .ss_sp = st, .ss_size = sizeof(st), .ss_flags = 0x40 }, NULL), EINVAL, "bad flags");
	sigaltstack(&ss, NULL);
	sigaltstack(NULL, &old);
	OK(old.ss_sp == st && old.ss_size == sizeof(st) && !(old.ss_flags & SS_ONSTACK), "alternate stack as set");
	set_plain(SIGUSR1, see_sp, SA_ONSTACK);
	raise(SIGUSR1);
	OK(handler_sp >= (uintptr_t)st && handler_sp < (uintptr_t)st + sizeof(st), "the handler runs on it");
	IS(last, SS_ONSTACK, "SS_ONSTACK is told in it");
	set_plain(SIGUSR1, see_sp, 0);
	raise(SIGUSR1);
	OK(handler_sp < (uintptr_t)st || handler_sp >= (uintptr_t)st + sizeof(st), "without SA_ONSTACK it does not");
	FORK(status) {
		set(SIGSEGV, fault, SA_ONSTACK);
		if (!sigsetjmp(jb, 1))
			overflow(0);
		_exit(last == SIGSEGV ? 33 : 1);
	}
	IS(WIFEXITED(status) ? WEXITSTATUS(status) : -status, 33, "stack overflow is caught on the alternate stack");
	FORK(status) {
		set(SIGSEGV, fault, 0);
		if (!sigsetjmp(jb, 1))
			overflow(0);
		_exit(1);
	}
	OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "and kills without one");
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	sigaltstack(NULL, &old);
	IS(old.ss_flags, SS_DISABLE, "disabled");
}

static void uc_change(int s, siginfo_t *i, void *u)
{
	ucontext_t *uc = u;

	uc->uc_mcontext.gregs[REG_RIP] += 2; /* over the ud2 */
	uc->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void contexts(void)
{
	register unsigned long rbx __asm__("rbx") = 1;
	unsigned long got;
	sigset_t o;

	set(SIGILL, uc_change, 0);
	__asm__ volatile("mov $1,%%rbx; ud2; mov %%rbx,%0" : "=r"(got) :: "rbx");
	OK(got == 0x1122334455667788, "a handler changes registers");
	sigprocmask(SIG_BLOCK, NULL, &o);
	OK(sigismember(&o, SIGUSR2), "and the mask");
	sigdelset(&o, SIGUSR2);
	sigprocmask(SIG_SETMASK, &o, NULL);
	signal(SIGILL, SIG_DFL);
	(void)rbx;
}

static void defaults(void)
{
	static const int kills[] = { SIGHUP, SIGINT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO,
				     SIGPWR, SIGSTKFLT };
	static const int cores[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };
	static const int none[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	int st, bad = 0;

	for (unsigned i = 0; i < sizeof(kills) / sizeof(*kills); i++) {
		FORK(st) { signal(kills[i], SIG_DFL); raise(kills[i]); }
		bad += !WIFSIGNALED(st) || WTERMSIG(st) != kills[i] || WCOREDUMP(st);
	}
	IS(bad, 0, "default action: end");
	bad = 0;
	for (unsigned i = 0; i < sizeof(cores) / sizeof(*cores); i++) {
		FORK(st) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			signal(cores[i], SIG_DFL);
			raise(cores[i]);
		}
		bad += !WIFSIGNALED(st) || WTERMSIG(st) != cores[i];
	}
	IS(bad, 0, "default action: core");
	bad = 0;
	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++) {
		FORK(st) { raise(none[i]); _exit(5); }
		bad += !WIFEXITED(st) || WEXITSTATUS(st) != 5;
	}
	IS(bad, 0, "default action: none");
}

static void stops(void)
{
	siginfo_t si;
	int st;
	pid_t p = fork();

	if (!p) {
		set_plain(SIGCONT, handler, 0);
		hits = 0;
		while (!hits)
			pause();
		_exit(4);
	}
	kill(p, SIGSTOP);
	IS(waitpid(p, &st, WUNTRACED), p, "a stopped child is reported");
	OK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "with its signal");
	IS(waitpid(p, &st, WUNTRACED | WNOHANG), 0, "only once");
	kill(p, SIGTERM);
	t_sleep_ms(30);
	IS(waitpid(p, &st, WNOHANG), 0, "a signal waits while the process is stopped");
	kill(p, SIGKILL);
	waitpid(p, &st, 0);
	IS(WTERMSIG(st), SIGKILL, "KILL does not wait");
	p = fork();
	if (!p) {
		set_plain(SIGCONT, handler, 0);
		hits = 0;
		raise(SIGSTOP);
		t_sleep_ms(300); /* a zombie is not waited for as continued */
		_exit(hits ? 4 : 5);
	}
	waitid(P_PID, p, &si, WSTOPPED);
	OK(si.si_code == CLD_STOPPED && si.si_status == SIGSTOP, "waitid WSTOPPED");
	kill(p, SIGCONT);
	waitid(P_PID, p, &si, WCONTINUED);
	IS(si.si_code, CLD_CONTINUED, "waitid WCONTINUED");
	waitpid(p, &st, 0);
	IS(WEXITSTATUS(st), 4, "CONT's handler ran");
}

static void sigchld(void)
{
	int st;
	pid_t p;

	set(SIGCHLD, siginfo_handler, SA_RESTART);
	hits = 0;
	p = fork();
	if (!p)
		_exit(7);
	while (!hits)
		t_sleep_ms(1);
	OK(info.si_code == CLD_EXITED && info.si_status == 7 && info.si_pid == p && info.si_uid == getuid(), "SIGCHLD's siginfo");
	waitpid(p, &st, 0);
	p = fork();
	if (!p) {
		signal(SIGTERM, SIG_DFL);
		pause();
	}
	hits = 0;
	kill(p, SIGTERM);
	while (!hits)
		t_sleep_ms(1);
	OK(info.si_code == CLD_KILLED && info.si_status == SIGTERM, "SIGCHLD CLD_KILLED");
	waitpid(p, &st, 0);
	set(SIGCHLD, siginfo_handler, SA_NOCLDSTOP);
	hits = 0;
	p = fork();
	if (!p)
		pause();
	kill(p, SIGSTOP);
	waitpid(p, &st, WUNTRACED);
	t_sleep_ms(20);
	IS(hits, 0, "SA_NOCLDSTOP");
	kill(p, SIGKILL);
	waitpid(p, &st, 0);
	signal(SIGCHLD, SIG_IGN);
	p = fork();
	if (!p)
		_exit(0);
	ERR(waitpid(p, &st, 0), ECHILD, "an ignored SIGCHLD reaps");
	set(SIGCHLD, siginfo_handler, SA_NOCLDWAIT);
	p = fork();
	if (!p)
		_exit(0);
	ERR(waitpid(p, &st, 0), ECHILD, "SA_NOCLDWAIT reaps");
	signal(SIGCHLD, SIG_DFL);
}

static volatile pid_t got_tid;
static void tid_handler(int s) { got_tid = (pid_t)syscall(SYS_gettid); hits++; }
static volatile int stop_thread;
static volatile pid_t thread_tid;
static void *idle(void *p)
{
	thread_tid = (pid_t)syscall(SYS_gettid);
	while (!stop_thread)
		t_sleep_ms(5);
	return NULL;
}

static void threads(void)
{
	pthread_t t;
	sigset_t s, o;

	set_plain(SIGUSR1, tid_handler, SA_RESTART);
	stop_thread = 0;
	pthread_create(&t, NULL, idle, NULL);
	while (!thread_tid)
		t_sleep_ms(1);
	hits = 0;
	pthread_kill(t, SIGUSR1);
	while (!hits)
		t_sleep_ms(1);
	IS(got_tid, thread_tid, "pthread_kill reaches that thread");
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &s, &o);
	hits = 0;
	kill(getpid(), SIGUSR1);
	while (!hits)
		t_sleep_ms(1);
	IS(got_tid, thread_tid, "a process signal goes to a thread that takes it");
	pthread_sigmask(SIG_SETMASK, &o, NULL);
	ERR(syscall(SYS_tgkill, getpid() + 1, thread_tid, 0), ESRCH, "tgkill checks the group");
	ERR(syscall(SYS_tgkill, -1, thread_tid, 0), EINVAL, "tgkill with a negative group");
	stop_thread = 1;
	pthread_join(t, NULL);
}

/* The mask is changed again and again (the port may do that without an entry) while signals come. A blocked one must
 * wait, an unblocked one must come soon, none may be lost. */
static volatile int mask_open, came_blocked, mask_stop;
static int mask_pause_us = 10; /* no shorter than a handler takes, or its thread does nothing else */
static void mask_handler(int s) { hits++; came_blocked += !mask_open; }

static void *mask_sender(void *arg)
{
	pthread_t to = *(pthread_t *)arg;

	while (!mask_stop) {
		int before = hits;

		pthread_kill(to, SIGUSR1);
		for (int i = 0; hits == before && i < 20000 && !mask_stop; i++)
			usleep(mask_pause_us);
		if (hits == before && !mask_stop)
			return "lost";
	}
	return NULL;
}

static void mask_races(void)
{
	sigset_t s, o;
	pthread_t t, me = pthread_self();
	void *ret;
	int pid = getpid(), wrong = 0, steps = 100000;

	if (getenv("UMBER_INTERCEPT")) { /* ptrace: no call is quick */
		steps = 3000;
		mask_pause_us = 1000;
	}
	set_plain(SIGUSR1, mask_handler, 0);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	hits = came_blocked = mask_stop = 0;
	mask_open = 1;
	pthread_create(&t, NULL, mask_sender, &me);
	for (int i = 0; i < steps || (hits < 20 && i < 5000000); i++) {
		pthread_sigmask(SIG_BLOCK, &s, &o);
		mask_open = 0;
		wrong += sigismember(&o, SIGUSR1);
		wrong += getpid() != pid;
		mask_open = 1;
		pthread_sigmask(SIG_UNBLOCK, &s, &o);
		wrong += !sigismember(&o, SIGUSR1);
	}
	mask_stop = 1;
	pthread_join(t, &ret);
	OK(!ret, "a signal to a thread that changes its mask comes");
	OK(hits > 10, "many came");
	IS(came_blocked, 0, "none while it was blocked");
	IS(wrong, 0, "old masks");
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	raise(SIGUSR1);
	hits = 0;
	ERR(syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, 8, NULL, 8), EFAULT, "bad pointer");
	pthread_sigmask(SIG_SETMASK, NULL, &o);
	OK(sigismember(&o, SIGUSR1) && !hits, "still blocked after EFAULT");
	if (!fork()) {
		pthread_sigmask(SIG_SETMASK, NULL, &o);
		_exit(sigismember(&o, SIGUSR1) && getpid() != pid ? 0 : 1);
	}
	wait(&wrong);
	IS(wrong, 0, "the mask and new ids after fork");
	pthread_sigmask(SIG_UNBLOCK, &s, NULL);
	IS(hits, 1, "a pending signal comes with the unblocking");
}

int main(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	basics();
	masks();
	queues();
	restarts();
	remaining_time();
	faults();
	altstack();
	contexts();
	defaults();
	stops();
	sigchld();
	threads();
	mask_races();
	(void)do_flock;
	(void)count;
	return t_done();
}
