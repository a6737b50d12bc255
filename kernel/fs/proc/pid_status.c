/* /proc/PID/status (proc_pid_status(5)). */
#include "proc.h"

static u64 kb(u64 pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static void show_ids(struct seq_file *m, struct task *t)
{
	const struct cred *c = t->cred;
	u32 size = 64;

	for (int fd = task_fd_next(t, 0); fd >= 0; fd = task_fd_next(t, fd + 1))
		while (size <= (u32)fd)
			size *= 2;
	seq_printf(m, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", state_name(t),
		   t->tg->pid, t->tid, t->tg->parent ? t->tg->parent->tg->pid : 0, t->tracer ? t->tracer->tg->pid : 0);
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid, c->euid, c->suid,
		   c->fsuid, c->gid, c->egid, c->sgid, c->fsgid, t->files ? size : 0);
	for (u32 i = 0; i < c->ngroups; i++)
		seq_printf(m, "%s%u", i ? " " : "", c->groups[i]);
	seq_printf(m, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%d\n", t->tg->pid, t->tid,
		   t->tg->pgid, t->tg->session ? t->tg->session->sid : 0, t->is_kthread);
}

static void show_mem(struct seq_file *m, struct mm *mm)
{
	u64 rss = mm_rss_pages(mm), code, file;

	code = (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) >> PAGE_SHIFT;
	code = min(code, mm->exec_pages);
	file = min(rss, mm->shared_pages + mm->exec_pages);
	const struct { const char *name; u64 kb; } rows[] = {
		{ "VmPeak:", kb(mm->total_pages) }, { "VmSize:", kb(mm->total_pages) },
		{ "VmLck:", kb(mm->locked_pages) }, { "VmPin:", 0 }, { "VmHWM:", kb(max(rss, mm->hiwater_rss_pages)) },
		{ "VmRSS:", kb(rss) }, { "RssAnon:", kb(rss - file) }, { "RssFile:", kb(file) }, { "RssShmem:", 0 },
		{ "VmData:", kb(mm->data_pages) }, { "VmStk:", kb(mm->stack_pages) }, { "VmExe:", kb(code) },
		{ "VmLib:", kb(mm->exec_pages - code) },
		/* the host's page tables: what such an address space needs at least */
		{ "VmPTE:", kb(rss / 512 + 8) }, { "VmSwap:", 0 }, { "HugetlbPages:", 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		seq_printf(m, "%s\t%8lu kB\n", rows[i].name, rows[i].kb);
	seq_puts(m, "CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n");
}

static void show_signals(struct seq_file *m, struct task *t)
{
	ksigset_t ign = 0, caught = 0;

	for (int n = 1; t->sighand && n <= 64; n++) {
		uaddr_t h = t->sighand->action[n - 1].handler;

		if (h == 1)
			ign |= SIGBIT(n);
		else if (h)
			caught |= SIGBIT(n);
	}
	seq_printf(m, "Threads:\t%d\nSigQ:\t%u/%lu\n", t->exit_state ? max(t->tg->nr_threads, 1) : t->tg->nr_threads,
		   signal_queued(t->cred->uid), t->tg->rlim[RLIMIT_SIGPENDING].cur);
	signal_sync_mask(t);
	seq_printf(m, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		   t->pending.set, t->tg->pending.set, t->blocked, ign, caught);
}

static void show_cpus(struct seq_file *m, struct task *t)
{
	u64 mask = t->se.affinity & sched_cpu_mask();
	int n = sched_ncpus();
	bool first = true;

	seq_printf(m, "Cpus_allowed:\t%0*lx\nCpus_allowed_list:\t", (n + 3) / 4, mask);
	for (int i = 0; i < n; i++) {
		int j = i;

		if (!(mask >> i & 1))
			continue;
		while (j + 1 < n && (mask >> (j + 1) & 1))
			j++;
		seq_printf(m, j > i ? "%s%d-%d" : "%s%d", first ? "" : ",", i, j);
		first = false;
		i = j;
	}
	seq_puts(m, "\nMems_allowed:\t00000000,00000001\nMems_allowed_list:\t0\n");
}

int show_status(struct seq_file *m, struct task *t)
{
	const struct cred *c = t->cred;
	struct mm *mm = task_mm(t);

	seq_puts(m, "Name:\t");
	seq_comm(m, t->comm);
	seq_putc(m, '\n');
	if (t->fs)
		seq_printf(m, "Umask:\t%04o\n", t->fs->umask);
	show_ids(m, t);
	if (mm) {
		show_mem(m, mm);
		mm_drop(mm);
	}
	show_signals(m, t);
	seq_printf(m, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n",
		   c->cap_inheritable, c->cap_permitted, c->cap_effective, c->cap_bset, c->cap_ambient);
	seq_printf(m, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", t->no_new_privs);
	seq_puts(m, "Speculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n");
	show_cpus(m, t);
	seq_printf(m, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", t->se.nvcsw, t->se.nivcsw);
	return 0;
}
