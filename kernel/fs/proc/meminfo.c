/*
 * /proc/meminfo, vmstat, zoneinfo, buddyinfo, swaps (proc_meminfo(5)).
 *
 * What the guest has is mem=. Used of it: kmem (the kernel's own), charged memory files, and what the host keeps
 * resident for guest processes, which is known only as of the last look (mm_all_rss_pages).
 */
#include "proc.h"
#include <umber/shmem.h>

#define VMALLOC_KB 34359738367UL
#define MIN_FREE_SHIFT 8

struct mem_figures { u64 total, free, anon, shmem, kernel, available; };

static void mem_figures(struct mem_figures *f)
{
	u64 used;

	f->total = kmem_total_pages();
	f->kernel = min(kmem_used_pages(), f->total);
	f->shmem = shmem_used_pages();
	f->anon = mm_all_rss_pages();
	used = f->kernel + mem_charged() + f->anon;
	f->free = f->total - min(used, f->total);
	f->available = f->free;
}

static void row(struct seq_file *m, const char *name, u64 pages)
{
	char label[24];

	scnprintf(label, sizeof(label), "%s:", name);
	seq_printf(m, "%-16s%8lu kB\n", label, pages << (PAGE_SHIFT - 10));
}

static int show_meminfo(struct seq_file *m, void *arg)
{
	struct mem_figures f;

	mem_figures(&f);
	const struct { const char *name; u64 pages; } rows[] = {
		{ "MemTotal", f.total }, { "MemFree", f.free }, { "MemAvailable", f.available }, { "Buffers", 0 },
		{ "Cached", f.shmem }, { "SwapCached", 0 }, { "Active", f.anon }, { "Inactive", f.shmem },
		{ "Active(anon)", f.anon }, { "Inactive(anon)", f.shmem }, { "Active(file)", 0 },
		{ "Inactive(file)", 0 }, { "Unevictable", 0 }, { "Mlocked", 0 }, { "SwapTotal", 0 }, { "SwapFree", 0 },
		{ "Dirty", 0 }, { "Writeback", 0 }, { "AnonPages", f.anon }, { "Mapped", 0 }, { "Shmem", f.shmem },
		{ "KReclaimable", 0 }, { "Slab", f.kernel }, { "SReclaimable", 0 }, { "SUnreclaim", f.kernel },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		row(m, rows[i].name, rows[i].pages);
	row(m, "KernelStack", (u64)nr_tasks() * FIBRE_STACK_BYTES / PAGE_SIZE);
	row(m, "PageTables", 0);
	row(m, "SecPageTables", 0);
	row(m, "NFS_Unstable", 0);
	row(m, "Bounce", 0);
	row(m, "WritebackTmp", 0);
	row(m, "CommitLimit", mm_commit_limit_pages());
	row(m, "Committed_AS", mm_committed_pages());
	seq_printf(m, "VmallocTotal:   %lu kB\n", VMALLOC_KB);
	row(m, "VmallocUsed", 0);
	row(m, "VmallocChunk", 0);
	row(m, "Percpu", 0);
	row(m, "AnonHugePages", 0);
	row(m, "ShmemHugePages", 0);
	row(m, "ShmemPmdMapped", 0);
	row(m, "FileHugePages", 0);
	row(m, "FilePmdMapped", 0);
	seq_puts(m, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
		 "HugePages_Surp:        0\nHugepagesize:       2048 kB\nHugetlb:               0 kB\n");
	row(m, "DirectMap4k", f.total);
	return 0;
}

/* Only counters that are kept, and those which are zero because there is no swap and no block device. */
static int show_vmstat(struct seq_file *m, void *arg)
{
	struct mem_figures f;

	mem_figures(&f);
	seq_printf(m, "nr_free_pages %lu\nnr_inactive_anon %lu\nnr_active_anon %lu\nnr_inactive_file 0\nnr_active_file 0\n"
		   "nr_unevictable 0\nnr_mlock 0\nnr_anon_pages %lu\nnr_mapped 0\nnr_file_pages %lu\nnr_dirty 0\n"
		   "nr_writeback 0\nnr_slab_reclaimable 0\nnr_slab_unreclaimable %lu\nnr_kernel_stack %lu\nnr_shmem %lu\n",
		   f.free, f.shmem, f.anon, f.anon, f.shmem, f.kernel, (u64)nr_tasks() * FIBRE_STACK_BYTES / 1024, f.shmem);
	seq_puts(m, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n");
	return 0;
}

static int show_zoneinfo(struct seq_file *m, void *arg)
{
	struct mem_figures f;

	mem_figures(&f);
	seq_printf(m, "Node 0, zone   Normal\n  pages free     %lu\n        min      %lu\n        low      %lu\n"
		   "        high     %lu\n        spanned  %lu\n        present  %lu\n        managed  %lu\n", f.free,
		   f.total >> MIN_FREE_SHIFT, f.total * 5 / 4 >> MIN_FREE_SHIFT, f.total * 3 / 2 >> MIN_FREE_SHIFT,
		   f.total, f.total, f.total);
	return 0;
}

/* Free memory is the host's to lay out: shown as the largest blocks that it fills. */
static int show_buddyinfo(struct seq_file *m, void *arg)
{
	struct mem_figures f;

	mem_figures(&f);
	seq_puts(m, "Node 0, zone   Normal ");
	for (int order = 0; order <= 10; order++)
		seq_printf(m, "%6lu ", order == 10 ? f.free >> 10 : f.free >> order & 1);
	seq_putc(m, '\n');
	return 0;
}

static int show_swaps(struct seq_file *m, void *arg)
{
	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

int proc_build_meminfo(struct pseudo_dir *root)
{
	static const struct { const char *name; pseudo_show_fn show; } f[] = {
		{ "meminfo", show_meminfo }, { "vmstat", show_vmstat }, { "zoneinfo", show_zoneinfo },
		{ "buddyinfo", show_buddyinfo }, { "swaps", show_swaps },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(f); i++)
		if (!pseudo_mkfile(root, f[i].name, 0444, f[i].show, NULL, NULL))
			return -ENOMEM;
	return 0;
}
