/*
 * The inodes of /proc/PID and /proc/PID/task/TID: made by lookup, bound to their task, stale when it is released.
 * The table `entries` is the directory; each name says whether it is there for a process, a thread or both.
 */
#include "proc.h"
#include <umber/poll.h>

#define COMM_WRITE_MAX 4096UL
#define TASK_POS_END (1LL << 40)

static const struct inode_ops pid_dir_iops, pid_file_iops, pid_link_iops, task_dir_iops;
static const struct file_ops pid_dir_fops, task_dir_fops;

#define DIR_(n, m, f, io, fo) { .name = n, .mode = S_IFDIR | (m), .flags = f, .iop = &(io), .fop = &(fo) }
#define SEQ_(n, m, f, s, w) { .name = n, .mode = S_IFREG | (m), .flags = f, .show = s, .write = w, .fop = &pid_seq_fops }
#define OPS_(n, m, f, fo) { .name = n, .mode = S_IFREG | (m), .flags = f, .fop = &(fo) }
#define LNK_(n, l) { .name = n, .mode = S_IFLNK | 0777, .flags = PE_BOTH, .link = l }

static int show_mounts(struct seq_file *m, struct task *t)
{
	mounts_show(m, t, MOUNTS_PLAIN);
	return 0;
}

static int show_mountinfo(struct seq_file *m, struct task *t)
{
	mounts_show(m, t, MOUNTS_INFO);
	return 0;
}

static int show_mountstats(struct seq_file *m, struct task *t)
{
	mounts_show(m, t, MOUNTS_STATS);
	return 0;
}

/* mounts and mountinfo tell of changes by POLLERR|POLLPRI. */
static int mounts_open(struct inode *inode, struct file *f)
{
	f->version = init_mnt_ns->event;
	return pid_seq_fops.open(inode, f);
}
static const struct file_ops mounts_fops;

static const struct pid_entry entries[] = {
	DIR_("task", 0555, PE_TGID, task_dir_iops, task_dir_fops),
	DIR_("fd", 0500, PE_BOTH, fd_dir_iops, fd_dir_fops),
	DIR_("fdinfo", 0555, PE_BOTH, fdinfo_dir_iops, fdinfo_dir_fops),
	DIR_("ns", 0511, PE_BOTH, ns_dir_iops, ns_dir_fops),
	DIR_("net", 0555, PE_BOTH, net_dir_iops, net_dir_fops),
	OPS_("environ", 0400, PE_BOTH | PE_MM, environ_fops),
	SEQ_("auxv", 0400, PE_BOTH | PE_MM, show_auxv, NULL),
	SEQ_("status", 0444, PE_BOTH, show_status, NULL),
	SEQ_("personality", 0400, PE_BOTH | PE_PTRACE, show_personality, NULL),
	SEQ_("limits", 0444, PE_BOTH, show_limits, NULL),
	SEQ_("sched", 0444, PE_BOTH, show_sched, NULL),
	SEQ_("comm", 0644, PE_BOTH, show_comm, write_comm),
	SEQ_("syscall", 0400, PE_BOTH | PE_PTRACE, show_syscall, NULL),
	OPS_("cmdline", 0444, PE_BOTH, cmdline_fops),
	SEQ_("stat", 0444, PE_TGID, show_stat_tgid, NULL),
	SEQ_("stat", 0444, PE_TID, show_stat_tid, NULL),
	SEQ_("statm", 0444, PE_BOTH, show_statm, NULL),
	SEQ_("maps", 0444, PE_BOTH | PE_MM, show_maps, NULL),
	SEQ_("children", 0444, PE_TID, show_children, NULL),
	SEQ_("numa_maps", 0444, PE_BOTH | PE_MM, show_numa_maps, NULL),
	OPS_("mem", 0600, PE_BOTH | PE_MM, mem_fops),
	LNK_("cwd", link_cwd),
	LNK_("root", link_root),
	LNK_("exe", link_exe),
	{ .name = "mounts", .mode = S_IFREG | 0444, .flags = PE_BOTH, .show = show_mounts, .fop = &mounts_fops },
	{ .name = "mountinfo", .mode = S_IFREG | 0444, .flags = PE_BOTH, .show = show_mountinfo, .fop = &mounts_fops },
	SEQ_("mountstats", 0400, PE_TGID, show_mountstats, NULL),
	SEQ_("clear_refs", 0200, PE_BOTH, NULL, write_clear_refs),
	SEQ_("smaps", 0444, PE_BOTH | PE_MM, show_smaps, NULL),
	SEQ_("smaps_rollup", 0444, PE_BOTH | PE_MM, show_rollup, NULL),
	OPS_("pagemap", 0400, PE_BOTH | PE_MM, pagemap_fops),
	SEQ_("wchan", 0444, PE_BOTH, show_wchan, NULL),
	SEQ_("schedstat", 0444, PE_BOTH, show_schedstat, NULL),
	SEQ_("cpuset", 0444, PE_BOTH, show_cpuset, NULL),
	SEQ_("cgroup", 0444, PE_BOTH, show_cgroup, NULL),
	SEQ_("oom_score", 0444, PE_BOTH, show_oom_score, NULL),
	SEQ_("oom_adj", 0644, PE_BOTH, show_oom_adj, write_oom_adj),
	SEQ_("oom_score_adj", 0644, PE_BOTH, show_oom_score_adj, write_oom_score_adj),
	SEQ_("coredump_filter", 0444, PE_TGID, show_coredump_filter, NULL),
	SEQ_("io", 0400, PE_TGID | PE_PTRACE, show_io_tgid, NULL),
	SEQ_("io", 0400, PE_TID | PE_PTRACE, show_io_tid, NULL),
	SEQ_("uid_map", 0644, PE_BOTH, show_id_map, write_id_map),
	SEQ_("gid_map", 0644, PE_BOTH, show_id_map, write_id_map),
	SEQ_("projid_map", 0644, PE_BOTH, show_id_map, write_id_map),
	SEQ_("setgroups", 0644, PE_BOTH, show_setgroups, write_id_map),
	SEQ_("timerslack_ns", 0666, PE_TGID, show_timerslack, write_timerslack),
};

/* ---- inodes ---- */
struct task *pid_inode_task(const struct inode *i)
{
	struct pid_inode *p = pid_i(i);
	struct task *t = p->tg ? p->tg->leader : p->task;

	return t->exit_state == 2 ? NULL : t;
}

struct task *pid_task_get(const struct inode *i)
{
	struct task *t = pid_inode_task(i);

	return t ? task_get(t) : NULL;
}

struct mm *task_mm(struct task *t)
{
	return t->mm ? mm_get(t->mm) : NULL;
}

/* Directories that all may search belong to the effective ids; the rest to root if the process is not dumpable. */
void pid_owner(struct inode *i, struct task *t)
{
	bool own = i->mode == (S_IFDIR | 0555) || (t->mm && t->mm->dumpable);

	if (t->is_kthread)
		own = false;
	i->uid = own ? t->cred->euid : 0;
	i->gid = own ? t->cred->egid : 0;
}

struct inode *pid_inode_new(struct super_block *sb, struct task *t, u32 mode, u64 ino)
{
	struct pid_inode *p = kzalloc(sizeof(*p));
	struct inode *i = p ? inode_new(sb) : NULL;

	if (!i) {
		kfree(p);
		return NULL;
	}
	if (is_leader(t)) {
		p->tg = t->tg;
		ref_get(&t->tg->ref);
	} else {
		p->task = task_get(t);
	}
	p->fd = -1;
	i->priv = p;
	i->flags |= I_PROC;
	i->mode = mode;
	i->ino = ino;
	i->nlink = S_ISDIR(mode) ? 2 : 1;
	i->op = &pid_file_iops;
	pid_owner(i, t);
	return i;
}

void pid_inode_free(struct inode *i)
{
	struct pid_inode *p = i->priv;

	i->priv = NULL;
	if (p->tg)
		tgroup_put(p->tg);
	else
		task_put(p->task);
	kfree(p);
}

bool pid_revalidate(struct dentry *d, u32 flags)
{
	struct task *t;

	if (!d->inode || !(d->inode->flags & I_PROC))
		return false;
	t = pid_inode_task(d->inode);
	if (!t)
		return false;
	pid_owner(d->inode, t);
	return true;
}

int pid_setattr(struct dentry *d, struct iattr *a)
{
	int err;

	if (a->valid & ATTR_MODE)
		return -EPERM;
	err = setattr_prepare(d, a);
	if (err)
		return err;
	a->valid &= ~(u32)ATTR_SIZE; /* O_TRUNC means nothing here */
	setattr_copy(d->inode, a);
	return 0;
}

int pid_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	struct task *t = pid_inode_task(d->inode);

	if (t)
		pid_owner(d->inode, t);
	generic_fillattr(d->inode, st);
	if (t && d->inode->op == &task_dir_iops)
		st->nlink += (u32)t->tg->nr_threads;
	return 0;
}

int name_to_nr(const struct qstr *q)
{
	u64 n = 0;

	if (!q->len || q->len > 10 || (q->len > 1 && q->name[0] == '0'))
		return -1;
	for (u32 i = 0; i < q->len; i++) {
		if (q->name[i] < '0' || q->name[i] > '9')
			return -1;
		n = n * 10 + (u64)(q->name[i] - '0');
	}
	return n > INT_MAX ? -1 : (int)n;
}

bool emit_dots(struct file *f, filldir_t fill, void *ctx, u64 parent_ino)
{
	if (f->pos == 0) {
		if (fill(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
			return false;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (fill(ctx, "..", 2, 2, parent_ino, DT_DIR))
			return false;
		f->pos = 2;
	}
	return true;
}

char *path_text(const struct path *p)
{
	char *buf = kmalloc(PATH_MAX), *s;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	s = d_path(p, buf, PATH_MAX);
	if (IS_ERR(s)) {
		kfree(buf);
		return s;
	}
	memmove(buf, s, strlen(s) + 1);
	return buf;
}

/* ---- /proc: numbers ---- */
static struct dentry *add_pid_dir(struct inode *dir, struct dentry *d, struct task *t, u32 mask)
{
	struct inode *i = pid_inode_new(dir->sb, t, S_IFDIR | 0555,
					pid_ino(t->tid, mask == PE_TGID ? INO_TGID : INO_TID, 0));

	if (!i)
		return ERR_PTR(-ENOMEM);
	pid_i(i)->mask = mask;
	i->op = &pid_dir_iops;
	i->fop = &pid_dir_fops;
	d_add(d, i);
	return NULL;
}

/* Also threads that are no leaders can be named, but the directory does not list them. */
struct dentry *pid_root_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	int nr = name_to_nr(&d->name);
	struct task *t = nr > 0 ? find_task(nr) : NULL;

	if (!t)
		return ERR_PTR(-ENOENT);
	return add_pid_dir(dir, d, t, PE_TGID);
}

int pid_root_iterate(struct file *f, filldir_t fill, void *ctx)
{
	char name[12];
	s64 nr = f->pos - PSEUDO_DYN_POS;

	if (nr < 0 || nr > INT_MAX)
		return 0;
	for (int pid = next_pid_nr(nr ? (int)nr : 1); pid > 0; pid = next_pid_nr(pid + 1)) {
		int n;

		if (!find_tgroup(pid))
			continue;
		n = scnprintf(name, sizeof(name), "%d", pid);
		if (fill(ctx, name, n, (u64)PSEUDO_DYN_POS + (u64)pid + 1, pid_ino(pid, INO_TGID, 0), DT_DIR))
			return 0;
		f->pos = PSEUDO_DYN_POS + pid + 1;
	}
	f->pos = PSEUDO_DYN_POS + (s64)INT_MAX + 1;
	return 0;
}

/* ---- /proc/PID and /proc/PID/task/TID ---- */
static struct dentry *pid_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *t = pid_inode_task(dir);
	u32 mask = pid_i(dir)->mask;
	const struct pid_entry *e;
	struct inode *i;

	if (!t)
		return ERR_PTR(-ENOENT);
	for (e = entries; e < entries + ARRAY_SIZE(entries); e++)
		if ((e->flags & mask) && strlen(e->name) == d->name.len && !memcmp(e->name, d->name.name, d->name.len))
			break;
	if (e == entries + ARRAY_SIZE(entries))
		return ERR_PTR(-ENOENT);
	i = pid_inode_new(dir->sb, t, e->mode,
			  pid_ino(t->tid, mask == PE_TGID ? INO_TGID : INO_TID, (u32)(e - entries) + 1));
	if (!i)
		return ERR_PTR(-ENOMEM);
	pid_i(i)->e = e;
	pid_i(i)->mask = mask;
	if (e->iop)
		i->op = e->iop;
	else if (e->link)
		i->op = &pid_link_iops;
	i->fop = e->fop;
	d_add(d, i);
	return NULL;
}

static int pid_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct task *t = pid_inode_task(f->inode);
	u32 mask = pid_i(f->inode)->mask;

	if (!t)
		return -ENOENT;
	if (!emit_dots(f, fill, ctx, mask == PE_TGID ? PROC_ROOT_INO : pid_ino(t->tg->pid, INO_TGID, 1)))
		return 0;
	for (u64 n = (u64)f->pos - 2; n < ARRAY_SIZE(entries); n++) {
		const struct pid_entry *e = &entries[n];
		u64 ino = pid_ino(t->tid, mask == PE_TGID ? INO_TGID : INO_TID, (u32)n + 1);

		if ((e->flags & mask) &&
		    fill(ctx, e->name, (int)strlen(e->name), n + 3, ino, (e->mode & S_IFMT) >> 12))
			return 0;
		f->pos = (s64)n + 3;
	}
	return 0;
}

/* ---- /proc/PID/task ---- */
static struct dentry *task_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *leader = pid_inode_task(dir), *t;
	int nr = name_to_nr(&d->name);

	if (!leader)
		return ERR_PTR(-ENOENT);
	t = nr > 0 ? find_task(nr) : NULL;
	if (!t || t->tg != leader->tg)
		return ERR_PTR(-ENOENT);
	return add_pid_dir(dir, d, t, PE_TID);
}

/* The thread to go on with: tid itself, or if it has ended the one with the next greater number. */
static struct task *resume_thread(struct tgroup *tg, int tid)
{
	struct task *t = find_task(tid), *best = NULL;

	if (t && t->tg == tg)
		return t;
	list_for_each_entry(t, &tg->threads, tg_node)
		if (t->tid > tid && (!best || t->tid < best->tid))
			best = t;
	return best;
}

/* An offset is the next thread's number + 2, so that a long list is walked once. */
static int task_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct task *leader = pid_inode_task(f->inode), *t;
	struct tgroup *tg;
	char name[12];

	if (!leader)
		return -ENOENT;
	tg = leader->tg;
	if (!emit_dots(f, fill, ctx, pid_ino(leader->tid, INO_TGID, 0)))
		return 0;
	if (f->pos >= TASK_POS_END || list_empty(&tg->threads))
		return 0;
	t = f->pos == 2 ? list_first_entry(&tg->threads, struct task, tg_node) : resume_thread(tg, (int)(f->pos - 2));
	for (; t && &t->tg_node != &tg->threads; t = list_next_entry(t, tg_node)) {
		struct task *next = list_next_entry(t, tg_node);
		s64 off = &next->tg_node == &tg->threads ? TASK_POS_END : (s64)next->tid + 2;
		int n = scnprintf(name, sizeof(name), "%d", t->tid);

		if (fill(ctx, name, n, (u64)off, pid_ino(t->tid, INO_TID, 0), DT_DIR)) {
			f->pos = t == list_first_entry(&tg->threads, struct task, tg_node) ? 2 : (s64)t->tid + 2;
			return 0;
		}
		f->pos = off;
	}
	f->pos = TASK_POS_END;
	return 0;
}

/* ---- text files ---- */
static int pid_seq_open(struct inode *inode, struct file *f)
{
	struct task *t = pid_inode_task(inode);

	if (!t)
		return -ESRCH;
	if ((pid_i(inode)->e->flags & PE_MM) && t->mm) {
		if (ptrace_may_access(t))
			return -EACCES;
		f->dirbuf = mm_get(t->mm);
	}
	return 0;
}

static void pid_seq_release(struct file *f)
{
	if (f->dirbuf)
		mm_drop(f->dirbuf);
	f->dirbuf = NULL;
	seq_render_release(f);
}

static int pid_seq_show(struct seq_file *m, void *arg)
{
	struct inode *i = arg;
	const struct pid_entry *e = pid_i(i)->e;
	struct task *t = pid_inode_task(i);
	int err;

	if (!t)
		return -ESRCH;
	if ((e->flags & PE_PTRACE) && ptrace_may_access(t))
		return -EACCES;
	task_get(t);
	err = e->show(m, t);
	task_put(t);
	return err;
}

static ssize_t pid_seq_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	if (!pid_i(f->inode)->e->show)
		return -EINVAL;
	return seq_render_read(f, it, pos, pid_seq_show, f->inode);
}

static ssize_t pid_seq_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	const struct pid_entry *e = pid_i(f->inode)->e;
	struct task *t;
	ssize_t r;
	size_t n;
	char *buf;

	if (!e->write)
		return -EIO;
	t = pid_task_get(f->inode);
	if (!t)
		return -ESRCH;
	buf = seq_copy_write(it, COMM_WRITE_MAX, &n);
	r = IS_ERR(buf) ? PTR_ERR(buf) : e->write(t, buf, n);
	if (!IS_ERR(buf))
		kfree(buf);
	task_put(t);
	if (r > 0)
		*pos += r;
	return r;
}

static u32 mounts_poll(struct file *f, struct poll_table *pt)
{
	u32 mask = EPOLLIN | EPOLLRDNORM;

	poll_wait(f, &init_mnt_ns->wq, pt);
	if (f->version != init_mnt_ns->event) {
		f->version = init_mnt_ns->event;
		mask |= EPOLLERR | EPOLLPRI;
	}
	return mask;
}

/* ---- magic links ---- */
static int pid_follow(struct dentry *d, struct path *out)
{
	struct task *t = pid_inode_task(d->inode);

	if (!t)
		return -ENOENT;
	if (ptrace_may_access(t))
		return -EACCES;
	return pid_i(d->inode)->e->link(t, out);
}

static char *pid_readlink(struct dentry *d)
{
	struct path p;
	int err = pid_follow(d, &p);
	char *s;

	if (err)
		return ERR_PTR(err);
	s = path_text(&p);
	path_put(&p);
	return s;
}

static const struct inode_ops pid_dir_iops = {
	.lookup = pid_lookup, .revalidate = pid_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
static const struct inode_ops task_dir_iops = {
	.lookup = task_lookup, .revalidate = pid_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
static const struct inode_ops pid_file_iops = {
	.revalidate = pid_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
static const struct inode_ops pid_link_iops = {
	.readlink = pid_readlink, .follow_magic = pid_follow, .revalidate = pid_revalidate, .setattr = pid_setattr,
	.getattr = pid_getattr,
};
static const struct file_ops pid_dir_fops = { .llseek = generic_llseek, .iterate = pid_iterate };

bool proc_file_tgroup(const struct file *f, struct tgroup **tg)
{
	if (f->op != &pid_dir_fops || !pid_i(f->inode)->tg)
		return false;
	struct task *t = pid_inode_task(f->inode);

	*tg = t ? t->tg : NULL;
	return true;
}
static const struct file_ops task_dir_fops = { .llseek = generic_llseek, .iterate = task_iterate };
const struct file_ops pid_seq_fops = {
	.llseek = generic_llseek, .read_iter = pid_seq_read, .write_iter = pid_seq_write, .open = pid_seq_open,
	.release = pid_seq_release, .nowait = true,
};
static const struct file_ops mounts_fops = {
	.llseek = generic_llseek, .read_iter = pid_seq_read, .open = mounts_open, .release = pid_seq_release,
	.poll = mounts_poll, .nowait = true,
};
