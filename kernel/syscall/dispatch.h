/*
 * The table behind system calls: one row a call, generated from syscalls.tbl. A row whose impl is NULL (nobody defined
 * sys_NAME; the reference is weak) answers -ENOSYS.
 */
#ifndef SYSCALL_DISPATCH_H
#define SYSCALL_DISPATCH_H
#include <port/port.h>
#include <umber/syscall.h>
#include <umber/types.h>

struct syscall_row {
	const char *name;                           /* NULL: no such number */
	long (*fn)(const struct user_regs *r);      /* takes the arguments from registers and calls impl */
	int nargs;
	bool late;                                  /* its writes to user memory may be as late as its return */
	const void *impl;
};
extern const struct syscall_row syscall_rows[NR_SYSCALLS];
#endif
