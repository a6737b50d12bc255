/*
 * ptrace(2): attaching, stops, events. Registers and memory are in ptrace_regs.c.
 *
 * A tracee's struct ptrace_state lives while it has a tracer. It stops in one place, ptrace_stop(), on its own
 * fibre: state TASK_TRACED, `stopped` until the tracer resumes or leaves it, or it is killed. Requests look at
 * a tracee only while it is stopped there and off its cpu, so its registers are the truth.
 */
#include "ptrace_priv.h"

#define EFLAGS_TF 0x100u

static bool trapped(const struct task *t)
{
	return t->ptrace && t->ptrace->stopped && t->state == TASK_TRACED && !t->se.on_cpu;
}

bool ptrace_is_foreign(const struct task *leader)
{
	return leader->tracer && (!leader->tg->parent || leader->tracer->tg != leader->tg->parent->tg);
}

static int ptrace_link(struct task *t, struct task *tracer, u32 options, bool seized)
{
	struct ptrace_state *ps = kzalloc(sizeof(*ps));
	if (!ps)
		return -ENOMEM;
	ps->options = options;
	ps->seized = seized;
	t->ptrace = ps;
	t->tracer = tracer;
	list_add_tail(&t->tracee_node, &tracer->tracees);
	return 0;
}

/* t is nobody's tracee any more; if it is stopped for its tracer it goes on (into a group stop, if one is on). */
void ptrace_unlink(struct task *t)
{
	struct ptrace_state *ps = t->ptrace;
	if (!t->tracer)
		return;
	list_del(&t->tracee_node);
	t->tracer = NULL;
	t->ptrace = NULL;
	t->port.regs.eflags &= ~(u64)EFLAGS_TF;
	kfree(ps);
	t->sig_pending = true;
	sched_wake(t, TASK_TRACED);
}

static void notify_tracer(struct task *t, int code)
{
	struct task *tracer = t->tracer;
	struct ksigaction *sa = &tracer->sighand->action[SIGCHLD - 1];
	if (sa->handler != SIG_IGN && !(sa->flags & SA_NOCLDSTOP)) {
		struct siginfo info;
		memset(&info, 0, sizeof(info));
		info.si_signo = SIGCHLD;
		info.si_code = CLD_TRAPPED;
		info.u.chld.pid = t->tid;
		info.u.chld.uid = t->cred->uid;
		info.u.chld.status = code & 0x7f;
		signal_send_group(SIGCHLD, &info, tracer->tg);
	}
	wq_wake_all(&tracer->tg->wait_chldexit);
}

/* current stops for its tracer. Returns the signal that the tracer passes on (0: none). */
static int ptrace_stop(int code, const struct siginfo *info, u64 msg, u8 where)
{
	struct task *t = current;
	struct ptrace_state *ps = t->ptrace;
	if (!t->tracer || fatal_signal_pending(t))
		return 0;
	ps->code = code;
	ps->msg = msg;
	ps->where = where;
	ps->reported = ps->listening = false;
	ps->stopped = true;
	ps->resume_sig = 0;
	memset(&ps->info, 0, sizeof(ps->info));
	if (info) {
		ps->info = *info;
	} else {
		ps->info.si_signo = SIGTRAP;
		ps->info.si_code = code;
		ps->info.u.rt.pid = t->tg->pid;
		ps->info.u.rt.uid = t->cred->uid;
	}
	t->port.regs.eflags &= ~(u64)EFLAGS_TF;
	t->state = TASK_TRACED;
	notify_tracer(t, code);
	/* ps may be gone after each sleep: t->ptrace says whether it is */
	while (t->ptrace && t->ptrace->stopped && !fatal_signal_pending(t)) {
		t->state = TASK_TRACED;
		schedule();
	}
	t->state = TASK_RUNNING;
	ps = t->ptrace;
	if (!ps)
		return 0;
	ps->stopped = false;
	if (ps->step)
		t->port.regs.eflags |= EFLAGS_TF;
	return ps->resume_sig;
}

int ptrace_signal(int sig, struct siginfo *info)
{
	struct task *t = current, *tracer = t->tracer;
	if (!t->ptrace)
		return sig;
	int pid = tracer->tg->pid, now = ptrace_stop(sig, info, 0, 0);
	u32 uid = tracer == t->tracer ? tracer->cred->uid : 0;
	if (!t->ptrace)
		return sig; /* let go while it was stopped: the signal is its own again */
	if (!now)
		return 0;
	if (t->ptrace->info.si_signo == now)
		*info = t->ptrace->info;
	if (info->si_signo != now) {
		memset(info, 0, sizeof(*info));
		info->si_signo = now;
		info->si_code = SI_USER;
		info->u.rt.pid = pid;
		info->u.rt.uid = uid;
	}
	if (t->blocked & SIGBIT(now)) {
		signal_send_task(now, info, t);
		return 0;
	}
	return now;
}

bool ptrace_work(const struct task *t)
{
	return t->ptrace && t->ptrace->want_stop;
}

void ptrace_do_work(void)
{
	struct task *t = current;
	if (!ptrace_work(t))
		return;
	t->ptrace->want_stop = false;
	int sig = t->tg->stopped ? t->tg->stop_signo : SIGTRAP;
	ptrace_stop(sig | PTRACE_EVENT_STOP << 8, NULL, 0, 0);
}

void ptrace_group_stop(int sig)
{
	struct ptrace_state *ps = current->ptrace;
	if (ps)
		ptrace_stop(ps->seized ? sig | PTRACE_EVENT_STOP << 8 : sig, NULL, 0, 0);
}

/* The stop that this asks for waits for the tracer's next LISTEN or restart, if there is one to report yet. */
void ptrace_continued(struct task *t)
{
	struct ptrace_state *ps = t->ptrace;
	if (!ps || !ps->seized)
		return;
	ps->want_stop = true;
	t->sig_pending = true;
	if (ps->listening && trapped(t)) {
		ps->stopped = false;
		sched_wake(t, TASK_TRACED);
	}
}

static void syscall_stop(u8 where)
{
	struct ptrace_state *ps = current->ptrace;
	int code = SIGTRAP | ((ps->options & PTRACE_O_TRACESYSGOOD) ? 0x80 : 0);
	int sig = ptrace_stop(code, NULL, where, where);
	if (sig)
		signal_send_task(sig, SEND_SIG_NOINFO, current);
}

bool ptrace_syscall_entry(void)
{
	struct ptrace_state *ps = current->ptrace;
	if (!ps || (!ps->syscalls && !ps->emulate))
		return false;
	bool skip = ps->emulate;
	syscall_stop(PTRACE_SYSCALL_INFO_ENTRY);
	return skip;
}

void ptrace_syscall_exit(void)
{
	struct ptrace_state *ps = current->ptrace;
	if (ps && ps->syscalls && !ps->emulate)
		syscall_stop(PTRACE_SYSCALL_INFO_EXIT);
}

bool ptrace_event_on(struct task *t, int event)
{
	return t->ptrace && (t->ptrace->options & 1u << event);
}

void ptrace_event(int event, u64 msg)
{
	if (ptrace_event_on(current, event))
		ptrace_stop(SIGTRAP | event << 8, NULL, msg, 0);
}

/* After exec; without the option an old-style tracer gets a plain SIGTRAP. */
void ptrace_exec_done(void)
{
	struct task *t = current;
	if (!t->tracer)
		return;
	if (ptrace_event_on(t, PTRACE_EVENT_EXEC))
		ptrace_event(PTRACE_EVENT_EXEC, (u64)t->tid);
	else if (!t->ptrace->seized)
		signal_send_task(SIGTRAP, SEND_SIG_NOINFO, t);
}

/* A published child that has not run yet: traced too if current's tracer wants it. */
void ptrace_fork_child(struct task *child, u64 flags, int *event)
{
	struct task *t = current;
	if (!t->tracer || (flags & CLONE_UNTRACED))
		return;
	int e = (flags & CLONE_VFORK) ? PTRACE_EVENT_VFORK
		: (flags & CSIGNAL) != SIGCHLD ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK;
	bool wanted = ptrace_event_on(t, e);
	if (!wanted && !(flags & CLONE_PTRACE))
		return;
	if (ptrace_link(child, t->tracer, t->ptrace->options, t->ptrace->seized))
		return;
	if (child->ptrace->seized)
		child->ptrace->want_stop = true;
	else
		child->pending.set |= SIGBIT(SIGSTOP);
	child->sig_pending = true;
	if (wanted)
		*event = e;
}

/* t (current) dies: its tracees are let go or killed; it stays linked to its own tracer, who reaps it. */
void ptrace_exit(struct task *t)
{
	struct task *c, *n;
	list_for_each_entry_safe(c, n, &t->tracees, tracee_node) {
		bool kill = c->ptrace->options & PTRACE_O_EXITKILL, dead = c->exit_state == 1;
		struct tgroup *tg = c->tg;
		ptrace_unlink(c);
		if (kill)
			signal_send_task(SIGKILL, SEND_SIG_KERNEL, c);
		if (dead && !is_leader(c))
			release_task(c);
		if (dead && group_is_zombie(tg))
			exit_notify_leader(tg);
	}
}

static bool take_death(struct task *t, int options, int *status, int *code)
{
	bool leader = is_leader(t);
	struct tgroup *tg = t->tg;
	if (!(options & WEXITED) || t->exit_state != 1)
		return false;
	if (leader && (!group_is_zombie(tg) || !ptrace_is_foreign(t)))
		return false; /* as an own child it is found in the children's list */
	*status = leader ? tgroup_wait_status(tg) : t->exit_code;
	*code = !(*status & 0x7f) ? CLD_EXITED : (*status & 0x80) ? CLD_DUMPED : CLD_KILLED;
	if (options & WNOWAIT)
		return true;
	ptrace_unlink(t);
	if (!leader)
		release_task(t);
	if (group_is_zombie(tg))
		exit_notify_leader(tg);
	return true;
}

bool ptrace_take_report(struct task *t, int options, int *status, int *code)
{
	struct ptrace_state *ps = t->ptrace;
	if (t->exit_state)
		return take_death(t, options, status, code);
	if (!trapped(t) || ps->reported || ps->listening)
		return false;
	*status = ps->code << 8 | 0x7f;
	*code = CLD_TRAPPED;
	if (!(options & WNOWAIT))
		ps->reported = true;
	return true;
}

static long traceme(void)
{
	struct task *t = current, *tracer = t->tg->parent;
	if (t->tracer)
		return -EPERM;
	if (!tracer)
		return 0;
	struct task *maker = find_task(t->tg->parent_tid);
	if (maker && maker->tg == tracer->tg && !maker->exit_state)
		tracer = maker;
	return ptrace_link(t, tracer, 0, false);
}

static long attach(struct task *t, bool seize, u64 addr, u64 options)
{
	if (seize && (addr || (options & ~(u64)PTRACE_O_ALL)))
		return -EIO;
	if (t->is_kthread || t->tg == current->tg || t->tracer || t->exit_state || ptrace_may_access(t))
		return -EPERM;
	int err = ptrace_link(t, current, seize ? (u32)options : 0, seize);
	if (err)
		return err;
	if (!seize)
		signal_send_task(SIGSTOP, SEND_SIG_KERNEL, t);
	if (t->state & TASK_STOPPED) { /* leaves the group stop for a stop of ours */
		if (seize)
			t->ptrace->want_stop = true;
		t->sig_pending = true;
		sched_wake(t, TASK_STOPPED);
	}
	return 0;
}

static long resume(struct task *t, long request, u64 sig)
{
	struct ptrace_state *ps = t->ptrace;
	if (sig > 64)
		return -EIO;
	ps->syscalls = request == PTRACE_SYSCALL;
	ps->emulate = request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;
	ps->step = request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP;
	ps->resume_sig = (int)sig;
	ps->stopped = false;
	ps->code = 0;
	sched_wake(t, TASK_TRACED);
	return 0;
}

static long detach(struct task *t, u64 sig)
{
	if (sig > 64)
		return -EIO;
	ptrace_unlink(t);
	if (sig)
		signal_send_task((int)sig, SEND_SIG_NOINFO, t);
	return 0;
}

static long interrupt(struct task *t)
{
	struct ptrace_state *ps = t->ptrace;
	if (!ps->seized)
		return -EIO;
	if (trapped(t) && !ps->listening)
		return 0;
	ps->want_stop = true;
	t->sig_pending = true;
	if (trapped(t)) {
		ps->stopped = false;
		sched_wake(t, TASK_TRACED);
	} else if (!sched_wake(t, TASK_INTERRUPTIBLE | TASK_STOPPED)) {
		sched_notify(t);
	}
	return 0;
}

static long get_syscall_info(struct task *t, u64 size, uaddr_t to)
{
	struct abi_ptrace_syscall_info i;
	const struct user_regs *r = &t->port.regs;
	u64 n = 24;
	memset(&i, 0, sizeof(i));
	i.op = t->ptrace->where;
	i.arch = AUDIT_ARCH_X86_64;
	i.ip = r->rip;
	i.sp = r->rsp;
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
		i.u.entry.nr = r->orig_rax;
		const u64 args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
		memcpy(i.u.entry.args, args, sizeof(args));
		n = 80;
	} else if (i.op == PTRACE_SYSCALL_INFO_EXIT) {
		i.u.exit.rval = (s64)r->rax;
		i.u.exit.is_error = r->rax >= (u64)-MAX_ERRNO;
		n = 33;
	}
	return copy_to_user(to, &i, min(n, size)) ? -EFAULT : (long)n;
}

static long sigmask_request(struct task *t, bool set, u64 size, uaddr_t data)
{
	ksigset_t m;
	if (size != sizeof(m))
		return -EINVAL;
	if (!set)
		return put_user(t->blocked, data);
	if (get_user(m, data))
		return -EFAULT;
	t->blocked = m & ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	t->sig_pending = true;
	return 0;
}

static long stopped_request(struct task *t, long request, u64 addr, u64 data)
{
	struct ptrace_state *ps = t->ptrace;
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(t, request, data);
	case PTRACE_DETACH:
		return detach(t, data);
	case PTRACE_SETOPTIONS:
		if (data & ~(u64)PTRACE_O_ALL)
			return -EINVAL;
		ps->options = (u32)data;
		return 0;
	case PTRACE_GETEVENTMSG:
		return put_user(ps->msg, data);
	case PTRACE_GETSIGINFO:
		return ps->seized && ps->code >> 8 == PTRACE_EVENT_STOP && (ps->code & 0x7f) != SIGTRAP
			? -EINVAL : put_user(ps->info, data);
	case PTRACE_SETSIGINFO:
		return copy_from_user(&ps->info, data, sizeof(ps->info));
	case PTRACE_LISTEN:
		if (!ps->seized || ps->code >> 8 != PTRACE_EVENT_STOP)
			return -EIO;
		if (ps->want_stop) { /* SIGCONT or INTERRUPT came first */
			ps->stopped = false;
			sched_wake(t, TASK_TRACED);
		} else {
			ps->listening = true;
		}
		return 0;
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return sigmask_request(t, request == PTRACE_SETSIGMASK, addr, data);
	case PTRACE_GET_SYSCALL_INFO:
		return get_syscall_info(t, addr, data);
	}
	return ptrace_regs_request(t, request, addr, data);
}

long sys_ptrace(s64 request, s64 pid, u64 addr, u64 data)
{
	if (request == PTRACE_TRACEME)
		return traceme();
	struct task *t = pid > 0 && pid <= INT_MAX ? find_task((int)pid) : NULL;
	if (!t)
		return -ESRCH;
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
		return attach(t, request == PTRACE_SEIZE, addr, data);
	if (t->tracer != current || t->exit_state)
		return -ESRCH;
	if (request == PTRACE_KILL) {
		if (trapped(t))
			signal_send_task(SIGKILL, SEND_SIG_KERNEL, t);
		return 0;
	}
	if (request == PTRACE_INTERRUPT)
		return interrupt(t);
	/* It may have told of its stop and be on its way off the cpu: a few turns, then it has stopped. */
	for (int i = 0; i < 1000 && t->ptrace && t->ptrace->stopped && t->se.on_cpu; i++) {
		cond_resched();
		t = find_task((int)pid);
		if (!t || t->tracer != current)
			return -ESRCH;
	}
	if (!trapped(t) || t->ptrace->listening)
		return -ESRCH;
	return stopped_request(t, request, addr, data);
}
