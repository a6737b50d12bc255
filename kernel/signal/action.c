/* Handlers and alternate stacks: the shared handler table, sigaction(2), sigaltstack(2). */
#include "signal_internal.h"
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/uaccess.h>

#define SA_KNOWN                                                                                   \
	((u64)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |   \
	       SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER))

/* struct sigaction as rt_sigaction(2) takes it. */
struct user_sigaction {
	u64 handler, flags, restorer, mask;
};

struct sighand *sighand_new(void)
{
	struct sighand *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_set(&s->ref, 1);
	wq_init(&s->signalfd_wq);
	return s;
}

struct sighand *sighand_copy(struct sighand *old)
{
	struct sighand *s = sighand_new();

	if (s)
		memcpy(s->action, old->action, sizeof(s->action));
	return s;
}

void sighand_put(struct sighand *s)
{
	if (s && ref_put(&s->ref)) {
		wq_orphan(&s->signalfd_wq); /* an epoll set may outlive it */
		kfree(s);
	}
}

/*
 * execve(2) of t (the only thread left): caught signals become default, the alternate stack goes. A table that
 * is shared with another process (CLONE_SIGHAND) is left to it; without memory for an own one t is killed.
 */
void sighand_exec(struct task *t)
{
	struct sighand *s = t->sighand;

	if (s->ref.n > 1) {
		s = sighand_copy(t->sighand);
		if (s) {
			sighand_put(t->sighand);
			t->sighand = s;
		} else {
			signal_send(SIGKILL, SEND_SIG_KERNEL, t, true);
			return;
		}
	}
	for (int i = 0; i < SIGRTMAX; i++) {
		uaddr_t h = s->action[i].handler == SIG_IGN ? SIG_IGN : SIG_DFL;

		s->action[i] = (struct ksigaction){ .handler = h };
	}
	sigaltstack_reset(t);
}

void signal_set_blocked(struct task *t, ksigset_t mask)
{
	ksigset_t added;

	mask &= ~SIGSET_KERNEL_ONLY;
	added = mask & ~t->blocked;
	if (mask == t->blocked)
		return;
	if (unlikely(added & t->tg->pending.set))
		signal_retarget(t, added);
	t->blocked = mask;
	signal_recalc(t);
}

/* rt_sigaction(2). */
long sys_rt_sigaction(int sig, uaddr_t act, uaddr_t oact, u64 size)
{
	struct user_sigaction ua;
	struct ksigaction *ka, old;

	if (size != sizeof(ksigset_t))
		return -EINVAL;
	if (act && copy_from_user(&ua, act, sizeof(ua)))
		return -EFAULT;
	if (sig < 1 || sig > SIGRTMAX || (act && (SIGSET_KERNEL_ONLY & SIGBIT(sig))))
		return -EINVAL;
	ka = &current->sighand->action[sig - 1];
	old = *ka;
	if (act) {
		ka->handler = ua.handler;
		ka->restorer = ua.restorer;
		ka->flags = ua.flags & SA_KNOWN;
		ka->mask = ua.mask & ~SIGSET_KERNEL_ONLY;
		if (signal_ignored(current, sig)) /* POSIX: pending instances are discarded, blocked or not */
			signal_flush_group(current->tg, SIGBIT(sig));
	}
	if (oact) {
		ua = (struct user_sigaction){ old.handler, old.flags, old.restorer, old.mask };
		return copy_to_user(oact, &ua, sizeof(ua));
	}
	return 0;
}

void sigaltstack_reset(struct task *t)
{
	t->sas_sp = 0;
	t->sas_size = 0;
	t->sas_flags = SS_DISABLE;
}

static bool running_on(const struct task *t, u64 sp)
{
	return !(t->sas_flags & SS_AUTODISARM) && on_altstack(t, sp);
}

void sigaltstack_get(struct sigstack *ss, u64 sp)
{
	struct task *t = current;

	memset(ss, 0, sizeof(*ss));
	ss->ss_sp = t->sas_sp;
	ss->ss_size = t->sas_size;
	ss->ss_flags = (s32)((!t->sas_size ? SS_DISABLE : running_on(t, sp) ? SS_ONSTACK : 0) |
			     (t->sas_flags & SS_AUTODISARM));
}

int sigaltstack_set(const struct sigstack *ss, u64 sp)
{
	struct task *t = current;
	u32 flags = (u32)ss->ss_flags, mode = flags & ~SS_AUTODISARM;

	if (running_on(t, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		sigaltstack_reset(t);
		t->sas_flags = flags;
		return 0;
	}
	if (ss->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	t->sas_sp = ss->ss_sp;
	t->sas_size = ss->ss_size;
	t->sas_flags = flags;
	return 0;
}

/* sigaltstack(2). */
long sys_sigaltstack(uaddr_t uss, uaddr_t uoss)
{
	u64 sp = current->port.regs.rsp;
	struct sigstack ss, old;
	int r;

	if (uss && copy_from_user(&ss, uss, sizeof(ss)))
		return -EFAULT;
	sigaltstack_get(&old, sp);
	if (uss) {
		r = sigaltstack_set(&ss, sp);
		if (r)
			return r;
	}
	return uoss ? copy_to_user(uoss, &old, sizeof(old)) : 0;
}

const char *signal_name(int sig)
{
	static const char *const names[32] = {
		"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL",
		"SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD",
		"SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ",
		"SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
	};

	if (sig >= 0 && sig < 32)
		return names[sig];
	return sig <= SIGRTMAX ? "SIGRT" : "?";
}
