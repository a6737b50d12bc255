/* Tables of tasks: allocation, pid numbers, thread groups, publication and release. */
#include "ptrace_priv.h"
#include "task_priv.h"
#include <umber/init.h>
#include <umber/vfs.h>
#include <umber/xarray.h>

#define PID_HASH 1024
#define DEFAULT_STACK_LIMIT (8UL << 20)

struct list_head all_tasks = LIST_HEAD_INIT(all_tasks);
struct task *init_task;
struct cred *init_cred;
int pid_max = 32768;
int max_threads = 4096;

static struct list_head pid_hash[PID_HASH];
static struct kmem_cache *task_cache, *tgroup_cache;
static struct idr pid_ids;
static int pid_last = 2; /* 1 and 2 are kept for the first two processes that init makes */
static int task_count;
static u64 nr_created;
/* What tg->leader is once the leader has been released: whoever still holds another thread meets a task
 * that is gone, not a dangling pointer. */
static struct task *nobody;

static struct list_head *pid_bucket(int nr)
{
	return &pid_hash[(u32)nr % PID_HASH];
}

/*
 * Must run before any task is made. The bound on tasks keeps fibre stacks and host threads within a
 * fraction of mem= (I7).
 */
void task_init(void)
{
	for (int i = 0; i < PID_HASH; i++)
		list_init(&pid_hash[i]);
	task_cache = kmem_cache_create("task", sizeof(struct task));
	tgroup_cache = kmem_cache_create("tgroup", sizeof(struct tgroup));
	init_cred = kzalloc(sizeof(*init_cred));
	if (!task_cache || !tgroup_cache || !init_cred || ida_alloc(&pid_ids, 0, 0) != 0)
		panic("task_init: no memory");
	ref_set(&init_cred->ref, 1);
	init_cred->cap_permitted = init_cred->cap_effective = init_cred->cap_bset = CAP_FULL_SET;
	nobody = kmem_cache_zalloc(task_cache);
	nobody->cred = init_cred;
	nobody->exit_state = 2;
	nobody->state = TASK_DEAD;
	nobody->tg = tgroup_alloc(nobody, NULL);
	ref_set(&nobody->ref, 1);
	u64 n = kmem_total_pages() * PAGE_SIZE / (FIBRE_STACK_BYTES * 8);
	max_threads = (int)(n < 256 ? 256 : n > 30000 ? 30000 : n);
}

/* Ever increasing, then from RESERVED_PIDS again, as Linux does. -ENOSPC, -ENOMEM. */
static int pid_nr_alloc(void)
{
	int nr = pid_last + 1 >= pid_max ? -ENOSPC : ida_alloc(&pid_ids, (u32)pid_last + 1, (u32)pid_max - 1);
	if (nr == -ENOSPC)
		nr = ida_alloc(&pid_ids, RESERVED_PIDS, (u32)pid_max - 1);
	if (nr > 0)
		pid_last = nr;
	return nr;
}

/* Numbers stay taken while a task in the hash, a process group or a session bears them. */
void pid_nr_release(int nr)
{
	if (nr <= 0 || find_task(nr) || pgrp_find(nr) || session_find(nr))
		return;
	ida_free(&pid_ids, (u32)nr);
}

int nr_tasks(void)
{
	return task_count;
}

int last_pid(void)
{
	return pid_last;
}

void set_last_pid(int nr)
{
	pid_last = nr;
}

u64 tasks_created(void)
{
	return nr_created;
}

/* Reads the bitmap of numbers, which has bits of groups and sessions in it, too. */
int next_pid_nr(int nr)
{
	for (u32 n = nr < 0 ? 0 : (u32)nr; n < pid_ids.nbits;) {
		u64 w = pid_ids.bits[n / 64] >> (n % 64);
		if (w)
			return (int)n + __builtin_ctzll(w);
		n = (n / 64 + 1) * 64;
	}
	return -1;
}

struct task *find_task(int tid)
{
	struct task *t;
	list_for_each_entry(t, pid_bucket(tid), tid_node)
		if (t->tid == tid)
			return t;
	return NULL;
}

struct tgroup *find_tgroup(int pid)
{
	struct task *t = find_task(pid);
	return t && t->tg && t->tg->pid == pid ? t->tg : NULL;
}

/*
 * A new task with a number of its own; what is plain data and inherited comes from parent (NULL: kernel
 * defaults). References to mm, files, fs, sighand and group are the caller's to set. NULL: no memory,
 * no number, or too many tasks.
 */
struct task *task_alloc(struct task *parent)
{
	if (task_count >= max_threads)
		return NULL;
	struct task *t = kmem_cache_zalloc(task_cache);
	if (!t)
		return NULL;
	t->tid = pid_nr_alloc();
	if (t->tid < 0) {
		kmem_cache_free(task_cache, t);
		return NULL;
	}
	task_count++;
	ref_set(&t->ref, 2);
	t->state = TASK_NEW;
	list_init(&t->tid_node);
	list_init(&t->all_node);
	list_init(&t->tg_node);
	list_init(&t->tracees);
	list_init(&t->tracee_node);
	list_init(&t->futex_pi);
	sigpending_init(&t->pending);
	t->exit_signal = -1;
	t->rseq_cpu = -1;
	t->start_ns = ktime_boot_ns();
	t->timerslack_ns = 50000;
	t->sas_flags = SS_DISABLE;
	t->cred = cred_get(parent ? parent->cred : init_cred);
	if (parent) {
		memcpy(t->comm, parent->comm, sizeof(t->comm));
		t->ns = parent->ns;
		t->blocked = parent->blocked;
		t->personality = parent->personality;
		t->timerslack_ns = parent->timerslack_ns;
		t->no_new_privs = parent->no_new_privs;
	}
	sched_fork(t, parent);
	return t;
}

static void task_destroy(struct task *t)
{
	if (t->port.fibre.stack)
		port_fibre_free(&t->port.fibre);
	sigpending_flush(&t->pending);
	if (t->sighand) /* kept so long: kill() may still look at a zombie's */
		sighand_put(t->sighand);
	if (t->cred)
		cred_put(t->cred);
	if (t->tg)
		tgroup_put(t->tg);
	task_count--;
	kmem_cache_free(task_cache, t);
}

void task_put(struct task *t)
{
	if (ref_put(&t->ref))
		task_destroy(t);
}

void task_free_new(struct task *t)
{
	pid_nr_release(t->tid);
	task_destroy(t);
}

/* clone3's set_tid: t, not yet published, gets number nr. 0, -EEXIST, -ENOMEM. */
int task_set_tid(struct task *t, int nr)
{
	int got = ida_alloc(&pid_ids, (u32)nr, (u32)nr);
	if (got < 0)
		return got == -ENOSPC ? -EEXIST : got;
	pid_nr_release(t->tid);
	t->tid = nr;
	return 0;
}

static void rlim_defaults(struct tgroup *tg)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		tg->rlim[i] = (struct rlimit64){ RLIM_INFINITY, RLIM_INFINITY };
	tg->rlim[RLIMIT_STACK].cur = DEFAULT_STACK_LIMIT;
	tg->rlim[RLIMIT_CORE].cur = 0;
	tg->rlim[RLIMIT_NOFILE] = (struct rlimit64){ 1024, 1048576 };
	tg->rlim[RLIMIT_MEMLOCK] = (struct rlimit64){ 8UL << 20, 8UL << 20 };
	tg->rlim[RLIMIT_MSGQUEUE] = (struct rlimit64){ 819200, 819200 };
	tg->rlim[RLIMIT_NICE] = tg->rlim[RLIMIT_RTPRIO] = (struct rlimit64){ 0, 0 };
	u64 n = (u64)max_threads / 2;
	tg->rlim[RLIMIT_NPROC] = tg->rlim[RLIMIT_SIGPENDING] = (struct rlimit64){ n, n };
}

struct tgroup *tgroup_alloc(struct task *leader, struct tgroup *from)
{
	struct tgroup *tg = kmem_cache_zalloc(tgroup_cache);
	if (!tg)
		return NULL;
	ref_set(&tg->ref, 1);
	tg->pid = leader->tid;
	tg->leader = leader;
	list_init(&tg->threads);
	list_init(&tg->children);
	list_init(&tg->sibling);
	list_init(&tg->pgrp_node);
	list_init(&tg->posix_timers);
	sigpending_init(&tg->pending);
	wq_init(&tg->wait_chldexit);
	wq_init(&tg->pidfd_wq);
	tg->start_ns = leader->start_ns;
	tg->dumpable_ = true;
	if (from) {
		memcpy(tg->rlim, from->rlim, sizeof(tg->rlim));
		tg->oom_score_adj = from->oom_score_adj;
		tg->no_tty = from->no_tty;
		tg->has_child_subreaper = from->has_child_subreaper || from->is_subreaper;
	} else {
		rlim_defaults(tg);
	}
	return tg;
}

void tgroup_put(struct tgroup *tg)
{
	if (!ref_put(&tg->ref))
		return;
	sigpending_flush(&tg->pending);
	tgroup_leave_pgrp(tg);
	if (tg->session)
		session_put(tg->session);
	kmem_cache_free(tgroup_cache, tg);
}

void task_publish(struct task *t)
{
	struct tgroup *tg = t->tg;
	list_add(&t->tid_node, pid_bucket(t->tid));
	list_add_tail(&t->all_node, &all_tasks);
	list_add_tail(&t->tg_node, &tg->threads);
	tg->nr_threads++;
	nr_created++;
	if (is_leader(t) && tg->parent)
		list_add_tail(&tg->sibling, &tg->parent->tg->children);
	if (t->tid == 1)
		init_task = t;
}

/* A task with mm == NULL may be asked for by tid until it is released; after that only by references. */
void release_task(struct task *t)
{
	struct tgroup *tg = t->tg;
	bool leader = is_leader(t);
	if (t->exit_state == 2)
		return;
	t->exit_state = 2;
	ptrace_unlink(t);
	list_del(&t->tid_node);
	list_del(&t->all_node);
	list_del(&t->tg_node);
	if (leader) {
		list_del(&tg->sibling);
		tg->parent = NULL;
		tgroup_leave_pgrp(tg);
		if (tg->session) {
			struct session *s = tg->session;
			tg->session = NULL;
			session_put(s);
		}
		wq_wake_key(&tg->pidfd_wq, INT_MAX, 0);
		tg->leader = nobody;
	}
	pid_nr_release(t->tid);
	task_put(t);
}

/* exec by a thread that is not the leader; all other threads are gone, the leader is a zombie. */
void task_take_leadership(struct task *t)
{
	struct tgroup *tg = t->tg;
	struct task *old = tg->leader;
	struct tgroup *c;
	int own = t->tid;
	list_del(&t->tid_node);
	list_del(&old->tid_node);
	t->tid = old->tid;
	old->tid = own;
	list_add(&t->tid_node, pid_bucket(t->tid));
	list_add(&old->tid_node, pid_bucket(old->tid));
	tg->leader = t;
	t->exit_signal = SIGCHLD;
	t->start_ns = old->start_ns;
	old->exit_signal = -1;
	list_for_each_entry(c, &tg->children, sibling) {
		c->parent = t;
		c->parent_tid = t->tid;
	}
	if (init_task == old)
		init_task = t;
	rusage_collect_dead(old);
	release_task(old);
}

struct task *task_new_kthread(const char *name)
{
	struct task *t = task_alloc(NULL);
	if (!t)
		return NULL;
	struct tgroup *tg = tgroup_alloc(t, NULL);
	if (!tg) {
		task_free_new(t);
		return NULL;
	}
	t->tg = tg;
	t->is_kthread = true;
	t->sighand = sighand_new();
	t->fs = init_fs_ctx ? fs_ctx_copy(init_fs_ctx) : NULL;
	t->files = files_new();
	strlcpy(t->comm, name, sizeof(t->comm));
	if (!t->sighand || !t->files) {
		if (t->files)
			files_put(t->files);
		if (t->fs)
			fs_ctx_put(t->fs);
		task_free_new(t);
		return NULL;
	}
	t->blocked = ~0ULL;
	task_publish(t);
	return t;
}

bool nproc_over_limit(struct task *t)
{
	u64 lim = t->tg->rlim[RLIMIT_NPROC].cur, n = 0;
	struct task *o;
	if ((u64)task_count < lim)
		return false;
	list_for_each_entry(o, &all_tasks, all_node)
		if (!o->is_kthread && o->cred->uid == t->cred->uid && ++n >= lim)
			return true;
	return false;
}

/* Threads of a spawned process start here, before they have a user side. */
struct spawn { void (*setup)(void *); void *arg; };

static void spawn_entry(void *arg)
{
	struct spawn s = *(struct spawn *)arg;
	kfree(arg);
	s.setup(s.arg);
	if (!current->mm)
		do_exit(127 << 8);
	sched_user_loop();
}

/*
 * Makes a process that has no parent's image to copy. setup(arg) runs in its context, may sleep, and
 * ends in kernel_execve (or do_exit). Pid 1 for the first call. Task or ERR_PTR.
 */
struct task *user_process_spawn(void (*setup)(void *arg), void *arg)
{
	struct spawn *s = kmalloc(sizeof(*s));
	struct task *t = s ? task_alloc(NULL) : NULL;
	int err = -ENOMEM;
	if (!t)
		goto out_s;
	*s = (struct spawn){ setup, arg };
	int low = ida_alloc(&pid_ids, 1, 2);
	if (low > 0) {
		pid_nr_release(t->tid);
		pid_last = t->tid - 1;
		t->tid = low;
	}
	t->tg = tgroup_alloc(t, NULL);
	if (!t->tg)
		goto out_task;
	t->exit_signal = SIGCHLD;
	t->sighand = sighand_new();
	t->files = files_new();
	t->fs = init_fs_ctx ? fs_ctx_copy(init_fs_ctx) : NULL;
	strlcpy(t->comm, "init", sizeof(t->comm));
	t->tg->parent = init_task;
	t->tg->parent_tid = init_task ? init_task->tid : 0;
	t->tg->session = session_new(t->tid) /* of its own: it may have a terminal */;
	if (!t->sighand || !t->files || !t->fs || !t->tg->session || tgroup_set_pgrp(t->tg, t->tid))
		goto out_parts;
	err = port_fibre_init(&t->port.fibre, spawn_entry, s, t);
	if (err)
		goto out_parts;
	task_publish(t);
	sched_start(t);
	return t;
out_parts:
	if (t->files)
		files_put(t->files);
	if (t->fs)
		fs_ctx_put(t->fs);
out_task:
	task_free_new(t);
out_s:
	kfree(s);
	return ERR_PTR(err);
}
