/*
 * Start and end of the kernel process: probe of the host, privileges given up before the first guest
 * instruction, template stub, vCPUs; shutdown that leaves no process behind.
 */
#include "options.h"
#include "../mm/arena.h"
#include "../mm/stubs.h"
#include "../vcpu/vcpu.h"
#include <cpuid.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **saved_argv;

/* Capabilities: those that hostfs needs to act for a guest root, nothing else (DESIGN 5). */
static void drop_privileges(bool rw)
{
	static const cap_value_t ro_caps[] = { CAP_DAC_READ_SEARCH };
	static const cap_value_t rw_caps[] = { CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER,
					       CAP_FSETID, CAP_MKNOD };
	const cap_value_t *want = rw ? rw_caps : ro_caps;
	int n = rw ? 6 : 1;
	cap_t have = cap_get_proc(), keep = cap_init();

	if (!have || !keep)
		die(125, "cannot read the process's capabilities: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		cap_flag_value_t v = CAP_CLEAR;

		cap_get_flag(have, want[i], CAP_PERMITTED, &v);
		if (v == CAP_SET) {
			cap_set_flag(keep, CAP_PERMITTED, 1, &want[i], CAP_SET);
			cap_set_flag(keep, CAP_EFFECTIVE, 1, &want[i], CAP_SET);
		}
	}
	if (cap_set_proc(keep))
		die(125, "cannot give up capabilities: %s", strerror(errno));
	cap_free(have);
	cap_free(keep);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die(125, "cannot set no_new_privs: %s", strerror(errno));
}

static void probe_host(void)
{
	struct rlimit fds;
	FILE *f = fopen("/proc/sys/vm/overcommit_memory", "re");
	int mode = 0;

	if (f && fscanf(f, "%d", &mode) == 1 && mode == 2)
		die(125, "the host has vm.overcommit_memory=2; umber reserves sparse memory and needs 0 or 1");
	if (f)
		fclose(f);
	if (!getrlimit(RLIMIT_NOFILE, &fds) && fds.rlim_cur < fds.rlim_max) {
		fds.rlim_cur = fds.rlim_max;
		setrlimit(RLIMIT_NOFILE, &fds);
	}
}

u64 port_hwcap(int which)
{
	return getauxval(which == 1 ? AT_HWCAP : AT_HWCAP2);
}

u64 port_minsigstksz(void)
{
	u64 v = getauxval(AT_MINSIGSTKSZ);

	return v ? v : 2048;
}

const char *port_cpu_vendor(void)
{
	static char v[13];
	unsigned a, b, c, d;

	if (__get_cpuid(0, &a, &b, &c, &d)) {
		memcpy(v, &b, 4);
		memcpy(v + 4, &d, 4);
		memcpy(v + 8, &c, 4);
	}
	return v;
}

u64 port_cpu_khz(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];
	double mhz = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu MHz : %lf", &mhz) == 1)
			break;
	if (f)
		fclose(f);
	return (u64)(mhz * 1000);
}

u64 port_task_utime_ns(struct port_task *pt)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	if (!ut || !uthread_tid(ut))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", stub_pid(ut->stub), uthread_tid(ut));
	f = fopen(path, "re");
	if (f && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

/* ---- the end ---- */
void port_log(const char *line, size_t n)
{
	fwrite(line, 1, n, stderr);
}

void port_backtrace(void (*line)(const char *s))
{
	void *pc[64], **fp = __builtin_frame_address(0);
	char buf[128];
	int n = 0;

	/* frame pointers are kept; a fibre's last one is 0 */
	while (fp && n < 64 && ((u64)fp & 7) == 0 && fp[0] > (void *)fp && (u64)fp[0] - (u64)fp < FIBRE_STACK_BYTES) {
		pc[n++] = fp[1];
		fp = fp[0];
	}
	for (int i = 0; i < n; i++) {
		char **sym = backtrace_symbols(&pc[i], 1);

		snprintf(buf, sizeof(buf), " [<%016lx>] %s", (unsigned long)pc[i], sym ? sym[0] : "?");
		line(buf);
		free(sym);
	}
}

static void kill_stubs(void)
{
	for (s32 id = 1; id <= stub_last_id(); id++) {
		struct stub *s = stub_by_id(id);

		if (s)
			stub_kill(s);
	}
	for (s32 id = 1; id <= stub_last_id(); id++) {
		struct stub *s = stub_by_id(id);
		siginfo_t si;

		/* again: it may have attached after it was marked dead */
		if (s && stub_pidfd(s) >= 0 && !syscall(SYS_pidfd_send_signal, stub_pidfd(s), SIGKILL, NULL, 0))
			waitid(P_PIDFD, (id_t)stub_pidfd(s), &si, WEXITED | __WALL);
	}
	stubs_end();
}

static void (*exit_hooks[8])(void);

void port_at_exit(void (*fn)(void))
{
	for (size_t i = 0; i < ARRAY_SIZE(exit_hooks); i++)
		if (!exit_hooks[i]) {
			exit_hooks[i] = fn;
			return;
		}
}

static void run_exit_hooks(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(exit_hooks); i++)
		if (exit_hooks[i])
			exit_hooks[i]();
}

void port_shutdown(int status)
{
	kill_stubs();
	run_exit_hooks();
	fflush(NULL);
	_exit(status);
}

void port_reboot(void)
{
	kill_stubs();
	run_exit_hooks();
	fflush(NULL);
	execv("/proc/self/exe", saved_argv);
	die(1, "Failed to exec kernel: %s", strerror(errno));
}

void port_panic(const char *msg)
{
	static int once;

	if (!__atomic_exchange_n(&once, 1, __ATOMIC_SEQ_CST)) {
		run_exit_hooks();
		if (msg && *msg)
			fprintf(stderr, "%s\n", msg);
		fflush(NULL);
	}
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* A fault of the kernel process itself: say where, then die by it. */
static void on_fault(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	char buf[160];
	void **fp = (void **)uc->uc_mcontext.gregs[REG_RBP];
	int n = snprintf(buf, sizeof(buf), "umber: signal %d in the kernel process at %#llx, address %p; back trace:\n",
			 sig, (unsigned long long)uc->uc_mcontext.gregs[REG_RIP], si->si_addr);

	(void)!write(2, buf, (size_t)n);
	for (int i = 0; i < 32 && fp && ((u64)fp & 7) == 0; i++) {
		void **next = fp[0];

		n = snprintf(buf, sizeof(buf), "  %p\n", fp[1]);
		(void)!write(2, buf, (size_t)n);
		if (next <= fp || (u64)next - (u64)fp > FIBRE_STACK_BYTES)
			break;
		fp = next;
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Not in builds with sanitizers: their runtimes report faults themselves. */
static void catch_faults(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
#else
	(void)on_fault;
#endif
}

int main(int argc, char **argv)
{
	const char *what = "";
	int r;

	saved_argv = argv;
	options_parse(argc, argv);
	probe_host();
	r = arena_init(boot_params.mem_bytes);
	if (r)
		die(125, "cannot reserve memory for the guest: %s", strerror(-r));
	r = stubs_prefork(&what);
	if (r)
		die(125, "cannot %s: %s", what, strerror(-r));
	drop_privileges(boot_params.run_rw || !boot_params.run);
	catch_faults();
	r = events_init();
	if (r)
		die(125, "cannot start the event watcher: %s", strerror(-r));
	vcpus_prepare();
	r = stubs_init(&what);
	if (r)
		die(125, "cannot %s: %s", what, strerror(-r));
	vcpus_start();
}
