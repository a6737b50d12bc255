/*
 * /proc/PID/net: one list of files for the whole guest (there is one network namespace). Subsystems register theirs;
 * what a system without the protocol would show (a header and no lines) stands in until they do.
 */
#include "proc.h"

struct net_file {
	struct net_file *next;
	const char *name;
	u32 mode, nr;
	pseudo_show_fn show;
	void *arg;
};
static struct net_file *files, **tail = &files;
static u32 nr_files;

/* kernel/net */
struct seq_file;
void netdev_show(struct seq_file *m) __weak;
void unix_show(struct seq_file *m) __weak;
void sockstat_show(struct seq_file *m) __weak;

static const struct inode_ops net_file_iops;
static const struct file_ops net_file_fops;

static struct net_file *find(const char *name, size_t len)
{
	struct net_file *n;

	for (n = files; n; n = n->next)
		if (strlen(n->name) == len && !memcmp(n->name, name, len))
			break;
	return n;
}

int proc_net_register(const char *name, u32 mode, pseudo_show_fn show, void *arg)
{
	struct net_file *n = find(name, strlen(name));

	if (!n) {
		n = kzalloc(sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->nr = nr_files++;
		*tail = n;
		tail = &n->next;
	}
	n->name = name;
	n->mode = mode;
	n->show = show;
	n->arg = arg;
	return 0;
}

static struct dentry *net_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *t = pid_inode_task(dir);
	struct net_file *n;
	struct inode *i;

	if (!t)
		return ERR_PTR(-ENOENT);
	n = find(d->name.name, d->name.len);
	if (!n)
		return ERR_PTR(-ENOENT);
	i = pid_inode_new(dir->sb, t, S_IFREG | n->mode, pid_ino(t->tid, INO_NET, n->nr));
	if (!i)
		return ERR_PTR(-ENOMEM);
	pid_i(i)->arg = n;
	i->uid = i->gid = 0;
	i->op = &net_file_iops;
	i->fop = &net_file_fops;
	d_add(d, i);
	return NULL;
}

static int net_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct task *t = pid_inode_task(f->inode);

	if (!t)
		return -ENOENT;
	if (!emit_dots(f, fill, ctx, pid_ino(t->tid, INO_TGID, 0)))
		return 0;
	for (struct net_file *n = files; n; n = n->next) {
		if ((s64)n->nr + 2 < f->pos)
			continue;
		if (fill(ctx, n->name, (int)strlen(n->name), n->nr + 3, pid_ino(t->tid, INO_NET, n->nr), DT_REG))
			return 0;
		f->pos = (s64)n->nr + 3;
	}
	return 0;
}

static bool net_revalidate(struct dentry *d, u32 flags)
{
	return d->inode && (d->inode->flags & I_PROC) && pid_inode_task(d->inode);
}

static int net_getattr(struct dentry *d, struct kstat *st, u32 mask)
{
	generic_fillattr(d->inode, st);
	return 0;
}

static ssize_t net_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct net_file *n = pid_i(f->inode)->arg;

	return seq_render_read(f, it, pos, n->show, n->arg);
}

static const struct inode_ops net_file_iops = {
	.revalidate = net_revalidate, .setattr = pid_setattr, .getattr = net_getattr,
};
static const struct file_ops net_file_fops = {
	.llseek = generic_llseek, .read_iter = net_read, .release = seq_render_release,
};
const struct inode_ops net_dir_iops = {
	.lookup = net_lookup, .revalidate = pid_revalidate, .setattr = pid_setattr, .getattr = pid_getattr,
};
const struct file_ops net_dir_fops = { .llseek = generic_llseek, .iterate = net_iterate };

/* ---- what is there without a network ---- */
static int show_text(struct seq_file *m, void *arg)
{
	seq_puts(m, arg);
	return 0;
}

static int show_dev(struct seq_file *m, void *arg)
{
	if (netdev_show)
		netdev_show(m);
	else
		seq_puts(m, "Inter-|   Receive                                                |  Transmit\n"
			 " face |bytes    packets errs drop fifo frame compressed multicast|"
			 "bytes    packets errs drop fifo colls carrier compressed\n");
	return 0;
}

static int show_unix(struct seq_file *m, void *arg)
{
	if (unix_show)
		unix_show(m);
	else
		seq_puts(m, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	return 0;
}

static int show_sockstat(struct seq_file *m, void *arg)
{
	if (sockstat_show)
		sockstat_show(m);
	else
		seq_puts(m, "sockets: used 0\n");
	return 0;
}

#define TCP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
#define TCP6_HEAD "  sl  local_address                         remote_address                        st tx_queue" \
		  " rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define UDP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode" \
		 " ref pointer drops             \n"
#define UDP6_HEAD "  sl  local_address                         remote_address                        st tx_queue" \
		  " rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

static int net_defaults(void)
{
	static const struct { const char *name, *text; } empty[] = {
		{ "tcp", TCP_HEAD "                                                     \n" }, { "tcp6", TCP6_HEAD },
		{ "udp", UDP_HEAD }, { "udp6", UDP6_HEAD }, { "raw", UDP_HEAD }, { "raw6", UDP6_HEAD },
		{ "udplite", UDP_HEAD }, { "udplite6", UDP6_HEAD },
		{ "route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
			   "                                                       \n" },
		{ "arp", "IP address       HW type     Flags       HW address            Mask     Device\n" },
		{ "packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n" },
		{ "netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" },
		{ "if_inet6", "" }, { "ipv6_route", "" }, { "wireless", "" }, { "dev_mcast", "" },
	};
	int err = 0;

	err |= find("dev", 3) ? 0 : proc_net_register("dev", 0444, show_dev, NULL);
	err |= find("unix", 4) ? 0 : proc_net_register("unix", 0444, show_unix, NULL);
	err |= find("sockstat", 8) ? 0 : proc_net_register("sockstat", 0444, show_sockstat, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(empty); i++)
		if (!find(empty[i].name, strlen(empty[i].name)))
			err |= proc_net_register(empty[i].name, 0444, show_text, (void *)(uintptr_t)empty[i].text);
	return err ? -ENOMEM : 0;
}
INITCALL(INIT_LATE, net_defaults);
