/*
 * From registers to sys_NAME and back. The number and the arguments are the guest's: nothing is trusted but what the
 * called function checks. ptrace stops, tracing to the log and accounting ahead of calls that read CPU time hang on
 * one test of `slow`, so an ordinary call pays for none of them.
 */
#include "dispatch.h"
#include <abi/errno.h>
#include <port/boot.h>
#include <umber/init.h>
#include <umber/printk.h>
#include <umber/sched.h>
#include <umber/string.h>
#include <umber/task.h>

u64 syscall_counts[NR_SYSCALLS];
static bool trace_on;

static long unknown(u64 nr)
{
	static u8 told[NR_SYSCALLS / 8 + 1];
	static struct ratelimit rl;
	const char *name = nr < NR_SYSCALLS ? syscall_rows[nr].name : NULL;

	/* once a call, and not faster than the limit: a guest can make up numbers all day */
	if (nr < NR_SYSCALLS && told[nr / 8] & 1 << nr % 8)
		return -ENOSYS;
	if (!ratelimit_ok(&rl, 10))
		return -ENOSYS;
	if (nr < NR_SYSCALLS)
		told[nr / 8] |= (u8)(1 << nr % 8);
	if (name)
		printk(KERN_INFO, "%s[%d]: system call %s (%llu) is not there", current->comm, current->tid, name,
		       (unsigned long long)nr);
	else
		printk(KERN_INFO, "%s[%d]: unknown system call %llu", current->comm, current->tid,
		       (unsigned long long)nr);
	return -ENOSYS;
}

static int format_call(char *buf, size_t n, const struct user_regs *r)
{
	const u64 arg[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
	u64 nr = r->orig_rax;
	bool known = nr < NR_SYSCALLS && syscall_rows[nr].name;
	int nargs = known ? syscall_rows[nr].nargs : 6;
	int len;

	if (known)
		len = scnprintf(buf, n, "%s(", syscall_rows[nr].name);
	else
		len = scnprintf(buf, n, "syscall_%llu(", (unsigned long long)nr);
	for (int i = 0; i < nargs; i++)
		len += scnprintf(buf + len, n - (size_t)len, "%s0x%llx", i ? ", " : "", (unsigned long long)arg[i]);
	return len + scnprintf(buf + len, n - (size_t)len, ")");
}

static void trace_enter(const struct user_regs *r)
{
	char buf[160];

	format_call(buf, sizeof(buf), r);
	printk(KERN_DEBUG, "trace: %d %s[%d]", current->tg->pid, current->comm, current->tid);
	printk(KERN_DEBUG, "trace: %d > %s", current->tid, buf);
}

static void trace_leave(const struct user_regs *r, long ret)
{
	char buf[160];

	format_call(buf, sizeof(buf), r);
	if (ret < 0 && ret >= -MAX_ERRNO)
		printk(KERN_DEBUG, "trace: %d %s = -%ld", current->tid, buf, -ret);
	else
		printk(KERN_DEBUG, "trace: %d %s = 0x%lx", current->tid, buf, (unsigned long)ret);
}

/* wait4 waitid getrusage times clock_gettime getitimer setitimer alarm timer_* getrlimit-with-time, exit: they read or
 * publish CPU time, which is otherwise charged at switches only. */
static bool reads_cpu_time(u64 nr)
{
	switch (nr) {
	case __NR_getitimer: case __NR_setitimer: case __NR_getrusage: case __NR_times: case __NR_exit:
	case __NR_exit_group: case __NR_timer_settime: case __NR_timer_gettime: case __NR_clock_gettime:
	case __NR_clock_nanosleep:
		return true;
	}
	return false;
}

static long call(u64 nr, const struct user_regs *r)
{
	const struct syscall_row *row;

	if (unlikely(nr >= NR_SYSCALLS))
		return unknown(nr);
	row = &syscall_rows[nr];
	if (unlikely(!row->impl))
		return unknown(nr);
	syscall_counts[nr]++;
	return row->fn(r);
}

static void dispatch_slow(struct task *t)
{
	struct user_regs *r = &t->port.regs;
	bool traced = t->tracer && ptrace_syscall_entry;
	long ret;

	if (traced && ptrace_syscall_entry()) {
		if (ptrace_syscall_exit)
			ptrace_syscall_exit();
		return;
	}
	if (trace_on)
		trace_enter(r);
	/* the tracer may have changed the number; -1 means "none" and leaves rax alone */
	ret = (s64)r->orig_rax < 0 && traced ? (long)r->rax : call(r->orig_rax, r);
	if (trace_on)
		trace_leave(r, ret);
	r->rax = (u64)ret;
	if (t->tracer && ptrace_syscall_exit)
		ptrace_syscall_exit();
}

void syscall_dispatch(void)
{
	struct task *t = current;
	struct user_regs *r = &t->port.regs;
	u64 nr = r->orig_rax;

	if (unlikely(t->port.is32)) { /* int 0x80, x32: this kernel has neither */
		r->rax = (u64)-ENOSYS;
		return;
	}
	if (unlikely(reads_cpu_time(nr)))
		sched_account(t);
	if (unlikely(trace_on | (t->tracer != NULL))) {
		dispatch_slow(t);
		return;
	}
	t->copy_late = nr < NR_SYSCALLS && syscall_rows[nr].late;
	r->rax = (u64)call(nr, r);
	t->copy_late = false;
}

static int trace_init(void)
{
	char buf[8];

	trace_on = boot_option("trace", buf, sizeof(buf)) && buf[0] == '1';
	return 0;
}
INITCALL(INIT_CORE, trace_init);
