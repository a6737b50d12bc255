/*
 * bench-kernel: hot paths of kernel/ in ns a call, without a guest (tests/lib/fakeport.h).
 *
 * A row is a function that does one thing once and says whether the result was right. run.c measures all rows in turn,
 * round after round; main_host.c has the options and prints. Rows call system calls through the kernel's own dispatch,
 * with arguments in the fake port's window, or a subsystem's functions directly.
 */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H
#include "../../lib/fakeport.h"
#include <umber/syscall.h>
#include <umber/types.h>

#define BENCH_ROUNDS_MAX 1000
struct bench_row {
	const char *name;
	bool (*setup)(void);     /* optional, once, not timed; false: this and the rest of the table is wrong */
	bool (*op)(void);        /* false: the result was wrong */
};
struct bench_result {
	const char *name;
	bool right;
	u32 rounds;
	u64 ps[BENCH_ROUNDS_MAX]; /* picoseconds a call, of each round */
};
struct bench_options {
	u32 rounds;
	u64 slice_ns;            /* how long one round of one row is to last */
	const char *only;        /* rows whose names have this in them; NULL: all */
};
extern struct bench_options bench_options;

/* rows_*.c; each table ends with a row without a name. */
extern const struct bench_row rows_core[], rows_file[], rows_path[], rows_ipc[], rows_scale[];

/* main_host.c: prints, and ends the program. grown_pages: kernel memory that the rounds did not give back. */
void bench_report(struct bench_result *r, u32 n, s64 grown_pages) __noreturn;

/* CPU time of this thread: a slice does not count what the host does meanwhile. */
u64 bench_cpu_ns(void);

/* run.c */
void bench_user(void);
/* n bytes of user memory, 64-byte aligned, never given back; zeroed. A string in it. */
uaddr_t bench_mem(size_t n);
uaddr_t bench_str(const char *s);

/* One system call of current's through the dispatch; its answer. */
static inline long call6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	struct port_task *pt = (struct port_task *)current;

	pt->regs.orig_rax = nr;
	pt->regs.rdi = a;
	pt->regs.rsi = b;
	pt->regs.rdx = c;
	pt->regs.r10 = d;
	pt->regs.r8 = e;
	pt->regs.r9 = f;
	syscall_dispatch();
	return (long)pt->regs.rax;
}
#define PICK7_(a, b, c, d, e, f, g, n, ...) n
#define call0_(nr) call6(nr, 0, 0, 0, 0, 0, 0)
#define call1_(nr, a) call6(nr, (u64)(a), 0, 0, 0, 0, 0)
#define call2_(nr, a, b) call6(nr, (u64)(a), (u64)(b), 0, 0, 0, 0)
#define call3_(nr, a, b, c) call6(nr, (u64)(a), (u64)(b), (u64)(c), 0, 0, 0)
#define call4_(nr, a, b, c, d) call6(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), 0, 0)
#define call5_(nr, a, b, c, d, e) call6(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), 0)
#define call6_(nr, a, b, c, d, e, f) call6(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))
/* call(read, fd, buf, n) */
#define call(name, ...) \
	PICK7_(__NR_##name, ##__VA_ARGS__, call6_, call5_, call4_, call3_, call2_, call1_, call0_)(__NR_##name, ##__VA_ARGS__)
#endif
