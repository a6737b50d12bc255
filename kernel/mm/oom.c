/*
 * Out of memory: guest processes must not use more than mem=, and the right one dies when they do.
 *
 * A reading sums the resident pages of all stubs (an upper bound: shared pages count in each), what is charged
 * (shmem, page cache) and kmem. It is taken by a timer whose period shrinks with the head room, so that the
 * next reading comes before it can be used up; when nothing has run since the last one the timer is left
 * off, and oom_poke() (mmap, brk, fork, exec, faults, allocation failures) starts it again. Over the bound: page
 * cache is reclaimed by the shrinkers when kmem runs out; exact figures are asked for where the port has them;
 * then the process with the highest badness gets SIGKILL.
 */
#include <umber/init.h>
#include <umber/sched.h>
#include <umber/shmem.h>
#include <umber/time.h>

#include "mm_internal.h"

#define OOM_PERIOD_MIN_NS (30 * NSEC_PER_MSEC)
#define OOM_PERIOD_MAX_NS (250 * NSEC_PER_MSEC)
#define OOM_GRACE_NS (2 * NSEC_PER_SEC)         /* a victim has so long to give its memory back */
#define OOM_QUIET_READINGS 4
#define FILL_PAGES_PER_MS ((4ULL << 30 >> PAGE_SHIFT) / 1000)  /* what one CPU can touch */

static struct ktimer oom_timer;
static struct work oom_work;
static bool oom_ready;
static u64 last_rss_pages, last_switches, victim_until_ns;
static unsigned quiet;

u64 mm_all_rss_pages(void)
{
	return last_rss_pages;
}

static u64 read_rss(bool exact)
{
	struct mm *mm;
	u64 sum = 0;

	list_for_each_entry(mm, &all_mms, all_node) {
		if (!mm->port)
			continue;
		if (exact && port_mm_pss_pages) {
			u64 pss = port_mm_pss_pages(mm->port), rss = port_mm_rss_pages(mm->port);

			sum += pss && pss < rss ? pss : rss;
		} else {
			sum += mm_rss_pages(mm);
		}
	}
	return sum;
}

static struct task *task_of_mm(const struct mm *mm)
{
	struct task *t;

	list_for_each_entry(t, &all_tasks, all_node)
		if (t->mm == mm && !t->is_kthread && t->state != TASK_DEAD)
			return t;
	return NULL;
}

/*
 * Resident pages weighted by oom_score_adj as Linux does: 1000 points are all of memory. < 0: never. pid 1 comes
 * last: with `umber run` it is the command itself, and there may be nothing else.
 */
static s64 badness(const struct mm *mm, const struct task *t, u64 rss)
{
	s64 adj = t->tg->oom_score_adj, points;

	if (adj <= -1000 || !mm->port)
		return -1;
	if (t->tg->pid == 1)
		return 1;
	points = (s64)rss + adj * (s64)(kmem_total_pages() / 1000);
	return points > 0 ? points : 1;
}

static void kill_mm(struct mm *mm, struct task *victim, u64 rss)
{
	struct task *t;

	pr_err("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=%s,pid=%d,uid=%u", victim->comm,
	       victim->tg->pid, victim->cred ? victim->cred->uid : 0);
	pr_err("Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:0kB, "
	       "shmem-rss:0kB, UID:%u pgtables:0kB oom_score_adj:%d",
	       victim->tg->pid, victim->comm, mm->total_pages << (PAGE_SHIFT - 10), rss << (PAGE_SHIFT - 10),
	       victim->cred ? victim->cred->uid : 0, victim->tg->oom_score_adj);
	/* All processes that share the memory: else killing one frees nothing. */
	list_for_each_entry(t, &all_tasks, all_node)
		if (t->mm == mm && is_leader(t))
			signal_send_group(SIGKILL, SEND_SIG_KERNEL, t->tg);
	if (!is_leader(victim))
		signal_send_group(SIGKILL, SEND_SIG_KERNEL, victim->tg);
	victim_until_ns = ktime_mono_ns() + OOM_GRACE_NS;
}

/* Chooses and kills. False if nobody may be killed. */
static bool oom_kill(bool exact)
{
	struct mm *mm, *worst = NULL;
	struct task *victim = NULL;
	s64 most = 0;
	u64 worst_rss = 0;

	list_for_each_entry(mm, &all_mms, all_node) {
		struct task *t = task_of_mm(mm);
		u64 rss;
		s64 bad;

		if (!t)
			continue;
		rss = exact && port_mm_pss_pages ? port_mm_pss_pages(mm->port) : port_mm_rss_pages(mm->port);
		bad = badness(mm, t, rss);
		if (bad > most) {
			most = bad;
			worst = mm;
			victim = t;
			worst_rss = rss;
		}
	}
	if (!worst)
		return false;
	kill_mm(worst, victim, worst_rss);
	return true;
}

/* One reading (kworker: port readings may take a while). Decides about the next. */
static void oom_check(struct work *w)
{
	u64 total = kmem_total_pages(), used, now = ktime_mono_ns(), period;

	shmem_account();
	last_rss_pages = read_rss(false);
	used = last_rss_pages + mem_charged() + kmem_used_pages();
	if (used > total && now >= victim_until_ns) {
		last_rss_pages = read_rss(true);
		used = last_rss_pages + mem_charged() + kmem_used_pages();
		if (used > total && !oom_kill(true))
			pr_warn_ratelimited("Out of memory and no killable processes...");
	}
	period = used < total ? (total - used) / (FILL_PAGES_PER_MS * (u64)port_ncpus()) * NSEC_PER_MSEC : 0;
	period = min(max(period, OOM_PERIOD_MIN_NS), OOM_PERIOD_MAX_NS);
	/* Switches beyond our own since the last reading: something runs, so look again. */
	quiet = sched_nr_switches() - last_switches > 4 || sched_nr_running() > 1 ? 0 : quiet + 1;
	last_switches = sched_nr_switches();
	if (quiet < OOM_QUIET_READINGS)
		ktimer_start(&oom_timer, now + period);
}

static void oom_tick(struct ktimer *t)
{
	work_queue(&oom_work);
}

void oom_poke(void)
{
	quiet = 0;
	if (oom_ready && !ktimer_armed(&oom_timer) && !oom_work.queued)
		ktimer_start(&oom_timer, ktime_mono_ns() + OOM_PERIOD_MIN_NS);
}

static int oom_init(void)
{
	ktimer_init(&oom_timer, oom_tick);
	work_init(&oom_work, oom_check);
	oom_ready = true;
	return 0;
}
INITCALL(INIT_LATE, oom_init);

/* Boot, before anything else of mm/: the object caches are made at first use, the OOM timer by its initcall. */
void mm_init(void)
{
}
