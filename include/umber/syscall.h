/*
 * System calls. kernel/syscall/syscalls.tbl is the one list; scripts/gen/syscalls.py makes from it the prototypes
 * (gen/syscall_protos.h, included here), the dispatch table and docs/SYSCALLS.md. A call whose sys_NAME is not
 * defined anywhere answers -ENOSYS: dispatch refers to it weakly.
 */
#ifndef UMBER_SYSCALL_H
#define UMBER_SYSCALL_H
#include <gen/syscall_protos.h>
#include <umber/types.h>

#define NR_SYSCALLS 470
/* Dispatches current's call in regs (orig_rax, args) and sets regs.rax. klock held; may sleep. */
void syscall_dispatch(void);
/* Calls answered so far, by number. */
extern u64 syscall_counts[NR_SYSCALLS];
/* kernel/task/ptrace.c, called for a traced current only: syscall-entry stop (true: skip the call, regs.rax is what
 * user mode shall see; the tracer may also have changed orig_rax and arguments) and syscall-exit stop. */
bool ptrace_syscall_entry(void) __weak;
void ptrace_syscall_exit(void) __weak;
#endif
