/* getrusage(2), times(2) and the sums behind them: live threads are asked, dead ones are in tgroup.acc. */
#include "task_priv.h"

/* Adds all but maxrss, which is no sum: the greater one stays. */
void rusage_add(struct rusage_acc *to, const struct rusage_acc *x)
{
	to->utime_ns += x->utime_ns;
	to->stime_ns += x->stime_ns;
	to->minflt += x->minflt;
	to->majflt += x->majflt;
	to->nvcsw += x->nvcsw;
	to->nivcsw += x->nivcsw;
	to->inblock += x->inblock;
	to->oublock += x->oublock;
	to->maxrss_kb = max(to->maxrss_kb, x->maxrss_kb);
}

static void thread_figures(struct task *t, struct rusage_acc *r)
{
	*r = (struct rusage_acc){
		.utime_ns = t->se.utime_ns, .stime_ns = t->se.stime_ns, .minflt = t->minflt,
		.majflt = t->majflt, .nvcsw = t->se.nvcsw, .nivcsw = t->se.nivcsw,
		.inblock = t->read_bytes / 512, .oublock = t->write_bytes / 512,
	};
}

static u64 mm_maxrss_kb(struct mm *mm)
{
	if (!mm)
		return 0;
	u64 now = mm_rss_pages(mm);
	if (now > mm->hiwater_rss_pages)
		mm->hiwater_rss_pages = now;
	return mm->hiwater_rss_pages * (PAGE_SIZE / 1024);
}

/* One thread's own use; maxrss is the process's. */
void task_rusage(struct task *t, struct rusage_acc *out)
{
	thread_figures(t, out);
	out->maxrss_kb = max(t->tg->acc.maxrss_kb, mm_maxrss_kb(t->mm));
}

void tgroup_rusage(struct tgroup *tg, struct rusage_acc *out)
{
	struct task *t;
	struct rusage_acc r;
	*out = tg->acc;
	list_for_each_entry(t, &tg->threads, tg_node) {
		if (t->exit_state) /* already in acc */
			continue;
		thread_figures(t, &r);
		r.maxrss_kb = mm_maxrss_kb(t->mm);
		rusage_add(out, &r);
	}
}

/* Once for each thread, when exit_state is set. */
void rusage_collect_dead(struct task *t)
{
	struct rusage_acc r;
	if (t->exit_state) /* counted when it became a zombie */
		return;
	thread_figures(t, &r);
	rusage_add(&t->tg->acc, &r);
}

static struct timeval64 to_tv(u64 ns)
{
	return (struct timeval64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

int rusage_to_user(uaddr_t u, const struct rusage_acc *r)
{
	struct abi_rusage out;
	memset(&out, 0, sizeof(out));
	out.ru_utime = to_tv(r->utime_ns);
	out.ru_stime = to_tv(r->stime_ns);
	out.ru_maxrss = (s64)r->maxrss_kb;
	out.ru_minflt = (s64)r->minflt;
	out.ru_majflt = (s64)r->majflt;
	out.ru_inblock = (s64)r->inblock;
	out.ru_oublock = (s64)r->oublock;
	out.ru_nvcsw = (s64)r->nvcsw;
	out.ru_nivcsw = (s64)r->nivcsw;
	return copy_to_user(u, &out, sizeof(out));
}

long sys_getrusage(int who, uaddr_t usage)
{
	struct rusage_acc r;
	switch (who) {
	case RUSAGE_SELF:
		tgroup_rusage(current->tg, &r);
		break;
	case RUSAGE_CHILDREN:
		r = current->tg->cacc;
		break;
	case RUSAGE_THREAD:
		task_rusage(current, &r);
		break;
	default:
		return -EINVAL;
	}
	return rusage_to_user(usage, &r);
}

long sys_times(uaddr_t buf)
{
	const u64 tick = NSEC_PER_SEC / 100;
	if (buf) {
		struct rusage_acc r, *c = &current->tg->cacc;
		tgroup_rusage(current->tg, &r);
		struct abi_tms t = {
			(s64)(r.utime_ns / tick), (s64)(r.stime_ns / tick), (s64)(c->utime_ns / tick),
			(s64)(c->stime_ns / tick),
		};
		if (copy_to_user(buf, &t, sizeof(t)))
			return -EFAULT;
	}
	return (long)(ktime_boot_ns() / tick);
}
