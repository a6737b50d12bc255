/*
 * Memory files without a name: shared anonymous memory, SysV segments, and memfd_create(2) with its seals.
 *
 * They live on a tmpfs mount of the kernel's own without limits of its own (mem= bounds them). nlink is 0 from the
 * start, so the last close gives the memory back.
 */
#include "tmpfs.h"
#include <abi/errno.h>
#include <abi/memfd.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/shmem.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>

#define MFD_NAME_MAX (NAME_MAX - 6) /* "memfd:" goes before it */
#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

static struct mount *shm_mnt;

u64 shmem_used_pages(void)
{
	return shm_mnt ? tmpfs_sbi(shm_mnt->sb)->used_pages : 0;
}

/* "/NAME (deleted)" at the end of buf. */
static char *shmem_dname(struct dentry *d, char *buf, size_t n)
{
	char *p;
	size_t len = d->name.len + sizeof("/ (deleted)");

	if (len > n)
		return ERR_PTR(-ENAMETOOLONG);
	p = buf + n - len;
	snprintf(p, len, "/%s (deleted)", d->name.name);
	return p;
}

static const struct dentry_ops shmem_dops = { .dname = shmem_dname };

struct file *shmem_file(const char *name, u64 size, u32 flags)
{
	struct path p = { .mnt = shm_mnt };
	struct inode *i;
	struct file *f;

	if (!shm_mnt)
		return ERR_PTR(-ENOSYS);
	if (size > (u64)S64_MAX)
		return ERR_PTR(-EINVAL);
	i = tmpfs_inode(shm_mnt->sb, NULL, S_IFREG | 0777, 0);
	if (IS_ERR(i))
		return (struct file *)i;
	i->mode = S_IFREG | 0777;
	i->nlink = 0;
	i->size = size;
	if (flags & SHMEM_SEALABLE)
		tnode(i)->seals = 0;
	p.dentry = d_alloc_pseudo(shm_mnt->sb, name);
	if (IS_ERR(p.dentry)) {
		iput(i);
		return (struct file *)p.dentry;
	}
	p.dentry->op = &shmem_dops;
	d_instantiate(p.dentry, i);
	f = file_open_path(&p, O_RDWR | O_LARGEFILE);
	dput(p.dentry);
	if (!IS_ERR(f) && (f->mode & FMODE_WRITER)) {
		/* Like Linux's, such a file does not count as a writer: execve of a memfd works while it is open. */
		f->mode &= ~(u32)FMODE_WRITER;
		i->writecount--;
	}
	return f;
}

/* ---- memfd ---- */
long sys_memfd_create(uaddr_t uname, u32 flags)
{
	char name[NAME_MAX + 1] = "memfd:";
	struct file *f;
	ssize_t n;

	if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC | MFD_HUGETLB | MFD_HUGE_MASK))
		return -EINVAL;
	if ((flags & MFD_HUGE_MASK) && !(flags & MFD_HUGETLB))
		return -EINVAL;
	if ((flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
		return -EINVAL;
	if (flags & MFD_HUGETLB)       /* no huge page pool */
		return -ENOMEM;
	n = strncpy_from_user(name + 6, uname, MFD_NAME_MAX + 1);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	f = shmem_file(name, 0, flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? SHMEM_SEALABLE : 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (flags & MFD_NOEXEC_SEAL) {
		f->inode->mode &= ~0111u;
		tnode(f->inode)->seals |= F_SEAL_EXEC;
	}
	return fd_install(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}

/* Does mm map inode shared with the possibility to write? mm->lock held, so no mapping is half made. */
static bool maps_writable(struct mm *mm, const struct inode *inode)
{
	struct vma *v;

	mm_for_each_vma(v, mm)
		if (v->file && v->file->inode == inode && (v->flags & VM_SHARED) && (v->flags & VM_MAYWRITE))
			return true;
	return false;
}

/*
 * Is there a writable shared mapping anywhere? Walks all address spaces, which is dear, but sealing is rare and the
 * mmap path stays free of counting. The caller has set the seal already, so mappings that begin after the look at
 * their mm are refused. Each look may sleep for mm->lock: the walk goes on at the task with the next higher tid.
 */
static bool mapped_writable(const struct inode *inode)
{
	struct mm *last = NULL;
	bool found = false;
	int tid = 0;

	while (!found) {
		struct task *t = NULL, *c;
		struct mm *mm;

		list_for_each_entry(c, &all_tasks, all_node)
			if (c->tid > tid && c->mm && c->mm != last && (!t || c->tid < t->tid))
				t = c;
		if (!t)
			break;
		tid = t->tid;
		mm = mm_get(t->mm);
		mutex_lock(&mm->lock);
		found = maps_writable(mm, inode);
		mutex_unlock(&mm->lock);
		if (last)
			mm_drop(last);
		last = mm;
	}
	if (last)
		mm_drop(last);
	return found;
}

static long add_seals(struct file *f, unsigned long seals)
{
	struct inode *i = f->inode;
	struct tnode *tn = tnode(i);
	u32 before;
	long err = 0;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(unsigned long)SEALS_ALL)
		return -EINVAL;
	down_write(&i->lock);
	before = tn->seals;
	if (before & F_SEAL_SEAL) {
		err = -EPERM;
		goto out;
	}
	/* An executable file that may not change its mode may not change its bytes either. */
	if ((seals & F_SEAL_EXEC) && (i->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	tn->seals |= (u32)seals;
out:
	up_write(&i->lock);
	/* Without i->lock: mmap takes it inside mm->lock. */
	if (!err && (seals & F_SEAL_WRITE) && !(before & F_SEAL_WRITE) && mapped_writable(i)) {
		tn->seals = before;
		err = -EBUSY;
	}
	return err;
}

static bool is_memfd(const struct file *f)
{
	return f && f->inode && f->inode->op == &tmpfs_file_iops && f->inode->sb->op && f->inode->priv &&
	       !tmpfs_sbi(f->inode->sb)->ramfs;
}

long memfd_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	if (!is_memfd(f))
		return -EINVAL;
	return cmd == F_GET_SEALS ? (long)tnode(f->inode)->seals : cmd == F_ADD_SEALS ? add_seals(f, arg) : -EINVAL;
}

u32 shmem_seals(const struct file *f)
{
	return is_memfd(f) ? tnode(f->inode)->seals : 0;
}

static int shmem_init(void)
{
	shm_mnt = kern_mount(&tmpfs_fs_type, "size=0,nr_inodes=0");
	if (IS_ERR(shm_mnt)) {
		int err = (int)PTR_ERR(shm_mnt);

		shm_mnt = NULL;
		return err;
	}
	return shm_mnt ? 0 : -ENOMEM;
}
INITCALL(INIT_FS, shmem_init);
