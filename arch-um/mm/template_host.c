/*
 * The template stub: from the embedded image to a process that waits behind its filter, and the end of all stubs. See
 * stubs_host.c for what becomes of it.
 */
#include "stubs_int.h"
#include "../entry/backend.h"
#include "../entry/filter.h"
#include "../time/vdso.h"
#include "../vcpu/vcpu.h"
#include <abi/errno.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char stub_image[], stub_image_end[];

int seccomp_template_child(const struct stub *s)
{
	return dup2(s->mbfd, STUB_FD_MBOX) == STUB_FD_MBOX ? fcntl(STUB_FD_MBOX, F_SETFD, 0) : -1;
}

static void __attribute__((noreturn)) template_child(int image)
{
	static const char *const argv[] = { "umber-stub", NULL }, *const envp[] = { NULL };
	struct rlimit core = { 1, 1 };
	cap_t none = cap_init();

	setsid();
	setrlimit(RLIMIT_CORE, &core);
	personality(ADDR_NO_RANDOMIZE);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (none)
		cap_set_proc(none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!backend->template_child(template_stub))
		syscall(SYS_execveat, image, "", argv, envp, AT_EMPTY_PATH);
	_exit(127);
}

static int stub_image_fd(void)
{
	size_t n = (size_t)(stub_image_end - stub_image);
	int fd = memfd_create("umber-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[64];
	int ro;

	if (fd < 0)
		return -1;
	if (write(fd, stub_image, n) != (ssize_t)n ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		close(fd);
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return ro;
}

/* The stack, vvar and so on that exec gave to the template are of no use to guests; the vDSO stays for the guest's. */
static u32 unmap_leftovers(struct stub *s, struct stub_op *ops, u32 max, u64 *vdso)
{
	char path[64], line[512];
	u32 n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", stub_pid(s));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && n < max) {
		unsigned long a, b;

		if (strstr(line, "[vdso]") && sscanf(line, "%lx", &a) == 1)
			*vdso = a;
		if (sscanf(line, "%lx-%lx", &a, &b) != 2 || (a >= STUB_BASE && a < MBOX_BASE + MBOX_MAP_BYTES) ||
		    strstr(line, "[v") || a >= 0x7fffffffffffffffUL)
			continue;
		ops[n++] = (struct stub_op){ .kind = STUB_OP_SYSCALL, .nr = SYS_munmap, .a = { a, b - a } };
	}
	if (f)
		fclose(f);
	return n;
}

static int template_start(const char **what)
{
	struct sock_filter prog[FILTER_MAX];
	struct { u16 len; u16 pad[3]; u64 filter; } fprog = { 0 };
	int image = stub_image_fd(), n = filter_build(prog, FILTER_MAX, backend->traced);
	struct mailbox *mb;
	pid_t pid;

	*what = "build the seccomp filter";
	if (n < 0 && backend->traced)
		n = 0; /* the second line only: it works without */
	if (n < 0)
		return n;
	*what = "make the stub's image (memfd)";
	if (image < 0)
		return -errno;
	template_stub = stub_new();
	template_ut = template_stub ? uthread_new(template_stub) : NULL;
	*what = "make the template stub";
	if (!template_ut)
		return -ENOMEM;
	mb = template_ut->mb;
	if ((size_t)n * sizeof(prog[0]) + 16 > MBOX_STACK_OFF - offsetof(struct mailbox, bulk))
		return -E2BIG;
	fprog.len = (u16)n;
	fprog.filter = MBOX_BASE + offsetof(struct mailbox, bulk) + sizeof(fprog);
	memcpy(mb->bulk, &fprog, sizeof(fprog));
	memcpy(mb->bulk + sizeof(fprog), prog, (size_t)n * sizeof(prog[0]));
	mb->ops[0].a[0] = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	pid = fork();
	if (pid == 0)
		template_child(image);
	close(image);
	if (pid < 0)
		return -errno;
	template_stub->pid = template_ut->tid = pid;
	template_stub->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	template_ut->attached = 1;
	template_ut->started = true;
	return 0;
}

/*
 * A pid namespace for the stubs, where it can be had (as root): its first process dies with us, and with it goes
 * every other, also one that never told who it is (I6). Returns an fd of our own namespace to come back to, or -1.
 */
static int enter_pidns(void)
{
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), ns;
	char path[64];
	pid_t pid;

	if (own < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cap_t none = cap_init();

		prctl(PR_SET_NAME, "umber-reaper");
		if (none)
			cap_set_proc(none);
		setsid();
		close_range(0, ~0u, 0);
		for (;;)
			pause();
	}
	if (pid > 0) {
		reaper_pid = pid;
		snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
		ns = open(path, O_RDONLY | O_CLOEXEC);
		if (ns >= 0 && !setns(ns, CLONE_NEWPID)) {
			close(ns);
			return own;
		}
		if (ns >= 0)
			close(ns);
	}
	close(own);
	return -1;
}

int stubs_prefork(const char **what)
{
	int own, r;

	if (backend->prepare)
		backend->prepare();
	own = enter_pidns();
	r = template_start(what);
	if (own >= 0) {
		if (setns(own, CLONE_NEWPID) && !r) {
			*what = "come back from the stubs' pid namespace";
			r = -errno;
		}
		close(own);
	}
	return r;
}

/* The end of the kernel process, or before it executes itself again: the whole pid namespace goes. */
void stubs_end(void)
{
	sweep_orphans();
	if (reaper_pid > 0)
		kill(reaper_pid, SIGKILL);
	/* The namespace's first process ends only when we have reaped all others. All of them were killed. */
	for (int i = 0; i < 2000; i++) {
		pid_t pid = waitpid(-1, NULL, __WALL | WNOHANG);

		if (pid < 0)
			break;
		if (!pid)
			usleep(i < 100 ? 100 : 1000);
	}
}

/* What a hand-off on one core takes here, by some that ask for nothing: the best of them. */
static void measure_handoff(void)
{
	u64 best = U64_MAX, t;

	for (int i = 0; i < 8; i++) {
		t = port_monotonic_ns();
		if (uthread_run_ops(template_ut, 0, false))
			return;
		best = min(best, port_monotonic_ns() - t);
	}
	policy_measured(best);
}

/* The template's filter, whose listener is ours from then on. */
int seccomp_start(const char **what)
{
	struct mailbox *mb = template_ut->mb;
	u64 sync = 1;
	pthread_t t;
	int fd, r;

	*what = "start the template stub";
	if (wait_entry(template_ut, port_monotonic_ns() + 5000000000ULL, 0, true) != WAIT_ENTRY)
		return -EIO;
	*what = "install the seccomp filter in a stub (host kernel 5.19 or later with CONFIG_SECCOMP_FILTER; else intercept=ptrace)";
	fd = (int)mb->ops[0].res;
	if (fd < 0)
		return fd;
	*what = "take the seccomp listener from the stub (pidfd_getfd; are ptrace rights restricted?)";
	listener = (int)syscall(SYS_pidfd_getfd, stub_pidfd(template_stub), fd, 0);
	if (listener < 0)
		return -errno;
	fcntl(listener, F_SETFD, FD_CLOEXEC);
	ioctl(listener, _IOW('!', 4, u64), sync); /* wake on the same CPU; hosts before 6.6 lack it */
	*what = "start the listener thread";
	if (pthread_create(&t, NULL, listener_main, NULL))
		return -EAGAIN;
	pthread_detach(t);
	mb->ops[0] = (struct stub_op){ .kind = STUB_OP_SYSCALL, .nr = SYS_close, .a = { (u64)fd } };
	klock_take();
	measure_handoff();
	*what = "prepare the template stub";
	r = uthread_run_ops(template_ut, 1, false);
	klock_drop();
	return r ? r : (int)mb->ops[0].res;
}

int stubs_init(const char **what)
{
	struct mailbox *mb = template_ut->mb;
	u64 vdso = 0;
	cpu_set_t set;
	int r;
	u32 n;

	/* where vCPU 0 is: a zygote that woke on an idle CPU would be slow */
	if (!sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) == 1) {
		sched_setaffinity(uthread_tid(template_ut), sizeof(set), &set);
		template_ut->cpu = hvcpus[0].host_cpu;
	}
	r = backend->start(what);
	if (r)
		return r;
	events_watch_stub(template_stub);
	n = unmap_leftovers(template_stub, mb->ops, 32, &vdso);
	klock_take();
	*what = "prepare the template stub";
	r = uthread_run_ops(template_ut, n, false);
	klock_drop();
	for (u32 i = 0; i < n && !r; i++)
		if (mb->ops[i].res < 0)
			r = (int)mb->ops[i].res;
	*what = "make the guest's vDSO";
	if (!r)
		r = vdso_init(vdso);
	*what = "make the file of patched pages (memfd)";
	return r || backend->traced ? r : patch_init();
}
