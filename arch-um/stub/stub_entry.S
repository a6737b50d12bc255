/*
 * Entry points of the stub that need registers only: the template's start, the returns of the host's
 * signal frames, and clone, whose child has no stack until it has mapped its own mailbox (3.7).
 */
#include "stub_abi.h"
#define NR_mmap 9
#define NR_rt_sigreturn 15
#define NR_madvise 28
#define NR_close 3
#define NR_clone 56
#define NR_exit 60
#define NR_prctl 157
#define FORK_FLAGS 0x8000                 /* CLONE_PARENT, exit signal 0 */
#define THREAD_FLAGS 0x50f00              /* VM FS FILES SIGHAND THREAD SYSVSEM */

	.section .text.entry, "ax"
	.globl _start
_start:	/* the template: fd 0 is its mailbox file; the stack that exec gave is left at once */
	call	map_mailbox_from_call
	movabs	$MBOX_BASE + MBOX_SIZE, %rsp
	movabs	$MBOX_BASE, %rdi
	xor	%ebp, %ebp
	call	stub_template_main
	ud2

	/* Maps fd 0 over the mailbox region, keeps it from forks, closes the fd. Clobbers all; uses no stack: r15
	 * holds the return address. */
map_mailbox_from_call:
	pop	%r15
map_mailbox:
	mov	$NR_mmap, %eax
	movabs	$MBOX_BASE, %rdi
	mov	$MBOX_MAP_BYTES, %esi
	mov	$3, %edx                      /* PROT_READ|PROT_WRITE */
	mov	$0x4011, %r10d                /* MAP_SHARED|MAP_FIXED|MAP_NORESERVE */
	mov	$STUB_FD_MBOX, %r8d
	xor	%r9d, %r9d
	syscall
	test	%rax, %rax
	js	die
	mov	$NR_madvise, %eax
	movabs	$MBOX_BASE, %rdi
	mov	$MBOX_MAP_BYTES, %esi
	mov	$10, %edx                     /* MADV_DONTFORK */
	syscall
	mov	$NR_close, %eax
	mov	$STUB_FD_MBOX, %edi
	syscall
	jmp	*%r15
die:	mov	$NR_exit, %eax
	mov	$127, %edi
	syscall
	ud2

	/* Return from a signal handler: rsp is at the frame's ucontext. */
	.globl stub_restorer
stub_restorer:
	mov	$NR_rt_sigreturn, %eax
	syscall
	ud2

	/* s64 stub_fork(u64 cookie): pid in the parent or negative errno. The child never returns from here: it runs in
	 * registers, says who it is by the prctl (which the kernel process answers after having installed its fds), maps
	 * its own mailbox and waits there. */
	.globl stub_fork
stub_fork:
	push	%rbx
	push	%r12
	push	%r15
	mov	%rdi, %r12
	mov	$NR_clone, %eax
	mov	$FORK_FLAGS, %edi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	syscall
	test	%rax, %rax
	jz	1f
	pop	%r15
	pop	%r12
	pop	%rbx
	ret
1:	mov	$NR_prctl, %eax
	mov	$1, %edi                      /* PR_SET_PDEATHSIG */
	mov	$9, %esi
	mov	%r12, %rdx
	syscall
	test	%rax, %rax
	js	die
	lea	2f(%rip), %r15
	jmp	map_mailbox
2:	movabs	$MBOX_BASE, %rdi
	lea	MBOX_SIZE(%rdi), %rsp
	jmp	start_thread

	/* s64 stub_thread(u64 cookie, u64 mailbox): tid or negative errno; the child waits in its mailbox. */
	.globl stub_thread
stub_thread:
	push	%r12
	push	%r13
	mov	%rdi, %r12
	mov	%rsi, %r13
	mov	$NR_clone, %eax
	mov	$THREAD_FLAGS, %edi
	lea	MBOX_SIZE(%r13), %rsi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	syscall
	test	%rax, %rax
	jz	1f
	pop	%r13
	pop	%r12
	ret
1:	mov	$NR_prctl, %eax
	mov	$1, %edi
	mov	$9, %esi
	mov	%r12, %rdx
	syscall
	test	%rax, %rax
	js	die
	mov	%r13, %rdi
start_thread:	/* rdi: mailbox, rsp: its top */
	xor	%ebp, %ebp
	sub	$0x2000, %rsp                 /* the kernel builds the first frame above us */
	mov	%rdi, %rbx
	call	stub_first_command
	mov	%rax, %rsp                    /* the frame's ucontext */
	jmp	stub_restorer

	/* s64 stub_cmpxchg(u64 addr, u32 expect, u32 val): old value, or -EFAULT by way of the fault table in stub.c. */
	.globl stub_cmpxchg, stub_cmpxchg_access, stub_cmpxchg_fault
stub_cmpxchg:
	mov	%esi, %eax
stub_cmpxchg_access:
	lock cmpxchg %edx, (%rdi)
	mov	%eax, %eax
	ret
stub_cmpxchg_fault:
	mov	$-14, %rax
	ret

	/* s64 stub_syscall(u64 nr, const u64 a[6]) */
	.globl stub_syscall
stub_syscall:
	mov	%rdi, %rax
	mov	%rsi, %r11
	mov	(%r11), %rdi
	mov	8(%r11), %rsi
	mov	16(%r11), %rdx
	mov	24(%r11), %r10
	mov	32(%r11), %r8
	mov	40(%r11), %r9
	syscall
	ret
	.section .note.GNU-stack, "", @progbits
