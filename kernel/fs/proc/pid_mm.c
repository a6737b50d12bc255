/* What /proc/PID tells of an address space: maps, smaps, auxv, cmdline, environ, mem, pagemap. */
#include "proc.h"
#include <port/port.h>

#define CHUNK PAGE_SIZE
#define PM_PRESENT (1ULL << 63)
#define PM_FILE (1ULL << 61)

int show_maps(struct seq_file *m, struct task *t)
{
	if (file_mm(m->priv))
		mm_show_maps(m, file_mm(m->priv), false);
	return 0;
}

int show_smaps(struct seq_file *m, struct task *t)
{
	if (file_mm(m->priv))
		mm_show_maps(m, file_mm(m->priv), true);
	return 0;
}

/* Resident pages of v, as the host tells. mm->lock held; may sleep. Space that is only reserved is not asked for. */
static u64 vma_rss(struct mm *mm, const struct vma *v, u8 *vec)
{
	uaddr_t start = v->start, end = v->end;
	u64 sum = 0;

	if (!v->file && !(v->flags & (VM_READ | VM_WRITE | VM_EXEC)))
		return 0;
	while (mm->port && start < end) {
		u64 n = min((end - start) >> PAGE_SHIFT, (u64)CHUNK);

		if (port_mm_mincore(mm->port, start, n, vec))
			break;
		for (u64 i = 0; i < n; i++)
			sum += vec[i] & 1;
		start += n << PAGE_SHIFT;
		cond_resched();
	}
	return sum;
}

int show_rollup(struct seq_file *m, struct task *t)
{
	static const char *const zero[] = { "LazyFree:", "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:",
					    "Shared_Hugetlb:", "Private_Hugetlb:", "Swap:", "SwapPss:" };
	struct mm *mm = file_mm(m->priv);
	u64 rss = 0, anon = 0, file = 0, shmem = 0, shared = 0, dirty = 0, locked = 0;
	uaddr_t first = 0, last = 0;
	struct vma *v;
	u8 *vec;

	if (!mm)
		return -ESRCH;
	vec = page_alloc(0);
	if (!vec)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	mm_for_each_vma(v, mm) {
		u64 n = vma_rss(mm, v, vec) * 4;

		if (!last)
			first = v->start;
		last = v->end;
		rss += n;
		if (!v->file)
			anon += n;
		else if (v->flags & VM_SHARED)
			shmem += n;
		else
			file += n;
		if (v->flags & VM_SHARED)
			shared += n;
		else if (v->flags & VM_WRITE)
			dirty += n;
		if (v->flags & VM_LOCKED)
			locked += n;
	}
	mutex_unlock(&mm->lock);
	page_free(vec, 0);
	seq_printf(m, "%08lx-%08lx ---p 00000000 00:00 0                          [rollup]\n", first, last);
	const struct { const char *name; u64 kb; } rows[] = {
		{ "Rss:", rss }, { "Pss:", rss }, { "Pss_Dirty:", dirty }, { "Pss_Anon:", anon }, { "Pss_File:", file },
		{ "Pss_Shmem:", shmem }, { "Shared_Clean:", shared }, { "Shared_Dirty:", 0 },
		{ "Private_Clean:", rss - shared - dirty }, { "Private_Dirty:", dirty }, { "Referenced:", rss },
		{ "Anonymous:", anon }, { "KSM:", 0 },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		seq_printf(m, "%-16s%8lu kB\n", rows[i].name, rows[i].kb);
	for (unsigned i = 0; i < ARRAY_SIZE(zero); i++)
		seq_printf(m, "%-16s%8d kB\n", zero[i], 0);
	seq_printf(m, "%-16s%8lu kB\n", "Locked:", locked);
	return 0;
}

int show_numa_maps(struct seq_file *m, struct task *t)
{
	struct mm *mm = file_mm(m->priv);
	struct vma *v;
	u8 *vec;

	if (!mm)
		return 0;
	vec = page_alloc(0);
	if (!vec)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	mm_for_each_vma(v, mm) {
		u64 n = vma_rss(mm, v, vec);

		seq_printf(m, "%08lx default", v->start);
		if (v->file) {
			seq_puts(m, " file=");
			seq_path(m, &v->file->path);
		} else if (v->flags & VM_HEAP) {
			seq_puts(m, " heap");
		} else if (v->flags & VM_STACK) {
			seq_puts(m, " stack");
		}
		if (n)
			seq_printf(m, " %s=%lu N0=%lu kernelpagesize_kB=4", v->file ? "mapped" : "anon", n, n);
		seq_putc(m, '\n');
	}
	mutex_unlock(&mm->lock);
	page_free(vec, 0);
	return 0;
}

int show_auxv(struct seq_file *m, struct task *t)
{
	struct mm *mm = file_mm(m->priv);

	if (mm)
		seq_write(m, mm->auxv, mm->auxv_n * sizeof(u64));
	return 0;
}

/* "5" resets the peak of resident memory (proc_pid_clear_refs(5)); the host keeps referenced bits to itself. */
ssize_t write_clear_refs(struct task *t, const char *buf, size_t n)
{
	struct mm *mm = task_mm(t);
	size_t len = n && buf[n - 1] == '\n' ? n - 1 : n;

	if (!mm)
		return -ESRCH;
	if (len != 1 || buf[0] != '5') {
		mm_drop(mm);
		return -EINVAL;
	}
	mm->hiwater_rss_pages = 0;
	mm_rss_pages(mm);
	mm_drop(mm);
	return (ssize_t)n;
}

/* ---- bytes of the address space ---- */
/* Copies up to n bytes from addr on into `it`, only what is mapped. Bytes; 0 when nothing could be read; -EFAULT. */
static ssize_t mm_to_iter(struct mm *mm, uaddr_t addr, size_t n, struct iov_iter *it)
{
	u8 *buf = page_alloc(0);
	size_t done = 0;
	ssize_t err = 0;

	if (!buf)
		return -ENOMEM;
	while (done < n) {
		uaddr_t at = addr + done;
		struct vma *v = mm->port ? mm_find_vma(mm, at) : NULL;
		size_t want = min(n - done, CHUNK - PAGE_OFFSET(at)), put;
		ssize_t got;

		if (!v || v->start > at)
			break;
		got = port_copy_in(mm->port, buf, at, min(want, (size_t)(v->end - at)), PORT_COPY_FORCE);
		if (got <= 0)
			break;
		put = copy_to_iter(buf, (size_t)got, it);
		done += put;
		if (put < (size_t)got) {
			err = -EFAULT;
			break;
		}
		cond_resched();
		if (fatal_signal_pending(current))
			break;
	}
	page_free(buf, 0);
	return done ? (ssize_t)done : err;
}

/* [start, end) as a file. */
static ssize_t read_range(struct mm *mm, uaddr_t start, uaddr_t end, struct iov_iter *it, s64 *pos)
{
	ssize_t r;

	if (*pos < 0)
		return -EINVAL;
	if (end <= start || (u64)*pos >= end - start)
		return 0;
	r = mm_to_iter(mm, start + (u64)*pos, min((u64)it->count, end - start - (u64)*pos), it);
	if (r > 0)
		*pos += r;
	return r;
}

/*
 * End of the command line: normally arg_end. A program that wrote over its arguments (setproctitle) and left no NUL
 * there has a title that ends at the first NUL, perhaps in what were its environment strings.
 */
static uaddr_t cmdline_end(struct mm *mm, uaddr_t *end_of_title)
{
	uaddr_t end = mm->arg_end;
	u8 buf[256];
	char last;

	*end_of_title = 0;
	if (end <= mm->arg_start || port_copy_in(mm->port, &last, end - 1, 1, PORT_COPY_FORCE) != 1 || !last)
		return end;
	for (uaddr_t at = mm->arg_start, top = max(mm->env_end, end); at < top;) {
		ssize_t got = port_copy_in(mm->port, buf, at, min((size_t)(top - at), sizeof(buf)), PORT_COPY_FORCE);
		const u8 *nul;

		if (got <= 0)
			break;
		nul = memchr(buf, 0, (size_t)got);
		if (nul || at - mm->arg_start > PAGE_SIZE)
			return *end_of_title = at + (nul ? (uaddr_t)(nul - buf) : 0);
		at += (uaddr_t)got;
	}
	return end;
}

static ssize_t cmdline_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct task *t = pid_inode_task(f->inode);
	struct mm *mm = t ? task_mm(t) : NULL;
	uaddr_t title;
	ssize_t r;

	if (!t)
		return -ESRCH;
	if (!mm)
		return 0;
	r = mm->port ? read_range(mm, mm->arg_start, cmdline_end(mm, &title), it, pos) : 0;
	mm_drop(mm);
	return r;
}

static int mm_open(struct inode *inode, struct file *f)
{
	return pid_seq_fops.open(inode, f);
}

static void mm_release(struct file *f)
{
	if (f->dirbuf)
		mm_drop(f->dirbuf);
	f->dirbuf = NULL;
}

static ssize_t environ_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct mm *mm = file_mm(f);

	return mm && mm->port ? read_range(mm, mm->env_start, mm->env_end, it, pos) : 0;
}

static ssize_t mem_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct mm *mm = file_mm(f);
	ssize_t r;

	if (!mm || !mm->port || !it->count)
		return 0;
	if (*pos < 0)
		return -EIO;
	r = mm_to_iter(mm, (uaddr_t)*pos, it->count, it);
	if (!r)
		return -EIO;
	if (r > 0)
		*pos += r;
	return r;
}

static ssize_t mem_write(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct mm *mm = file_mm(f);
	ssize_t done = 0, err = 0;
	u8 *buf;

	if (!mm || !mm->port || !it->count)
		return 0;
	buf = page_alloc(0);
	if (!buf)
		return -ENOMEM;
	while (it->count && !err) {
		uaddr_t at = (uaddr_t)*pos;
		struct vma *v = mm->port ? mm_find_vma(mm, at) : NULL;
		size_t n = min(it->count, CHUNK - PAGE_OFFSET(at)), got;
		ssize_t put;

		err = -EIO;
		if (!v || v->start > at || ((v->flags & VM_SHARED) && !(v->flags & VM_MAYWRITE)))
			break;
		got = copy_from_iter(buf, min(n, (size_t)(v->end - at)), it);
		if (!got) {
			err = -EFAULT;
			break;
		}
		put = port_copy_out(mm->port, at, buf, got, PORT_COPY_FORCE);
		if (put <= 0)
			break;
		done += put;
		*pos += put;
		err = (size_t)put < got ? -EIO : 0;
		cond_resched();
		if (fatal_signal_pending(current))
			break;
	}
	page_free(buf, 0);
	return done ? done : err;
}

static s64 mem_llseek(struct file *f, s64 off, int whence)
{
	if (whence == 1)
		off += f->pos;
	else if (whence != 0)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	return f->pos = off;
}

/* One u64 a page. Frame numbers are not shown (as without CAP_SYS_ADMIN on Linux); present and file bits are. */
static ssize_t pagemap_read(struct file *f, struct iov_iter *it, s64 *pos)
{
	struct mm *mm = file_mm(f);
	ssize_t done = 0;
	u64 *out;
	u8 *vec;

	if (!mm)
		return 0;
	if (*pos < 0 || *pos % 8 || it->count % 8)
		return -EINVAL;
	out = page_alloc(1); /* the entries, then the host's answer */
	if (!out)
		return -ENOMEM;
	vec = (u8 *)out + PAGE_SIZE;
	mutex_lock(&mm->lock);
	while (it->count && mm->port) {
		uaddr_t at = (u64)*pos / 8 << PAGE_SHIFT;
		u64 n = min(it->count / 8, PAGE_SIZE / 8);
		struct vma *v;
		size_t put;

		if ((u64)*pos / 8 >= PORT_TASK_SIZE >> PAGE_SHIFT)
			break;
		n = min(n, (PORT_TASK_SIZE - at) >> PAGE_SHIFT);
		v = mm_find_vma(mm, at);
		memset(out, 0, n * 8);
		if (v && v->start <= at) {
			n = min(n, (v->end - at) >> PAGE_SHIFT);
			if (!port_mm_mincore(mm->port, at, n, vec))
				for (u64 i = 0; i < n; i++)
					out[i] = vec[i] & 1 ? PM_PRESENT | (v->file ? PM_FILE : 0) : 0;
		} else if (v) {
			n = min(n, (v->start - at) >> PAGE_SHIFT);
		}
		put = copy_to_iter(out, n * 8, it) & ~7UL;
		*pos += (s64)put;
		done += (ssize_t)put;
		if (put < n * 8) {
			done = done ? done : -EFAULT;
			break;
		}
	}
	mutex_unlock(&mm->lock);
	page_free(out, 1);
	return done;
}

static int cmdline_open(struct inode *inode, struct file *f)
{
	return pid_inode_task(inode) ? 0 : -ESRCH;
}

const struct file_ops cmdline_fops = { .llseek = generic_llseek, .read_iter = cmdline_read, .open = cmdline_open };
const struct file_ops environ_fops = {
	.llseek = mem_llseek, .read_iter = environ_read, .open = mm_open, .release = mm_release,
};
const struct file_ops mem_fops = {
	.llseek = mem_llseek, .read_iter = mem_read, .write_iter = mem_write, .open = mm_open, .release = mm_release,
};
const struct file_ops pagemap_fops = {
	.llseek = mem_llseek, .read_iter = pagemap_read, .open = mm_open, .release = mm_release,
};
