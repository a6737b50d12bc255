/*
 * Tasks, thread groups, process groups and sessions.
 *
 * Life of a task: task_alloc (NEW) -> sched_start -> runs -> do_exit: DEAD, its resources given back ->
 * a leader stays a zombie until waited for; other threads are released at once -> freed when the last
 * reference (pidfd, /proc inode, waiter) goes. `ref` counts pointers. Two references are there from the
 * start: that of the tables (pid hash, all_tasks, its group; dropped when it is released) and that of its
 * fibre, which the scheduler drops (task_put) after the dead task's last switch.
 * All fields: klock, unless a comment says "O" (written by the owner task only).
 */
#ifndef UMBER_TASK_H
#define UMBER_TASK_H
#include <port/port.h>
#include <umber/cred.h>
#include <umber/list.h>
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/sync.h>
#include <umber/time.h>
#include <umber/types.h>

struct mm;
struct files;
struct fs_ctx;
struct tty;
struct file;
struct nsproxy;

#define TASK_COMM_LEN 16
#define RLIM_NLIMITS 16
enum {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC,
	RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
	RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME
};
#define RLIM_INFINITY U64_MAX
struct rlimit64 { u64 cur, max; };
struct rusage_acc { u64 utime_ns, stime_ns, maxrss_kb, minflt, majflt, nvcsw, nivcsw, inblock, oublock; };

struct session {                   /* lives while a process or a tty refers to it */
	refcount_t ref;
	int sid;
	struct tty *tty;           /* controlling terminal or NULL */
	int old_pgrp;              /* its foreground group before a hangup: told when the leader ends */
};

/* A thread group: what POSIX calls a process. */
struct tgroup {
	refcount_t ref;
	int pid;                          /* tgid */
	struct task *leader;              /* never NULL; a nameless dead task once the real one is released */
	struct list_head threads;         /* task.tg_node, living ones and a zombie leader */
	int nr_threads;                   /* not yet dead */
	struct task *parent;              /* real parent's group leader task; init for orphans */
	struct list_head children;        /* tgroup.sibling */
	struct list_head sibling;
	int pgid;
	struct session *session;
	struct sigpending pending;        /* group-wide */
	struct rlimit64 rlim[RLIM_NLIMITS];
	struct wait_queue wait_chldexit;  /* waiters for children of this group */
	struct wait_queue pidfd_wq;
	struct rusage_acc acc;            /* of dead threads */
	struct rusage_acc cacc;           /* of waited-for children */
	int exit_code;                    /* wait status, when group_exit */
	bool group_exit;
	int stop_signo;                   /* job control */
	int stop_count;                   /* threads that still have to stop (kernel/signal/stop.c) */
	bool stopped, stop_reported, continued, cont_reported;
	bool is_subreaper, has_child_subreaper, dumpable_, did_exec;
	int oom_score_adj;
	bool thp_disable;                 /* prctl(PR_SET_THP_DISABLE) */
	bool no_tty;                      /* gave up the session's terminal (TIOCNOTTY), or its parent did */
	struct task *exec_task;           /* thread in execve waiting for the others to die */
	struct itimer_state *itimers;     /* kernel/time */
	struct list_head posix_timers;
	struct sem_undo *sem_undo;        /* SysV SEM_UNDO; kernel/ipc */
	u64 start_ns;
	struct pgrp *pgrp;                /* = pgid's; set by kernel/task only */
	struct list_head pgrp_node;
	int parent_tid;                   /* tid of the parent's thread that made us (PDEATHSIG, __WNOTHREAD) */
};

struct task {
	struct port_task port;
	struct sched_entity se;
	u32 state;                        /* enum task_state bits */
	refcount_t ref;
	int tid;
	struct list_head tid_node;        /* pid hash */
	struct list_head all_node;        /* every task */
	struct tgroup *tg;
	struct list_head tg_node;
	char comm[TASK_COMM_LEN];

	struct mm *mm;                    /* NULL: kernel thread, or exiting */
	struct files *files;
	struct fs_ctx *fs;
	struct cred *cred;
	struct sighand *sighand;
	struct nsproxy *ns;

	ksigset_t blocked, saved_mask;
	ksigset_t real_blocked;           /* blocked before sigtimedwait opened it; 0 otherwise */
	bool stop_pending;                /* has to join a group stop */
	u64 rttime_ns, rttime_nvcsw;      /* RLIMIT_RTTIME: CPU time since the last voluntary switch */
	bool restore_mask;                /* saved_mask goes back after delivery (sigsuspend, ppoll) */
	bool copy_late;                   /* in a call whose writes to user memory may be late (syscalls.tbl) */
	bool sig_pending;                 /* cached: some work for signal_deliver_pending */
	struct sigpending pending;
	uaddr_t sas_sp; u64 sas_size; u32 sas_flags;
	struct { long (*fn)(struct task *t); u64 arg[6]; } restart; /* ERESTART_RESTARTBLOCK */

	int exit_signal;                  /* of a leader; -1 for other threads */
	int exit_code;                    /* wait status */
	int exit_state;                   /* 0 alive, 1 zombie, 2 released */
	bool exiting;                     /* in do_exit: takes no more signals */
	int pdeath_signal;
	uaddr_t clear_child_tid, set_child_tid, robust_list;
	u64 robust_list_size;
	uaddr_t rseq; u32 rseq_len, rseq_sig;
	s32 rseq_cpu;                     /* what rseq_on_return last published; -1: nothing yet */
	struct completion_vfork *vfork;   /* parent that waits for our exec or exit */
	u32 clone_flags_no_exec;
	bool no_new_privs, is_kthread, in_execve;
	u32 personality;
	u64 start_ns;                     /* boot-time clock */
	u64 minflt, majflt;
	u64 timerslack_ns;
	void (*kthread_fn)(void *); void *kthread_arg;

	/* ptrace (kernel/task/ptrace.c) */
	struct task *tracer;
	struct list_head tracees, tracee_node;
	struct ptrace_state *ptrace;

	struct list_head futex_pi;        /* PI futexes that this task owns */
	u64 spurious_addr, spurious_ns; u32 spurious_count; /* mm_handle_trap: bounds retried faults */
	struct io_context *io;
	u64 read_bytes, write_bytes, rchar, wchar, syscr, syscw; /* /proc/PID/io */
};

static inline bool is_leader(const struct task *t) { return t->tg->leader == t; }
void task_init(void);
struct task *task_alloc(struct task *parent);   /* zeroed, ref 2 (see above), tid assigned, on no list */
void task_free_new(struct task *t);             /* undoes task_alloc of a task that was never published */
/* A kernel thread's task: group of its own (no parent), visible in all tables, comm set, is_kthread, state NEW,
 * se initialised by sched_fork(t, NULL). The caller inits the fibre and calls sched_start. NULL: no memory. */
struct task *task_new_kthread(const char *name);
/* pid 1's last thread ends (kernel/init): ends the guest. */
void init_exited(int wait_status);
/* struct rseq's cpu fields, before current returns to user mode after it may have moved (kernel/task/rseq.c). */
void rseq_on_return(struct task *t);
/* Before a signal frame is built: leaves an rseq critical section by its abort address. */
void rseq_signal_deliver(struct task *t);
/* The process that a pidfd names, no reference taken; NULL if f is no pidfd or the process is gone. */
struct tgroup *pidfd_tgroup(struct file *f);
bool file_is_pidfd(const struct file *f);
/* An open pidfd of tg (takes a reference of its own); flags: O_NONBLOCK. ERR_PTR. */
struct file *pidfd_file(struct tgroup *tg, u32 flags);
extern int randomize_va_space;                  /* /proc/sys/kernel/randomize_va_space: 0..2 */
extern int pid_max;                             /* /proc/sys/kernel/pid_max: 301..4194304 */
extern struct cred *init_cred;                  /* root with all capabilities */
/* Changes current's pgid/session at once (setsid(2), tty): see kernel/task/session.c. */
int task_setsid(void);
static inline struct task *task_get(struct task *t) { ref_get(&t->ref); return t; }
void task_put(struct task *t);
struct task *find_task(int tid);                /* no reference taken: valid until the next sleep */
struct tgroup *find_tgroup(int pid);            /* by tgid */
extern struct list_head all_tasks;              /* task.all_node */
extern struct task *init_task;                  /* pid 1 */
int nr_tasks(void);
int last_pid(void);
void set_last_pid(int nr);                      /* the next number is looked for behind nr (ns_last_pid) */
int next_pid_nr(int nr);                        /* smallest number >= nr that is taken; maybe by no task. -1: none */
u64 tasks_created(void);                        /* since boot: "processes" of /proc/stat */
extern int max_threads;                         /* bound on tasks: threads-max */
void tgroup_put(struct tgroup *tg);
static inline u64 rlimit(int which) { return current->tg->rlim[which].cur; }

/* Where core files go, /proc/sys/kernel/core_pattern and core_uses_pid (core(5)). */
extern char core_pattern[128];
extern s32 core_uses_pid;
/* do_exit: current ends with wait status `code` (exit status << 8 | signal | 0x80 core). */
void do_exit(int code) __noreturn;
void do_group_exit(int code) __noreturn;

struct clone_args_k {
	u64 flags; int exit_signal; uaddr_t stack, tls, parent_tid, child_tid, pidfd;
	int set_tid; uaddr_t stack_size; int cgroup;
};
long do_clone(const struct clone_args_k *a);
/* exec from the kernel (init, umber run): strings in kernel memory. 0: current returns to user mode. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);
/* Starts a process running path (pid 1, umber run's command). Returns its task or ERR_PTR. */
struct task *user_process_spawn(void (*setup)(void *arg), void *arg);
/* t exits, and is counted out of tg->nr_threads: with the last thread SEM_UNDO adjustments are applied. kernel/ipc. */
void sysv_sem_exit(struct task *t);
/* Process groups and sessions. */
bool pgrp_orphaned(int pgid);
bool pgrp_in_session(int pgid, int sid);
void task_for_each_in_pgrp(int pgid, void (*fn)(struct tgroup *tg, void *arg), void *arg);
void session_put(struct session *s);
/* May current look into t (ptrace(2) access check)? 0 or -EPERM. */
int ptrace_may_access(struct task *t);
/* Parent stop/cont notification and wait statuses are in kernel/task/wait.c. */
void wake_parent_waiters(struct tgroup *tg);
void task_rusage(struct task *t, struct rusage_acc *out);
void tgroup_rusage(struct tgroup *tg, struct rusage_acc *out); /* live + dead threads */
#endif
