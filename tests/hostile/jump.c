/* I1, I2 from inside stub text: every number by the stub's own syscall instruction, and a jump to each byte of it. */
#include "hostile.h"
#include "cases.h"

static const short listed[] = { SYS_futex, SYS_recvmsg, SYS_close, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap,
				SYS_madvise, SYS_clone, SYS_prctl, SYS_rt_sigreturn, SYS_rt_sigprocmask,
				SYS_sigaltstack, SYS_exit, SYS_arch_prctl, SYS_membarrier };
static char page[4096] __attribute__((aligned(4096)));

static int in_list(long nr)
{
	for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++)
		if (listed[i] == nr)
			return 1;
	return 0;
}

/* uretprobe and uprobe: hosts since 6.11 let them through every seccomp filter, unseen. Outside a probe's trampoline
 * the first is SIGILL and the second ENXIO, which is no harm; nothing else may come of them. */
static int host_exempts(long nr)
{
	return nr == 335 || nr == 336;
}

struct call { long nr, a[6]; };

static void refused(void *arg);
static void by_gadget(void *arg)
{
	struct call *c = arg;

	h_host(c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4], c->a[5]);
	_exit(0);
}

/* A call must kill, or (refused) must answer with an error. */
static void refused(void *arg)
{
	struct call *c = arg;
	long r = h_host(c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4], c->a[5]);

	_exit(r < 0 && r > -4096 ? 0 : 9);
}

/* Under intercept=ptrace no number may reach the host: what can tell the two kernels apart is the guest's answer. */
static void guest_answers(void)
{
	static const long same[] = { SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_getsid, SYS_getpgrp };
	long name[2][100] = { 0 };

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		h_ok(h_host(same[i], 0, 0, 0, 0, 0, 0) == h_sys(same[i], 0, 0, 0, 0, 0, 0),
		     "I1 call %ld by the stub's instruction is the guest's", same[i]);
	h_ok(!h_host(SYS_uname, (long)name[0], 0, 0, 0, 0, 0) && !h_sys(SYS_uname, (long)name[1], 0, 0, 0, 0, 0) &&
	     !memcmp(name[0], name[1], sizeof(name[0])), "I1 uname by the stub's instruction is the guest's");
	h_ok(h_host(335, 0, 0, 0, 0, 0, 0) == -ENOSYS && h_sys(335, 0, 0, 0, 0, 0, 0) == -ENOSYS &&
	     h_host(336, 0, 0, 0, 0, 0, 0) == -ENOSYS && h_sys(336, 0, 0, 0, 0, 0, 0) == -ENOSYS,
	     "I1 uretprobe and uprobe do not exist");
}

void case_gadget_numbers(void)
{
	long p = (long)page;
	int bad = 0;

	if (h_find_gadget()) {
		h_skip("I1 numbers by the stub's syscall instruction", "no `syscall; ret` in stub text");
		return;
	}
	for (long nr = 0; nr <= 600; nr++)
		for (int set = 0; set < 3; set++) {
			long v = set == 0 ? 0 : set == 1 ? p : -1;
			struct call c = { nr, { v, v, v, v, v, v } };
			int how = in_list(nr) ? DIES | EXITS | HANGS : host_exempts(nr) ? DIES | EXITS : DIES;

			if (in_list(nr) && set)
				continue;
			if (h_traced()) {
				if (nr == SYS_exit_group) /* ends with any status, as it should */
					continue;
				how = DIES | EXITS | HANGS;
			}
			if (h_child(host_exempts(nr) ? refused : by_gadget, &c, how, 200)) {
				h_ok(0, "I1 call %ld by the stub's instruction, set %d: %s", nr, set, h_why);
				bad++;
			}
		}
	for (long nr = 0; nr <= 600; nr += 3) {
		struct call c = { 0x40000000 | nr, { 0, 0, 0, 0, 0, 0 } }, w = { nr | 1L << 32, { 0, 0, 0, 0, 0, 0 } };

		int how = h_traced() ? DIES | EXITS | HANGS : DIES;

		if (h_child(by_gadget, &c, how, 200) ||
		    (!in_list(nr) && !host_exempts(nr) && h_child(by_gadget, &w, how, 200))) {
			h_ok(0, "I1 x32 or wide call %ld by the stub's instruction: %s", nr, h_why);
			bad++;
		}
	}
	h_ok(!bad, "I1 numbers 0 to 600 by the stub's instruction: all but the list kill");
}

void case_gadget_args(void)
{
	static const struct { const char *name; struct call c; } kills[] = {
		{ "mmap shared anonymous", { SYS_mmap, { 0x10000000, 4096, 3, 0x4031, -1, 0 } } },
		{ "mmap private anonymous, not fixed", { SYS_mmap, { 0, 4096, 3, 0x22, -1, 0 } } },
		{ "mmap huge pages", { SYS_mmap, { 0x10000000, 2 << 20, 3, 0x44032, -1, 0 } } },
		{ "mmap locked", { SYS_mmap, { 0x10000000, 4096, 3, 0x6032, -1, 0 } } },
		{ "mmap grows down", { SYS_mmap, { 0x10000000, 4096, 3, 0x4132, -1, 0 } } },
		{ "madvise remove", { SYS_madvise, { MBOX_BASE, 4096, 9, 0, 0, 0 } } },
		{ "madvise mergeable", { SYS_madvise, { (long)page, 4096, 12, 0, 0, 0 } } },
		{ "madvise hwpoison", { SYS_madvise, { (long)page, 4096, 100, 0, 0, 0 } } },
		{ "futex requeue", { SYS_futex, { (long)page, 3, 1, 1, (long)page, 0 } } },
		{ "futex lock pi", { SYS_futex, { (long)page, 6, 0, 0, 0, 0 } } },
		{ "recvmsg of fd 0", { SYS_recvmsg, { 0, (long)page, 0, 0, 0, 0 } } },
		{ "recvmsg of fd 2", { SYS_recvmsg, { 2, (long)page, 0, 0, 0, 0 } } },
		{ "recvmsg of fd 1 with upper bits", { SYS_recvmsg, { 1L << 32 | 1, (long)page, 0, 0, 0, 0 } } },
		{ "prctl dumpable", { SYS_prctl, { 4, 0, 0, 0, 0, 0 } } },
		{ "prctl no death signal", { SYS_prctl, { 1, 0, 0, 0, 0, 0 } } },
		{ "prctl seccomp", { SYS_prctl, { 22, 0, 0, 0, 0, 0 } } },
		{ "arch_prctl cpuid", { SYS_arch_prctl, { 0x1012, 0, 0, 0, 0, 0 } } },
		{ "arch_prctl AMX permission", { SYS_arch_prctl, { 0x1023, 18, 0, 0, 0, 0 } } },
		{ "clone with SIGCHLD", { SYS_clone, { 17, 0, 0, 0, 0, 0 } } },
		{ "clone parent with a stack", { SYS_clone, { 0x8000, (long)page, 0, 0, 0, 0 } } },
		{ "clone vfork", { SYS_clone, { 0x4111, 0, 0, 0, 0, 0 } } },
		{ "clone new user namespace", { SYS_clone, { 0x10000011, 0, 0, 0, 0, 0 } } },
		{ "clone thread with a pid written", { SYS_clone, { 0x150f00, (long)page, (long)page, 0, 0, 0 } } },
		{ "membarrier global", { SYS_membarrier, { 1, 0, 0, 0, 0, 0 } } },
	};
	static const struct { const char *name; struct call c; } errors[] = {
		{ "clone of a process, unasked", { SYS_clone, { 0x8000, 0, 0, 0, 0, 0 } } },
		{ "clone of a thread, unasked", { SYS_clone, { 0x50f00, (long)page + 4096, 0, 0, 0, 0 } } },
		{ "death signal, unasked", { SYS_prctl, { 1, 9, 0, 0, 0, 0 } } },
		{ "death signal, a guessed cookie", { SYS_prctl, { 1, 9, 0x1234567, 0, 0, 0 } } },
		{ "mmap of the socket", { SYS_mmap, { 0x10000000, 4096, 1, 0x4012, 1, 0 } } },
		{ "mmap of fd 0", { SYS_mmap, { 0x10000000, 4096, 1, 0x4012, 0, 0 } } },
		{ "mmap of fd 2, shared", { SYS_mmap, { 0x10000000, 4096, 3, 0x4011, 2, 0 } } },
		{ "mmap of fd 3, shared", { SYS_mmap, { 0x10000000, 4096, 3, 0x4011, 3, 0 } } },
		{ "raise stub text to writable", { SYS_mprotect, { STUB_TEXT, 4096, 7, 0, 0, 0 } } },
		{ "recvmsg without a message", { SYS_recvmsg, { 1, (long)page, 0x40, 0, 0, 0 } } },
	};

	if (h_find_gadget()) {
		h_skip("I2 arguments by the stub's syscall instruction", "no `syscall; ret` in stub text");
		return;
	}
	if (h_traced()) { /* guest calls: whatever they do, they do it to the guest */
		guest_answers();
		for (size_t i = 0; i < sizeof(kills) / sizeof(kills[0]); i++)
			h_case(kills[i].name, by_gadget, (void *)&kills[i].c, DIES | EXITS | HANGS, 500);
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			h_case(errors[i].name, by_gadget, (void *)&errors[i].c, DIES | EXITS | HANGS, 500);
		return;
	}
	for (size_t i = 0; i < sizeof(kills) / sizeof(kills[0]); i++) {
		int bad = h_child(by_gadget, (void *)&kills[i].c, DIES, 500);

		h_ok(!bad, "I2 %s by the stub's instruction kills%s%s", kills[i].name, bad ? ": " : "", h_why);
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		/* text is a private mapping: writable copies of it are no harm, but then it must be a copy */
		int how = errors[i].c.nr == SYS_mprotect ? DIES | EXITS : EXITS, bad;

		bad = h_child(errors[i].c.nr == SYS_mprotect ? by_gadget : refused, (void *)&errors[i].c, how, 1000);
		h_ok(!bad, "I2 %s by the stub's instruction is refused%s%s", errors[i].name, bad ? ": " : "", h_why);
	}
}

/* ---- a jump to each byte ---- */
struct jump { unsigned long to; int set; };
static unsigned long j_to, j_val, j_rax;       /* absolute operands: the stack moves under them */

static void jump(void *arg)
{
	struct jump *j = arg;
	j_to = j->to;
	j_rax = (unsigned long)page + 2048;
	j_val = j->set == 0 ? 0 : j->set == 1 ? (unsigned long)page : MBOX_BASE;
	alarm(1);
	__asm__ volatile("mov %[to], %%rax; push %%rax; mov %[v], %%rdi; mov %%rdi, %%rsi; mov %%rdi, %%rdx\n\t"
			 "mov %%rdi, %%r10; mov %%rdi, %%r8; mov %%rdi, %%r9; mov %%rdi, %%rbx; mov %%rdi, %%r12\n\t"
			 "mov %%rdi, %%r13; mov %%rdi, %%r15; mov %[nr], %%rax; ret"
			 : : [to] "m"(j_to), [v] "m"(j_val), [nr] "m"(j_rax) : "rax", "rdi", "rsi", "rdx", "rbx", "r8", "r9", "r10",
			 "r12", "r13", "r15", "memory");
	_exit(0);
}

void case_jump_all(int set)
{
	static pid_t witness;
	unsigned long n = h_text_bytes(), end = n;
	int bad = 0, hung = 0;

	witness = getpid();

	/* the zeros behind the text are all alike */
	while (end && !((unsigned char *)STUB_TEXT)[end - 1])
		end--;
	for (unsigned long at = 0; at < end; at++) {
		struct jump j = { STUB_TEXT + at, set };

		int bad_end = h_child(jump, &j, DIES | EXITS | HANGS, 50);

		if (getpid() != witness) /* a child that found its way back here by the stub's `ret` */
			_exit(0);
		if (bad_end) {
			if (WIFEXITED(h_status))
				continue; /* exit by the stub's own exit: some status */
			h_ok(0, "I1 jump to stub text + %#lx, set %d: %s", at, set, h_why);
			bad++;
		}
		hung += WIFSIGNALED(h_status) && WTERMSIG(h_status) == SIGKILL;
	}
	h_ok(!bad, "I1 jumps to each of %lu bytes of stub text, set %d (%d ended by SIGKILL)", end, set, hung);
}
