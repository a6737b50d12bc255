/*
 * The port without the guest kernel: a fake kern_* that drives stubs through include/port alone. First thing to
 * run when arch-um changes. TAP on stdout.
 */
#include <abi/mman.h>
#include <errno.h>
#include <port/boot.h>
#include <port/port.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct fake_task { struct port_task port; port_mm_t mm; } t[8];
static int n_tests, n_bad;
static void ok(bool c, const char *what)
{
	printf("%sok %d - %s\n", c ? "" : "not ", ++n_tests, what);
	n_bad += !c;
}
static u64 now(void) { return port_monotonic_ns(); }

/* getpid-like loop: mov $39,%eax; syscall; jmp back */
static const u8 code[] = {
	0xb8, 0x27, 0, 0, 0, 0x0f, 0x05,             /* 0: mov $39,%eax; syscall */
	0xeb, 0xf7,                                   /* 7: jmp 0 */
	0x48, 0xff, 0xc3, 0xeb, 0xfb,                 /* 9: inc %rbx; jmp 9 */
	0xb8, 0, 0, 0, 0, 0xa3, 0, 0, 0, 0, 0, 0, 0, 0, /* 14: fault: mov %eax, 0 */
	0x48, 0x89, 0x04, 0x25, 0, 0, 0x10, 0,        /* 28 */
};
#define CODE 0x400000UL
#define DATA 0x100000UL

static void be(struct fake_task *f) { fibre_info()->task = (struct task *)f; }

static void fresh(struct fake_task *f)
{
	struct port_mmop ops[2] = {
		{ .kind = PORT_MM_MAP_ANON, .prot = PROT_READ | PROT_WRITE | PROT_EXEC, .addr = CODE, .len = 4096 },
		{ .kind = PORT_MM_MAP_ANON, .prot = PROT_READ | PROT_WRITE, .addr = DATA, .len = 65536 },
	};
	int r = port_mm_new(&f->mm);

	be(f);
	ok(r == 0, "port_mm_new");
	r = port_mm_ops(f->mm, ops, 2);
	ok(r == 0, "port_mm_ops maps");
	ok(port_copy_out(f->mm, CODE, code, sizeof(code), 0) == sizeof(code), "port_copy_out");
	port_task_exec(&f->port, f->mm);
	f->port.regs.rip = CODE;
	f->port.regs.rsp = DATA + 65536;
}

static void bench(struct fake_task *f)
{
	u64 a = now();
	int n = 20000;

	for (int i = 0; i < n; i++)
		if (port_user_run(&f->port, U64_MAX) != PORT_ENTRY_SYSCALL)
			break;
	printf("# entry %llu ns\n", (unsigned long long)(now() - a) / n);
	a = now();
	for (int i = 0; i < 2000; i++) {
		struct port_mmop op = { .kind = PORT_MM_MAP_ANON, .prot = 3, .addr = 0x200000, .len = 65536 };

		port_mm_ops(f->mm, &op, 1);
	}
	printf("# mmap op %llu ns\n", (unsigned long long)(now() - a) / 2000);
	a = now();
	for (int i = 0; i < 200; i++) {
		struct fake_task c = { 0 };

		c.port.regs = f->port.regs;
		if (port_fork(&f->port, &c.port, &c.mm))
			break;
		port_user_run(&c.port, U64_MAX);
		port_mm_free(c.mm);
	}
	printf("# fork %llu ns\n", (unsigned long long)(now() - a) / 200);
	a = now();
	for (int i = 0; i < 100; i++) {
		port_mm_t m;

		if (port_mm_new(&m))
			break;
		port_mm_free(m);
	}
	printf("# zygote %llu ns\n", (unsigned long long)(now() - a) / 100);
}

void kern_vcpu_main(int cpu)
{
	struct fake_task *a = &t[0], *b = &t[1], *c = &t[2];
	enum port_entry e;
	u8 buf[16];

	if (cpu)
		for (;;)
			port_vcpu_idle(cpu, U64_MAX);
	fresh(a);
	e = port_user_run(&a->port, U64_MAX);
	ok(e == PORT_ENTRY_SYSCALL && a->port.regs.orig_rax == 39, "first syscall");
	ok(a->port.regs.rip == CODE + 7, "rip after the syscall");
	a->port.regs.rbx = 0x1234;
	e = port_user_run(&a->port, U64_MAX);
	ok(e == PORT_ENTRY_SYSCALL && a->port.regs.rbx == 0x1234, "registers go there and back");
	a->port.regs.rip = CODE + 9;
	e = port_user_run(&a->port, now() + 5000000);
	ok(e == PORT_ENTRY_ATTENTION, "deadline gives attention");
	port_user_kick(&a->port, true);
	do
		e = port_user_run(&a->port, U64_MAX);
	while (e == PORT_ENTRY_ATTENTION);
	ok(e == PORT_ENTRY_KICK && a->port.regs.rbx > 0x1234, "kick");
	a->port.regs.rip = CODE + 14;
	e = port_user_run(&a->port, U64_MAX);
	ok(e == PORT_ENTRY_TRAP && a->port.trap.signo == SIGSEGV && a->port.trap.addr == 0, "fault");
	a->port.regs.rip = CODE;
	b->port.regs = a->port.regs;
	ok(port_fork(&a->port, &b->port, &b->mm) == 0, "fork");
	b->port.regs.rbx = 77;
	e = port_user_run(&b->port, U64_MAX);
	ok(e == PORT_ENTRY_SYSCALL && b->port.regs.rbx == 77, "child runs");
	port_copy_out(b->mm, DATA, "child", 6, 0);
	ok(port_copy_in(a->mm, buf, DATA, 6, 0) == 6 && buf[0] == 0, "copy on write");
	c->port.regs = a->port.regs;
	ok(port_thread_new(&a->port, &c->port) == 0, "thread");
	c->port.regs.rbx = 78;
	e = port_user_run(&c->port, U64_MAX);
	ok(e == PORT_ENTRY_SYSCALL && c->port.regs.rbx == 78, "thread runs");
	e = port_user_run(&a->port, U64_MAX);
	ok(e == PORT_ENTRY_SYSCALL, "parent still runs");
	port_task_exit(&c->port);
	c->port.regs = a->port.regs;
	ok(port_thread_new(&a->port, &c->port) == 0 && port_user_run(&c->port, U64_MAX) == PORT_ENTRY_SYSCALL,
	   "thread from a parked host thread");
	bench(a);
	port_mm_free(b->mm);
	port_mm_free(a->mm);
	e = port_user_run(&a->port, U64_MAX);
	ok(e == PORT_ENTRY_DEAD, "dead after free");
	printf("1..%d\n", n_tests);
	port_shutdown(n_bad != 0);
}
void kern_mm_died(port_mm_t mm) { (void)mm; }
void kern_host_signal(int s) { (void)s; }
void kern_attention(int cpu) { (void)cpu; }
int kern_this_cpu(void) { return 0; }
