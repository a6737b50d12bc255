/* What wait.c, clone.c, exit.c need of ptrace.c (ptrace(2)). */
#ifndef PTRACE_PRIV_H
#define PTRACE_PRIV_H
#include "task_priv.h"

/* Has tracee t an unreported stop or death for its tracer (current's group)? Takes it unless WNOWAIT. A dead
 * tracee is let go; one that is not the waiter's own child is then its parent's to reap. */
bool ptrace_take_report(struct task *t, int options, int *status, int *code);
#endif
