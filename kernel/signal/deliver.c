/* Delivery: on the way to user mode a task takes its signals, acts, and repairs an interrupted call (signal(7)). */
#include "signal_internal.h"
#include <umber/uaccess.h>
#include <umber/string.h>
#include <umber/syscall.h>

#define FRAME_MAX 4096 /* what a signal frame may take below the stack pointer */

struct taken {
	int sig;
	struct ksigaction ka;
	struct siginfo info;
};

static void __noreturn die(int sig, const struct siginfo *info)
{
	int status = sig;

	if ((SIGSET_CORE & SIGBIT(sig)) && rlimit(RLIMIT_CORE) && coredump(sig, info))
		status |= 0x80;
	do_group_exit(status);
}

/* SIGKILL is there, or the group ends, or another thread executes a new program: this thread goes. */
static void check_fatal(struct task *t)
{
	struct tgroup *tg = t->tg;

	if (tg->group_exit)
		do_group_exit(tg->exit_code);
	if (!(t->pending.set & SIGBIT(SIGKILL)))
		return;
	if (tg->exec_task && tg->exec_task != t)
		do_exit(SIGKILL);
	do_group_exit(SIGKILL);
}

/* Default action of a signal that is neither ignored nor caught. Returns if the process goes on. */
static void default_action(int sig, const struct siginfo *info)
{
	struct tgroup *tg = current->tg;

	if (SIGSET_IGNORE & SIGBIT(sig))
		return;
	if (signal_unkillable(tg))
		return;
	if (SIGSET_STOP & SIGBIT(sig)) {
		/* Nobody could continue an orphaned process group that stopped at the terminal. */
		if (sig == SIGSTOP || !pgrp_orphaned(tg->pgid))
			signal_stop_begin(sig);
		return;
	}
	die(sig, info);
}

/* Next signal that has a handler; all others are dealt with. False: none. */
static bool take(struct taken *s)
{
	struct task *t = current;

	for (;;) {
		struct ksigaction *ka;

		check_fatal(t);
		if (t->stop_pending || ((t->tg->stopped || t->tg->stop_count) && !t->tracer)) {
			signal_stop_join();
			continue;
		}
		if (t->tracer && ptrace_work && ptrace_work(t) && ptrace_do_work) {
			ptrace_do_work();
			continue;
		}
		s->sig = signal_dequeue(t, ~t->blocked, &s->info);
		if (!s->sig) {
			signal_recalc(t);
			return false;
		}
		if (t->tracer && ptrace_signal && s->sig != SIGKILL) {
			s->sig = ptrace_signal(s->sig, &s->info);
			if (s->sig <= 0 || s->sig > SIGRTMAX)
				continue;
		}
		ka = &t->sighand->action[s->sig - 1];
		if (ka->handler == SIG_IGN)
			continue;
		if (ka->handler == SIG_DFL) {
			default_action(s->sig, &s->info);
			continue;
		}
		s->ka = *ka;
		if (ka->flags & SA_RESETHAND)
			ka->handler = SIG_DFL;
		return true;
	}
}

static bool restart_code(s64 rax)
{
	return rax == -ERESTARTSYS || rax == -ERESTARTNOINTR || rax == -ERESTARTNOHAND ||
	       rax == -ERESTART_RESTARTBLOCK;
}

/* Back to the `syscall` instruction (2 bytes), with this number. */
static void rewind(struct user_regs *r, u64 nr)
{
	r->rax = nr;
	r->rip -= 2;
}

static void restart_for_handler(struct user_regs *r, const struct ksigaction *ka)
{
	switch ((s64)r->rax) {
	case -ERESTARTSYS:
		if (!(ka->flags & SA_RESTART)) {
			r->rax = (u64)-EINTR;
			break;
		}
		/* fall through */
	case -ERESTARTNOINTR:
		rewind(r, r->orig_rax);
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		r->rax = (u64)-EINTR;
		break;
	}
}

/* No frame could be built for sig. A SIGSEGV that cannot be delivered is fatal. */
static void frame_failed(int sig)
{
	struct task *t = current;

	if (sig == SIGSEGV)
		t->sighand->action[SIGSEGV - 1].handler = SIG_DFL;
	signal_force(SIGSEGV, SEND_SIG_KERNEL, t);
}

static void run_handler(struct taken *s, bool in_syscall)
{
	struct task *t = current;
	struct user_regs *r = &t->port.regs;
	struct port_sigframe f;
	struct user_regs saved;
	u64 sp = r->rsp, ss_sp = t->sas_sp, ss_size = t->sas_size;
	bool autodisarm = t->sas_flags & SS_AUTODISARM, nested;
	ksigset_t mask;

	if (in_syscall)
		restart_for_handler(r, &s->ka);
	rseq_signal_deliver(t); /* the frame must hold the abort address, not a place inside the section */
	nested = ss_size && !autodisarm && on_altstack(t, sp);
	f.signo = s->sig;
	f.handler = s->ka.handler;
	f.restorer = s->ka.restorer;
	f.flags = s->ka.flags;
	f.oldmask = t->restore_mask ? t->saved_mask : t->blocked;
	memcpy(f.info, &s->info, sizeof(f.info));
	f.ss_sp = ss_sp;
	f.ss_size = ss_size;
	f.ss_flags = ss_size ? t->sas_flags : SS_DISABLE;
	f.on_altstack = (s->ka.flags & SA_ONSTACK) && ss_size && !nested;
	sp = f.on_altstack ? ss_sp + ss_size : r->rsp;
	f.late = uaccess_writable(sp - FRAME_MAX, FRAME_MAX);
	saved = *r;
	if (!(s->ka.flags & SA_RESTORER) || port_sigframe_push(&t->port, &f) < 0) {
		frame_failed(s->sig);
		return;
	}
	if ((nested || f.on_altstack) && !on_altstack(t, r->rsp)) { /* the alternate stack overflowed */
		*r = saved;
		frame_failed(s->sig);
		return;
	}
	t->restore_mask = false;
	if (autodisarm)
		sigaltstack_reset(t);
	mask = t->blocked | s->ka.mask;
	if (!(s->ka.flags & SA_NODEFER))
		mask |= SIGBIT(s->sig);
	signal_set_blocked(t, mask);
}

void signal_deliver_pending(bool in_syscall)
{
	struct task *t = current;
	struct user_regs *r = &t->port.regs;
	struct taken s;

	/* rt_sigreturn has no call to restart: rax is the program's own. */
	in_syscall = in_syscall && (s64)r->orig_rax >= 0 && restart_code((s64)r->rax);
	while (take(&s)) {
		run_handler(&s, in_syscall);
		in_syscall = false;
		if (!t->sig_pending)
			return;
	}
	if (in_syscall)
		rewind(r, (s64)r->rax == -ERESTART_RESTARTBLOCK ? __NR_restart_syscall : r->orig_rax);
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_blocked(t, t->saved_mask);
	}
}

/* rt_sigreturn(2): undoes run_handler. The result is whatever rax was. A bad frame is a SIGSEGV. */
long sys_rt_sigreturn(void)
{
	struct task *t = current;
	struct sigstack ss = { 0 };
	ksigset_t mask;
	u32 flags;

	t->restart.fn = NULL;
	if (port_sigframe_pop(&t->port, &mask, &ss.ss_sp, &ss.ss_size, &flags) < 0) {
		signal_force(SIGSEGV, SEND_SIG_KERNEL, t);
		return 0;
	}
	t->port.regs.orig_rax = U64_MAX;
	ss.ss_flags = (s32)flags;
	signal_set_blocked(t, mask);
	sigaltstack_set(&ss, t->port.regs.rsp); /* an unusable one is left as it is, as on Linux */
	return (long)t->port.regs.rax;
}
