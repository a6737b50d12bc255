/* The embedded initramfs as data of the kernel process. */
	.section .rodata
	.globl rootfs_image, rootfs_image_end
	.balign 16
rootfs_image:
	.incbin ROOTFS_FILE
rootfs_image_end:
	.section .note.GNU-stack, "", @progbits
