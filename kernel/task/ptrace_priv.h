/* What kernel/task's other files and kernel/signal need of ptrace.c (ptrace(2)). */
#ifndef PTRACE_PRIV_H
#define PTRACE_PRIV_H
#include "task_priv.h"
#include <abi/ptrace.h>

struct ptrace_state {
	u32 options;             /* PTRACE_O_* */
	bool seized, listening;
	bool syscalls, emulate, step; /* how it was resumed */
	bool want_stop;          /* PTRACE_INTERRUPT, or the first stop of a seized new child */
	bool stopped;            /* in ptrace_stop(), until the tracer resumes it */
	bool reported;           /* wait(2) has told of this stop */
	int code;                /* signal | event << 8, as wait(2) shows it */
	int resume_sig;
	u8 where;                /* PTRACE_SYSCALL_INFO_* of a system-call stop, else 0 */
	u64 msg;
	struct siginfo info;
};

/* Has tracee t an unreported stop or death for its tracer (current's group)? Takes it unless WNOWAIT. A dead
 * tracee is let go; one that is not the waiter's own child is then its parent's to reap. */
bool ptrace_take_report(struct task *t, int options, int *status, int *code);
void ptrace_unlink(struct task *t);
bool ptrace_is_foreign(const struct task *leader);   /* traced by somebody else than its parent's group */

/* Registers as the tracer sees and sets them (ptrace_regs.c). t is stopped. */
long ptrace_regs_request(struct task *t, long request, u64 addr, u64 data);

/* Hooks of kernel/signal and kernel/syscall; see their headers. */
int ptrace_signal(int sig, struct siginfo *info);
bool ptrace_work(const struct task *t);
void ptrace_do_work(void);
void ptrace_group_stop(int sig);
void ptrace_continued(struct task *t);
bool ptrace_syscall_entry(void);
void ptrace_syscall_exit(void);
#endif
