/* Tables of what the kernel has: filesystems, devices, modules, locks, sysvipc, consoles (proc(5)). */
#include "proc.h"
#include <umber/shmem.h>
#include <umber/sysvipc.h>

/* kernel/tty: lines of /proc/tty/drivers and /proc/consoles. */
void tty_drivers_show(struct seq_file *m) __weak;

static int show_filesystems(struct seq_file *m, void *arg)
{
	for (struct fs_type *t = fs_types; t; t = t->next)
		seq_printf(m, "%s\t%s\n", t->nodev ? "nodev" : "", t->name);
	return 0;
}

static int show_devices(struct seq_file *m, void *arg)
{
	chrdev_show(m);
	return 0;
}

static int show_locks(struct seq_file *m, void *arg)
{
	locks_show(m);
	return 0;
}

static int show_text(struct seq_file *m, void *arg)
{
	seq_puts(m, arg);
	return 0;
}

static int show_shm(struct seq_file *m, void *arg)
{
	return sysv_shm_show(m, arg);
}

static int show_sem(struct seq_file *m, void *arg)
{
	sysvsem_show(m);
	return 0;
}

static int show_msg(struct seq_file *m, void *arg)
{
	sysvmsg_show(m);
	return 0;
}

static int show_tty_drivers(struct seq_file *m, void *arg)
{
	if (tty_drivers_show)
		tty_drivers_show(m);
	return 0;
}

int proc_build_misc(struct pseudo_dir *root)
{
	static const struct { const char *dir, *name; pseudo_show_fn show; const char *text; } f[] = {
		{ "", "filesystems", show_filesystems, NULL },
		{ "", "devices", show_devices, NULL },
		{ "", "locks", show_locks, NULL },
		{ "", "misc", show_text, "" },
		{ "", "modules", show_text, "" },
		{ "", "partitions", show_text, "major minor  #blocks  name\n\n" },
		{ "", "diskstats", show_text, "" },
		{ "", "cgroups", show_text, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" },
		{ "", "consoles", show_text, "tty0                 -WU (EC  p  )    4:1\n" },
		{ "", "execdomains", show_text, "0-0\tLinux           \t[kernel]\n" },
		{ "sysvipc", "shm", show_shm, NULL },
		{ "sysvipc", "sem", show_sem, NULL },
		{ "sysvipc", "msg", show_msg, NULL },
		{ "tty", "drivers", show_tty_drivers, NULL },
		{ "tty", "ldiscs", show_text, "n_tty       0\n" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(f); i++)
		if (!pseudo_mkfile(proc_dir(f[i].dir), f[i].name, 0444, f[i].show, NULL, (void *)(uintptr_t)f[i].text))
			return -ENOMEM;
	/* Mount points that others expect, and the directory of drivers. */
	if (!proc_dir("fs") || !proc_dir("bus") || !proc_dir("driver") || !proc_dir("tty/driver") ||
	    !proc_dir("sys/fs/binfmt_misc"))
		return -ENOMEM;
	return 0;
}
