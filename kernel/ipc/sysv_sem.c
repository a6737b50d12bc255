/*
 * System V semaphores: semget(2), semop(2), semctl(2).
 *
 * An operation array is tried as a whole (try_ops): all or nothing, so it needs no order among sleepers; who changes
 * a set wakes all its sleepers and each tries again. SEM_UNDO adjustments belong to a process (tgroup->sem_undo, one
 * struct sem_undo for each set it used) and are applied when its last thread exits (sysv_sem_exit); each is on the set's
 * list too, so that removing the set can drop it.
 */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/sysvipc.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/uaccess.h>
#include <umber/vfs.h>

#define SEMVMX 32767
#define SEMMSL 32000
#define SEMMNI 32000
#define SEMMNS 1024000000
#define SEMOPM 500
#define SEMOPS_STACK 16

struct sem { s32 val; s32 pid; };
struct sem_set {
	struct ipc_obj o;
	u32 nsems;
	s64 otime, ctime;
	struct wait_queue wq;
	struct list_head sleepers;    /* sem_sleeper: GETNCNT, GETZCNT */
	struct list_head undos;       /* sem_undo.in_set */
	struct sem sem[];
};
struct sem_undo {
	struct sem_undo *next;        /* tgroup's list */
	struct list_head in_set;
	struct sem_set *set;          /* NULL: the set was removed */
	s16 adj[];
};
struct sem_sleeper { struct list_head node; u32 num; bool zero; };

static u64 total_sems;

static u64 sem_bytes(u64 n)
{
	return sizeof(struct sem_set) + n * sizeof(struct sem);
}

static struct ipc_obj *sem_make(const void *arg)
{
	u32 n = *(const int *)arg;
	struct sem_set *s;

	if (!n)
		return ERR_PTR(-EINVAL);
	if (total_sems + n > SEMMNS)
		return ERR_PTR(-ENOSPC);
	s = ipc_alloc(sem_bytes(n));
	if (!s)
		return ERR_PTR(-ENOMEM);
	memset(s, 0, sem_bytes(n));
	total_sems += n;
	s->nsems = n;
	s->ctime = ktime_real_ts().tv_sec;
	wq_init(&s->wq);
	list_init(&s->sleepers);
	list_init(&s->undos);
	return &s->o;
}

static int sem_check(struct ipc_obj *o, const void *arg)
{
	return *(const int *)arg > (int)container_of(o, struct sem_set, o)->nsems ? -EINVAL : 0;
}

static void sem_free(struct ipc_obj *o)
{
	struct sem_set *s = container_of(o, struct sem_set, o);

	total_sems -= s->nsems;
	ipc_free(s, sem_bytes(s->nsems));
}

static struct ipc_table sems = { .max = SEMMNI, .make = sem_make, .check = sem_check, .free = sem_free };

static struct sem_set *set_find(int id)
{
	struct ipc_obj *o = ipc_find(&sems, id);

	return IS_ERR(o) ? (void *)o : container_of(o, struct sem_set, o);
}

/* semget(2) */
long sys_semget(int key, int nsems, int flags)
{
	if (nsems < 0 || nsems > SEMMSL)
		return -EINVAL;
	return ipc_get(&sems, key, flags, &nsems);
}

/* The adjustments of current's process for s, made at need. NULL: no memory. */
static struct sem_undo *undo_get(struct sem_set *s)
{
	struct sem_undo *u, **link = &current->tg->sem_undo;

	while ((u = *link)) {
		if (u->set == s)
			return u;
		if (!u->set) { /* its set is gone */
			*link = u->next;
			kfree(u);
			continue;
		}
		link = &u->next;
	}
	u = kzalloc(sizeof(*u) + s->nsems * sizeof(u->adj[0]));
	if (!u)
		return NULL;
	u->set = s;
	u->next = current->tg->sem_undo;
	current->tg->sem_undo = u;
	list_add_tail(&u->in_set, &s->undos);
	return u;
}

void sysv_sem_exit(struct task *t)
{
	struct tgroup *tg = t->tg;
	struct sem_undo *u;

	if (tg->nr_threads)
		return;
	while ((u = tg->sem_undo)) {
		struct sem_set *s = u->set;

		tg->sem_undo = u->next;
		for (u32 i = 0; s && i < s->nsems; i++) {
			s32 v = s->sem[i].val + u->adj[i];

			if (!u->adj[i])
				continue;
			s->sem[i].val = v < 0 ? 0 : min(v, SEMVMX);
			s->sem[i].pid = tg->pid;
		}
		if (s) {
			s->otime = ktime_real_ts().tv_sec;
			wq_wake_all(&s->wq);
			list_del(&u->in_set);
		}
		kfree(u);
	}
}

/* All or nothing. 0: done; 1: must wait, *at is the operation that does not pass; errno. */
static int try_ops(struct sem_set *s, const struct sembuf16 *ops, u32 n, struct sem_undo *u, u32 *at)
{
	int err = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		struct sem *m = &s->sem[ops[i].num];
		s32 adj = u ? u->adj[ops[i].num] - ops[i].op : 0;

		if (ops[i].op ? m->val + ops[i].op < 0 : m->val != 0) {
			err = ops[i].flg & IPC_NOWAIT ? -EAGAIN : 1;
			break;
		}
		if (m->val + ops[i].op > SEMVMX ||
		    (ops[i].flg & SEM_UNDO && (adj < -SEMVMX - 1 || adj > SEMVMX))) {
			err = -ERANGE;
			break;
		}
		m->val += ops[i].op;
		if (ops[i].flg & SEM_UNDO)
			u->adj[ops[i].num] = adj;
	}
	if (!err) {
		for (i = 0; i < n; i++)
			s->sem[ops[i].num].pid = current->tg->pid;
		return 0;
	}
	*at = i;
	while (i--) {
		s->sem[ops[i].num].val -= ops[i].op;
		if (ops[i].flg & SEM_UNDO)
			u->adj[ops[i].num] += ops[i].op;
	}
	return err;
}

/* Retry of a sleeper: true when it must not sleep any more; *res says why. */
static bool sem_done(struct sem_set *s, const struct sembuf16 *ops, u32 n, struct sem_undo *u,
		     struct sem_sleeper *sl, int *res)
{
	u32 at = 0;

	if (s->o.removed) {
		*res = -EIDRM;
		return true;
	}
	*res = try_ops(s, ops, n, u, &at);
	if (*res == 1) {
		sl->num = ops[at].num;
		sl->zero = !ops[at].op;
	}
	return *res != 1;
}

static long do_semop(struct sem_set *s, const struct sembuf16 *ops, u32 n, u64 deadline_ns)
{
	struct sem_undo *u = NULL;
	struct sem_sleeper sl = { .num = 0 };
	bool alter = false, undo = false;
	int err, res = 0;

	for (u32 i = 0; i < n; i++) {
		alter |= ops[i].op != 0;
		undo |= (ops[i].flg & SEM_UNDO) != 0;
		if (ops[i].num >= s->nsems)
			return -EFBIG;
	}
	err = ipc_perm(&s->o, alter ? IPC_W : IPC_R);
	if (err)
		return err;
	if (undo) {
		u = undo_get(s);
		if (!u)
			return -ENOMEM;
	}
	list_init(&sl.node);
	if (!sem_done(s, ops, n, u, &sl, &res)) {
		list_add_tail(&sl.node, &s->sleepers);
		err = wait_event(&s->wq, sem_done(s, ops, n, u, &sl, &res), WAIT_INTERRUPTIBLE,
				 deadline_ns);
		list_del(&sl.node);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
	}
	if (res)
		return res;
	s->otime = ktime_real_ts().tv_sec;
	if (alter)
		wq_wake_all(&s->wq);
	return 0;
}

/* semtimedop(2): timeout relative, NULL for none. */
long sys_semtimedop(int id, uaddr_t uops, u32 nr, uaddr_t timeout)
{
	struct sembuf16 stack[SEMOPS_STACK], *ops = stack;
	u64 deadline = WAIT_FOREVER;
	struct sem_set *s;
	long ret;

	if (!nr || id < 0)
		return -EINVAL;
	if (nr > SEMOPM)
		return -E2BIG;
	ret = user_timeout_rel(timeout, &deadline);
	if (ret)
		return ret;
	if (nr > SEMOPS_STACK) {
		ops = kmalloc(nr * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
	}
	ret = -EFAULT;
	if (copy_from_user(ops, uops, nr * sizeof(*ops)))
		goto out;
	s = set_find(id);
	ret = PTR_ERR(s);
	if (IS_ERR(s))
		goto out;
	ret = do_semop(s, ops, nr, deadline);
	ipc_put(&sems, &s->o);
out:
	if (ops != stack)
		kfree(ops);
	return ret;
}

/* semop(2) */
long sys_semop(int id, uaddr_t ops, u32 nr)
{
	return sys_semtimedop(id, ops, nr, 0);
}

static void clear_undo(struct sem_set *s, u32 first, u32 n)
{
	struct sem_undo *u;

	list_for_each_entry(u, &s->undos, in_set)
		memset(&u->adj[first], 0, n * sizeof(u->adj[0]));
}

static void sem_remove(struct sem_set *s)
{
	while (!list_empty(&s->undos)) {
		struct sem_undo *u = list_first_entry(&s->undos, struct sem_undo, in_set);

		u->set = NULL;
		list_del(&u->in_set);
	}
	wq_wake_all(&s->wq);
	ipc_remove(&sems, &s->o);
}

static long sem_info(int cmd, uaddr_t arg)
{
	struct seminfo32 i = { .semmap = SEMMNS, .semmni = SEMMNI, .semmns = SEMMNS, .semmnu = SEMMNS,
			       .semmsl = SEMMSL, .semopm = SEMOPM, .semume = SEMOPM, .semusz = 20,
			       .semvmx = SEMVMX, .semaem = SEMVMX };

	if (cmd == SEM_INFO) {
		i.semusz = (s32)sems.nr;
		i.semaem = (s32)total_sems;
	}
	return put_user(i, arg) ? -EFAULT : ipc_highest_index(&sems);
}

static int sem_stat(struct sem_set *s, uaddr_t arg)
{
	struct semid64_ds ds;

	memset(&ds, 0, sizeof(ds));
	ipc_fill_perm(&s->o, &ds.perm);
	ds.otime = s->otime;
	ds.ctime = s->ctime;
	ds.nsems = s->nsems;
	return put_user(ds, arg);
}

/* GETALL, SETALL. */
static long sem_all(struct sem_set *s, bool set, uaddr_t arg)
{
	u16 *v = kmalloc(s->nsems * sizeof(*v));
	long ret = 0;

	if (!v)
		return -ENOMEM;
	if (!set) {
		for (u32 i = 0; i < s->nsems; i++)
			v[i] = s->sem[i].val;
		ret = copy_to_user(arg, v, s->nsems * sizeof(*v));
		goto out;
	}
	ret = copy_from_user(v, arg, s->nsems * sizeof(*v));
	for (u32 i = 0; !ret && i < s->nsems; i++)
		if (v[i] > SEMVMX)
			ret = -ERANGE;
	if (ret)
		goto out;
	for (u32 i = 0; i < s->nsems; i++) {
		s->sem[i].val = v[i];
		s->sem[i].pid = current->tg->pid;
	}
	clear_undo(s, 0, s->nsems);
	s->ctime = ktime_real_ts().tv_sec;
	wq_wake_all(&s->wq);
out:
	kfree(v);
	return ret;
}

static long count_sleepers(struct sem_set *s, u32 num, bool zero)
{
	struct sem_sleeper *sl;
	long n = 0;

	list_for_each_entry(sl, &s->sleepers, node)
		n += sl->num == num && sl->zero == zero;
	return n;
}

/* Commands on one semaphore. */
static long sem_one(struct sem_set *s, int num, int cmd, u64 arg)
{
	s32 v = (s32)arg;

	if (num < 0 || num >= (int)s->nsems)
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return s->sem[num].val;
	case GETPID:
		return s->sem[num].pid;
	case GETNCNT:
		return count_sleepers(s, num, false);
	case GETZCNT:
		return count_sleepers(s, num, true);
	}
	if (v < 0 || v > SEMVMX)
		return -ERANGE;
	s->sem[num].val = v;
	s->sem[num].pid = current->tg->pid;
	clear_undo(s, num, 1);
	s->ctime = ktime_real_ts().tv_sec;
	wq_wake_all(&s->wq);
	return 0;
}

static long sem_cmd(struct sem_set *s, int num, int cmd, u64 arg)
{
	struct semid64_ds ds;
	long err;

	switch (cmd) {
	case IPC_STAT: case SEM_STAT: case GETALL: case GETVAL: case GETPID: case GETNCNT: case GETZCNT:
		err = ipc_perm(&s->o, IPC_R);
		break;
	case SETVAL: case SETALL:
		err = ipc_perm(&s->o, IPC_W);
		break;
	case IPC_SET:
		err = get_user(ds, arg);
		if (!err)
			err = ipc_owner_check(&s->o);
		break;
	case IPC_RMID:
		err = ipc_owner_check(&s->o);
		break;
	default:
		err = 0;
	}
	if (err)
		return err;
	switch (cmd) {
	case IPC_STAT:
		return sem_stat(s, arg);
	case SEM_STAT: case SEM_STAT_ANY:
		err = sem_stat(s, arg);
		return err ? err : s->o.id;
	case GETALL: case SETALL:
		return sem_all(s, cmd == SETALL, arg);
	case IPC_SET:
		ipc_set_perm(&s->o, &ds.perm);
		s->ctime = ktime_real_ts().tv_sec;
		return 0;
	case IPC_RMID:
		sem_remove(s);
		return 0;
	}
	return sem_one(s, num, cmd, arg);
}

/* semctl(2) */
long sys_semctl(int id, int num, int cmd, u64 arg)
{
	struct sem_set *s;
	long ret;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO: case SEM_INFO:
		return sem_info(cmd, arg);
	case SEM_STAT: case SEM_STAT_ANY: {
		struct ipc_obj *o = ipc_by_index(&sems, id);

		s = IS_ERR(o) ? (void *)o : container_of(o, struct sem_set, o);
		break;
	}
	case IPC_STAT: case IPC_SET: case IPC_RMID: case GETALL: case SETALL:
	case GETVAL: case GETPID: case GETNCNT: case GETZCNT: case SETVAL:
		s = set_find(id);
		break;
	default:
		return -EINVAL;
	}
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = sem_cmd(s, num, cmd, arg);
	ipc_put(&sems, &s->o);
	return ret;
}

void sysvsem_show(struct seq_file *m)
{
	struct ipc_obj *o;

	seq_puts(m, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (u64 i = 0; (o = xa_find(&sems.objs, &i)); i++) {
		struct sem_set *s = container_of(o, struct sem_set, o);

		seq_printf(m, "%10d %10d  %4o %10u %5u %5u %5u %5u %10llu %10llu\n", o->key, o->id,
			   o->mode, s->nsems, o->uid, o->gid, o->cuid, o->cgid,
			   (unsigned long long)s->otime, (unsigned long long)s->ctime);
	}
}
