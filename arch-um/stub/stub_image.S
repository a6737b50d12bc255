/* The stub program as data of the kernel process. */
	.section .rodata
	.globl stub_image, stub_image_end
	.balign 16
stub_image:
	.incbin STUB_FILE
stub_image_end:
	.globl stub_fast_addr
	.balign 8
stub_fast_addr:
	.quad STUB_FAST
	.globl stub_traced_addr
stub_traced_addr:
	.quad STUB_TRACED
	.section .note.GNU-stack, "", @progbits
