/*
 * /proc/sys/kernel (proc_sys_kernel(5)). What is fixed here is shown and cannot be written; switches for things that
 * this kernel does not have at all are left out, for programs take their presence for the thing itself.
 */
#include "proc.h"
#include <port/port.h>
#include <umber/klog.h>
#include <umber/sysctl.h>
#include <umber/uts.h>

static u8 boot_id[16];
static s32 threads_bound;          /* of boot: what memory allows */

/* Makes random bytes a version 4 UUID (RFC 9562). */
static void uuid_mark(u8 *u)
{
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
}

static void show_uuid(struct seq_file *m, const u8 *u)
{
	for (int i = 0; i < 16; i++)
		seq_printf(m, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	seq_putc(m, '\n');
}

static void get_uuid(struct seq_file *m, const struct ctl *c)
{
	u8 u[16];

	port_random(u, sizeof(u));
	uuid_mark(u);
	show_uuid(m, u);
}

static void get_boot_id(struct seq_file *m, const struct ctl *c)
{
	show_uuid(m, boot_id);
}

static void get_last_pid(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%d\n", last_pid());
}

static int set_ns_last_pid(const struct ctl *c, const char *text)
{
	u64 v;

	if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	if (kstrtou64(text, 10, &v) || v >= (u64)pid_max)
		return -EINVAL;
	set_last_pid((int)v);
	return 0;
}

/* console_loglevel, default for messages without one, minimum, boot default. */
static void get_printk(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%d\t4\t1\t7\n", console_loglevel);
}

static int set_printk(const struct ctl *c, const char *text)
{
	char word[8];
	size_t n = 0;
	u64 v;

	while (*text == ' ' || *text == '\t')
		text++;
	while (n < sizeof(word) - 1 && text[n] >= '0' && text[n] <= '9') {
		word[n] = text[n];
		n++;
	}
	word[n] = 0;
	if (kstrtou64(word, 10, &v) || v > 15)
		return -EINVAL;
	console_loglevel = (int)max(v, (u64)1);
	return 0;
}

static void get_version(struct seq_file *m, const struct ctl *c)
{
	seq_printf(m, "%s\n", init_uts.version);
}

static int set_randomize(const struct ctl *c, const char *text)
{
	vm_sysctl.randomize_va_space = randomize_va_space;
	return 0;
}

static int set_threads(const struct ctl *c, const char *text)
{
	if (max_threads > threads_bound)
		max_threads = threads_bound;
	return 0;
}

#define CONST_(p, t) { .path = p, .type = CTL_CONST, .data = (void *)(uintptr_t)(t) }
static const struct ctl tab[] = {
	CONST_("kernel/ostype", "Linux"),
	{ .path = "kernel/osrelease", .type = CTL_TEXT, .data = init_uts.release },
	{ .path = "kernel/version", .type = CTL_FN, .get = get_version },
	{ .path = "kernel/hostname", .mode = 0644, .type = CTL_TEXT, .data = init_uts.nodename, .size = UTS_LEN + 1 },
	{ .path = "kernel/domainname", .mode = 0644, .type = CTL_TEXT, .data = init_uts.domainname,
	  .size = UTS_LEN + 1 },
	CONST_("kernel/arch", "x86_64"),
	{ .path = "kernel/pid_max", .mode = 0644, .type = CTL_S32, .data = &pid_max, .limited = true, .min = 301,
	  .max = 4194304 },
	{ .path = "kernel/threads-max", .mode = 0644, .type = CTL_S32, .data = &max_threads, .limited = true, .min = 20,
	  .max = INT_MAX, .set = set_threads },
	{ .path = "kernel/ns_last_pid", .mode = 0666, .type = CTL_FN, .get = get_last_pid, .set = set_ns_last_pid },
	CONST_("kernel/cap_last_cap", "40"),
	{ .path = "kernel/core_pattern", .mode = 0644, .type = CTL_TEXT, .data = core_pattern,
	  .size = sizeof(core_pattern) },
	{ .path = "kernel/core_uses_pid", .mode = 0644, .type = CTL_S32, .data = &core_uses_pid, .limited = true,
	  .max = 1 },
	CONST_("kernel/core_pipe_limit", "0"),
	CONST_("kernel/ngroups_max", "65536"),
	CONST_("kernel/overflowuid", "65534"),
	CONST_("kernel/overflowgid", "65534"),
	{ .path = "kernel/printk", .mode = 0644, .type = CTL_FN, .get = get_printk, .set = set_printk },
	{ .path = "kernel/randomize_va_space", .mode = 0644, .type = CTL_S32, .data = &randomize_va_space,
	  .limited = true, .max = 2, .set = set_randomize },
	CONST_("kernel/sem", "32000\t1024000000\t500\t32000"),
	CONST_("kernel/shmall", "18446744073692774399"),
	CONST_("kernel/shmmax", "18446744073692774399"),
	CONST_("kernel/shmmni", "4096"),
	CONST_("kernel/shm_rmid_forced", "0"),
	CONST_("kernel/msgmax", "8192"),
	CONST_("kernel/msgmnb", "16384"),
	CONST_("kernel/msgmni", "32000"),
	CONST_("kernel/auto_msgmni", "0"),
	CONST_("kernel/tainted", "0"),
	CONST_("kernel/panic", "0"),
	CONST_("kernel/panic_on_oops", "1"),
	CONST_("kernel/ctrl-alt-del", "0"),
	CONST_("kernel/dmesg_restrict", "0"),
	CONST_("kernel/kptr_restrict", "0"),
	CONST_("kernel/sysrq", "0"),
	CONST_("kernel/hung_task_timeout_secs", "0"),
	CONST_("kernel/modules_disabled", "1"),
	CONST_("kernel/io_uring_disabled", "2"),
	CONST_("kernel/max_lock_depth", "1024"),
	CONST_("kernel/sched_rt_period_us", "1000000"),
	CONST_("kernel/sched_rt_runtime_us", "950000"),
	CONST_("kernel/sched_rr_timeslice_ms", "100"),
	{ .path = "kernel/random/boot_id", .type = CTL_FN, .get = get_boot_id },
	{ .path = "kernel/random/uuid", .type = CTL_FN, .get = get_uuid },
	CONST_("kernel/random/entropy_avail", "256"),
	CONST_("kernel/random/poolsize", "256"),
	CONST_("kernel/random/urandom_min_reseed_secs", "60"),
	CONST_("kernel/random/write_wakeup_threshold", "256"),
	CONST_("user/max_user_namespaces", "0"),
	CONST_("user/max_pid_namespaces", "0"),
	CONST_("user/max_mnt_namespaces", "0"),
	CONST_("user/max_net_namespaces", "0"),
	CONST_("user/max_uts_namespaces", "0"),
	CONST_("user/max_ipc_namespaces", "0"),
	CONST_("user/max_cgroup_namespaces", "0"),
	CONST_("user/max_time_namespaces", "0"),
};

static int sysctl_kernel_init(void)
{
	_Static_assert(CAP_LAST == 41, "cap_last_cap");
	port_random(boot_id, sizeof(boot_id));
	uuid_mark(boot_id);
	threads_bound = max_threads;
	return sysctl_register(tab, ARRAY_SIZE(tab));
}
INITCALL(INIT_FS, sysctl_kernel_init);
