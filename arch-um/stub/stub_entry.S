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

	.section .text.entry, "ax"
	.globl _start
_start:	/* the template: fd 0 is its mailbox file; the stack that exec gave is left at once */
	call	map_mailbox_from_call
	movabs	$MBOX_BASE + MBOX_STACK_END, %rsp
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
	mov	$STUB_FORK_FLAGS, %edi
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
	cmpl	$0, MB_START_FAST(%rdi)
	je	start_thread
	/* Its parent was on the fast path: vector state is in the registers, as it was there, and no signal is blocked. */
	lea	MB_FAST_STACK(%rdi), %rsp
	xor	%ebp, %ebp
	call	stub_start_fast
	jmp	stub_fast_check

	/* s64 stub_thread(u64 cookie, u64 mailbox): tid or negative errno; the child waits in its mailbox. */
	.globl stub_thread
stub_thread:
	push	%r12
	push	%r13
	mov	%rdi, %r12
	mov	%rsi, %r13
	mov	$NR_clone, %eax
	mov	$STUB_THREAD_FLAGS, %edi
	lea	MBOX_STACK_END(%r13), %rsi
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
start_thread:	/* rdi: mailbox; the kernel builds the first frame on its signal stack */
	lea	MB_FAST_STACK(%rdi), %rsp
	xor	%ebp, %ebp
	mov	%rdi, %rbx
	call	stub_first_command
	mov	%rax, %rsp                    /* the frame's ucontext */
	jmp	stub_restorer

	/* s64 stub_cmpxchg(u64 addr, u32 expect, u32 val): old value, or -EFAULT by way of the fault table in stub.c. */
	.globl stub_access, stub_access_end, stub_access_fault, stub_cmpxchg
	/* A fault of any instruction between stub_access and stub_access_end goes on at stub_access_fault; so these are
	 * leaf functions that use no stack. */
stub_access:
stub_cmpxchg:
	mov	%esi, %eax
	lock cmpxchg %edx, (%rdi)
	mov	%eax, %eax
	ret
	/* s64 stub_load(u64 addr, u64 *val), s64 stub_store(u64 addr, u64 val): 0 or -EFAULT. */
	.globl stub_load, stub_store, stub_copy, stub_strcopy
stub_load:
	mov	(%rdi), %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	ret
stub_store:
	mov	%rsi, (%rdi)
	xor	%eax, %eax
	ret
	/* s64 stub_copy(u64 to, u64 from, u64 n): 0 or -EFAULT, after a prefix. */
stub_copy:
	mov	%rdx, %rcx
	rep movsb
	xor	%eax, %eax
	ret
	/* s64 stub_strcopy(u64 to, u64 from, u64 max): bytes with the NUL, 0 if there is none in max, or -EFAULT. */
stub_strcopy:
	xor	%eax, %eax
1:	cmp	%rdx, %rax
	jae	2f
	mov	(%rsi,%rax), %cl
	mov	%cl, (%rdi,%rax)
	inc	%rax
	test	%cl, %cl
	jnz	1b
	ret
2:	xor	%eax, %eax
	ret
stub_access_end:
stub_access_fault:
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
	/*
	 * The fast path. A patched site came through its thunk: r11 its record (where the guest thinks it returns to,
	 * where to go back to), the other registers but rcx as at a syscall instruction. The mailbox is that of slot 0
	 * while nobody else can run in the mm, else gs leads to it. (A gs base of zero is worth it: hosts where a
	 * process switch traps for a gs base pay 4 us.) No flags change before they are saved. Vector state stays in
	 * the thread. A kick in here is only noted (stub.c); the window from fast_check to fast_commit is run again
	 * from its start then: it loads all from memory and changes none.
	 */
	.macro	save_new reg, at
	cmp	\reg, \at(%rcx)
	je	9f
	mov	\reg, \at(%rcx)
9:
	.endm
	.section .text.fast, "ax"
	.globl stub_fast, stub_fast_check, stub_fast_commit, stub_full_trap
stub_fast:
	movabs	$MBOX_BASE, %rcx
	mov	MB_MULTI(%rcx), %ecx
	jrcxz	1f
	mov	%gs:MB_SELF, %rcx
	jmp	2f
1:	movabs	$MBOX_BASE, %rcx
2:	mov	%rax, F_RAX(%rcx)
	mov	%rdi, F_RDI(%rcx)
	mov	%rsi, F_RSI(%rcx)
	mov	%rdx, F_RDX(%rcx)
	mov	%r10, F_R10(%rcx)
	mov	%r8, F_R8(%rcx)
	mov	%r9, F_R9(%rcx)
	mov	%rsp, F_RSP(%rcx)
	lea	MB_FAST_STACK(%rcx), %rsp
	pushfq
	pop	F_FLAGS(%rcx)
	cld
	save_new %rbx, F_RBX              /* the line stays in both CPUs' caches */
	save_new %rbp, F_RBP
	save_new %r12, F_R12
	save_new %r13, F_R13
	save_new %r14, F_R14
	save_new %r15, F_R15
	mov	REC_RET(%r11), %rax
	mov	%rax, F_RIP(%rcx)
	mov	REC_CONT(%r11), %rax
	mov	%rax, F_CONT(%rcx)
	xor	%ebp, %ebp
	mov	%rcx, %rdi
	call	stub_fast_serve
stub_fast_check:
	movabs	$MBOX_BASE, %r11
	cmpl	$0, MB_MULTI(%r11)
	je	1f
	mov	%gs:MB_SELF, %r11
1:	lea	MB_FAST_STACK(%r11), %rsp
	cmpl	$0, MB_KICK(%r11)
	jne	2f
	push	F_FLAGS(%r11)
	popfq
	mov	F_RAX(%r11), %rax
	mov	F_RCX(%r11), %rcx
	mov	F_RDI(%r11), %rdi
	mov	F_RSI(%r11), %rsi
	mov	F_RDX(%r11), %rdx
	mov	F_R10(%r11), %r10
	mov	F_R8(%r11), %r8
	mov	F_R9(%r11), %r9
	mov	F_RBX(%r11), %rbx
	mov	F_RBP(%r11), %rbp
	mov	F_R12(%r11), %r12
	mov	F_R13(%r11), %r13
	mov	F_R14(%r11), %r14
	mov	F_R15(%r11), %r15
	mov	F_RSP(%r11), %rsp
	mov	F_CONT(%r11), %r11
	jmp	*%r11
stub_fast_commit:
2:	mov	%r11, %rdi
	call	stub_fast_kicked
	jmp	stub_fast_check
	.globl stub_fast_end
stub_full_trap:
	ud2
stub_fast_end:

	/* intercept=ptrace (entry/ptrace_host.c): what the tracer points a thread at. Nothing else of the stub runs there. */
	.section .text.traced, "ax"
	.globl stub_traced
	.balign 16
stub_traced:
	syscall
	int3
	.org stub_traced + TRACED_CMPXCHG
	lock cmpxchg %edx, (%rdi)
	int3
	.org stub_traced + TRACED_HANDLER
	int3

	.section .note.GNU-stack, "", @progbits
