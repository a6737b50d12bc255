/*
 * Two ways to run user code, one table of operations (host side; *_host.c only).
 *
 * seccomp (vcpu/run_host.c): the stub's own program carries entries and does host ops, by its mailbox.
 * ptrace (entry/ptrace_host.c): user code runs by PTRACE_SYSEMU, host ops are system calls that the tracer makes the
 * stopped thread do. Mailboxes are there, too, as the kernel process's own memory: no stub maps them.
 *
 * What is common: stubs, user threads, ops as they are ordered, copies, events, the guest's signal frames. A wait need not be
 * a futex; who runs where it must not is not judged here but in the backend.
 */
#ifndef ARCH_ENTRY_BACKEND_H
#define ARCH_ENTRY_BACKEND_H
#include "../vcpu/vcpu.h"
#include <port/port.h>

struct stub;
struct uthread;

struct backend {
	const char *name;
	u32 ncpus_max;
	bool traced;
	bool defers;             /* ops and copies may go with an answer (mm/ops_host.c, uaccess/copy_host.c) */
	/* Optional. Boot, before the template and the first thread. */
	void (*prepare)(void);
	/* Boot, in the template before its exec: what it must hold. 0 or -1. */
	int (*template_child)(const struct stub *s);
	/* Boot, on vCPU 0's thread, klock not held: the template to where it serves ops. 0 or negative errno, with *what. */
	int (*start)(const char **what);
	/* The user side gets pt's registers and goes on; drops klock. -EIO: it is dead, klock is kept. */
	int (*resume)(struct uthread *ut, struct port_task *pt);
	/* Waits for the entry of a running user side, attention of this vCPU, or the deadline. klock not held. */
	enum wait_result (*wait)(struct uthread *ut, u64 deadline_ns);
	/* After WAIT_ENTRY, klock held: what it was; fills in pt. */
	enum port_entry (*decode)(struct uthread *ut, struct port_task *pt);
	/* The ops in the mailbox of a serving thread: optionally a start that does not wait; then they are done, or waited for.
	 * clone: one of them is a clone. 0, or -EIO: the stub has to be killed. */
	void (*start_ops)(struct uthread *ut);
	int (*end_ops)(struct uthread *ut, bool clone);
	/* A new thread is to go on with its parent's vector state: before its clone, or instead of one (a parked thread). */
	void (*inherit)(struct uthread *child, struct uthread *parent);
	/* Optional. The vector state of a stopped thread to its mailbox, once an entry. 0, or -EIO: it cannot be had. */
	int (*fpu_fetch)(struct uthread *ut);
	/* Optional. Ends the wait of a vCPU whose `sleeping` is VCPU_IN_BACKEND; any thread. */
	void (*poke)(struct hvcpu *v);
	/* Optional. SIGKILL was sent to it, or it was found dead; any thread, klock held. */
	void (*killed)(struct stub *s);
	/* Optional. About every other second, klock held: did its threads die unseen? */
	bool (*is_dead)(const struct stub *s);
};
extern const struct backend seccomp_backend, ptrace_backend;
extern const struct backend *backend; /* never another after options are read */
#define VCPU_IN_BACKEND 2
#endif
