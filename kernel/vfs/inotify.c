/*
 * inotify(7), and the notification hooks that the VFS calls.
 *
 * A group is what inotify_init makes; it lives with its open file. A watch joins one group and one inode; both
 * list it, and it holds a reference on the inode. It goes by inotify_rm_watch, with its group, after its event if
 * IN_ONESHOT, or with the inode (fsnotify_inode_gone, fsnotify_sb_gone). Each way but the group's end queues
 * IN_IGNORED. iput may sleep, so a watch is off all lists before its inode is put. Queues are bounded: the event
 * too many becomes one IN_Q_OVERFLOW. The hooks cost one compare when there is no watch at all.
 */
#include <abi/errno.h>
#include <abi/inotify.h>
#include <abi/ioctl.h>
#include <umber/kmem.h>
#include <umber/poll.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/vfs.h>

u32 inotify_max_queued_events = 16384;
u32 inotify_max_user_instances = 128;
u32 inotify_max_user_watches = 65536;

struct group {
	struct list_head all;
	struct list_head watches;
	struct list_head events;
	struct wait_queue wq;
	struct xarray by_wd;
	u32 nr_events, nr_watches, uid;
	int last_wd;
	u64 bytes;                   /* that a read of everything would give */
	bool overflowed;             /* IN_Q_OVERFLOW is queued */
};
struct watch {
	struct list_head in_inode, in_group;
	struct group *g;
	struct inode *inode;
	int wd;
	u32 mask;                    /* events, IN_EXCL_UNLINK, IN_ONESHOT */
};
struct event {
	struct list_head node;
	struct inotify_event64 e;    /* e.len: padded length of name */
	char name[];
};

static LIST_HEAD(groups);
static u32 nr_watches;

static u32 name_pad(u32 len)
{
	return len ? ALIGN_UP(len + 1, (u32)sizeof(struct inotify_event64)) : 0;
}

static struct event *event_new(int wd, u32 mask, u32 cookie, const char *name, u32 len)
{
	struct event *ev = kzalloc(sizeof(*ev) + name_pad(len));

	if (!ev)
		return NULL;
	ev->e = (struct inotify_event64){ wd, mask, cookie, name_pad(len) };
	memcpy(ev->name, name ? name : "", len);
	return ev;
}

static bool same_event(const struct event *a, const struct event *b)
{
	return !memcmp(&a->e, &b->e, sizeof(a->e)) && !memcmp(a->name, b->name, a->e.len);
}

/* Appends an event; equal to the last one: dropped; no room or memory: IN_Q_OVERFLOW instead. */
static void queue_event(struct group *g, int wd, u32 mask, u32 cookie, const char *name, u32 len)
{
	struct event *ev = NULL;

	if (g->nr_events < inotify_max_queued_events)
		ev = event_new(wd, mask, cookie, name, len);
	if (!ev) {
		if (g->overflowed)
			return;
		ev = event_new(-1, IN_Q_OVERFLOW, 0, NULL, 0);
		if (!ev)
			return;
		g->overflowed = true;
	} else if (!list_empty(&g->events) &&
		   same_event(list_last_entry(&g->events, struct event, node), ev)) {
		kfree(ev);
		return;
	}
	list_add_tail(&ev->node, &g->events);
	g->nr_events++;
	g->bytes += sizeof(ev->e) + ev->e.len;
	wq_wake_key(&g->wq, INT_MAX, EPOLLIN | EPOLLRDNORM);
}

static void event_free(struct group *g, struct event *ev)
{
	if (ev->e.wd == -1)
		g->overflowed = false;
	list_del(&ev->node);
	g->nr_events--;
	g->bytes -= sizeof(ev->e) + ev->e.len;
	kfree(ev);
}

/* Takes w off all lists and frees it. The caller puts the inode that is returned. */
static struct inode *watch_unlink(struct watch *w)
{
	struct inode *inode = w->inode;

	list_del(&w->in_inode);
	list_del(&w->in_group);
	xa_erase(&w->g->by_wd, w->wd);
	w->g->nr_watches--;
	nr_watches--;
	kfree(w);
	return inode;
}

static struct inode *watch_end(struct watch *w)
{
	queue_event(w->g, w->wd, IN_IGNORED, 0, NULL, 0);
	return watch_unlink(w);
}

/* mask: one event bit, perhaps IN_ISDIR. unlinked: the name is gone from the directory already. */
static void notify(struct inode *i, u32 mask, u32 cookie, const char *name, u32 len, bool unlinked)
{
	struct watch *w, *n;
	u32 puts = 0;

	if (mask & (FSN_DELETE_SELF | FSN_MOVE_SELF)) /* these two never say what they are */
		mask &= ~IN_ISDIR;
	list_for_each_entry_safe(w, n, &i->watches, in_inode) {
		if (!(w->mask & mask & IN_ALL_EVENTS) || (unlinked && w->mask & IN_EXCL_UNLINK))
			continue;
		queue_event(w->g, w->wd, mask, cookie, name, len);
		if (w->mask & IN_ONESHOT) {
			watch_end(w);
			puts++;
		}
	}
	while (puts--)
		iput(i);
}

void fsnotify_dentry(struct dentry *d, u32 mask)
{
	struct inode *i = d->inode;

	if (likely(!nr_watches) || !i)
		return;
	if (inode_is_dir(i))
		mask |= FSN_ISDIR;
	iget(i); /* a one-shot watch may hold the last other reference */
	if (d->parent != d && d->parent->inode && !list_empty(&d->parent->inode->watches))
		notify(d->parent->inode, mask, 0, d->name.name, d->name.len, list_empty(&d->hash_node));
	if (!list_empty(&i->watches))
		notify(i, mask, 0, NULL, 0, false);
	iput(i);
}

void fsnotify_name(struct inode *dir, const char *name, u32 mask, u32 cookie)
{
	if (unlikely(nr_watches) && !list_empty(&dir->watches))
		notify(dir, mask, cookie, name, strlen(name), false);
}

void fsnotify_inode(struct inode *i, u32 mask)
{
	if (unlikely(nr_watches) && !list_empty(&i->watches))
		notify(i, inode_is_dir(i) ? mask | FSN_ISDIR : mask, 0, NULL, 0, false);
}

u32 fsnotify_cookie(void)
{
	static u32 cookie;

	return ++cookie ? cookie : ++cookie;
}

void fsnotify_inode_gone(struct inode *i)
{
	if (likely(list_empty(&i->watches)))
		return;
	iget(i);
	notify(i, FSN_DELETE_SELF, 0, NULL, 0, false);
	while (!list_empty(&i->watches))
		iput(watch_end(list_first_entry(&i->watches, struct watch, in_inode)));
	iput(i);
}

void fsnotify_sb_gone(struct super_block *sb)
{
	struct group *g;
	struct watch *w, *n;
again:
	list_for_each_entry(g, &groups, all) {
		list_for_each_entry_safe(w, n, &g->watches, in_group) {
			if (w->inode->sb != sb)
				continue;
			queue_event(g, w->wd, IN_UNMOUNT, 0, NULL, 0);
			iput(watch_end(w));
			goto again; /* iput may have slept */
		}
	}
}

static ssize_t inotify_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct group *g = f->priv;
	ssize_t done = 0;

	if (list_empty(&g->events)) {
		int err;

		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&g->wq, !list_empty(&g->events), WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (err)
			return err;
	}
	while (!list_empty(&g->events)) {
		struct event *ev = list_first_entry(&g->events, struct event, node);
		size_t n = sizeof(ev->e) + ev->e.len;

		if (it->count < n)
			return done ? done : -EINVAL;
		if (copy_to_iter(&ev->e, sizeof(ev->e), it) != sizeof(ev->e) ||
		    copy_to_iter(ev->name, ev->e.len, it) != ev->e.len)
			return done ? done : -EFAULT;
		event_free(g, ev);
		done += n;
	}
	return done;
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct group *g = f->priv;

	poll_wait(f, &g->wq, pt);
	return list_empty(&g->events) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static long inotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct group *g = f->priv;
	int n = min_t(u64, g->bytes, INT_MAX);

	return cmd == FIONREAD ? put_user(n, arg) : -ENOTTY;
}

static void inotify_release(struct file *f)
{
	struct group *g = f->priv;

	list_del(&g->all);
	while (!list_empty(&g->watches))
		iput(watch_unlink(list_first_entry(&g->watches, struct watch, in_group)));
	while (!list_empty(&g->events))
		event_free(g, list_first_entry(&g->events, struct event, node));
	xa_destroy(&g->by_wd);
	kfree(g);
}

static void inotify_fdinfo(struct file *f, struct seq_file *m)
{
	struct group *g = f->priv;
	struct watch *w;

	list_for_each_entry(w, &g->watches, in_group)
		seq_printf(m, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0\n", w->wd,
			   (unsigned long long)w->inode->ino, w->inode->sb->dev, w->mask);
}

static const struct file_ops inotify_fops = {
	.read_iter = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_fdinfo,
	.llseek = noop_llseek,
};

/* inotify_init1(2): EMFILE over the instances that a user may have. */
long sys_inotify_init1(int flags)
{
	struct group *g;
	struct file *f;
	u32 mine = 0;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	list_for_each_entry(g, &groups, all)
		mine += g->uid == current->cred->uid;
	if (mine >= inotify_max_user_instances)
		return -EMFILE;
	g = kzalloc(sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->uid = current->cred->uid;
	list_init(&g->watches);
	list_init(&g->events);
	wq_init(&g->wq);
	xa_init(&g->by_wd);
	f = anon_file("inotify", &inotify_fops, g, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(g);
		return PTR_ERR(f);
	}
	list_add_tail(&g->all, &groups);
	return fd_install(f, flags & O_CLOEXEC);
}

/* inotify_init(2) */
long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static struct group *group_of(struct file *f)
{
	return f->op == &inotify_fops ? f->priv : NULL;
}

/* Adds or changes the watch of g on inode. wd or errno. */
static int add_watch(struct group *g, struct inode *inode, u32 mask)
{
	u32 keep = mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);
	u32 mine = 0;
	struct group *o;
	struct watch *w;

	list_for_each_entry(w, &inode->watches, in_inode) {
		if (w->g != g)
			continue;
		if (mask & IN_MASK_CREATE)
			return -EEXIST;
		w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
		return w->wd;
	}
	list_for_each_entry(o, &groups, all)
		mine += o->uid == g->uid ? o->nr_watches : 0;
	if (mine >= inotify_max_user_watches || g->last_wd == INT_MAX)
		return -ENOSPC;
	w = kzalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->g = g;
	w->mask = keep;
	w->wd = g->last_wd + 1;
	if (xa_store(&g->by_wd, w->wd, w)) {
		kfree(w);
		return -ENOMEM;
	}
	g->last_wd = w->wd;
	w->inode = iget(inode);
	list_add_tail(&w->in_inode, &inode->watches);
	list_add_tail(&w->in_group, &g->watches);
	g->nr_watches++;
	nr_watches++;
	return w->wd;
}

/* inotify_add_watch(2) */
long sys_inotify_add_watch(int fd, uaddr_t upath, u32 mask)
{
	struct file *f;
	struct path path;
	long ret;

	if (!(mask & (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED)))
		return -EINVAL;
	if (mask & IN_MASK_ADD && mask & IN_MASK_CREATE)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	ret = -EINVAL;
	if (!group_of(f))
		goto out;
	ret = user_path_at(AT_FDCWD, upath, (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0), &path);
	if (ret)
		goto out;
	ret = inode_permission(path.dentry->inode, MAY_READ);
	if (!ret)
		ret = add_watch(group_of(f), path.dentry->inode, mask);
	path_put(&path);
out:
	file_put(f);
	return ret;
}

/* inotify_rm_watch(2) */
long sys_inotify_rm_watch(int fd, int wd)
{
	struct file *f = fd_get(fd);
	struct watch *w;
	long ret = -EINVAL;

	if (!f)
		return -EBADF;
	w = group_of(f) && wd > 0 ? xa_load(&group_of(f)->by_wd, wd) : NULL;
	if (w) {
		iput(watch_end(w));
		ret = 0;
	}
	file_put(f);
	return ret;
}
