/* /proc/PID/maps and smaps (proc_pid_maps(5), proc_pid_smaps(5)). */
#include "mm_internal.h"

#define NAME_COLUMN 73
#define RSS_CHUNK 4096u

/* Linux's order of tests for what has no file. */
static void show_name(struct seq_file *m, struct mm *mm, const struct vma *v)
{
	if (v->flags & VM_VDSO) {
		seq_puts(m, "[vdso]");
	} else if (v->file && !(v->name[0] && (v->flags & VM_SHARED))) {
		char *buf = page_alloc(0), *p;

		if (!buf)
			return;
		p = d_path(&v->file->path, buf, PAGE_SIZE);
		if (!IS_ERR(p)) /* only the newline is escaped here */
			for (; *p; p++) {
				if (*p == '\n')
					seq_puts(m, "\\012");
				else
					seq_putc(m, *p);
			}
		page_free(buf, 0);
	} else if (v->flags & VM_HEAP) {
		seq_puts(m, "[heap]");
	} else if (v->flags & VM_STACK) {
		seq_puts(m, "[stack]");
	} else if (v->name[0]) {
		seq_printf(m, v->flags & VM_SHARED ? "[anon_shmem:%s]" : "[anon:%s]", v->name);
	}
}

static bool has_name(const struct vma *v)
{
	return v->file || v->name[0] || (v->flags & (VM_VDSO | VM_HEAP | VM_STACK));
}

static void show_line(struct seq_file *m, struct mm *mm, const struct vma *v)
{
	char line[160];
	u32 dev = 0;
	u64 ino = 0;
	int n;

	if (v->file && v->file->inode && !(v->flags & VM_VDSO)) {
		dev = v->file->inode->sb ? v->file->inode->sb->dev : 0;
		ino = v->file->inode->ino;
	}
	n = scnprintf(line, sizeof(line), "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", v->start, v->end,
		      v->flags & VM_READ ? 'r' : '-', v->flags & VM_WRITE ? 'w' : '-',
		      v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p', v->file ? v->off : 0UL,
		      MAJOR(dev), MINOR(dev), ino);
	seq_puts(m, line);
	if (has_name(v)) {
		for (; n < NAME_COLUMN; n++)
			seq_putc(m, ' ');
		show_name(m, mm, v);
	}
	seq_putc(m, '\n');
}

/* Resident pages of v, as far as the host tells. Address space that is only reserved is not asked for: it may be huge. */
static u64 vma_rss(struct mm *mm, const struct vma *v, u8 *buf)
{
	u64 sum = 0;

	if (!v->file && !(v->flags & VM_ACCESS))
		return 0;
	for (uaddr_t at = v->start; buf && at < v->end;) {
		u64 n = min((v->end - at) >> PAGE_SHIFT, (u64)RSS_CHUNK);

		if (port_mm_mincore(mm->port, at, n, buf))
			return sum;
		for (u64 i = 0; i < n; i++)
			sum += buf[i] & 1;
		at += n << PAGE_SHIFT;
		cond_resched();
	}
	return sum;
}

static void show_flags(struct seq_file *m, u32 f)
{
	static const struct { u32 bit; char name[3]; } names[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" }, { VM_SHARED, "sh" },
		{ VM_MAYREAD, "mr" }, { VM_MAYWRITE, "mw" }, { VM_MAYEXEC, "me" }, { VM_GROWSDOWN, "gd" },
		{ VM_LOCKED, "lo" }, { VM_DONTCOPY, "dc" }, { VM_NORESERVE, "nr" }, { VM_WIPEONFORK, "wf" },
		{ VM_DONTDUMP, "dd" },
	};

	seq_puts(m, "VmFlags: ");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (f & names[i].bit)
			seq_printf(m, "%s ", names[i].name);
	seq_putc(m, '\n');
}

static void show_smaps(struct seq_file *m, struct mm *mm, const struct vma *v, u8 *buf)
{
	u64 size = vma_pages(v) * 4, rss = vma_rss(mm, v, buf) * 4;
	bool anon = !v->file, dirty = v->flags & VM_WRITE, shared = v->flags & VM_SHARED;
	const struct { const char *name; u64 kb; } rows[] = {
		{ "Size:", size }, { "KernelPageSize:", 4 }, { "MMUPageSize:", 4 }, { "Rss:", rss },
		{ "Pss:", rss }, { "Pss_Dirty:", dirty && !shared ? rss : 0 },
		{ "Shared_Clean:", shared && !dirty ? rss : 0 }, { "Shared_Dirty:", shared && dirty ? rss : 0 },
		{ "Private_Clean:", !shared && !dirty ? rss : 0 },
		{ "Private_Dirty:", !shared && dirty ? rss : 0 }, { "Referenced:", rss },
		{ "Anonymous:", anon ? rss : 0 }, { "KSM:", 0 }, { "LazyFree:", 0 }, { "AnonHugePages:", 0 },
		{ "ShmemPmdMapped:", 0 }, { "FilePmdMapped:", 0 }, { "Shared_Hugetlb:", 0 },
		{ "Private_Hugetlb:", 0 }, { "Swap:", 0 }, { "SwapPss:", 0 },
		{ "Locked:", v->flags & VM_LOCKED ? rss : 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		seq_printf(m, "%-16s%8lu kB\n", rows[i].name, rows[i].kb);
	seq_printf(m, "THPeligible:    %8d\n", 0);
	show_flags(m, v->flags);
}

void mm_show_maps(struct seq_file *m, struct mm *mm, bool smaps)
{
	u8 *buf = smaps ? kmalloc(RSS_CHUNK) : NULL;
	struct vma *v;

	mutex_lock(&mm->lock);
	mm_for_each_vma(v, mm) {
		show_line(m, mm, v);
		if (smaps)
			show_smaps(m, mm, v, buf);
	}
	mutex_unlock(&mm->lock);
	kfree(buf);
}
