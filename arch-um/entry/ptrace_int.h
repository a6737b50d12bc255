/* Between ptrace_host.c (running user code) and ptrace_ops_host.c (host calls of stubs). All on the tracer's thread. */
#ifndef ARCH_ENTRY_PTRACE_INT_H
#define ARCH_ENTRY_PTRACE_INT_H
#include "../mm/stubs.h"
#include "../mm/stubs_int.h"
#include "backend.h"

/* Waits until a thread has stopped: its ut->stop. look: it may have before; then the next one is behind a resumption. */
enum wait_result traced_wait(struct uthread *ut, u64 deadline_ns, bool ops, bool look);
#define STOP_SIGNAL(stop) ((stop) & 0xff)
#define STOP_EVENT(stop) ((stop) >> 8)

/* Makes a stopped thread do one host call. Its registers are lost. 0 with *res, or -EIO: it died, or did something else. */
int traced_call(struct uthread *ut, u64 nr, const u64 a[6], s64 *res);
/* Has the host tell trap number and error code of the fault by which the thread stopped. False: it would not. */
bool traced_fault(struct uthread *ut, u64 *trapno, u64 *error);
int traced_start(const char **what);
int traced_run_ops(struct uthread *ut, bool clone);
/* Vector state: the thread's own as regset, and what of it waits in the mailbox. */
int traced_fpu_fetch(struct uthread *ut);
int traced_fpu_flush(struct uthread *ut);
void traced_inherit(struct uthread *child, struct uthread *parent);
#endif
