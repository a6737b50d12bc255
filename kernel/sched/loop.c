/*
 * The way to user mode and back (the hot path of the whole kernel), attention, and the body of each vCPU.
 *
 * An entry with nothing to do costs two TSC reads and a handful of compares here: no clock read, no list walk. What
 * needs a look from time to time (timers, the end of a slice, a tick for CPU-time limits) is folded into one moment,
 * v->event_tsc, which is made anew only when the run queue or the next timer changed (v->dirty, v->timer_ns).
 */
#include "sched_int.h"
#include <abi/errno.h>
#include <umber/init.h>
#include <umber/klog.h>
#include <umber/mm.h>
#include <umber/printk.h>
#include <umber/signal.h>
#include <umber/syscall.h>
#include <umber/time.h>

#pragma weak rseq_on_return

static bool ready;

/* Makes event_tsc and deadline_ns from: tick, end of slice and balance point if others wait, next timer. */
static void make_deadline(struct vcpu *v, u64 now)
{
	u64 ev, timer;

	v->dirty = false;
	v->timer_ns = ktimer_next_ns();
	if (v->tick_tsc <= now) {
		charge(v->curr);
		load_update();
		clock_refine();
		if (nr_vcpus > 1)
			balance_tick(v);
		v->tick_tsc = now + ns_to_tsc(TICK_NS);
	}
	ev = v->tick_tsc;
	if (v->nr_queued) {
		u64 slice = slice_ticks(v->curr);

		if (slice)
			ev = min(ev, v->curr->se.slice_tsc + slice);
		if (nr_vcpus > 1)
			ev = min(ev, v->balance_tsc);
	}
	timer = timer_host_ns();
	if (timer != WAIT_FOREVER)
		ev = min(ev, host_ns_to_tsc(timer));
	v->event_tsc = ev;
	v->deadline_ns = tsc_to_host_ns(ev);
}

/*
 * Whatever is due on this vCPU: timers, preemption, handing queued tasks to idle vCPUs. Also an up call: the port makes
 * it after it has drained events. klock held; does not sleep.
 */
void kern_attention(int cpu)
{
	struct vcpu *v = &vcpus[cpu];
	u64 now;

	if (!ready)
		return;
	ktimer_run_due();
	if (unlikely(klog_wake_wanted))
		klog_wake_readers();
	v->dirty = true;
	if (!v->curr)
		return;
	now = rdtsc();
	if (nr_vcpus > 1)
		move_packed(v);
	if (v->nr_queued && should_preempt(v))
		v->curr->se.need_resched = true;
	if (v->nr_queued && nr_vcpus > 1 && now >= v->balance_tsc)
		offer_queued(v, now);
}

/* A system call's result that asks for a restart. orig_rax is -1 after rt_sigreturn, whose rax is the user's own. */
static bool is_restart(const struct user_regs *r)
{
	return unlikely(r->rax + ERESTART_RESTARTBLOCK <= ERESTART_RESTARTBLOCK - ERESTARTSYS) &&
	       (s64)r->orig_rax >= 0;
}

/* Work on the way out to user mode. in_syscall: regs.rax is a system call's result. */
static void exit_work(struct task *t, bool in_syscall)
{
	if (in_syscall && is_restart(&t->port.regs)) {
		signal_deliver_pending(true);
		in_syscall = false;
	}
	for (;;) {
		if (t->se.need_resched)
			schedule();
		if (!t->sig_pending && !t->restore_mask)
			break;
		signal_deliver_pending(in_syscall);
		in_syscall = false;
		if (!t->sig_pending && !t->se.need_resched)
			break;
	}
}

static void user_side_died(struct task *t)
{
	if (t->mm)
		t->mm->dead = true;
	do_group_exit(SIGKILL);
}

/* Runs user code until it enters the kernel; attention is served here meanwhile. */
static enum port_entry run_user(struct task *t)
{
	struct vcpu *v = this_vcpu();
	bool kicked = false;
	enum port_entry e;
	u64 now = rdtsc(), again = WAIT_FOREVER;

	if (unlikely(now >= v->event_tsc)) {
		kern_attention(v->cpu);
		if (t->se.need_resched)
			return PORT_ENTRY_KICK;
	}
	if (v->dirty || v->timer_ns != ktimer_next_ns())
		make_deadline(v, now);
	t->se.sys_tsc += tsc_since(now, t->se.mark_tsc);
	t->se.mark_tsc = now;
	t->port.self = (struct port_self){
		.pid = (u32)t->tg->pid, .tid = (u32)t->tid,
		.uid = t->cred->uid, .euid = t->cred->euid, .gid = t->cred->gid, .egid = t->cred->egid,
		.sigmask = t->blocked, .pending = (t->pending.set | t->tg->pending.set) != 0,
		.off = t->tracer != NULL,
	};
	t->se.in_user = true;
	t->se.user_runs++;
	for (;;) {
		u64 then = now;

		e = port_user_run(&t->port, min(v->deadline_ns, again));
		now = rdtsc();
		t->se.user_tsc += tsc_since(now, then);
		t->se.mark_tsc = now;
		if (likely(e != PORT_ENTRY_ATTENTION))
			break;
		if (now >= v->event_tsc || v->dirty || v->timer_ns != ktimer_next_ns()) {
			kern_attention(v->cpu);
			make_deadline(v, now);
		}
		if (!kicked && (t->se.need_resched || t->sig_pending || t->mm->dead)) {
			kicked = port_user_kick(&t->port, t->sig_pending || t->mm->dead);
			again = kicked ? WAIT_FOREVER : tsc_to_host_ns(now) + KICK_RETRY_NS;
		}
	}
	t->se.in_user = false;
	t->blocked = t->port.self.sigmask;
	return e;
}

void sched_user_loop(void)
{
	struct task *t = current;

	reap_dead(this_vcpu());
	for (;;) {
		enum port_entry e;

		if (unlikely(t->se.need_resched | t->sig_pending | t->restore_mask))
			exit_work(t, false);
		if (unlikely(t->rseq && (t->se.rseq_event || t->rseq_cpu != t->se.cpu)) && rseq_on_return) {
			t->se.rseq_event = false;
			rseq_on_return(t);
			if (t->sig_pending)
				continue;
		}
		e = run_user(t);
		t->se.last_entry_syscall = e == PORT_ENTRY_SYSCALL;
		if (likely(e == PORT_ENTRY_SYSCALL)) {
			if (unlikely(t->port.patch_wanted)) /* before the call: exit and execve do not come back */
				mm_patch_site();
			syscall_dispatch();
			if (unlikely(t->sig_pending | t->restore_mask || is_restart(&t->port.regs)))
				exit_work(t, true);
		} else if (e == PORT_ENTRY_TRAP) {
			mm_handle_trap(&t->port.trap);
		} else if (e == PORT_ENTRY_DEAD) {
			user_side_died(t);
		}
	}
}

void kern_mm_died(port_mm_t mm)
{
	struct task *t;

	if (mm <= 0)
		return;
	list_for_each_entry(t, &all_tasks, all_node) {
		if (!t->mm || t->mm->port != mm || t->mm->dead)
			continue;
		t->mm->dead = true;
	}
	list_for_each_entry(t, &all_tasks, all_node) {
		if (!t->mm || t->mm->port != mm || t->tg->group_exit)
			continue;
		signal_kill_group(t->tg, SIGKILL);
		signal_force(SIGKILL, SEND_SIG_KERNEL, t);
	}
}

/* ---- vCPUs ---- */

static void idle_sleep(struct vcpu *v)
{
	u64 start = rdtsc();

	v->idle_since_tsc = start;
	v->idle = true;
	port_vcpu_idle(v->cpu, timer_host_ns());
	v->idle = false;
	v->idle_ns += tsc_to_ns(tsc_since(rdtsc(), start));
	clock_refine();
	load_update();
}

static void idle_loop(struct vcpu *v) __noreturn;
static void idle_loop(struct vcpu *v)
{
	for (;;) {
		struct task *next;

		reap_dead(v);
		ktimer_run_due();
		if (unlikely(klog_wake_wanted))
			klog_wake_readers();
		next = pick_next(v);
		if (next)
			switch_to(v, NULL, next);
		else
			idle_sleep(v);
	}
}

int kern_this_cpu(void)
{
	return this_vcpu()->cpu;
}

void kern_vcpu_main(int cpu)
{
	if (cpu == 0) {
		sched_init();
		vcpu_setup(0);
		vcpus[0].online = true;
		kern_boot();
		sched_time_ready();
		ready = true;
		for (int i = 1; i < nr_vcpus; i++)
			port_vcpu_poke(i);
	} else {
		while (!ready)
			port_vcpu_idle(cpu, WAIT_FOREVER);
		vcpu_setup(cpu);
		vcpus[cpu].online = true;
	}
	idle_loop(&vcpus[cpu]);
}
