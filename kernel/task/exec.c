/*
 * execve(2), execveat(2), and exec from the kernel.
 *
 * Two halves. Up to de_thread() nothing of the caller changes: open, arguments, credentials, the whole new
 * address space with its stack. Then the other threads end (the caller waits, killably), and from the first
 * step of exec_commit() there is no way back: an error there kills the process.
 */
#include "task_priv.h"
#include <umber/futex.h>
#include <umber/vfs.h>

#define MAX_INTERP_DEPTH 5
#define ARGS_MAX_BYTES (6UL << 20)
#define ARGS_MIN_BYTES (128UL << 10)

static void args_init(struct exec_args *a)
{
	u64 lim = rlimit(RLIMIT_STACK) / 4;
	memset(a, 0, sizeof(*a));
	a->limit = lim > ARGS_MAX_BYTES ? ARGS_MAX_BYTES : lim < ARGS_MIN_BYTES ? ARGS_MIN_BYTES : lim;
}

/* One pointer array; NULL counts as empty. */
static int args_from_user(struct exec_args *a, uaddr_t vec, u32 *count)
{
	u64 ptr[32];
	size_t have = 0, at = 0;
	if (!vec)
		return 0;
	for (;;) {
		if (at == have) {
			/* up to the end of the page, so that an array at its end does not fault */
			size_t n = min(sizeof(ptr), PAGE_SIZE - PAGE_OFFSET(vec)) / 8;
			if (!n)
				n = 1;
			if (copy_from_user(ptr, vec, n * 8))
				return -EFAULT;
			vec += n * 8;
			have = n;
			at = 0;
		}
		if (!ptr[at])
			return 0;
		++*count;
		int err = exec_args_add_user(a, ptr[at++]);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static int args_from_kernel(struct exec_args *a, const char *const *v, u32 *count)
{
	for (; v && *v; v++) {
		++*count;
		int err = exec_args_add(a, *v);
		if (err)
			return err;
	}
	return 0;
}

static int args_finish_argv(struct exec_args *a)
{
	int err = 0;
	if (!a->argc) {
		err = exec_args_add(a, "");
		a->argc = 1;
	}
	a->env_off = a->len;
	return err;
}

/* Is the fs_ctx shared beyond this group? Then a set-id program could be fooled: no new rights. */
static bool fs_shared_outside(void)
{
	u32 n = 0;
	struct task *t;
	list_for_each_entry(t, &current->tg->threads, tg_node)
		n += t->fs == current->fs;
	return current->fs->ref.n > n + current->in_execve; /* do_execveat holds one */
}

static int prepare_creds(struct exec_params *p)
{
	struct inode *i = p->file->inode;
	bool may = !current->no_new_privs && !(p->file->path.mnt && (p->file->path.mnt->flags & MS_NOSUID)) &&
		   !fs_shared_outside() && (!current->tracer || cred_capable(current->tracer->cred, CAP_SYS_PTRACE));
	if (p->cred)
		cred_put(p->cred);
	p->cred = cred_prepare_exec(i->mode, i->uid, i->gid, may, &p->secure);
	if (!p->cred)
		return -ENOMEM;
	p->unreadable = inode_permission(i, MAY_READ) < 0;
	return 0;
}

int exec_read_head(struct file *f, struct exec_head *h)
{
	s64 pos = 0;
	memset(h->bytes, 0, sizeof(h->bytes));
	ssize_t n = kernel_read(f, h->bytes, sizeof(h->bytes), &pos);
	h->len = n > 0 ? (u32)n : 0;
	return n < 0 ? (int)n : 0;
}

/* Follows `#!` lines, then loads the program. On success p->mm is complete. */
static int load_program(struct exec_params *p)
{
	char *name = kstrdup(p->filename);
	int err = name ? 0 : -ENOMEM;
	for (int depth = 0; !err; depth++) {
		if (depth > MAX_INTERP_DEPTH) {
			err = -ELOOP;
			break;
		}
		err = exec_read_head(p->file, &p->head);
		if (err)
			break;
		if (p->head.bytes[0] != '#' || p->head.bytes[1] != '!') {
			err = prepare_creds(p);
			if (!err)
				err = elf_load(p);
			break;
		}
		char *interp = NULL;
		err = binfmt_script(p, name, &interp);
		if (err)
			break;
		kfree(name);
		name = interp;
		struct file *f = file_open_exec(AT_FDCWD, interp, LOOKUP_FOLLOW);
		if (IS_ERR(f)) {
			err = (int)PTR_ERR(f);
			break;
		}
		file_put(p->file);
		p->file = f;
		p->execfd_hidden = false;
	}
	kfree(name);
	return err;
}

static void kill_thread(struct task *t)
{
	t->pending.set |= SIGBIT(SIGKILL);
	t->sig_pending = true;
	sched_wake(t, TASK_INTERRUPTIBLE | TASK_KILLABLE | TASK_STOPPED | TASK_TRACED);
	sched_notify(t);
}

int kill_other_threads(void)
{
	struct task *me = current, *t;
	struct tgroup *tg = me->tg;
	tg->exec_task = me;
	list_for_each_entry(t, &tg->threads, tg_node)
		if (t != me && !t->exit_state && !t->exiting)
			kill_thread(t);
	int err = wait_event(&tg->wait_chldexit, exec_others_gone(tg, me), WAIT_KILLABLE, WAIT_FOREVER);
	tg->exec_task = NULL;
	return err ? -EAGAIN : 0;
}

/* All other threads end; the caller becomes the leader. -EAGAIN if the group ends or another exec won. */
static int de_thread(void)
{
	struct task *me = current;
	struct tgroup *tg = me->tg;
	if (tg->group_exit || tg->exec_task || fatal_signal_pending(me))
		return -EAGAIN;
	if (exec_others_gone(tg, me) && is_leader(me))
		return 0;
	int err = kill_other_threads();
	if (!err && !is_leader(me))
		task_take_leadership(me);
	return err;
}

static int own_sighand(struct task *t)
{
	if (t->sighand->ref.n > 1) {
		struct sighand *sh = sighand_copy(t->sighand);
		if (!sh || IS_ERR(sh))
			return -ENOMEM;
		sighand_put(t->sighand);
		t->sighand = sh;
	}
	sighand_exec(t);
	return 0;
}

static void switch_mm(struct exec_params *p)
{
	struct task *t = current;
	struct mm *old = t->mm;
	if (old) {
		mm_release(t, old);
		/* the host is not asked about one that lives on: who has it will be */
		u64 rss = old->users.n > 1 ? old->hiwater_rss_pages : mm_rss_pages(old);
		u64 kb = max(old->hiwater_rss_pages, rss) * (PAGE_SIZE / 1024);
		t->tg->acc.maxrss_kb = max(t->tg->acc.maxrss_kb, kb);
	} else {
		vfork_done(t);
	}
	t->mm = p->mm;
	p->mm = NULL;
	port_task_exec(&t->port, t->mm->port);
	if (old)
		mm_users_put(old);
	struct user_regs *r = &t->port.regs;
	r->rip = p->entry;
	r->rsp = p->sp;
	r->cs = 0x33;
	r->ss = 0x2b;
	r->eflags = 0x202;
	r->orig_rax = U64_MAX;
}

static void set_comm(struct task *t, const char *filename)
{
	const char *base = strrchr(filename, '/');
	strlcpy(t->comm, base ? base + 1 : filename, sizeof(t->comm));
}

/* The point of no return lies behind us. 0, or the caller must die. */
static int exec_commit(void)
{
	struct task *t = current;
	int err = files_unshare();
	if (!err)
		err = own_sighand(t);
	if (err)
		return err;
	posix_timers_exit(t);
	return 0;
}

static void exec_finish(struct exec_params *p)
{
	struct task *t = current;
	bool plain = p->cred->euid == p->cred->uid && p->cred->egid == p->cred->gid && !p->secure;
	if (p->secure) {
		t->personality &= ~PER_CLEAR_ON_SETID;
		t->pdeath_signal = 0;
		if (t->tg->rlim[RLIMIT_STACK].cur > (8UL << 20))
			t->tg->rlim[RLIMIT_STACK].cur = 8UL << 20;
	}
	t->sas_sp = t->sas_size = 0;
	t->sas_flags = SS_DISABLE;
	t->restart.fn = NULL;
	t->set_child_tid = 0;
	t->rseq_cpu = -1;
	t->exit_signal = t->tg->parent ? SIGCHLD : t->exit_signal;
	t->tg->did_exec = true;
	t->mm->exe_file = file_get(p->file);
	set_comm(t, p->filename);
	files_close_on_exec();
	cred_install(cred_get(p->cred));
	t->mm->dumpable = t->tg->dumpable_ = plain && !p->unreadable;
	ptrace_exec_done();
}

static int exec_run(struct exec_params *p)
{
	int err = load_program(p);
	if (!err)
		err = de_thread();
	if (err)
		return err;
	err = exec_commit();
	if (err) {
		pr_warn_ratelimited("exec of %s by %d failed past return: %d", p->filename, current->tid, err);
		do_group_exit(SIGKILL);
	}
	switch_mm(p);
	exec_finish(p);
	return 0;
}

static void params_free(struct exec_params *p)
{
	if (p->mm)
		mm_users_put(p->mm);
	if (p->cred)
		cred_put(p->cred);
	if (p->file)
		file_put(p->file);
	kfree(p->args.buf);
	if (p->args.win)
		page_free(p->args.win, 0);
	kfree(p->filename);
	kfree(p);
}

/* AT_EXECFN and script name: what reaches the file from the caller's point of view. */
static char *exec_filename(int dfd, const char *name)
{
	if (dfd == AT_FDCWD || name[0] == '/')
		return kstrdup(name);
	return name[0] ? kasprintf("/dev/fd/%d/%s", dfd, name) : kasprintf("/dev/fd/%d", dfd);
}

static struct exec_params *params_open(int dfd, const char *name, u32 lookup, int *err)
{
	struct exec_params *p = kzalloc(sizeof(*p));
	if (!p) {
		*err = -ENOMEM;
		return NULL;
	}
	args_init(&p->args);
	struct file *f = file_open_exec(dfd, name, lookup);
	if (IS_ERR(f)) {
		*err = (int)PTR_ERR(f);
		kfree(p);
		return NULL;
	}
	p->file = f;
	p->filename = exec_filename(dfd, name);
	p->execfd_hidden = dfd != AT_FDCWD && name[0] != '/' && task_fd_cloexec(current, dfd);
	*err = p->filename ? 0 : -ENOMEM;
	return p;
}

static long do_execveat(int dfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	int err;
	char *name = getname(path, flags & AT_EMPTY_PATH);
	if (IS_ERR(name))
		return PTR_ERR(name);
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
		putname(name);
		return -EINVAL;
	}
	u32 lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct exec_params *p = params_open(dfd, name, lookup, &err);
	putname(name);
	if (!p)
		return err;
	if (!err)
		err = args_from_user(&p->args, argv, &p->args.argc);
	if (!err)
		err = args_finish_argv(&p->args);
	if (!err)
		err = args_from_user(&p->args, envp, &p->args.envc);
	if (!err) {
		struct fs_ctx *fs = current->fs;
		ref_get(&fs->ref);
		bool was = fs->in_exec;
		current->in_execve = fs->in_exec = true;
		err = exec_run(p);
		current->in_execve = false;
		fs->in_exec = was;
		fs_ctx_put(fs);
	}
	params_free(p);
	return err;
}

long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return do_execveat(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	return do_execveat(dfd, path, argv, envp, flags);
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	int err;
	struct exec_params *p = params_open(AT_FDCWD, path, LOOKUP_FOLLOW, &err);
	if (!p)
		return err;
	if (!err)
		err = args_from_kernel(&p->args, argv, &p->args.argc);
	if (!err)
		err = args_finish_argv(&p->args);
	if (!err)
		err = args_from_kernel(&p->args, envp, &p->args.envc);
	if (!err)
		err = exec_run(p);
	params_free(p);
	return err;
}
