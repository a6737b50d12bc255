/*
 * Character devices: open of an S_IFCHR inode finds the driver by device number and hands the file over to it.
 * Ranges are registered at boot by drivers and never go.
 */
#include "internal.h"

struct chrdev_range {
	u32 major, minor, count;
	const struct file_ops *fop;
	const char *name;
	struct chrdev_range *next;
};
static struct chrdev_range *ranges;

/* Minors [minor, minor + count) of major belong to fop; later ranges win. name is kept. 0 or -ENOMEM. */
int chrdev_register(u32 major, u32 minor, u32 count, const struct file_ops *fop, const char *name)
{
	struct chrdev_range *r = kmalloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct chrdev_range){ major, minor, count, fop, name, ranges };
	ranges = r;
	return 0;
}

/* The driver of rdev; NULL: none. */
const struct file_ops *chrdev_find(u32 rdev)
{
	u32 ma = MAJOR(rdev), mi = MINOR(rdev);

	for (struct chrdev_range *r = ranges; r; r = r->next)
		if (r->major == ma && mi >= r->minor && mi - r->minor < r->count)
			return r->fop;
	return NULL;
}

void chrdev_show(struct seq_file *m)
{
	seq_puts(m, "Character devices:\n");
	for (u32 ma = 0; ma < 512; ma++) {
		const char *last = NULL;

		for (struct chrdev_range *r = ranges; r; r = r->next) {
			if (r->major != ma || (last && !strcmp(last, r->name)))
				continue;
			seq_printf(m, "%3u %s\n", ma, r->name);
			last = r->name;
		}
	}
	seq_puts(m, "\nBlock devices:\n");
}

static int chrdev_open(struct inode *inode, struct file *f)
{
	const struct file_ops *op = chrdev_find(inode->rdev);

	if (!op)
		return -ENXIO;
	f->op = op;
	return op->open ? op->open(inode, f) : 0;
}

const struct file_ops chrdev_fops = { .open = chrdev_open };

static int no_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}

/* Sockets in the file system, and block devices, of which there are none. */
const struct file_ops no_open_fops = { .open = no_open };
