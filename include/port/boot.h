/* What boot (command line, `umber run`) hands to the kernel. Filled by arch-um/boot before kern_vcpu_main. */
#ifndef PORT_BOOT_H
#define PORT_BOOT_H
#include <umber/types.h>

struct boot_mount {              /* `umber run --bind`, and the root */
	const char *src;         /* host path (opened by hostfs) */
	const char *dst;         /* guest path */
	bool ro;
};
struct boot_params {
	const char *cmdline;     /* /proc/cmdline */
	u64 mem_bytes;
	u32 ncpus;
	/* embedded or given initramfs, in host memory readable by the kernel process */
	const void *initrd;
	size_t initrd_bytes;
	/* `umber run` */
	bool run;
	bool run_rw;             /* --rw: hostfs root writable, no overlay */
	const char *run_root;    /* host directory, default "/" */
	const struct boot_mount *binds;
	u32 nr_binds;
	const char *const *argv; /* command, NULL terminated */
	const char *const *envp;
	const char *cwd;
	const char *hostname;
	u32 uid, gid;
	const u32 *groups;       /* the caller's supplementary ones, unless --user names somebody else */
	u32 ngroups;
	u64 sig_ignored, sig_blocked; /* by the caller, bit n-1 for signal n: the command inherits them (nohup(1)) */
	bool run_init;           /* --init: command is pid 2 under a reaping init */
	bool stdin_tty, stdout_tty, stderr_tty;
	/* init arguments after `--` in UML mode */
	const char *const *init_argv;
};
extern struct boot_params boot_params;
/* Value of NAME=... on the command line (copied, NUL-terminated, cut at n) ; false if absent. */
bool boot_option(const char *name, char *buf, size_t n);
#endif
