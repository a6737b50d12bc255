/* Private to kernel/fs/sysfs: the parts of the tree, each built once at boot. 0 or -ENOMEM. */
#ifndef SYSFS_INT_H
#define SYSFS_INT_H
#include <umber/sysfs.h>

int sysfs_build_cpu(void);
int sysfs_build_node(void);
/* "0-3" with a newline; and the mask as the kernel prints it, "f". */
void sysfs_cpu_list(char *buf, size_t n, int cpus);
void sysfs_cpu_mask(char *buf, size_t n, u32 mask);
/* Constant text below dir. 0 or -ENOMEM; formatted like printf. */
int sysfs_text(struct pseudo_dir *dir, const char *name, const char *fmt, ...) __printf(3, 4);
#endif
