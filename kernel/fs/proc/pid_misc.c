/* The small text files of /proc/PID: limits, io, comm, oom_*, sched, id maps (proc(5)). */
#include "proc.h"

#define OOM_ADJ_MIN (-17)
#define OOM_ADJ_MAX 15
#define OOM_SCORE_ADJ_MAX 1000

int show_limits(struct seq_file *m, struct task *t)
{
	static const struct { const char *name, *unit; } lim[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" }, [RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" }, [RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" }, [RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" }, [RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" }, [RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" }, [RLIMIT_NICE] = { "Max nice priority", NULL },
		[RLIMIT_RTPRIO] = { "Max realtime priority", NULL }, [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	char num[24];

	seq_puts(m, "Limit                     Soft Limit           Hard Limit           Units     \n");
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		u64 val[2] = { t->tg->rlim[i].cur, t->tg->rlim[i].max };

		seq_printf(m, "%-25s", lim[i].name);
		for (int k = 0; k < 2; k++) {
			scnprintf(num, sizeof(num), "%lu", val[k]);
			seq_printf(m, " %-20s", val[k] == RLIM_INFINITY ? "unlimited" : num);
		}
		if (lim[i].unit)
			seq_printf(m, " %-10s\n", lim[i].unit);
		else
			seq_putc(m, '\n');
	}
	return 0;
}

struct io_sum { u64 rchar, wchar, syscr, syscw, read_bytes, write_bytes; };

static void io_add(struct io_sum *s, const struct task *t)
{
	s->rchar += t->rchar;
	s->wchar += t->wchar;
	s->syscr += t->syscr;
	s->syscw += t->syscw;
	s->read_bytes += t->read_bytes;
	s->write_bytes += t->write_bytes;
}

static int io_print(struct seq_file *m, const struct io_sum *s)
{
	seq_printf(m, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: %lu\nwrite_bytes: %lu\n"
		   "cancelled_write_bytes: 0\n", s->rchar, s->wchar, s->syscr, s->syscw, s->read_bytes, s->write_bytes);
	return 0;
}

/* Threads that have ended are no longer in the sums. */
int show_io_tgid(struct seq_file *m, struct task *t)
{
	struct io_sum s = { 0 };
	struct task *o;

	list_for_each_entry(o, &t->tg->threads, tg_node)
		io_add(&s, o);
	return io_print(m, &s);
}

int show_io_tid(struct seq_file *m, struct task *t)
{
	struct io_sum s = { 0 };

	io_add(&s, t);
	return io_print(m, &s);
}

int show_comm(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%.*s\n", TASK_COMM_LEN, t->comm);
	return 0;
}

/* Threads of a process may name each other. */
ssize_t write_comm(struct task *t, const char *buf, size_t n)
{
	size_t len = min(n, (size_t)TASK_COMM_LEN - 1);

	if (t->tg != current->tg)
		return -EINVAL;
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, buf, strnlen(buf, len));
	return (ssize_t)n;
}

/* ---- oom ---- */
int show_oom_score(struct seq_file *m, struct task *t)
{
	struct mm *mm = task_mm(t);
	s64 total = (s64)max(kmem_total_pages(), (u64)1), points;

	if (!mm || t->tg->oom_score_adj == -OOM_SCORE_ADJ_MAX) {
		seq_puts(m, "0\n");
	} else {
		points = (s64)mm_rss_pages(mm) * 1000 / total + t->tg->oom_score_adj;
		points = (1000 + points) * 2 / 3;
		seq_printf(m, "%ld\n", max(points, (s64)0));
	}
	if (mm)
		mm_drop(mm);
	return 0;
}

int show_oom_score_adj(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%d\n", t->tg->oom_score_adj);
	return 0;
}

int show_oom_adj(struct seq_file *m, struct task *t)
{
	int adj = t->tg->oom_score_adj;

	seq_printf(m, "%d\n", adj == OOM_SCORE_ADJ_MAX ? OOM_ADJ_MAX : adj * -OOM_ADJ_MIN / OOM_SCORE_ADJ_MAX);
	return 0;
}

/* A whole number with blanks around it. */
static int parse_s64(const char *buf, s64 *v)
{
	char tmp[32];
	size_t n;

	while (*buf == ' ' || *buf == '\t' || *buf == '\n')
		buf++;
	n = strlcpy(tmp, buf, sizeof(tmp));
	if (n >= sizeof(tmp))
		return -EINVAL;
	while (n && (tmp[n - 1] == '\n' || tmp[n - 1] == ' ' || tmp[n - 1] == '\t'))
		tmp[--n] = 0;
	return n ? kstrtos64(tmp, 0, v) : -EINVAL;
}

/* Less likely to be killed than now: with CAP_SYS_RESOURCE only. */
static ssize_t set_oom(struct task *t, int adj, size_t n)
{
	if (adj < t->tg->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	t->tg->oom_score_adj = adj;
	return (ssize_t)n;
}

ssize_t write_oom_score_adj(struct task *t, const char *buf, size_t n)
{
	s64 v;
	int err = parse_s64(buf, &v);

	if (err)
		return err;
	if (v < -OOM_SCORE_ADJ_MAX || v > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	return set_oom(t, (int)v, n);
}

ssize_t write_oom_adj(struct task *t, const char *buf, size_t n)
{
	s64 v;
	int err = parse_s64(buf, &v);

	if (err)
		return err;
	if (v < OOM_ADJ_MIN || v > OOM_ADJ_MAX)
		return -EINVAL;
	return set_oom(t, v == OOM_ADJ_MAX ? OOM_SCORE_ADJ_MAX : (int)v * OOM_SCORE_ADJ_MAX / -OOM_ADJ_MIN, n);
}

/* ---- one-liners ---- */
int show_cgroup(struct seq_file *m, struct task *t)
{
	seq_puts(m, "0::/\n");
	return 0;
}

int show_cpuset(struct seq_file *m, struct task *t)
{
	seq_puts(m, "/\n");
	return 0;
}

int show_wchan(struct seq_file *m, struct task *t)
{
	seq_putc(m, '0');
	return 0;
}

/* "running", or number, arguments, stack pointer and instruction pointer of the call that it sleeps in. */
int show_syscall(struct seq_file *m, struct task *t)
{
	const struct user_regs *r = &t->port.regs;

	if (t->is_kthread || t->exit_state || t == current || t->state == TASK_RUNNING) {
		seq_puts(m, "running\n");
	} else if ((s64)r->orig_rax < 0) {
		seq_printf(m, "-1 0x%lx 0x%lx\n", r->rsp, r->rip);
	} else {
		seq_printf(m, "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", (s64)r->orig_rax, r->rdi, r->rsi,
			   r->rdx, r->r10, r->r8, r->r9, r->rsp, r->rip);
	}
	return 0;
}

int show_personality(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%08x\n", t->personality);
	return 0;
}

static void sched_row(struct seq_file *m, const char *name, u64 ns)
{
	seq_printf(m, "%-45s:%14lu.%06lu\n", name, ns / 1000000, ns % 1000000);
}

int show_sched(struct seq_file *m, struct task *t)
{
	sched_account(current);
	seq_comm(m, t->comm);
	seq_printf(m, " (%d, #threads: %d)\n", t->tid, t->tg->nr_threads);
	seq_puts(m, "-------------------------------------------------------------------\n");
	sched_row(m, "se.exec_start", t->se.exec_start_ns);
	sched_row(m, "se.vruntime", t->se.vruntime);
	sched_row(m, "se.sum_exec_runtime", t->se.sum_exec_ns);
	seq_printf(m, "%-45s:%21lu\n%-45s:%21lu\n%-45s:%21lu\n", "nr_switches", t->se.nvcsw + t->se.nivcsw,
		   "nr_voluntary_switches", t->se.nvcsw, "nr_involuntary_switches", t->se.nivcsw);
	seq_printf(m, "%-45s:%21d\n%-45s:%21d\n", "policy", t->se.policy, "prio",
		   t->se.rt_priority ? 99 - t->se.rt_priority : 120 + t->se.nice);
	return 0;
}

/* CPU time, time on a run queue (not counted), time slices. */
int show_schedstat(struct seq_file *m, struct task *t)
{
	sched_account(current);
	seq_printf(m, "%lu 0 %lu\n", t->se.sum_exec_ns, t->se.nvcsw + t->se.nivcsw);
	return 0;
}

int show_timerslack(struct seq_file *m, struct task *t)
{
	if (t != current && ptrace_may_access(t))
		return -EPERM;
	seq_printf(m, "%lu\n", t->timerslack_ns);
	return 0;
}

ssize_t write_timerslack(struct task *t, const char *buf, size_t n)
{
	s64 v;
	int err;

	if (t != current && !capable(CAP_SYS_NICE))
		return -EPERM;
	err = parse_s64(buf, &v);
	if (err || v < 0)
		return -EINVAL;
	t->timerslack_ns = v ? (u64)v : 50000;
	return (ssize_t)n;
}

/* There is one user namespace, whose map is the identity and cannot be written again. */
int show_id_map(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%10u %10u %10u\n", 0, 0, U32_MAX);
	return 0;
}

int show_setgroups(struct seq_file *m, struct task *t)
{
	seq_puts(m, "allow\n");
	return 0;
}

ssize_t write_id_map(struct task *t, const char *buf, size_t n)
{
	return -EPERM;
}

int show_coredump_filter(struct seq_file *m, struct task *t)
{
	if (t->mm)
		seq_puts(m, "00000033\n");
	return 0;
}

/* Children that thread t has made (proc_tid_children(5)). */
int show_children(struct seq_file *m, struct task *t)
{
	struct tgroup *c;

	list_for_each_entry(c, &t->tg->children, sibling)
		if (c->parent_tid == t->tid || (is_leader(t) && !find_task(c->parent_tid)))
			seq_printf(m, "%d ", c->pid);
	return 0;
}
