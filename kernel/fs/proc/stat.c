/* /proc/stat, uptime, loadavg, version, interrupts, softirqs, schedstat (proc(5)). */
#include "proc.h"
#include <port/boot.h>
#include <umber/uts.h>

static const char *const softirq_names[] = { "HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED",
					     "HRTIMER", "RCU" };

static void cpu_line(struct seq_file *m, u64 user, u64 sys, u64 idle)
{
	seq_printf(m, " %lu 0 %lu %lu 0 0 0 0 0 0\n", user / TICK_NS, sys / TICK_NS, idle / TICK_NS);
}

static int show_stat(struct seq_file *m, void *arg)
{
	u64 user = 0, sys = 0, idle = 0, u, s, i;
	int n = sched_ncpus();

	for (int cpu = 0; cpu < n; cpu++) {
		sched_cpu_times(cpu, &u, &s, &i);
		user += u;
		sys += s;
		idle += i;
	}
	seq_puts(m, "cpu ");
	cpu_line(m, user, sys, idle);
	for (int cpu = 0; cpu < n; cpu++) {
		sched_cpu_times(cpu, &u, &s, &i);
		seq_printf(m, "cpu%d", cpu);
		cpu_line(m, u, s, i);
	}
	seq_printf(m, "intr 0\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\nprocs_blocked %lu\n",
		   sched_nr_switches(), (u64)((ktime_real_ns() - ktime_boot_ns()) / NSEC_PER_SEC), tasks_created(),
		   max(sched_nr_running(), 1u), sched_nr_uninterruptible());
	seq_puts(m, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
	return 0;
}

static int show_uptime(struct seq_file *m, void *arg)
{
	u64 up = ktime_boot_ns() / TICK_NS, idle = 0, u, s, i;

	for (int cpu = 0; cpu < sched_ncpus(); cpu++) {
		sched_cpu_times(cpu, &u, &s, &i);
		idle += i;
	}
	idle /= TICK_NS;
	seq_printf(m, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static int show_loadavg(struct seq_file *m, void *arg)
{
	for (int i = 0; i < 3; i++) {
		u64 l = sched_loadavg(i) + 2048 / 200; /* rounds to hundredths */

		seq_printf(m, "%lu.%02lu ", l >> 11, ((l & 2047) * 100) >> 11);
	}
	seq_printf(m, "%u/%d %d\n", max(sched_nr_running(), 1u), nr_tasks(), last_pid());
	return 0;
}

static int show_version(struct seq_file *m, void *arg)
{
	seq_printf(m, "%s version %s (umber@umber) (gcc %s) %s\n", init_uts.sysname, init_uts.release, __VERSION__,
		   init_uts.version);
	return 0;
}

static void cpu_heads(struct seq_file *m, int indent)
{
	seq_printf(m, "%*s", indent, "");
	for (int cpu = 0; cpu < sched_ncpus(); cpu++)
		seq_printf(m, "CPU%-8d", cpu);
	seq_putc(m, '\n');
}

static void count_row(struct seq_file *m, const char *name, size_t off, const char *what)
{
	seq_printf(m, "%3s:", name);
	for (int cpu = 0; cpu < sched_ncpus(); cpu++) {
		struct port_counts c;

		port_vcpu_counts(cpu, &c);
		seq_printf(m, " %10llu", (unsigned long long)*(u64 *)((u8 *)&c + off));
	}
	seq_printf(m, "   %s\n", what);
}

/* The guest has no interrupts: what a host would interrupt for are events of the port. */
static int show_interrupts(struct seq_file *m, void *arg)
{
	cpu_heads(m, 11);
	count_row(m, "ENT", offsetof(struct port_counts, entries), "Entries from user code");
	count_row(m, "TRP", offsetof(struct port_counts, traps), "System calls that trapped");
	count_row(m, "SPN", offsetof(struct port_counts, spins), "Waits for user code that spun");
	count_row(m, "SLP", offsetof(struct port_counts, sleeps), "Waits for user code that slept");
	count_row(m, "RES", offsetof(struct port_counts, pokes), "Rescheduling pokes");
	seq_printf(m, "%*s: %10u\n%*s: %10u\n", 3, "ERR", 0, 3, "MIS", 0);
	return 0;
}

static int show_softirqs(struct seq_file *m, void *arg)
{
	cpu_heads(m, 20);
	for (unsigned i = 0; i < ARRAY_SIZE(softirq_names); i++) {
		seq_printf(m, "%12s:", softirq_names[i]);
		for (int cpu = 0; cpu < sched_ncpus(); cpu++)
			seq_printf(m, " %10u", 0);
		seq_putc(m, '\n');
	}
	return 0;
}

static int show_cmdline(struct seq_file *m, void *arg)
{
	const char *s = port_cmdline();

	seq_printf(m, "%s\n", s ? s : "");
	return 0;
}

int proc_build_stat(struct pseudo_dir *root)
{
	static const struct { const char *name; pseudo_show_fn show; } f[] = {
		{ "stat", show_stat }, { "uptime", show_uptime }, { "loadavg", show_loadavg },
		{ "version", show_version }, { "interrupts", show_interrupts }, { "softirqs", show_softirqs },
		{ "cmdline", show_cmdline },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(f); i++)
		if (!pseudo_mkfile(root, f[i].name, 0444, f[i].show, NULL, NULL))
			return -ENOMEM;
	return 0;
}
