/*
 * Signals, private part.
 *
 * A signal is generated (send.c), waits in a queue (queue.c: one per thread, one per group), and is taken and
 * acted on by its thread on the way to user mode (deliver.c). Job-control stops are in stop.c, handlers in
 * action.c, the system calls in sys_*.c. All of it runs under klock and, but for the stop itself and the waiting
 * calls, never sleeps. `current` may be NULL here: timers and devices send from a vCPU's idle fibre.
 *
 * Invariants: pending.set has a bit for each queued instance (and for signals queued without information);
 * task.sig_pending is true whenever there is something to do, and is cleared by the task itself only, so a
 * sleeper that returned -ERESTARTSYS always passes through signal_deliver_pending(). SIGKILL and SIGSTOP are
 * never in `blocked`. A group with group_exit takes no more signals.
 */
#ifndef SIGNAL_INTERNAL_H
#define SIGNAL_INTERNAL_H
#include <abi/errno.h>
#include <umber/signal.h>
#include <umber/task.h>

#define SIGSET_KERNEL_ONLY (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define SIGSET_STOP (SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))
#define SIGSET_IGNORE (SIGBIT(SIGCONT) | SIGBIT(SIGCHLD) | SIGBIT(SIGWINCH) | SIGBIT(SIGURG))
#define SIGSET_SYNC                                                                                \
	(SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) |    \
	 SIGBIT(SIGSYS))
#define SIGSET_CORE                                                                                \
	(SIGSET_SYNC | SIGBIT(SIGQUIT) | SIGBIT(SIGABRT) | SIGBIT(SIGXCPU) | SIGBIT(SIGXFSZ))
#define SIG_VALID(sig) ((unsigned)(sig) <= SIGRTMAX)      /* 0 included: kill(pid, 0) */

static inline bool info_special(const struct siginfo *info)
{
	return (u64)info <= 1;
}
/* Not able to take signals any more: its do_exit has begun. */
static inline bool task_exiting(const struct task *t)
{
	return t->exiting || t->exit_state || (t->state & TASK_DEAD) || !t->sighand;
}

/* queue.c */
void sigpending_remove(struct sigpending *p, ksigset_t set);
void signal_recalc(struct task *t);                       /* current: sets or clears sig_pending */
bool signal_has_work(const struct task *t);

/* send.c */
bool signal_unkillable(const struct tgroup *tg);          /* pid 1 that ignores what it does not handle */
int signal_send(int sig, struct siginfo *info, struct task *t, bool group); /* no permission check; 1: ignored */
struct task *signal_any_thread(struct tgroup *tg);        /* living one, leader preferred; NULL: none */
void signal_wake(struct task *t, bool fatal);
/* Signals of the group in `set` were meant for t, which cannot take them: wakes others that can. */
void signal_retarget(struct task *t, ksigset_t set);

/* stop.c */
void signal_cont(struct tgroup *tg);                      /* SIGCONT was generated */
void signal_stop_begin(int sig);                          /* current starts a group stop */
void signal_stop_join(void);                              /* current->stop_pending: stops; returns when continued */
void signal_flush_group(struct tgroup *tg, ksigset_t set);

/* action.c */
int sigaltstack_set(const struct sigstack *ss, u64 sp);
void sigaltstack_get(struct sigstack *ss, u64 sp);
void sigaltstack_reset(struct task *t);
static inline bool on_altstack(const struct task *t, u64 sp)
{
	return sp > t->sas_sp && sp - t->sas_sp <= t->sas_size;
}

/*
 * Hooks of kernel/task/ptrace.c; weak, called only for a task with a tracer.
 * ptrace_signal: stops for the tracer with this signal; returns what to deliver (0: nothing), info may change.
 * ptrace_work: is there a stop to make that is no signal (PTRACE_INTERRUPT, attach)?  ptrace_do_work makes it.
 */
int ptrace_signal(int sig, struct siginfo *info) __weak;
bool ptrace_work(const struct task *t) __weak;
void ptrace_do_work(void) __weak;
/* The group stops by `sig`: current stops for its tracer instead; returns when it may go on. */
void ptrace_group_stop(int sig) __weak;
/* SIGCONT for t's group: a seized tracee shows its tracer that a group stop is over. */
void ptrace_continued(struct task *t) __weak;
#endif
