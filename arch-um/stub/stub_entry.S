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
	.globl stub_cmpxchg, stub_cmpxchg_access, stub_access_fault
stub_cmpxchg:
	mov	%esi, %eax
stub_cmpxchg_access:
	lock cmpxchg %edx, (%rdi)
	mov	%eax, %eax
	ret
stub_access_fault:
	mov	$-14, %rax
	ret

	/* s64 stub_load(u64 addr, u64 *val), s64 stub_store(u64 addr, u64 val): 0 or -EFAULT. */
	.globl stub_load, stub_load_access, stub_store, stub_store_access
stub_load:
stub_load_access:
	mov	(%rdi), %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	ret
stub_store:
stub_store_access:
	mov	%rsi, (%rdi)
	xor	%eax, %eax
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
	/*
	 * The fast path. A patched site came through its thunk: rax number, rcx the guest's return address, r11 where to
	 * go back to, the other registers as at a syscall instruction. gs leads to the mailbox. Vector state stays in
	 * the thread. A kick in here is only noted (stub.c); the window from fast_check to fast_commit is run again
	 * from its start then: it loads all from memory and changes none.
	 */
	.section .text.fast, "ax"
	.globl stub_fast, stub_fast_check, stub_fast_commit, stub_full_trap
stub_fast:
	mov	%r11, %gs:F_CONT
	mov	%rcx, %gs:F_RIP
	mov	%rsp, %gs:F_RSP
	mov	%rax, %gs:F_RAX
	mov	%rdi, %gs:F_RDI
	mov	%rsi, %gs:F_RSI
	mov	%rdx, %gs:F_RDX
	mov	%r10, %gs:F_R10
	mov	%r8, %gs:F_R8
	mov	%r9, %gs:F_R9
	mov	%rbx, %gs:F_RBX
	mov	%rbp, %gs:F_RBP
	mov	%r12, %gs:F_R12
	mov	%r13, %gs:F_R13
	mov	%r14, %gs:F_R14
	mov	%r15, %gs:F_R15
	mov	%gs:MB_SELF, %rbx
	lea	MB_FAST_STACK(%rbx), %rsp
	pushfq
	pop	F_FLAGS(%rbx)
	cld
	xor	%ebp, %ebp
	mov	%rbx, %rdi
	call	stub_fast_serve
stub_fast_check:
	mov	%gs:MB_SELF, %rbx
	lea	MB_FAST_STACK(%rbx), %rsp
	cmpl	$0, MB_KICK(%rbx)
	jne	1f
	push	F_FLAGS(%rbx)
	popfq
	mov	F_RAX(%rbx), %rax
	mov	F_RCX(%rbx), %rcx
	mov	F_R11(%rbx), %r11
	mov	F_RDI(%rbx), %rdi
	mov	F_RSI(%rbx), %rsi
	mov	F_RDX(%rbx), %rdx
	mov	F_R10(%rbx), %r10
	mov	F_R8(%rbx), %r8
	mov	F_R9(%rbx), %r9
	mov	F_RBP(%rbx), %rbp
	mov	F_R12(%rbx), %r12
	mov	F_R13(%rbx), %r13
	mov	F_R14(%rbx), %r14
	mov	F_R15(%rbx), %r15
	mov	F_RSP(%rbx), %rsp
	mov	F_RBX(%rbx), %rbx
	jmp	*%gs:F_CONT
stub_fast_commit:
1:	mov	%rbx, %rdi
	call	stub_fast_kicked
	jmp	stub_fast_check
	.globl stub_fast_end
stub_full_trap:
	ud2
stub_fast_end:

	.section .note.GNU-stack, "", @progbits
