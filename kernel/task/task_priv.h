/*
 * kernel/task: processes from birth to burial.
 *
 * task.c holds the tables (pid hash, all_tasks, groups), session.c process groups and sessions, clone.c
 * birth, exec.c + elf.c + binfmt.c a new program, exit.c death, wait.c burial, cred.c + sys_cred.c who one
 * is, pidfd.c ptrace.c prctl.c rlimit.c rusage.c what their names say.
 *
 * Numbers. A pid number is taken from task_alloc until no task, no process group and no session uses it.
 * Groups. tgroup.threads holds living threads and the leader, even when dead: only release_task() takes a
 * task off. nr_threads counts those which have not begun do_exit. The leader's exit_state becomes 1 (zombie)
 * when it ends; its parent hears of it when nr_threads is 0 and all other threads have been released.
 * Parent. tgroup.parent is the leader of a living group, always; NULL for pid 1 and kernel threads.
 */
#ifndef TASK_PRIV_H
#define TASK_PRIV_H
#include <abi/errno.h>
#include <abi/prctl.h>
#include <abi/sched.h>
#include <abi/wait.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/uaccess.h>

#define PID_MAX_LIMIT 4194304
#define RESERVED_PIDS 300

/* Is t's user id counted by RLIMIT_NPROC at its limit? */
bool nproc_over_limit(struct task *t);
extern int max_threads;

int task_set_tid(struct task *t, int nr);
/* A group for `leader`, rlimits etc. from `from` (NULL: defaults). ref 1. NULL: no memory. */
struct tgroup *tgroup_alloc(struct task *leader, struct tgroup *from);
void tgroup_free_new(struct tgroup *tg);
/* Puts t into pid hash, all_tasks and its group; a leader also into its parent's children, pgrp, session. */
void task_publish(struct task *t);
/* Off all tables, exit_state = 2, the tables' reference dropped. Of the leader: the group goes too. */
void release_task(struct task *t);
/* exec: makes t, a non-leader and the only other member, the leader; the old one's number becomes t's. */
void task_take_leadership(struct task *t);
void pid_nr_release(int nr);      /* frees the number if nobody uses it any more */

/* pgrps and sessions */
struct pgrp { struct list_head node, members; int pgid; };
int tgroup_set_pgrp(struct tgroup *tg, int pgid);   /* 0 or -ENOMEM */
void tgroup_leave_pgrp(struct tgroup *tg);
struct pgrp *pgrp_find(int pgid);
struct session *session_new(int sid);
struct session *session_find(int sid);
/* tg leaves (tg dies or its parent changes): stopped groups that became orphans get SIGHUP, SIGCONT. */
void pgrp_check_orphaned(int pgid, int sid, struct tgroup *ignore, bool was_connected);
bool pgrp_orphaned_ignoring(int pgid, int sid, struct tgroup *ignore);

/* vfork */
struct completion_vfork { refcount_t ref; bool done; struct wait_queue wq; };
void vfork_done(struct task *t);

/* exit */
void mm_release(struct task *t, struct mm *mm);      /* clear_child_tid, robust list, vfork parent */
void exit_notify_leader(struct tgroup *tg);
bool group_is_zombie(struct tgroup *tg);
bool exec_others_gone(struct tgroup *tg, struct task *self);
/* Ends all threads of the process but current, and waits for it. -EAGAIN: current is to end as well. */
int kill_other_threads(void);
/* wait */
int tgroup_wait_status(struct tgroup *tg);
void rusage_add(struct rusage_acc *to, const struct rusage_acc *x);
void rusage_collect_dead(struct task *t);            /* t's figures into its group's acc */
int rusage_to_user(uaddr_t u, const struct rusage_acc *r);
/* cred */
/* The credentials that current has after executing a file of that mode and owner. *secure: AT_SECURE.
 * may_setid: set-id bits count. NULL: no memory. */
struct cred *cred_prepare_exec(u32 mode, u32 uid, u32 gid, bool may_setid, bool *secure);
/* ptrace */
void ptrace_exit(struct task *t);                    /* t ends: tracees let go, tracer forgets it */
void ptrace_fork_child(struct task *child, u64 flags, int *event);
void ptrace_event(int event, u64 msg);
void ptrace_exec_done(void);
bool ptrace_event_on(struct task *t, int event);

/* pidfd */
struct file *pidfd_file(struct tgroup *tg, u32 flags);
struct tgroup *pidfd_tgroup_raw(struct file *f);     /* also a dead one; NULL: no pidfd */

/* binary formats */
#define MAX_ARG_STRLEN (32 * PAGE_SIZE)
struct exec_args {
	char *buf;               /* all strings, each with its NUL, argv first, then envp */
	size_t len, cap, limit;  /* limit: bytes of strings and pointers */
	u32 argc, envc;
	size_t env_off;          /* where envp's strings begin */
	char *win;               /* a page of user memory from win_at on, read ahead */
	uaddr_t win_at;
	size_t win_n;
};
#define SCRIPT_LINE 256          /* of a `#!` line no more counts (execve(2)) */
#define EXEC_HEAD 1024           /* read at once: an ELF file's headers and its interpreter's name, mostly */
struct exec_head { u8 bytes[EXEC_HEAD]; u32 len; }; /* zero filled; len bytes are the file's */
/* Reads f's first bytes. 0 or negative errno. */
int exec_read_head(struct file *f, struct exec_head *h);
struct exec_params {
	struct file *file;       /* what is mapped (interpreter of a script) */
	char *filename;          /* as AT_EXECFN: kmalloc'd */
	struct exec_args args;
	struct exec_head head;   /* of file */
	bool secure, execfd_hidden;  /* AT_SECURE; the name is an fd that will be closed: no scripts */
	struct cred *cred;       /* new credentials */
	struct mm *mm;           /* being built */
	uaddr_t entry, sp;
	bool unreadable;         /* the caller may not read the file: not dumpable */
};
/* One more string from kernel or user memory. -E2BIG, -ENOMEM, -EFAULT. */
int exec_args_add(struct exec_args *a, const char *s);
int exec_args_add_user(struct exec_args *a, uaddr_t s);
/* argv[0] is replaced by n strings. */
int exec_args_replace_arg0(struct exec_args *a, const char *const *strs, int n);
/* p->head.bytes begins with "#!": rewrites the arguments; *interp: kmalloc'd path of the interpreter. */
int binfmt_script(struct exec_params *p, const char *script, char **interp);
int elf_load(struct exec_params *p);                      /* builds p->mm; nothing of current changes */
#endif
