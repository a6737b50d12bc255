/* The initial root: cpio archives unpacked into the file system at "/" (kernel/fs/initramfs). */
#ifndef UMBER_INITRAMFS_H
#define UMBER_INITRAMFS_H
#include <umber/types.h>

/* Unpacks one or more concatenated "newc" archives, each plain or gzip-compressed, below "/". 0, or negative errno at
 * the first damage (-EINVAL) or file system error; what came before stays. Boot fibre, may sleep. */
int initramfs_unpack(const void *data, size_t n);
#endif
