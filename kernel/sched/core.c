/* Run queues, switching, waking, placement. The picture is in sched_int.h. */
#include "sched_int.h"
#include <abi/errno.h>
#include <abi/sched.h>
#include <umber/klog.h>
#include <umber/printk.h>
#include <umber/time.h>

struct vcpu vcpus[NCPUS_MAX];
int nr_vcpus = 1;
u64 nr_switches, nr_uninterruptible;

int this_cpu(void)
{
	return this_vcpu()->cpu;
}

int sched_ncpus(void)
{
	return nr_vcpus;
}

u64 sched_cpu_mask(void)
{
	return (1ULL << nr_vcpus) - 1;
}

void vcpu_setup(int cpu)
{
	struct vcpu *v = &vcpus[cpu];
	struct fibre_info *fi = fibre_info();

	v->cpu = cpu;
	v->idle_fibre.stack = (char *)(fi + 1) - FIBRE_STACK_BYTES;
	fi->vcpu = v;
}

void sched_init(void)
{
	nr_vcpus = port_ncpus();
	BUG_ON(nr_vcpus < 1 || nr_vcpus > NCPUS_MAX);
	for (int i = 0; i < nr_vcpus; i++) {
		list_init(&vcpus[i].rt);
		list_init(&vcpus[i].fair);
		vcpus[i].cpu = i;
		vcpus[i].min_vruntime = 1ULL << 40;
		vcpus[i].timer_ns = WAIT_FOREVER;
	}
	clock_init();
}

/* ---- queues ---- */

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* Insertion from both ends at once: short for newly woken (front) and preempted (back) tasks alike. */
static void fair_insert(struct vcpu *v, struct task *t)
{
	struct list_head *lo = v->fair.next, *hi = v->fair.prev;
	u64 vr = t->se.vruntime;

	for (;;) {
		if (lo == &v->fair || before(vr, list_entry(lo, struct task, se.run_node)->se.vruntime)) {
			list_insert_(&t->se.run_node, lo->prev, lo);
			return;
		}
		if (!before(vr, list_entry(hi, struct task, se.run_node)->se.vruntime)) {
			list_insert_(&t->se.run_node, hi, hi->next);
			return;
		}
		lo = lo->next;
		hi = hi->prev;
	}
}

/* By priority, FIFO within one; `front` puts a preempted task before its equals. */
static void rt_insert(struct vcpu *v, struct task *t, bool front)
{
	struct list_head *p;

	for (p = v->rt.next; p != &v->rt; p = p->next) {
		int prio = list_entry(p, struct task, se.run_node)->se.rt_priority;

		if (prio < t->se.rt_priority || (front && prio == t->se.rt_priority))
			break;
	}
	list_insert_(&t->se.run_node, p->prev, p);
}

static void enqueue(struct vcpu *v, struct task *t, bool front)
{
	u64 now = rdtsc();

	if (t->se.cpu != v->cpu) {
		t->se.vruntime += v->min_vruntime - vcpus[t->se.cpu].min_vruntime;
		t->se.cpu = v->cpu;
		t->se.rseq_event = true;
	}
	if (task_rt(t)) {
		rt_insert(v, t, front);
	} else {
		if (list_empty(&v->fair))
			v->fair_wait_tsc = now;
		fair_insert(v, t);
	}
	t->se.on_rq = true;
	t->se.queued_tsc = now;
	if (!v->nr_queued++)
		v->balance_tsc = now + ns_to_tsc(BALANCE_NS);
	v->dirty = true;
}

void sched_dequeue(struct task *t)
{
	struct vcpu *v = &vcpus[t->se.cpu];

	list_del(&t->se.run_node);
	t->se.on_rq = false;
	v->nr_queued--;
	v->dirty = true;
}

/* min_vruntime follows the least vruntime among curr and the queue, and never goes back. */
static void update_min_vruntime(struct vcpu *v, const struct task *curr)
{
	bool have = curr && !task_rt(curr);
	u64 m = have ? curr->se.vruntime : 0;

	if (!list_empty(&v->fair)) {
		u64 first = list_first_entry(&v->fair, struct task, se.run_node)->se.vruntime;

		if (!have || before(first, m))
			m = first;
		have = true;
	}
	if (have && before(v->min_vruntime, m))
		v->min_vruntime = m;
}

static bool allowed(const struct task *t, int cpu)
{
	return vcpus[cpu].online && t->se.affinity >> cpu & 1;
}

/* The vCPU that is to run all tasks, if there is one now and t may run there; else NULL. */
static struct vcpu *pack_of(const struct task *t)
{
	int pack = nr_vcpus > 1 ? port_pack() : -1;

	return pack >= 0 && allowed(t, pack) && !task_rt(t) ? &vcpus[pack] : NULL;
}

static bool packed_away(const struct vcpu *v, const struct task *t)
{
	struct vcpu *to = pack_of(t);

	return to && to != v;
}

/* Takes t, queued on o, over to v; the caller queues or runs it. */
static void steal(struct vcpu *v, struct vcpu *o, struct task *t)
{
	sched_dequeue(t);
	t->se.vruntime += v->min_vruntime - o->min_vruntime;
	t->se.cpu = v->cpu;
	t->se.rseq_event = true;
}

/* A task queued on o that may run on v, the most urgent first. `young` ones, queued just now, count too. */
static struct task *stealable(struct vcpu *v, struct vcpu *o, bool young)
{
	u64 old = rdtsc() - ns_to_tsc(PULL_MIN_NS);

	for (int k = 0; k < 2; k++) {
		struct list_head *h = k ? &o->fair : &o->rt;
		struct task *t;

		list_for_each_entry(t, h, se.run_node)
			if (allowed(t, v->cpu) && (young || !before(old, t->se.queued_tsc)) && !packed_away(v, t))
				return t;
	}
	return NULL;
}

/*
 * Takes a queued task from another vCPU for v, which has nothing to do. A single one that was queued just now is left:
 * it runs there soon, unless its vCPU stays busy, which then offers it (offer_queued).
 */
static struct task *pull(struct vcpu *v)
{
	for (int i = 1; i < nr_vcpus; i++) {
		struct vcpu *o = &vcpus[(v->cpu + i) % nr_vcpus];
		struct task *t = o->nr_queued ? stealable(v, o, o->nr_queued > 1) : NULL;

		if (t) {
			steal(v, o, t);
			return t;
		}
	}
	return NULL;
}

/* Each tick of a busy vCPU: evens out queues that differ by two or more. */
void balance_tick(struct vcpu *v)
{
	struct vcpu *busiest = NULL;
	struct task *t;

	for (int i = 0; i < nr_vcpus; i++)
		if (vcpus[i].nr_queued >= v->nr_queued + 2 &&
		    (!busiest || vcpus[i].nr_queued > busiest->nr_queued))
			busiest = &vcpus[i];
	if (!busiest)
		return;
	t = stealable(v, busiest, true);
	if (t) {
		steal(v, busiest, t);
		enqueue(v, t, false);
	}
}

/* Is it the turn of v's fair tasks although real-time ones want to run? They get a twentieth of the time at least. */
static bool fair_first(const struct vcpu *v, u64 now)
{
	return !list_empty(&v->fair) &&
	       (now < v->rt_off_tsc || tsc_since(now, v->fair_wait_tsc) > ns_to_tsc(RT_RUNTIME_NS));
}

struct task *pick_next(struct vcpu *v)
{
	struct list_head *h = !list_empty(&v->rt) ? &v->rt : &v->fair;
	u64 now = rdtsc();
	struct task *t;

	if (h == &v->rt && unlikely(fair_first(v, now))) {
		h = &v->fair;
		if (now >= v->rt_off_tsc)
			v->rt_off_tsc = now + ns_to_tsc(RT_OFF_NS);
	}
	if (h == &v->fair)
		v->fair_wait_tsc = now;
	if (list_empty(h))
		return nr_vcpus > 1 ? pull(v) : NULL;
	t = list_first_entry(h, struct task, se.run_node);
	sched_dequeue(t);
	return t;
}

/* ---- preemption ---- */

void resched(struct vcpu *v)
{
	if (!v->curr) {
		if (v->idle)
			port_vcpu_poke(v->cpu);
		return;
	}
	if (v->curr->se.need_resched)
		return;
	v->curr->se.need_resched = true;
	if (v != this_vcpu())
		port_vcpu_poke(v->cpu);
}

u64 slice_ticks(const struct task *t)
{
	if (t->se.policy == SCHED_FIFO)
		return 0;
	if (t->se.preempt_due && !task_rt(t))
		return ns_to_tsc(GUARD_NS);
	return ns_to_tsc(t->se.policy == SCHED_RR ? RR_SLICE_NS : SLICE_NS);
}

static u64 vruntime_now(const struct task *t)
{
	return t->se.vruntime + tsc_to_ns(t->se.user_tsc + t->se.sys_tsc + tsc_since(rdtsc(), t->se.mark_tsc));
}

/*
 * Does newly woken t deserve v more than what runs there, now? If it does but for the guard of what runs, that one's slice
 * ends with its guard.
 */
static bool wakeup_preempts(struct vcpu *v, const struct task *t)
{
	struct task *c = v->curr;

	if (!c)
		return true;
	if (task_rt(t))
		return task_rt(c) ? t->se.rt_priority > c->se.rt_priority : rdtsc() >= v->rt_off_tsc;
	if (task_rt(c) || t->se.policy == SCHED_IDLE)
		return false;
	if (c->se.policy == SCHED_IDLE)
		return true;
	if (t->se.policy == SCHED_BATCH || (s64)(vruntime_now(c) - t->se.vruntime) <= (s64)WAKEUP_GRAN_NS)
		return false;
	if (tsc_since(rdtsc(), c->se.slice_tsc) >= ns_to_tsc(GUARD_NS))
		return true;
	if (!c->se.preempt_due) {
		c->se.preempt_due = true;
		v->dirty = true;
		if (v != this_vcpu())
			port_vcpu_poke(v->cpu);
	}
	return false;
}

static void slice_begin(struct task *t, u64 now)
{
	t->se.slice_tsc = now;
	t->se.preempt_due = false;
}

bool should_preempt(struct vcpu *v)
{
	struct task *c = v->curr;
	u64 slice = slice_ticks(c), now = rdtsc();
	bool over = slice && tsc_since(now, c->se.slice_tsc) >= slice;

	if (task_rt(c) && unlikely(fair_first(v, now)))
		return true;
	if (!list_empty(&v->rt) && (task_rt(c) || now >= v->rt_off_tsc)) {
		struct task *t = list_first_entry(&v->rt, struct task, se.run_node);

		if (!task_rt(c) || t->se.rt_priority > c->se.rt_priority)
			return true;
		return over && t->se.rt_priority == c->se.rt_priority;
	}
	return over && !task_rt(c) && !list_empty(&v->fair);
}

/* ---- switching ---- */

void reap_dead(struct vcpu *v)
{
	struct task *t = v->dead;

	if (likely(!t))
		return;
	v->dead = NULL;
	port_fibre_free(&t->port.fibre);
	task_put(t);
}

static struct fibre_info *info_of(struct port_fibre *f)
{
	return (struct fibre_info *)((char *)f->stack + FIBRE_STACK_BYTES) - 1;
}

/* prev, next: NULL is the idle fibre of v. Returns when prev is switched to again, maybe on another vCPU. */
void switch_to(struct vcpu *v, struct task *prev, struct task *next)
{
	struct port_fibre *from = prev ? &prev->port.fibre : &v->idle_fibre, *to = &v->idle_fibre;

	if (prev)
		prev->se.on_cpu = false;
	v->curr = next;
	v->dirty = true;
	if (next) {
		struct sched_entity *se = &next->se;

		to = &next->port.fibre;
		info_of(to)->vcpu = v;
		se->on_cpu = true;
		se->cpu = v->cpu;
		se->mark_tsc = rdtsc();
		slice_begin(next, se->mark_tsc);
	}
	nr_switches++;
	port_fibre_switch(from, to);
	reap_dead(this_vcpu());
}

/* Where a task that stays runnable but may not run here goes. */
static struct vcpu *allowed_vcpu(const struct task *t)
{
	struct vcpu *best = NULL;

	for (int i = 0; i < nr_vcpus; i++)
		if (allowed(t, i) && (!best || vcpus[i].nr_queued < best->nr_queued))
			best = &vcpus[i];
	return best ? best : this_vcpu();
}

void schedule(void)
{
	struct vcpu *v = this_vcpu();
	struct task *prev = current, *next;
	u64 now = rdtsc();
	bool runnable;

	if (unlikely(klog_wake_wanted))
		klog_wake_readers();
	reap_dead(v);
	prev->se.sys_tsc += tsc_since(now, prev->se.mark_tsc);
	prev->se.mark_tsc = now;
	charge(prev);
	update_min_vruntime(v, prev);
	runnable = prev->state == TASK_RUNNING; /* all of the above may have woken prev itself */
	if (runnable) {
		struct vcpu *pack = pack_of(prev);
		bool here = pack ? pack == v : allowed(prev, v->cpu);
		struct vcpu *to = here ? v : pack ? pack : allowed_vcpu(prev);
		u64 slice = slice_ticks(prev);

		if (here && !v->nr_queued) {
			prev->se.need_resched = false;
			slice_begin(prev, now);
			return;
		}
		/* a preempted RT task stays first of its priority; one that used its slice up or yields goes last */
		enqueue(to, prev, prev->se.need_resched && (!slice || now - prev->se.slice_tsc < slice));
		if (!here && wakeup_preempts(to, prev))
			resched(to);
	}
	prev->se.need_resched = false;
	next = pick_next(v);
	if (next == prev) {
		slice_begin(prev, now);
		return;
	}
	if (runnable) {
		prev->se.nivcsw++;
	} else {
		prev->se.nvcsw++;
		if (prev->state == TASK_UNINTERRUPTIBLE)
			nr_uninterruptible++;
	}
	if (!prev->se.last_entry_syscall)
		prev->se.rseq_event = true;
	switch_to(v, prev, next);
}

void sched_exit(void)
{
	struct vcpu *v = this_vcpu();
	struct task *t = current;
	u64 now = rdtsc();

	reap_dead(v);
	t->state = TASK_DEAD;
	t->se.sys_tsc += tsc_since(now, t->se.mark_tsc);
	charge(t);
	v->dead = t;
	switch_to(v, t, pick_next(v));
	panic("a dead task ran");
}

/* t, which runs on v, gets behind the next one of its queue. */
static void step_behind(struct vcpu *v, struct task *t)
{
	struct task *n = list_first_entry(&v->fair, struct task, se.run_node);

	if (before(vruntime_now(t), n->se.vruntime + 1))
		t->se.vruntime = n->se.vruntime + 1;
}

void sched_yield_soon(void)
{
	struct task *t = current;
	struct vcpu *v = this_vcpu();

	if (task_rt(t) || list_empty(&v->fair))
		return;
	step_behind(v, t);
	t->se.need_resched = true;
}

void sched_yield_task(void)
{
	struct task *t = current;
	struct vcpu *v = this_vcpu();

	if (!task_rt(t) && !list_empty(&v->fair))
		step_behind(v, t); /* a yield that comes straight back would be no yield */
	t->se.need_resched = false;
	schedule();
}

void cond_resched(void)
{
	struct task *t = current;
	struct vcpu *v = this_vcpu();
	u64 now;

	if (!t)
		return;
	now = rdtsc();
	if (now >= v->event_tsc) {
		kern_attention(v->cpu);
		v->dirty = true;
		v->event_tsc = now + ns_to_tsc(BALANCE_NS);
	}
	if (t->se.need_resched) {
		schedule();
	} else if (nr_vcpus > 1) {
		klock_drop();
		klock_take();
	}
}

/* ---- waking ---- */

/* See "Placement" in sched_int.h. */
static struct vcpu *place(const struct task *t)
{
	struct vcpu *me = this_vcpu(), *last = &vcpus[t->se.cpu], *best = NULL, *pack;

	if (nr_vcpus == 1)
		return me;
	pack = pack_of(t);
	if (pack)
		return pack;
	if (allowed(t, me->cpu) && !me->nr_queued && !(me->curr && task_rt(me->curr)))
		return me;
	if (allowed(t, last->cpu) && !last->curr && !last->nr_queued)
		return last;
	for (int i = 0; i < nr_vcpus; i++)
		if (allowed(t, i) && !vcpus[i].curr && !vcpus[i].nr_queued)
			return &vcpus[i];
	if (allowed(t, last->cpu))
		best = last;
	for (int i = 0; i < nr_vcpus; i++)
		if (allowed(t, i) && (!best || vcpus[i].nr_queued + 1 < best->nr_queued))
			best = &vcpus[i];
	return best ? best : me;
}

static void activate(struct task *t)
{
	struct vcpu *v = place(t);
	u64 floor = vcpus[t->se.cpu].min_vruntime - SLEEPER_BONUS_NS;

	if (before(t->se.vruntime, floor)) /* slept: some credit, but not for all of its sleep */
		t->se.vruntime = floor;
	enqueue(v, t, false);
	if (wakeup_preempts(v, t))
		resched(v);
}

bool sched_wake(struct task *t, unsigned states)
{
	if (!(t->state & states) || t->state & (TASK_DEAD | TASK_NEW))
		return false;
	if (t->state == TASK_UNINTERRUPTIBLE && !t->se.on_cpu)
		nr_uninterruptible--;
	t->state = TASK_RUNNING;
	if (!t->se.on_cpu && !t->se.on_rq)
		activate(t);
	return true;
}

void sched_fork(struct task *child, struct task *parent)
{
	struct sched_entity *se = &child->se;

	*se = (struct sched_entity){ 0 };
	list_init(&se->run_node);
	se->affinity = sched_cpu_mask();
	se->cpu = this_vcpu()->cpu;
	se->vruntime = vcpus[se->cpu].min_vruntime;
	if (!parent)
		return;
	se->affinity = parent->se.affinity;
	se->policy = parent->se.policy;
	se->nice = parent->se.nice;
	se->ioprio = parent->se.ioprio;
	se->rt_priority = parent->se.rt_priority;
	if (parent->se.reset_on_fork) { /* sched(7): real-time and negative nice are not inherited */
		if (policy_rt(se->policy)) {
			se->policy = SCHED_OTHER;
			se->rt_priority = 0;
			se->nice = 0;
		}
		if (se->nice < 0)
			se->nice = 0;
	}
	se->cpu = parent->se.cpu;
	se->last_entry_syscall = true;
	se->vruntime = max(parent->se.vruntime, vcpus[se->cpu].min_vruntime);
}

void sched_start(struct task *t)
{
	BUG_ON(t->state != TASK_NEW);
	t->state = TASK_RUNNING;
	t->se.rseq_event = true;
	activate(t);
}

void sched_requeue(struct task *t)
{
	if (t->se.on_rq) {
		sched_dequeue(t);
		activate(t);
	} else if (t->se.on_cpu) {
		resched(&vcpus[t->se.cpu]);
	}
}

void move_packed(struct vcpu *v)
{
	struct task *t, *n;

	if (!v->curr || !packed_away(v, v->curr))
		return;
	v->curr->se.need_resched = true;
	list_for_each_entry_safe(t, n, &v->fair, se.run_node) {
		struct vcpu *to = pack_of(t);

		if (!to || to == v)
			continue;
		steal(to, v, t);
		enqueue(to, t, false);
		if (to->idle)
			port_vcpu_poke(to->cpu);
	}
}

void offer_queued(struct vcpu *v, u64 now)
{
	v->balance_tsc = now + ns_to_tsc(20 * BALANCE_NS);
	for (int i = 0; i < nr_vcpus; i++) {
		if (!vcpus[i].online || !vcpus[i].idle || vcpus[i].nr_queued)
			continue;
		if (stealable(&vcpus[i], v, v->nr_queued > 1))
			port_vcpu_poke(i);
		else
			v->balance_tsc = now + ns_to_tsc(BALANCE_NS);
		return;
	}
}

/* ---- timed sleep ---- */

struct sleeper {
	struct ktimer timer;
	struct task *task;
	bool fired;
};

static void sleeper_fire(struct ktimer *kt)
{
	struct sleeper *s = container_of(kt, struct sleeper, timer);

	s->fired = true;
	sched_wake(s->task, TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE);
}

int schedule_until(unsigned state, u64 deadline_ns)
{
	struct sleeper s = { .task = current };

	if (deadline_ns <= ktime_mono_ns())
		return -ETIMEDOUT;
	ktimer_init(&s.timer, sleeper_fire);
	ktimer_start(&s.timer, deadline_ns);
	current->state = state;
	schedule();
	ktimer_cancel(&s.timer);
	return s.fired ? -ETIMEDOUT : 0;
}

void sched_notify(struct task *t)
{
	if (t->se.on_cpu && t->se.in_user && t != current)
		port_vcpu_poke(t->se.cpu);
}
