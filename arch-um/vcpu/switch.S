/* void fibre_switch_asm(void **save_sp, void *load_sp): callee-saved registers stay on the stack that is left. */
	.text
	.globl fibre_switch_asm
	.type fibre_switch_asm, @function
fibre_switch_asm:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size fibre_switch_asm, . - fibre_switch_asm

	/* First run of a fibre: r12(r13, rbx) (see port_fibre_init). */
	.globl fibre_start_asm
	.type fibre_start_asm, @function
fibre_start_asm:
	xor	%ebp, %ebp
	mov	%r13, %rdi
	mov	%rbx, %rsi
	jmp	*%r12
	.size fibre_start_asm, . - fibre_start_asm
	.section .note.GNU-stack, "", @progbits
