/*
 * System V shared memory (shmget(2), shmat(2), shmctl(2), shmdt(2)) on memory files.
 *
 * A segment has one open file for attaches that may write and, from the first SHM_RDONLY attach on, one for those
 * that may not. Each VMA holds its file, so the number of attaches is the sum of the files' references but the
 * segment's own, whatever fork, exit, mremap or a split did to the VMAs.
 *
 * Life: made by shmget -> IPC_RMID: key gone, marked SHM_DEST, the segment's own references given up -> when the last
 * file is released (shm_release) it leaves the table. No function sleeps between looking a segment up and being
 * done with it, but where it holds a file.
 */
#include <abi/errno.h>
#include <abi/mman.h>
#include <abi/shm.h>
#include <umber/cred.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/shmem.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/vfs.h>

#define SHMMNI 4096U
#define SHMMAX (U64_MAX - (1UL << 24))
#define SEQ_SHIFT 15

struct shm_seg {
	int id;
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u64 size;
	s64 atime, dtime, ctime;
	int cpid, lpid;
	bool dest;
	struct file *rw, *ro;      /* referenced until dest, then only known: NULL once released */
};

static struct shm_seg *segs[SHMMNI];
static u32 nr_segs, next_seq, next_slot;
static struct file_ops shm_fops;   /* tmpfs's with our release */
static void (*tmpfs_file_release)(struct file *);

static s64 now_s(void)
{
	return ktime_real_ts().tv_sec;
}

static u64 nattch(const struct shm_seg *s)
{
	u64 own = s->dest ? 0 : 1;

	return (s->rw ? s->rw->ref.n - own : 0) + (s->ro ? s->ro->ref.n - own : 0);
}

static void seg_free(struct shm_seg *s)
{
	segs[(u32)s->id & (SHMMNI - 1)] = NULL;
	nr_segs--;
	kfree(s);
}

static void shm_release(struct file *f)
{
	for (u32 k = 0; k < SHMMNI; k++) {
		struct shm_seg *s = segs[k];

		if (!s || (s->rw != f && s->ro != f))
			continue;
		if (s->rw == f)
			s->rw = NULL;
		else
			s->ro = NULL;
		if (s->dest && !s->rw && !s->ro)
			seg_free(s);
		break;
	}
	if (tmpfs_file_release)
		tmpfs_file_release(f);
}

static void take_over(struct file *f)
{
	if (!shm_fops.read_iter) {
		shm_fops = *f->op;
		tmpfs_file_release = f->op->release;
		shm_fops.release = shm_release;
	}
	f->op = &shm_fops;
}

/* The segment of an id: ERR_PTR(-EINVAL) none, (-EIDRM) another one is in its place. */
static struct shm_seg *seg_get(int id)
{
	struct shm_seg *s;

	if (id < 0)
		return ERR_PTR(-EINVAL);
	if (((u32)id & ((1u << SEQ_SHIFT) - 1)) >= SHMMNI)
		return ERR_PTR(-EINVAL);
	s = segs[(u32)id & (SHMMNI - 1)];
	if (!s)
		return ERR_PTR(-EINVAL);
	return s->id == id ? s : ERR_PTR(-EIDRM);
}

/* want: S_I* bits of the owner class (0400 read, 0200 write). */
static int seg_access(const struct shm_seg *s, u32 want)
{
	const struct cred *c = current->cred;
	u32 have = s->mode;

	if (c->euid == s->cuid || c->euid == s->uid)
		have >>= 6;
	else if (cred_in_group(c, s->cgid) || cred_in_group(c, s->gid))
		have >>= 3;
	want = (want >> 6 | want >> 3 | want) & 7;
	return (want & ~have & 7) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

static bool seg_owner(const struct shm_seg *s)
{
	u32 u = current->cred->euid;

	return u == s->uid || u == s->cuid || capable(CAP_SYS_ADMIN);
}

/* ---- shmget ---- */
static int seg_new(s32 key, u64 size, int flags)
{
	struct shm_seg *s;
	char name[24];
	u32 slot = 0;

	if (!size || size > SHMMAX)
		return -EINVAL;
	if (flags & SHM_HUGETLB)       /* no huge page pool */
		return -ENOMEM;
	if (size > (u64)S64_MAX - PAGE_SIZE)
		return -ENOMEM;
	if (nr_segs >= SHMMNI)
		return -ENOSPC;
	while (segs[slot])
		slot++;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	snprintf(name, sizeof(name), "SYSV%08x", (u32)key);
	s->rw = shmem_file(name, size, 0);
	if (IS_ERR(s->rw)) {
		int err = (int)PTR_ERR(s->rw);

		kfree(s);
		return err;
	}
	take_over(s->rw);
	if (slot < next_slot)          /* a slot comes back: its id must not be one of before */
		next_seq++;
	next_slot = slot + 1;
	s->id = (int)(((next_seq & 0xffff) << SEQ_SHIFT | slot) & 0x7fffffff);
	s->key = key;
	s->uid = s->cuid = current->cred->euid;
	s->gid = s->cgid = current->cred->egid;
	s->mode = (u32)flags & 0777;
	s->rw->inode->mode = S_IFREG | s->mode;
	s->rw->inode->ino = (u64)s->id;
	s->size = size;
	s->ctime = now_s();
	s->cpid = current->tg->pid;
	segs[slot] = s;
	nr_segs++;
	return s->id;
}

long sys_shmget(int key, u64 size, int flags)
{
	if (key != IPC_PRIVATE) {
		for (u32 k = 0; k < SHMMNI; k++) {
			struct shm_seg *s = segs[k];

			if (!s || s->dest || s->key != key)
				continue;
			if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
				return -EEXIST;
			if (seg_access(s, (u32)flags & 0777))
				return -EACCES;
			return size > s->size ? -EINVAL : s->id;
		}
		if (!(flags & IPC_CREAT))
			return -ENOENT;
	}
	return seg_new(key, size, flags);
}

/* ---- shmat, shmdt ---- */
/* The file to map, referenced. */
static struct file *seg_file(struct shm_seg *s, bool rdonly)
{
	struct inode *i;
	struct file *f;

	if (!rdonly && s->rw)
		return file_get(s->rw);
	if (rdonly && s->ro)
		return file_get(s->ro);
	f = s->rw ? s->rw : s->ro;
	if (!f)
		return ERR_PTR(-EIDRM);
	/* Only that a file of the other kind is opened on the inode: the permission to do so is the segment's. */
	i = f->inode;
	i->mode |= 0666;
	f = file_open_path(&f->path, (rdonly ? O_RDONLY : O_RDWR) | O_LARGEFILE);
	i->mode = S_IFREG | (s->mode & 0777);
	if (IS_ERR(f))
		return f;
	take_over(f);
	if (!rdonly)
		s->rw = f;
	else
		s->ro = f;
	return s->dest ? f : file_get(f);
}

long sys_shmat(int id, uaddr_t addr, int flags)
{
	u32 prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	u32 mflags = MAP_SHARED, want = 0400 | (flags & SHM_RDONLY ? 0 : 0200) | (flags & SHM_EXEC ? 0100 : 0);
	struct shm_seg *s;
	struct file *f;
	s64 r;

	if (id < 0)
		return -EINVAL;
	if (addr) {
		if (PAGE_OFFSET(addr)) {
			if (!(flags & SHM_RND))
				return -EINVAL;
			addr &= PAGE_MASK;
		}
		if (!addr && (flags & SHM_REMAP))
			return -EINVAL;
		if (addr)
			mflags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	} else if (flags & SHM_REMAP) {
		return -EINVAL;
	}
	s = seg_get(id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (seg_access(s, want))
		return -EACCES;
	f = seg_file(s, flags & SHM_RDONLY);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = mm_map(current->mm, f, addr, s->size, prot, mflags, 0);
	s = seg_get(id);               /* mm_map slept */
	if (r >= 0 && !IS_ERR(s)) {
		s->atime = now_s();
		s->lpid = current->tg->pid;
	}
	file_put(f);
	return r == -EEXIST ? -EINVAL : r;
}

static struct shm_seg *seg_of_file(const struct file *f)
{
	for (u32 k = 0; k < SHMMNI; k++)
		if (segs[k] && (segs[k]->rw == f || segs[k]->ro == f))
			return segs[k];
	return NULL;
}

long sys_shmdt(uaddr_t addr)
{
	struct mm *mm = current->mm;
	struct vma *v = mm_find_vma(mm, addr);
	struct file *f = NULL;
	u64 size = 0;
	long ret = -EINVAL;

	if (PAGE_OFFSET(addr))
		return -EINVAL;
	/* The first piece that is where this attach would have put it names the segment; the rest goes with it. */
	while (v && (!f || v->start < addr + size)) {
		uaddr_t start = v->start, end = v->end;
		bool hit = v->file && v->file->op == &shm_fops && start >= addr && start - addr == v->off &&
			   (!f || v->file == f);

		if (hit && !f) {
			f = file_get(v->file);
			size = PAGE_ALIGN(f->inode->size);
		}
		if (hit) {
			int err = mm_unmap(mm, start, end - start);

			if (err) {
				ret = err;
				break;
			}
			ret = 0;
		}
		v = mm_find_vma(mm, end);
	}
	if (f) {
		struct shm_seg *s = seg_of_file(f);

		if (s) {
			s->dtime = now_s();
			s->lpid = current->tg->pid;
		}
		file_put(f);
	}
	return ret;
}

/* ---- shmctl ---- */
static void seg_stat(const struct shm_seg *s, struct shmid64 *d)
{
	memset(d, 0, sizeof(*d));
	d->perm = (struct shm_perm64){
		.key = s->key, .uid = s->uid, .gid = s->gid, .cuid = s->cuid, .cgid = s->cgid,
		.mode = s->mode | (s->dest ? SHM_DEST : 0), .seq = (u16)((u32)s->id >> SEQ_SHIFT),
	};
	d->segsz = s->size;
	d->atime = s->atime;
	d->dtime = s->dtime;
	d->ctime = s->ctime;
	d->cpid = s->cpid;
	d->lpid = s->lpid;
	d->nattch = nattch(s);
}

static int max_index(void)
{
	int m = 0;

	for (u32 k = 0; k < SHMMNI; k++)
		if (segs[k])
			m = (int)k;
	return m;
}

static u64 seg_rss(const struct shm_seg *s)
{
	const struct file *f = s->rw ? s->rw : s->ro;

	return f ? f->inode->blocks >> (PAGE_SHIFT - 9) : 0;
}

static long shm_info(int cmd, uaddr_t buf)
{
	struct shminfo64 lim = { SHMMAX, 1, SHMMNI, SHMMNI, SHMMAX, { 0 } };
	struct shm_info64 use = { .used_ids = (s32)nr_segs };

	if (cmd == IPC_INFO)
		return copy_to_user(buf, &lim, sizeof(lim)) ? -EFAULT : max_index();
	shmem_account();
	for (u32 k = 0; k < SHMMNI; k++) {
		if (!segs[k])
			continue;
		use.tot += (segs[k]->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
		use.rss += seg_rss(segs[k]);
	}
	return copy_to_user(buf, &use, sizeof(use)) ? -EFAULT : max_index();
}

static long shm_stat(int id, int cmd, uaddr_t buf)
{
	struct shm_seg *s = cmd == IPC_STAT ? seg_get(id) : (u32)id < SHMMNI ? segs[id] : NULL;
	struct shmid64 d;
	long ret;

	if (!s)
		return -EINVAL;
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (cmd != SHM_STAT_ANY && seg_access(s, 0400))
		return -EACCES;
	seg_stat(s, &d);
	ret = cmd == IPC_STAT ? 0 : s->id;
	return copy_to_user(buf, &d, sizeof(d)) ? -EFAULT : ret;
}

static long shm_set(struct shm_seg *s, const struct shmid64 *d)
{
	if (d->perm.uid == U32_MAX || d->perm.gid == U32_MAX)
		return -EINVAL;
	s->uid = d->perm.uid;
	s->gid = d->perm.gid;
	s->mode = (s->mode & ~0777u) | (d->perm.mode & 0777);
	s->ctime = now_s();
	return 0;
}

static void shm_rmid(struct shm_seg *s)
{
	struct file *rw = s->rw, *ro = s->ro;

	if (s->dest)
		return;
	s->dest = true;
	s->key = IPC_PRIVATE;
	s->ctime = now_s();
	/* The last of these frees s when nothing is attached. */
	if (ro)
		file_put(ro);
	if (rw)
		file_put(rw);
}

static long shm_lock(struct shm_seg *s, bool on)
{
	if (!capable(CAP_IPC_LOCK)) {
		if (current->cred->euid != s->uid && current->cred->euid != s->cuid)
			return -EPERM;
		if (on && !rlimit(RLIMIT_MEMLOCK))
			return -EPERM;
	}
	if (on)
		s->mode |= SHM_LOCKED;
	else
		s->mode &= ~(u32)SHM_LOCKED;
	return 0;
}

long sys_shmctl(int id, int cmd, uaddr_t buf)
{
	struct shmid64 d;
	struct shm_seg *s;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SHM_INFO:
		return shm_info(cmd, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat(id, cmd, buf);
	case IPC_SET:
		if (copy_from_user(&d, buf, sizeof(d)))
			return -EFAULT;
		break;
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		break;
	default:
		return -EINVAL;
	}
	s = seg_get(id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (cmd == SHM_LOCK || cmd == SHM_UNLOCK)
		return shm_lock(s, cmd == SHM_LOCK);
	if (!seg_owner(s))
		return -EPERM;
	if (cmd == IPC_SET)
		return shm_set(s, &d);
	shm_rmid(s);
	return 0;
}

int sysv_shm_show(struct seq_file *m, void *arg)
{
	seq_puts(m, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
		    "      atime      dtime      ctime                   rss                  swap\n");
	for (u32 k = 0; k < SHMMNI; k++) {
		struct shm_seg *s = segs[k];

		if (!s)
			continue;
		seq_printf(m, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21lu\n",
			   s->key, s->id, s->mode | (s->dest ? SHM_DEST : 0), (unsigned long)s->size,
			   (unsigned)s->cpid, (unsigned)s->lpid, (unsigned long)nattch(s), s->uid, s->gid, s->cuid,
			   s->cgid, (unsigned long)s->atime, (unsigned long)s->dtime, (unsigned long)s->ctime,
			   (unsigned long)(seg_rss(s) << PAGE_SHIFT), 0UL);
	}
	return 0;
}
