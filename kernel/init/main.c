/*
 * Boot. On vCPU 0's idle fibre: run queues (sched_init, before this), time, task tables. Then a kernel thread does the
 * rest, since mounting and reading files sleep: VFS, initcalls level by level, root, first process.
 */
#include "init_int.h"
#include <umber/init.h>
#include <umber/klog.h>
#include <umber/mm.h>
#include <umber/sched.h>
#include <umber/time.h>
#include <umber/uts.h>

extern const struct initcall __start_umber_initcalls[], __stop_umber_initcalls[];

static void do_initcalls(void)
{
	for (int level = INIT_CORE; level <= INIT_LATE; level++) {
		for (const struct initcall *c = __start_umber_initcalls; c < __stop_umber_initcalls; c++) {
			int err;

			if (c->level != level)
				continue;
			err = c->fn();
			if (err)
				pr_err("initcall %s failed: %d", c->name, err);
		}
	}
}

static void log_options(void)
{
	char buf[16];
	u64 n;

	if (boot_params.run)
		console_loglevel = KERN_ERR;
	if (boot_option("quiet", buf, sizeof(buf)))
		console_loglevel = KERN_WARNING;
	if (boot_option("debug", buf, sizeof(buf)) || boot_option("ignore_loglevel", buf, sizeof(buf)))
		console_loglevel = KERN_DEBUG + 1;
	if (boot_option("loglevel", buf, sizeof(buf)) && !kstrtou64(buf, 0, &n) && n <= 8)
		console_loglevel = (int)n;
}

static void banner(void)
{
	printk(KERN_NOTICE, "Linux version %s (umber@umber) (%s) %s", init_uts.release, __VERSION__,
	       init_uts.version);
	pr_info("Command line: %s", boot_params.cmdline ? boot_params.cmdline : "");
	pr_info("Memory: %lluK, %d CPU%s", (unsigned long long)boot_params.mem_bytes >> 10, sched_ncpus(),
		sched_ncpus() > 1 ? "s" : "");
}

static void boot_thread(void *arg)
{
	mm_init();
	vfs_init();
	if (!current->fs)
		current->fs = fs_ctx_copy(init_fs_ctx);
	if (!current->fs)
		panic("boot: no memory");
	do_initcalls();
	if (boot_params.hostname && boot_params.hostname[0])
		strlcpy(init_uts.nodename, boot_params.hostname, sizeof(init_uts.nodename));
	if (boot_params.run)
		run_boot();
	else
		uml_boot();
}

void kern_boot(void)
{
	time_init();
	klog_clock_ready();
	log_options();
	banner();
	task_init();
	if (!kthread_run(boot_thread, NULL, "kernel_init"))
		panic("boot: cannot make the first thread");
}
