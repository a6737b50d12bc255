/* sysfs: the tree that /sys shows (kernel/fs/sysfs); subsystems hang their own directories in with umber/pseudofs.h. */
#ifndef UMBER_SYSFS_H
#define UMBER_SYSFS_H
#include <umber/pseudofs.h>

/* The directory "class/net" and the like, made if need be. NULL: no memory. From INIT_FS on (after sysfs's own). */
struct pseudo_dir *sysfs_dir(const char *path);
/* A device without hardware: devices/virtual/CLASS/NAME with dev and uevent, its class link and dev/char or dev/block
 * link. The device's directory or NULL. rdev 0: no number (network interfaces). */
struct pseudo_dir *sysfs_virtual_device(const char *class_name, const char *name, u32 rdev, bool block);
#endif
