/* /proc/PID/stat and statm (proc_pid_stat(5), proc_pid_statm(5)). */
#include "proc.h"
#include <abi/sched.h>
#include <umber/tty.h>

#define PF_EXITING 0x4u
#define PF_FORKNOEXEC 0x40u
#define PF_KTHREAD 0x200000u
#define PF_RANDOMIZE 0x400000u
#define ADDR_NO_RANDOMIZE 0x0040000u

static char state_letter(struct task *t)
{
	if (t->exit_state)
		return t->exit_state == 1 ? 'Z' : 'X';
	if (t->state & TASK_DEAD)
		return 'X';
	if (t->state & TASK_TRACED)
		return 't';
	if (t->state & TASK_STOPPED)
		return 'T';
	if (t->state & TASK_INTERRUPTIBLE)
		return 'S';
	if (t->state & (TASK_UNINTERRUPTIBLE | TASK_KILLABLE))
		return t->is_kthread ? 'I' : 'D';
	return 'R';
}

const char *state_name(struct task *t)
{
	switch (state_letter(t)) {
	case 'Z': return "Z (zombie)";
	case 'X': return "X (dead)";
	case 't': return "t (tracing stop)";
	case 'T': return "T (stopped)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'I': return "I (idle)";
	}
	return "R (running)";
}

/* Newline and backslash escaped, so that a name cannot forge fields. */
void seq_comm(struct seq_file *m, const char *comm)
{
	for (size_t i = 0; i < TASK_COMM_LEN && comm[i]; i++) {
		if (comm[i] == '\n')
			seq_puts(m, "\\n");
		else if (comm[i] == '\\')
			seq_puts(m, "\\\\");
		else
			seq_putc(m, comm[i]);
	}
}

static u32 task_flags(struct task *t)
{
	u32 f = 0;

	if (t->is_kthread)
		return PF_KTHREAD;
	if (t->exiting)
		f |= PF_EXITING;
	if (!t->tg->did_exec)
		f |= PF_FORKNOEXEC;
	if (vm_sysctl.randomize_va_space && !(t->personality & ADDR_NO_RANDOMIZE))
		f |= PF_RANDOMIZE;
	return f;
}

/* CPU time and faults of t, or of its whole group with the threads that have ended. */
static void cpu_figures(struct task *t, bool whole, struct rusage_acc *r)
{
	struct task *o;

	sched_account(current);
	*r = (struct rusage_acc){ .utime_ns = t->se.utime_ns, .stime_ns = t->se.stime_ns, .minflt = t->minflt,
				  .majflt = t->majflt };
	if (!whole)
		return;
	*r = t->tg->acc;
	list_for_each_entry(o, &t->tg->threads, tg_node) {
		if (o->exit_state)
			continue;
		r->utime_ns += o->se.utime_ns;
		r->stime_ns += o->se.stime_ns;
		r->minflt += o->minflt;
		r->majflt += o->majflt;
	}
}

static void action_sets(struct task *t, ksigset_t *ignored, ksigset_t *caught)
{
	*ignored = *caught = 0;
	for (int n = 1; t->sighand && n <= 64; n++) {
		uaddr_t h = t->sighand->action[n - 1].handler;

		if (h == 1)
			*ignored |= SIGBIT(n);
		else if (h)
			*caught |= SIGBIT(n);
	}
}

static int parent_pid(struct task *t)
{
	return t->tg->parent ? t->tg->parent->tg->pid : 0;
}

static void show_head(struct seq_file *m, struct task *t, struct rusage_acc *r)
{
	struct session *s = t->tg->session;
	int prio;

	prio = t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR ? -1 - t->se.rt_priority : 20 + t->se.nice;
	seq_printf(m, "%d (", t->tid);
	seq_comm(m, t->comm);
	seq_printf(m, ") %c %d %d %d %d %d %u %lu %lu %lu %lu %lu %lu %lu %lu %d %d %d 0 %lu", state_letter(t),
		   parent_pid(t), t->tg->pgid, s ? s->sid : 0, (int)tty_nr(t->tg), tty_fg_pgrp(t->tg), task_flags(t), r->minflt,
		   t->tg->cacc.minflt, r->majflt, t->tg->cacc.majflt, r->utime_ns / TICK_NS, r->stime_ns / TICK_NS,
		   t->tg->cacc.utime_ns / TICK_NS, t->tg->cacc.stime_ns / TICK_NS, prio, t->se.nice,
		   t->exit_state ? max(t->tg->nr_threads, 1) : t->tg->nr_threads, t->start_ns / TICK_NS);
}

static int show_stat(struct seq_file *m, struct task *t, bool whole)
{
	bool ok = !ptrace_may_access(t);
	struct mm *mm = task_mm(t);
	struct rusage_acc r;
	ksigset_t ign, caught;
	const struct mm *v = ok ? mm : NULL;

	cpu_figures(t, whole, &r);
	action_sets(t, &ign, &caught);
	show_head(m, t, &r);
	seq_printf(m, " %lu %lu %lu", mm ? mm->total_pages * PAGE_SIZE : 0, mm ? mm_rss_pages(mm) : 0,
		   t->tg->rlim[RLIMIT_RSS].cur);
	seq_printf(m, " %lu %lu %lu 0 0", mm ? (ok ? mm->start_code : 1) : 0, mm ? (ok ? mm->end_code : 1) : 0,
		   v ? v->start_stack : 0);
	signal_sync_mask(t);
	seq_printf(m, " %lu %lu %lu %lu", t->pending.set & 0x7fffffff, t->blocked & 0x7fffffff, ign & 0x7fffffff,
		   caught & 0x7fffffff);
	seq_printf(m, " %d 0 0 %d %d %u %u 0 0 0", ok && (t->state & 7) ? 1 : 0, t->exit_signal, t->se.cpu,
		   (u32)t->se.rt_priority, (u32)t->se.policy);
	seq_printf(m, " %lu %lu %lu %lu %lu %lu %lu %d\n", v ? v->start_data : 0, v ? v->end_data : 0,
		   v ? v->start_brk : 0, v ? v->arg_start : 0, v ? v->arg_end : 0, v ? v->env_start : 0,
		   v ? v->env_end : 0, ok ? t->exit_code : 0);
	if (mm)
		mm_drop(mm);
	return 0;
}

int show_stat_tgid(struct seq_file *m, struct task *t)
{
	return show_stat(m, t, true);
}

int show_stat_tid(struct seq_file *m, struct task *t)
{
	return show_stat(m, t, false);
}

int show_statm(struct seq_file *m, struct task *t)
{
	struct mm *mm = task_mm(t);

	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	/* Resident shared pages cannot be told apart cheaply: at most what is mapped shared. */
	seq_printf(m, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_pages, mm_rss_pages(mm),
		   min(mm_rss_pages(mm), mm->shared_pages), (PAGE_ALIGN(mm->end_code) -
		   (mm->start_code & PAGE_MASK)) / PAGE_SIZE, mm->data_pages + mm->stack_pages);
	mm_drop(mm);
	return 0;
}
