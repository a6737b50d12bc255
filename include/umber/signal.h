/*
 * Signals: generation, queues, delivery, job-control stops.
 *
 * signal_send*() may be called from any context with klock. Delivery happens in signal_deliver_pending(),
 * on the way to user mode. A blocked sleeper sees signal_pending(current).
 */
#ifndef UMBER_SIGNAL_H
#define UMBER_SIGNAL_H
#include <abi/signal.h>
#include <umber/list.h>
#include <umber/sync.h>
#include <umber/types.h>

struct task;
struct tgroup;

typedef u64 ksigset_t;                       /* bit n-1 = signal n */
#define SIGBIT(n) (1ULL << ((n)-1))

struct sigqueue {                            /* one queued instance */
	struct list_head node;
	struct siginfo info;
	void *owner;                         /* posix timer that preallocated it, else NULL */
	struct siguser *user;                /* whose RLIMIT_SIGPENDING it counts against */
};
struct sigpending {
	struct list_head queue;
	ksigset_t set;
};
struct ksigaction {
	uaddr_t handler, restorer;
	u64 flags;
	ksigset_t mask;
};
struct sighand {                             /* shared by CLONE_SIGHAND */
	refcount_t ref;
	struct ksigaction action[64];        /* [n-1] */
	struct wait_queue signalfd_wq;
};

#define SEND_SIG_NOINFO ((struct siginfo *)0)   /* SI_USER from current */
#define SEND_SIG_KERNEL ((struct siginfo *)1)   /* SI_KERNEL */
int signal_send_task(int sig, struct siginfo *info, struct task *t);     /* to this thread (tgkill, faults) */
int signal_send_group(int sig, struct siginfo *info, struct tgroup *tg); /* to the process (kill) */
void signal_force(int sig, struct siginfo *info, struct task *t);        /* unblocks; default if ignored */
int signal_send_pgrp(int sig, struct siginfo *info, int pgid);           /* all in the group; -ESRCH if none */
/* kill(2) permission of current towards t. 0 or -EPERM. */
int signal_check_perm(int sig, struct siginfo *info, struct task *t);
void signal_kill_group(struct tgroup *tg, int wait_status);              /* exit_group: others get SIGKILL */
bool signal_pending_(struct task *t);        /* any unblocked one, or a pending stop/freeze work */
#define signal_pending(t) unlikely(signal_pending_(t))
bool fatal_signal_pending(struct task *t);
/* On the way to user mode, with the syscall's restart decided: builds frames, stops, or does not return
 * (fatal). `in_syscall`: regs.rax holds a syscall result that may be -ERESTART*. */
void signal_deliver_pending(bool in_syscall);
void signal_set_blocked(struct task *t, ksigset_t mask);                 /* recomputes pending */
/* sigtimedwait/signalfd: takes one pending signal in `set`. Signal number or 0. */
int signal_dequeue(struct task *t, ksigset_t set, struct siginfo *info);
/* ppoll/pselect/epoll_pwait/sigsuspend: set a temporary mask that is restored after delivery. Reads the
 * user's sigset (size must be 8). NULL uset: no-op. signal_mask_restore(): the call was not interrupted. */
int signal_mask_set_user(uaddr_t uset, size_t size);
void signal_mask_restore(bool interrupted);

struct sighand *sighand_new(void);
struct sighand *sighand_copy(struct sighand *old);
void sighand_put(struct sighand *s);
void sighand_exec(struct task *t);            /* handlers -> default, keep ignored */
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);
bool signal_ignored(struct task *t, int sig);
void signal_notify_parent(struct task *leader, int exit_signal); /* SIGCHLD on death */
const char *signal_name(int sig);
/* t (current) is leaving its group: takes it out of a group stop, gives its share of signals to others. do_exit. */
void signal_task_exit(struct task *t);
/* Preallocated instances (posix timers). alloc: NULL over RLIMIT_SIGPENDING of t's user. send: 0 queued,
 * 1 ignored, -ESRCH nobody left. cancel: takes it off whatever queue it is on. */
struct sigqueue *sigqueue_alloc(struct task *t, bool override_limit);
void sigqueue_free(struct sigqueue *q);
int sigqueue_send(struct sigqueue *q, struct task *t, bool group);
void sigqueue_cancel(struct sigqueue *q, struct tgroup *tg);
u32 signal_queued(u32 uid);                  /* /proc/PID/status SigQ */
/* t->blocked becomes true of a task that runs user code, which may change its mask without an entry (port_self); the
 * next change is one. Whoever reads the mask of another task calls it first. klock. */
void signal_sync_mask(struct task *t);
/* Writes current's core file, if it may have one; the other threads of the process have ended then. core(5). May sleep. */
bool coredump(int sig, const struct siginfo *info);
#endif
