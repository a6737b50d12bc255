/*
 * Birth: clone(2), clone3(2), fork(2), vfork(2), unshare(2).
 *
 * do_clone first checks, then builds a child that nobody can find (its parts in the order mm last, since
 * making the user side sleeps), then looks once more whether the caller has been killed, and publishes.
 * From that look to sched_start there is no sleep: a group that has begun to exit gets no new thread.
 */
#include "ptrace_priv.h"
#include "task_priv.h"
#include <umber/vfs.h>

#define CLONE_NS (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
		  CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE3_FLAGS (0xffffffffULL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)

static long ns_flags_check(u64 flags)
{
	if (!(flags & CLONE_NS))
		return 0;
	if ((flags & CLONE_NS) == CLONE_NEWUSER) /* as a kernel without CONFIG_USER_NS */
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
}

static long flags_check(const struct clone_args_k *a)
{
	u64 f = a->flags;
	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_PARENT) && !current->tg->parent)
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	if (f & CLONE_INTO_CGROUP)
		return -EBADF; /* no fd can name a cgroup here */
	return ns_flags_check(f);
}

static void vfork_put(struct completion_vfork *v)
{
	if (ref_put(&v->ref))
		kfree(v);
}

/* t has left the address space it shared with its vfork parent (exec or exit). */
void vfork_done(struct task *t)
{
	struct completion_vfork *v = t->vfork;
	if (!v)
		return;
	t->vfork = NULL;
	v->done = true;
	wq_wake_all(&v->wq);
	sched_yield_soon(); /* the parent mostly waits for us at once: that is not worth waking another CPU for */
	vfork_put(v);
}

static struct completion_vfork *vfork_new(void)
{
	struct completion_vfork *v = kzalloc(sizeof(*v));
	if (v) {
		ref_set(&v->ref, 2);
		wq_init(&v->wq);
	}
	return v;
}

static void child_entry(void *arg)
{
	struct task *t = current;
	if (port_user_wait(&t->port)) {
		if (t->mm)
			t->mm->dead = true;
		do_group_exit(SIGKILL);
	}
	if (t->set_child_tid)
		put_user((s32)t->tid, t->set_child_tid); /* EFAULT is the child's loss, as in Linux */
	sched_user_loop();
}

static void *ptr_or_nomem(void *p)
{
	return p ? p : ERR_PTR(-ENOMEM);
}

/* files, fs, sighand: shared or copied. On error what was taken stays for child_drop(). */
static int copy_parts(struct task *c, u64 flags)
{
	void *p = ptr_or_nomem((flags & CLONE_FILES) ? files_get(current->files) : files_copy(current->files));
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	c->files = p;
	if (flags & CLONE_FS) {
		if (current->fs->in_exec)
			return -EAGAIN;
		ref_get(&current->fs->ref);
		c->fs = current->fs;
	} else {
		p = ptr_or_nomem(fs_ctx_copy(current->fs));
		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		c->fs = p;
	}
	if (flags & CLONE_SIGHAND) {
		ref_get(&current->sighand->ref);
		c->sighand = current->sighand;
	} else {
		p = ptr_or_nomem(sighand_copy(current->sighand));
		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		c->sighand = p;
	}
	if (flags & CLONE_CLEAR_SIGHAND)
		for (int i = 0; i < 64; i++)
			if (c->sighand->action[i].handler != SIG_IGN)
				memset(&c->sighand->action[i], 0, sizeof(c->sighand->action[i]));
	return 0;
}

static void child_drop(struct task *c)
{
	if (c->mm) {
		struct mm *mm = c->mm;
		port_task_exit(&c->port);
		c->mm = NULL;
		mm_users_put(mm);
	}
	if (c->files)
		files_put(c->files);
	if (c->fs)
		fs_ctx_put(c->fs);
	task_free_new(c);
}

static int copy_group(struct task *c, const struct clone_args_k *a)
{
	struct tgroup *me = current->tg;
	if (a->flags & CLONE_THREAD) {
		ref_get(&me->ref);
		c->tg = me;
		return 0;
	}
	struct tgroup *tg = tgroup_alloc(c, me);
	if (!tg)
		return -ENOMEM;
	c->tg = tg;
	tg->session = me->session;
	if (tg->session)
		ref_get(&tg->session->ref);
	if (a->flags & CLONE_PARENT) {
		tg->parent = me->parent;
		tg->parent_tid = me->parent_tid;
	} else {
		tg->parent = me->leader;
		tg->parent_tid = current->tid;
	}
	return me->pgrp ? tgroup_set_pgrp(tg, me->pgid) : 0;
}

/* What is the child's own in registers, signal stack and ids. */
static void child_setup(struct task *c, const struct clone_args_k *a)
{
	u64 f = a->flags;
	c->port.regs = current->port.regs;
	c->port.regs.rax = 0;
	c->port.regs.orig_rax = U64_MAX;
	if (a->stack)
		c->port.regs.rsp = a->stack + a->stack_size;
	if (f & CLONE_SETTLS)
		c->port.regs.fs_base = a->tls;
	if ((f & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) {
		c->sas_sp = current->sas_sp;
		c->sas_size = current->sas_size;
		c->sas_flags = current->sas_flags;
	}
	if (!(f & CLONE_VM)) {
		c->rseq = current->rseq;
		c->rseq_len = current->rseq_len;
		c->rseq_sig = current->rseq_sig;
	}
	c->set_child_tid = (f & CLONE_CHILD_SETTID) ? a->child_tid : 0;
	c->clear_child_tid = (f & CLONE_CHILD_CLEARTID) ? a->child_tid : 0;
	if (f & CLONE_THREAD)
		c->exit_signal = -1;
	else if (f & CLONE_PARENT)
		c->exit_signal = current->tg->leader->exit_signal;
	else
		c->exit_signal = a->exit_signal;
	c->sig_pending = true; /* looks once at the group's state on its way out */
}

static int copy_mm(struct task *c, u64 flags)
{
	if (flags & CLONE_VM) {
		int err = port_thread_new(&current->port, &c->port);
		if (err)
			return err;
		ref_get(&current->mm->users);
		c->mm = current->mm;
		return 0;
	}
	struct mm *mm = mm_fork(c);
	if (!mm || IS_ERR(mm))
		return mm ? (int)PTR_ERR(mm) : -ENOMEM;
	c->mm = mm;
	return 0;
}

static int tid_wanted(struct task *c, int nr)
{
	if (!nr)
		return 0;
	if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	return task_set_tid(c, nr);
}

static int killed_meanwhile(u64 flags)
{
	if (fatal_signal_pending(current) || current->tg->group_exit)
		return -EINTR;
	if (current->tg->exec_task && (flags & CLONE_THREAD))
		return -EAGAIN;
	return 0;
}

static int limits_check(u64 flags)
{
	if (!current->mm)
		return -EINVAL;
	if (nproc_over_limit(current) && current->cred->uid != 0 && !capable(CAP_SYS_RESOURCE) &&
	    !capable(CAP_SYS_ADMIN))
		return -EAGAIN;
	/* A handler runs first and sees one process, not two. */
	if (!(flags & CLONE_THREAD) && signal_pending(current))
		return -ERESTARTNOINTR;
	return killed_meanwhile(flags);
}

static long wait_vfork_child(struct completion_vfork *v, int tid)
{
	if (wait_event(&v->wq, v->done, WAIT_KILLABLE, WAIT_FOREVER) == 0)
		ptrace_event(PTRACE_EVENT_VFORK_DONE, (u64)tid);
	vfork_put(v);
	return tid;
}

/* clone(2) in kernel terms; current only, may sleep. The child's tid or negative errno. */
long do_clone(const struct clone_args_k *a)
{
	u64 f = a->flags;
	struct completion_vfork *v = NULL;
	struct file *pf = NULL;
	int pfd = -1, trace_event = 0;
	long err = flags_check(a);
	if (!err && (f & CLONE_SETTLS) && a->tls >= PORT_TASK_SIZE)
		err = -EPERM;
	if (!err)
		err = limits_check(f);
	if (err)
		return err;
	struct task *c = task_alloc(current);
	if (!c)
		return nr_tasks() >= max_threads ? -EAGAIN : -ENOMEM;
	err = tid_wanted(c, a->set_tid);
	if (!err)
		err = copy_parts(c, f);
	if (!err)
		err = copy_group(c, a);
	if (!err && (f & CLONE_VFORK)) {
		v = vfork_new();
		err = v ? 0 : -ENOMEM;
	}
	if (err)
		goto out_child;
	if (f & CLONE_PIDFD) {
		pfd = fd_alloc(O_CLOEXEC);
		pf = pfd < 0 ? ERR_PTR(pfd) : pidfd_file(c->tg, 0);
		err = IS_ERR(pf) ? PTR_ERR(pf) : put_user((s32)pfd, a->pidfd);
		if (err)
			goto out_pidfd;
	}
	child_setup(c, a);
	err = port_fibre_init(&c->port.fibre, child_entry, c, c);
	if (!err)
		err = copy_mm(c, f);
	if (!err)
		err = killed_meanwhile(f);
	if (err)
		goto out_pidfd;
	int tid = c->tid;
	if (v)
		c->vfork = v;
	task_publish(c);
	ptrace_fork_child(c, f | (u64)(a->exit_signal & 0xff), &trace_event);
	if (pf)
		fd_publish(pfd, pf);
	if (f & CLONE_PARENT_SETTID)
		put_user((s32)tid, a->parent_tid);
	sched_start(c);
	if (trace_event)
		ptrace_event(trace_event, (u64)tid);
	return v ? wait_vfork_child(v, tid) : tid;

out_pidfd:
	if (pf && !IS_ERR(pf))
		file_put(pf);
	if (pfd >= 0)
		fd_unreserve(pfd);
out_child:
	kfree(v);
	child_drop(c);
	return err;
}

long sys_clone(u64 flags, u64 stack, uaddr_t parent_tid, uaddr_t child_tid, u64 tls)
{
	flags &= U32_MAX;
	struct clone_args_k a = {
		.flags = flags & ~CSIGNAL, .exit_signal = (int)(flags & CSIGNAL), .stack = stack, .tls = tls,
		.parent_tid = parent_tid, .child_tid = child_tid, .pidfd = parent_tid,
	};
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return do_clone(&a);
}

long sys_fork(void)
{
	struct clone_args_k a = { .exit_signal = SIGCHLD };
	return do_clone(&a);
}

long sys_vfork(void)
{
	struct clone_args_k a = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };
	return do_clone(&a);
}

/* clone3(2): struct clone_args of a size that the caller tells. */
long sys_clone3(uaddr_t args, u64 size)
{
	struct abi_clone_args u;
	s32 want = 0;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	memset(&u, 0, sizeof(u));
	int err = copy_struct_from_user(&u, sizeof(u), args, size);
	if (err)
		return err;
	if (u.set_tid_size > 32 || !u.set_tid != !u.set_tid_size)
		return -EINVAL;
	if (u.exit_signal > 64 || (u.flags & ~CLONE3_FLAGS) || (u.flags & CLONE_DETACHED))
		return -EINVAL;
	if (u.flags & (CSIGNAL & ~CLONE_NEWTIME))
		return -EINVAL;
	if ((u.flags & (CLONE_THREAD | CLONE_PARENT)) && u.exit_signal)
		return -EINVAL;
	if (!u.stack != !u.stack_size || u.stack >= PORT_TASK_SIZE || u.stack_size > PORT_TASK_SIZE - u.stack)
		return -EINVAL;
	if (u.set_tid_size) {
		if (u.set_tid_size > 1) /* one pid namespace */
			return -EINVAL;
		if (get_user(want, u.set_tid))
			return -EFAULT;
		if (want < 1 || want >= pid_max)
			return -EINVAL;
	}
	struct clone_args_k a = {
		.flags = u.flags, .exit_signal = (int)u.exit_signal, .stack = u.stack,
		.stack_size = u.stack_size, .tls = u.tls, .parent_tid = u.parent_tid,
		.child_tid = u.child_tid, .pidfd = u.pidfd, .set_tid = want,
	};
	return do_clone(&a);
}

long sys_unshare(u64 flags)
{
	const u64 known = CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM | CLONE_NS;
	if (flags & ~known)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && current->tg->nr_threads > 1)
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && current->sighand->ref.n > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && current->mm->users.n > 1)
		return -EINVAL;
	long err = ns_flags_check(flags);
	if (err)
		return err;
	struct fs_ctx *fs = NULL;
	if ((flags & CLONE_FS) && current->fs->ref.n > 1) {
		fs = ptr_or_nomem(fs_ctx_copy(current->fs));
		if (IS_ERR(fs))
			return PTR_ERR(fs);
	}
	if (flags & CLONE_FILES) {
		err = files_unshare();
		if (err) {
			if (fs)
				fs_ctx_put(fs);
			return err;
		}
	}
	if (fs) {
		struct fs_ctx *old = current->fs;
		current->fs = fs;
		fs_ctx_put(old);
	}
	return 0;
}

/* No namespace has an fd here, so no fd can be one: EBADF, else EINVAL (setns(2)). */
long sys_setns(int fd, int type)
{
	struct file *f = fd_get(fd);
	if (!f)
		return -EBADF;
	file_put(f);
	return -EINVAL;
}

long sys_set_tid_address(uaddr_t tidptr)
{
	current->clear_child_tid = tidptr;
	return current->tid;
}
