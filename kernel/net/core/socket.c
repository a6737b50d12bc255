/*
 * Socket files: the life of a struct sock, its open file, and what read(2), write(2), poll(2), ioctl(2) and close(2)
 * do with it. See umber/net.h.
 */
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/net.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/vfs.h>

#define SOCKFS_MAGIC 0x534f434b

u32 net_somaxconn = 4096, net_wmem_max = 212992, net_rmem_max = 212992;
u32 net_wmem_default = 212992, net_rmem_default = 212992, net_optmem_max = 131072;

static struct mount *sock_mnt;
static u64 nr_socket_files;
static const struct file_ops socket_fops;

void sock_init(struct sock *sk, const struct sock_ops *op, int type, int protocol)
{
	ref_set(&sk->ref, 1);
	sk->family = (u16)op->family;
	sk->type = (u16)type;
	sk->protocol = protocol;
	sk->op = op;
	wq_init(&sk->rd_wq);
	wq_init(&sk->wr_wq);
	wq_init(&sk->poll_wq);
	sk->opt.rcvlowat = 1;
	sk->opt.peek_off = -1;
	sk->opt.rcvtimeo_ns = sk->opt.sndtimeo_ns = WAIT_FOREVER;
	sk->opt.sndbuf = net_wmem_default;
	sk->opt.rcvbuf = net_rmem_default;
	sk->peer.id = (struct ucred64){ 0, ~0u, ~0u };
}

void sock_fini(struct sock *sk)
{
	sock_set_peer(sk, NULL);
	wq_orphan(&sk->poll_wq);
}

void sock_put(struct sock *sk)
{
	if (ref_put(&sk->ref))
		sk->op->destroy(sk);
}

struct sock *file_sock(struct file *f)
{
	return f->op == &socket_fops ? f->priv : NULL;
}

int sock_error(struct sock *sk)
{
	int err = sk->err;

	sk->err = 0;
	return -err;
}

void sock_cred_current(struct sock_peercred *p)
{
	struct cred *c = current->cred;

	p->id = (struct ucred64){ current->tg->pid, c->euid, c->egid };
	p->cred = c;
	p->tg = current->tg;
}

void sock_set_peer(struct sock *sk, const struct sock_peercred *p)
{
	struct sock_peercred old = sk->peer;

	if (p) {
		sk->peer = *p;
		if (p->cred)
			cred_get(p->cred);
		if (p->tg)
			ref_get(&p->tg->ref);
	} else {
		sk->peer = (struct sock_peercred){ .id = { 0, ~0u, ~0u } };
	}
	if (old.cred)
		cred_put(old.cred);
	if (old.tg)
		tgroup_put(old.tg);
}

/* ---- waiting ---- */

u64 sock_deadline(u64 timeo_ns)
{
	return timeo_ns == WAIT_FOREVER ? WAIT_FOREVER : ns_add(ktime_mono_ns(), timeo_ns);
}

int sock_wait_err(int ret, u64 timeo_ns)
{
	if (ret == -ETIMEDOUT)
		return -EAGAIN;
	return ret == -ERESTARTSYS && timeo_ns != WAIT_FOREVER ? -EINTR : ret;
}

static void wake_pollers(struct sock *sk, u32 key)
{
	if (wq_active(&sk->poll_wq))
		wq_wake_key(&sk->poll_wq, 1, key);
	if (sk->file && unlikely(sk->file->flags & O_ASYNC))
		file_sigio(sk->file);
}

void sock_wake_read(struct sock *sk)
{
	if (wq_active(&sk->rd_wq))
		wq_wake(&sk->rd_wq);
	wake_pollers(sk, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
}

void sock_wake_write(struct sock *sk)
{
	if (wq_active(&sk->wr_wq))
		wq_wake_all(&sk->wr_wq);
	wake_pollers(sk, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

void sock_wake_state(struct sock *sk)
{
	wq_wake_all(&sk->rd_wq);
	wq_wake_all(&sk->wr_wq);
	if (wq_active(&sk->poll_wq))
		wq_wake_key(&sk->poll_wq, INT_MAX, 0);
	if (sk->file && unlikely(sk->file->flags & O_ASYNC))
		file_sigio(sk->file);
}

/* ---- the file ---- */

static ssize_t socket_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct sock *sk = f->priv;
	struct kmsg m = { .it = *it, .nonblock = f->flags & O_NONBLOCK };
	ssize_t n;

	if (!it->count)
		return 0;
	if (!sk->op->recvmsg)
		return -EOPNOTSUPP;
	if (m.it.iov == &it->one)
		m.it.iov = &m.it.one;
	n = sk->op->recvmsg(sk, &m);
	if (n > 0)
		iter_advance(it, (size_t)n);
	return n;
}

static ssize_t socket_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct sock *sk = f->priv;
	struct kmsg m = { .it = *it, .nonblock = f->flags & O_NONBLOCK };
	ssize_t n;

	if (!sk->op->sendmsg)
		return -EOPNOTSUPP;
	if (m.it.iov == &it->one)
		m.it.iov = &m.it.one;
	if (sk->type == SOCK_SEQPACKET)
		m.flags |= MSG_EOR;
	n = sk->op->sendmsg(sk, &m);
	if (n > 0)
		iter_advance(it, (size_t)n);
	return n;
}

static u32 socket_poll(struct file *f, struct poll_table *pt)
{
	struct sock *sk = f->priv;

	return sk->op->poll(sk, f, pt);
}

static long owner_ioctl(struct file *f, u32 cmd, u64 arg)
{
	s32 pid;

	if (cmd == FIOGETOWN || cmd == SIOCGPGRP) {
		pid = f->owner_type == 2 ? -f->owner_pid : f->owner_pid;
		return put_user(pid, arg);
	}
	if (get_user(pid, arg))
		return -EFAULT;
	if (pid == -INT_MAX - 1)
		return -EINVAL;
	if (pid > 0 && !find_tgroup(pid))
		return -ESRCH;
	f->owner_type = pid < 0 ? 2 : 1; /* OWNER_PGRP, OWNER_PID of fcntl */
	f->owner_pid = pid < 0 ? -pid : pid;
	return 0;
}

static long socket_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct sock *sk = f->priv;
	long r = -ENOTTY;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
	case FIOGETOWN:
	case SIOCGPGRP:
		return owner_ioctl(f, cmd, arg);
	}
	if (sk->op->ioctl)
		r = sk->op->ioctl(sk, cmd, arg);
	return r == -ENOTTY ? netdev_ioctl(cmd, arg) : r;
}

static int socket_fasync(struct file *f, bool on)
{
	return 0; /* wake_pollers() looks at O_ASYNC */
}

static void socket_release(struct file *f)
{
	struct sock *sk = f->priv;

	if (!sk)
		return;
	f->priv = NULL;
	sk->file = NULL;
	nr_socket_files--;
	/* Pollers hold the file, so none is left; epoll has let go of it already. */
	sk->op->release(sk);
	sock_put(sk);
}

static const struct file_ops socket_fops = {
	.read_iter = socket_read,
	.write_iter = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.fasync = socket_fasync,
	.release = socket_release,
};

struct file *sock_file(struct sock *sk, u32 flags)
{
	struct inode *inode = inode_new(sock_mnt->sb);
	struct file *f;
	char name[32];

	if (!inode) {
		f = ERR_PTR(-ENFILE);
		goto fail;
	}
	inode->mode = S_IFSOCK | 0777;
	inode->uid = current->cred->fsuid;
	inode->gid = current->cred->fsgid;
	inode->nlink = 1;
	inode->atime = inode->mtime = inode->ctime = current_time(inode);
	snprintf(name, sizeof(name), "socket:[%llu]", (unsigned long long)inode->ino);
	sk->ino = inode->ino;
	f = pseudo_file(inode, name, &socket_fops, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f))
		goto fail;
	f->priv = sk;
	sk->file = f;
	nr_socket_files++;
	return f;
fail:
	sk->op->release(sk);
	sock_put(sk);
	return f;
}

void sockstat_show(struct seq_file *m)
{
	seq_printf(m, "sockets: used %llu\n", (unsigned long long)nr_socket_files);
	seq_puts(m, "TCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\n"
		    "RAW: inuse 0\nFRAG: inuse 0 memory 0\n");
}

static int sockfs_fill(struct super_block *sb, const char *source, const char *data)
{
	struct inode *root = inode_new(sb);

	if (!root)
		return -ENOMEM;
	sb->magic = SOCKFS_MAGIC;
	sb->blocksize = PAGE_SIZE;
	root->mode = S_IFDIR | 0600;
	sb->root = d_make_root(root);
	return IS_ERR(sb->root) ? (int)PTR_ERR(sb->root) : 0;
}

static struct fs_type sockfs = { .name = "sockfs", .nodev = true, .fill_super = sockfs_fill };

static int sockfs_init(void)
{
	struct mount *m = kern_mount(&sockfs, NULL);

	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	sock_mnt = m;
	fs_register(&sockfs);
	return 0;
}
INITCALL(INIT_FS, sockfs_init);
