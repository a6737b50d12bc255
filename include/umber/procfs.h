/*
 * procfs for other subsystems: files of their own below /proc (kernel/fs/proc).
 *
 * Fixed files are nodes of one pseudofs tree that all proc mounts show: get a directory with proc_dir() and use
 * umber/pseudofs.h on it. What lies below /proc/PID/net is one list for the whole guest (there is one network
 * namespace); a name that is registered again replaces the older one.
 */
#ifndef UMBER_PROCFS_H
#define UMBER_PROCFS_H
#include <umber/pseudofs.h>

/* The directory `path` below /proc ("" is /proc itself), made if need be. From INIT_SUBSYS on. NULL: no memory. */
struct pseudo_dir *proc_dir(const char *path);
/* /proc/net/NAME. name, show and arg stay valid for ever. 0 or -ENOMEM. Any time from INIT_CORE on. */
int proc_net_register(const char *name, u32 mode, pseudo_show_fn show, void *arg);
/* Is f an open /proc/PID? Then *tg is that process, no reference taken; NULL: it is gone. */
struct file;
struct tgroup;
bool proc_file_tgroup(const struct file *f, struct tgroup **tg);
#endif
