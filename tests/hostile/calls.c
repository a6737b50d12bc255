/*
 * I1 from outside stub text: every number with hostile arguments, every way into the kernel. Whatever the
 * answer is, the kernel gives it and goes on.
 */
#include "hostile.h"
#include "cases.h"
#include <sys/resource.h>

static char page[4][4096] __attribute__((aligned(4096)));

struct sweep { long nr; int set; };

static long arg_of(int set, int i)
{
	static const long odd[6] = { -1, (long)0xffffffff80000000, 0x7fffffffffffffff, 0x5600000000000, -4096, 1L << 47 };

	switch (set) {
	case 0:
		return 0;
	case 1:
		return -1;
	case 2:
		return STUB_TEXT + 8 * i;
	case 3:
		return MBOX_BASE + 64 * i;
	case 4:
		return (long)page[i & 3];
	case 5:
		return i & 1 ? 0x7fffffff : (long)page[i & 3]; /* pointers with huge lengths */
	case 6:
		return i & 1 ? (long)page[i & 3] : 3 + i;      /* fds with pointers */
	case 7:
		return 1;
	case 8:
		return odd[i];
	case 9:
		return i & 1 ? 0x7fff00000000 - 8 : 5;         /* straddles the end of the guest's addresses */
	default:
		return 0x560000000000 + 4096 * i;              /* kmem's place in the kernel process */
	}
}
#define SETS 11

static void sweep_one(void *arg)
{
	struct sweep *s = arg;
	struct rlimit small = { 64 << 20, 64 << 20 }, procs = { 64, 64 };

	setrlimit(RLIMIT_FSIZE, &small);
	setrlimit(RLIMIT_NPROC, &procs);
	for (int i = 0; i < 4; i++)
		memset(page[i], i == 3 ? 0xff : i * 0x11, 4096);
	for (int fd = 1; fd < 6; fd++) /* write(1, ...) is among the calls */
		dup2(open("/dev/null", O_RDWR), fd);
	h_sys(s->nr, arg_of(s->set, 0), arg_of(s->set, 1), arg_of(s->set, 2), arg_of(s->set, 3), arg_of(s->set, 4),
	      arg_of(s->set, 5));
	_exit(0);
}

static void reap_strays(void)
{
	if (getpid() != 1)
		return;
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

/* Half of the numbers per call, so that the runner can use two guests. */
void case_sweep(int from, int to)
{
	for (long nr = from; nr <= to; nr++) {
		int bad = 0;

		/* not a matter of safety: reboot is what it says, vhangup hangs up our output */
		if (nr == SYS_reboot || nr == SYS_vhangup || nr == SYS_kexec_load)
			continue;
		for (int set = 0; set < SETS && !bad; set++) {
			struct sweep s = { nr, set };

			bad = h_child(sweep_one, &s, DIES | EXITS | HANGS, 60);
			if (WIFEXITED(h_status) && WEXITSTATUS(h_status))
				bad = 0; /* exit and the like */
			if (bad)
				h_ok(0, "I1 call %ld, argument set %d: %s", nr, set, h_why);
		}
		reap_strays();
	}
	h_ok(1, "I1 calls %d to %d with hostile arguments: the guest went on", from, to);
}

/* ---- other ways in ---- */
static void do_int80(void *arg)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L), "b"(0L), "c"(0L), "d"(0L) : "memory");
	_exit(r == getpid() && r ? 9 : 0); /* 20 is getpid there: ENOSYS is the right answer */
}

static void do_sysenter(void *arg)
{
	__asm__ volatile("mov %%rsp, %%rbp; sysenter" : : "a"(20L) : "memory");
	_exit(0);
}

static void do_x32(void *arg)
{
	for (long nr = 0; nr < 600; nr++) {
		long r = h_sys(0x40000000 | nr, 0, 0, 0, 0, 0, 0);

		if (r != -ENOSYS)
			_exit(10);
	}
	if (h_sys(-1, 0, 0, 0, 0, 0, 0) != -ENOSYS || h_sys(0x123456789, 0, 0, 0, 0, 0, 0) == getpid())
		_exit(11);
	if (h_sys(0x100000000L | SYS_getpid, 0, 0, 0, 0, 0, 0) == 12345)
		_exit(12);
	_exit(0);
}

static void do_vsyscall(void *arg)
{
	time_t t = ((time_t (*)(time_t *))0xffffffffff600400)(NULL);

	_exit(labs((long)(t - time(NULL))) > 2 ? 9 : 0);
}

static void do_vsyscall_jump(void *arg)
{
	((void (*)(void))(0xffffffffff600000 + (long)arg))();
}

static void do_jit(void *arg)
{
	static const unsigned char code[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3 }; /* getpid */
	unsigned char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int at = 0; at < 8192 - (int)sizeof(code); at += 4090) {
		memcpy(p + at, code, sizeof(code)); /* one crosses pages */
		for (int i = 0; i < 200; i++)
			if (((int (*)(void))(p + at))() != getpid())
				_exit(9);
		p[at + 1] = 110; /* getppid: changed under a patch, should there be one */
		if (p[at + 5] != 0x0f || ((int (*)(void))(p + at))() != getppid())
			_exit(10);
	}
	_exit(0);
}

static void do_odd_registers(void *arg)
{
	long r;

	/* stack pointer, flags and segment bases of all kinds at the syscall instruction */
	for (long sp = 0; sp < 8; sp++) {
		static const unsigned long sps[8] = { 0, 8, 0x1000, ~0UL, 0x7ffffffffff8, STUB_TEXT + 0x800, MBOX_BASE + 0x5000,
						      0xffff800000000000 };

		__asm__ volatile("mov %%rsp, %%r12; mov %[sp], %%rsp; syscall; mov %%r12, %%rsp"
				 : "=a"(r) : "a"(SYS_getppid), [sp] "r"(sps[sp]) : "rcx", "r11", "r12", "memory");
		if (r != getppid())
			_exit(9);
	}
	__asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq; syscall; pushfq; andq $~0x40000, (%%rsp); popfq"
			 : "=a"(r) : "a"(SYS_getppid) : "rcx", "r11", "memory", "cc"); /* AC */
	if (r != getppid())
		_exit(10);
	__asm__ volatile("std; syscall; cld" : "=a"(r) : "a"(SYS_getppid) : "rcx", "r11", "memory", "cc");
	if (r != getppid())
		_exit(11);
	_exit(0);
}

static void do_trap_flag(void *arg)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov $39, %%eax; syscall; nop" : : : "rax", "rcx", "r11", "cc");
}

static void do_bad_sigreturn(void *arg)
{
	long *frame = (long *)page;

	memset(page, (int)(long)arg, sizeof(page));
	__asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" : : "r"(frame));
	_exit(0);
}

static void do_sigreturn_to(void *arg)
{
	struct host_ucontext *uc = (void *)page;

	memset(page, 0, sizeof(page));
	uc->mc.rip = (u64)arg;
	uc->mc.rsp = (u64)page[2];
	uc->mc.eflags = 0x3fffff; /* IOPL, NT, VM, AC, TF */
	uc->mc.cs = 0x10;
	uc->mc.ss = 0x18;
	uc->mc.fpstate = MBOX_BASE + 0x4000;
	__asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" : : "r"(page));
	_exit(0);
}

void case_entries(void)
{
	h_case("I1 int 0x80 answers as a kernel without it", do_int80, NULL, DIES | EXITS, 2000);
	h_case("I1 sysenter", do_sysenter, NULL, DIES | EXITS, 2000);
	h_case("I1 x32 and wide numbers are ENOSYS", do_x32, NULL, EXITS, 5000);
	h_case("I1 vsyscall page: time", do_vsyscall, NULL, DIES | EXITS, 2000);
	for (long off = 0; off <= 0x1000; off += 0x155)
		h_case("I1 jump into the vsyscall page", do_vsyscall_jump, (void *)off, DIES | EXITS, 2000);
	h_case("I1 syscall on a JIT page, rewritten under way", do_jit, NULL, EXITS, 5000);
	h_case("I1 syscall with odd stack pointers and flags", do_odd_registers, NULL, EXITS, 5000);
	h_case("I1 single step over a syscall", do_trap_flag, NULL, DIES | EXITS, 3000);
	h_case("I4 rt_sigreturn from a frame of zeros", do_bad_sigreturn, NULL, DIES, 2000);
	h_case("I4 rt_sigreturn from a frame of ones", do_bad_sigreturn, (void *)0xff, DIES, 2000);
	h_case("I4 rt_sigreturn from a frame of 0x41", do_bad_sigreturn, (void *)0x41, DIES, 2000);
	h_case("I4 rt_sigreturn to a non-canonical address", do_sigreturn_to, (void *)0x8000000000000000, DIES, 2000);
	h_case("I4 rt_sigreturn to a kernel address", do_sigreturn_to, (void *)0xffffffff81000000, DIES, 2000);
	h_case("I1 rt_sigreturn into stub text", do_sigreturn_to, (void *)STUB_TEXT, DIES | HANGS, 1000);
	h_case("I1 rt_sigreturn into a mailbox", do_sigreturn_to, (void *)MBOX_BASE, DIES | HANGS, 1000);
}
