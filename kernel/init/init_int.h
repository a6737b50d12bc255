/*
 * Private to kernel/init: from the first vCPU to the first process, and the end of the guest.
 *
 * main.c     boot order; the boot thread
 * run.c      `umber run`: the host's root under an overlay, the caller's command as pid 1
 * uml.c      a machine of its own: initramfs or root=, init
 * rootmnt.c  what both need of mounts
 * power.c    reboot(2), the end of init, signals that umber itself gets
 * printk.c sys_log.c uts.c sys_misc.c   what their names say
 */
#ifndef INIT_INT_H
#define INIT_INT_H
#include <abi/errno.h>
#include <abi/fcntl.h>
#include <port/boot.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

void run_boot(void);                     /* boot thread; mounts and starts the command */
void uml_boot(void);
/* mkdir that does not mind if it is there. */
void root_mkdir(const char *path, u32 mode);
/* proc, sysfs, devtmpfs, devpts, /dev/shm: what is there of them. */
void root_mount_api(void);
/* Opens fds 0, 1, 2 of current: for each, `tty` says whether it is the console terminal or a stream of the host. */
void open_std_fds(const bool tty[3]);
/* Where unbearable conditions of `umber run` end: one line and the status. */
void boot_fail(int status, const char *fmt, ...) __printf(2, 3) __noreturn;
extern struct task *run_command;         /* umber run's command; referenced */
#endif
