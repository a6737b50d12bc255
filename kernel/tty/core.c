/* Ttys: life, open and release, hangup, the table of fixed lines (consoles and serial lines). */
#include "tty_internal.h"
#include <umber/init.h>
#include <umber/printk.h>

#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define NR_LINES 256

static struct tty *lines[NR_LINES]; /* minors of major 4; referenced */
struct tty *tty_console;

static const u8 default_cc[KTERMIOS_NCCS] = {
	[VINTR] = 3, [VQUIT] = 034, [VERASE] = 0177, [VKILL] = 025, [VEOF] = 4, [VMIN] = 1, [VSTART] = 021,
	[VSTOP] = 023, [VSUSP] = 032, [VREPRINT] = 022, [VDISCARD] = 017, [VWERASE] = 027, [VLNEXT] = 026,
};

struct tty *tty_alloc(const char *name, u32 dev, const struct tty_ops *ops, void *priv)
{
	struct tty *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_set(&t->ref, 1);
	strlcpy(t->name, name, sizeof(t->name));
	t->dev = dev;
	t->ops = ops;
	t->priv = priv;
	t->tio.c_iflag = ICRNL | IXON;
	t->tio.c_oflag = OPOST | ONLCR;
	t->tio.c_cflag = B38400 | CS8 | CREAD | HUPCL;
	t->tio.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	t->tio.c_ispeed = t->tio.c_ospeed = 38400;
	memcpy(t->tio.c_cc, default_cc, sizeof(default_cc));
	wq_init(&t->rd_wq);
	wq_init(&t->wr_wq);
	list_init(&t->async);
	return t;
}

int tty_buffers(struct tty *t)
{
	if (!t->in)
		t->in = kmalloc(TTY_IN_BYTES);
	if (!t->out)
		t->out = kmalloc(TTY_OUT_BYTES);
	if (!t->delim)
		t->delim = kzalloc(TTY_IN_BYTES / 8);
	return t->in && t->out && t->delim ? 0 : -ENOMEM;
}

void tty_put(struct tty *t)
{
	if (!ref_put(&t->ref))
		return;
	if (t->ops->freed)
		t->ops->freed(t);
	wq_orphan(&t->rd_wq);
	wq_orphan(&t->wr_wq);
	kfree(t->in);
	kfree(t->out);
	kfree(t->delim);
	kfree(t);
}

int tty_register(struct tty *t)
{
	u32 n = MINOR(t->dev);

	if (MAJOR(t->dev) != TTY_MAJOR || n >= NR_LINES || lines[n])
		return -EINVAL;
	lines[n] = tty_get(t);
	return devtmpfs_add(t->name, S_IFCHR | (n < 64 ? 0620 : 0660), t->dev);
}

struct tty *tty_by_dev(u32 dev)
{
	return MAJOR(dev) == TTY_MAJOR && MINOR(dev) < NR_LINES ? lines[MINOR(dev)] : NULL;
}

/* ---- wake-ups ---- */
void tty_wake_readers(struct tty *t)
{
	wq_wake_key(&t->rd_wq, INT_MAX, EPOLLIN | EPOLLRDNORM);
	fasync_list_kill(&t->async, FMODE_READ | FMODE_WRITE);
}

void tty_wake_writers(struct tty *t)
{
	if (wq_active(&t->wr_wq))
		wq_wake_key(&t->wr_wq, INT_MAX, EPOLLOUT | EPOLLWRNORM);
}

void tty_input_eof(struct tty *t)
{
	t->eof = true;
	wq_wake_key(&t->rd_wq, INT_MAX, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

/* ---- open, release ---- */
int tty_open_file(struct tty *t, struct file *f, bool noctty)
{
	struct tgroup *tg = current->tg;
	int err;

	if (t->dead)
		return -EIO;
	if (t->excl && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	if (tty_buffers(t))
		return -ENOMEM;
	tty_get(t);
	if (t->ops->open) {
		err = t->ops->open(t);
		if (err) {
			tty_put(t);
			return err;
		}
	}
	t->count++;
	f->priv = t;
	f->version = t->gen;
	f->op = &tty_fops;
	if (!noctty && tg->session && tg->session->sid == tg->pid && !tg->session->tty && !t->session &&
	    (f->mode & FMODE_READ))
		tty_set_ctty(t);
	return 0;
}

static void tty_release(struct file *f)
{
	struct tty *t = file_tty(f);

	fasync_list_set(&t->async, f, false);
	if (!--t->count) {
		t->excl = false;
		t->flow_stopped = t->tco_stopped = false;
		if (t->ops->close)
			t->ops->close(t);
	}
	f->priv = NULL;
	tty_put(t);
}

static int line_open(struct inode *inode, struct file *f)
{
	bool noctty = f->flags & O_NOCTTY;
	struct tty *t = tty_by_dev(inode->rdev);

	if (inode->rdev == MKDEV(TTYAUX_MAJOR, 0)) {
		t = tty_current();
		if (!t)
			return -ENXIO;
		noctty = true;
	} else if (inode->rdev == MKDEV(TTYAUX_MAJOR, 1)) {
		int err;

		t = tty_console;
		err = t ? tty_open_file(t, f, true) : -ENODEV;
		if (!err)
			f->version = TTY_IMMUNE;
		return err;
	}
	return t ? tty_open_file(t, f, noctty) : -ENXIO;
}

/* ---- hangup ---- */
void tty_hangup(struct tty *t)
{
	t->gen++;
	t->eof = false;
	tty_session_hangup(t);
	t->flow_stopped = t->tco_stopped = false;
	tty_flush_input(t);
	tty_flush_output(t);
	wq_wake_key(&t->rd_wq, INT_MAX, EPOLLIN | EPOLLHUP | EPOLLERR);
	wq_wake_key(&t->wr_wq, INT_MAX, EPOLLOUT | EPOLLHUP | EPOLLERR);
	fasync_list_kill(&t->async, FMODE_READ | FMODE_WRITE);
}

static int tty_fasync(struct file *f, bool on)
{
	return fasync_list_set(&file_tty(f)->async, f, on);
}

const struct file_ops tty_fops = {
	.read_iter = tty_read,
	.write_iter = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.release = tty_release,
	.fasync = tty_fasync,
};
static const struct file_ops line_fops = { .open = line_open };
static const struct file_ops pts_fops = { .open = pts_open };

/* /proc/tty/drivers; ps(1) finds names of terminals by it. */
void tty_drivers_show(struct seq_file *m)
{
	seq_puts(m, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		    "/dev/console         /dev/console    5       1 system:console\n"
		    "/dev/ptmx            /dev/ptmx       5       2 system\n"
		    "serial               /dev/ttyS       4 64-127 serial\n"
		    "console              /dev/tty        4 0-15 console\n"
		    "pty_slave            /dev/pts      136 0-1048575 pty:slave\n");
}

static int tty_init(void)
{
	chrdev_register(TTY_MAJOR, 0, 64, &line_fops, "tty");
	chrdev_register(TTY_MAJOR, 64, NR_LINES - 64, &line_fops, "ttyS");
	chrdev_register(TTYAUX_MAJOR, 0, 1, &line_fops, "/dev/tty");
	chrdev_register(TTYAUX_MAJOR, 1, 1, &line_fops, "/dev/console");
	chrdev_register(TTYAUX_MAJOR, 2, 1, &ptmx_fops, "/dev/ptmx");
	chrdev_register(136, 0, 1u << 20, &pts_fops, "pts");
	devtmpfs_add("tty", S_IFCHR | 0666, MKDEV(TTYAUX_MAJOR, 0));
	devtmpfs_add("console", S_IFCHR | 0600, MKDEV(TTYAUX_MAJOR, 1));
	devtmpfs_add("ptmx", S_IFCHR | 0666, MKDEV(TTYAUX_MAJOR, 2));
	return 0;
}
INITCALL(INIT_FS, tty_init);
