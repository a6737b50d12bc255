/*
 * sysfs, as much of it as programs look at: what machine this is (cpus, caches, memory node), kernel switches, and
 * the directories in which tools expect device classes. The values are true for this kernel; what it does not have is
 * not there, so readers take their fallbacks. Files are constant text or read live; nothing can be written.
 *
 * Parts: sysfs.c frame and table, cpu.c processors and caches, node.c memory. The tree is built at INIT_FS.
 */
#include "sysfs_int.h"
#include <abi/errno.h>
#include <port/port.h>
#include <umber/init.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/vfs.h>

#define SYSFS_MAGIC 0x62656572

static struct pseudo_dir *root;

struct pseudo_dir *sysfs_dir(const char *path)
{
	if (!root)
		root = pseudo_mkdir(NULL, "/", 0755);
	return root ? pseudo_mkdir_path(root, path, 0755) : NULL;
}

int sysfs_text(struct pseudo_dir *dir, const char *name, const char *fmt, ...)
{
	char buf[512];
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	__builtin_va_end(ap);
	return pseudo_mktext(dir, name, 0444, buf) ? 0 : -ENOMEM;
}

void sysfs_cpu_list(char *buf, size_t n, int cpus)
{
	if (cpus == 1)
		snprintf(buf, n, "0\n");
	else
		snprintf(buf, n, "0-%d\n", cpus - 1);
}

void sysfs_cpu_mask(char *buf, size_t n, u32 mask)
{
	snprintf(buf, n, "%0*x\n", (port_ncpus() + 3) / 4, mask);
}

/* "a/b/c" relative to the root, seen from a directory `depth` levels down. */
static void up_link(char *buf, size_t n, int depth, const char *path)
{
	size_t len = 0;

	while (depth-- && len + 3 < n) {
		memcpy(buf + len, "../", 3);
		len += 3;
	}
	strlcpy(buf + len, path, n - len);
}

struct pseudo_dir *sysfs_virtual_device(const char *class_name, const char *name, u32 rdev, bool block)
{
	char path[128], link[160], num[24];
	struct pseudo_dir *d, *c;

	snprintf(path, sizeof(path), "devices/virtual/%s/%s", class_name, name);
	d = sysfs_dir(path);
	snprintf(link, sizeof(link), "class/%s", class_name);
	c = sysfs_dir(link);
	if (!d || !c)
		return NULL;
	up_link(link, sizeof(link), 2, path);
	if (!pseudo_find(c, name))
		pseudo_symlink(c, name, link);
	snprintf(link, sizeof(link), "../../../../class/%s", class_name);
	if (!pseudo_find(d, "subsystem"))
		pseudo_symlink(d, "subsystem", link);
	if (!rdev || pseudo_find(d, "dev"))
		return d;
	snprintf(num, sizeof(num), "%u:%u", MAJOR(rdev), MINOR(rdev));
	sysfs_text(d, "dev", "%s\n", num);
	sysfs_text(d, "uevent", "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", MAJOR(rdev), MINOR(rdev), name);
	c = sysfs_dir(block ? "dev/block" : "dev/char");
	up_link(link, sizeof(link), 2, path);
	if (c)
		pseudo_symlink(c, num, link);
	return d;
}

static const char *const dirs[] = {
	"block", "bus", "class/block", "class/input", "class/mem", "class/misc", "class/net", "class/power_supply",
	"class/thermal", "class/tty", "dev/block", "dev/char", "devices/platform", "devices/system", "devices/virtual",
	"firmware", "fs/bpf", "fs/cgroup", "fs/fuse/connections", "fs/pstore", "kernel/config", "kernel/debug",
	"kernel/security", "kernel/tracing", "kernel/mm/hugepages", "module", "power",
};

static const struct { const char *dir, *name, *text; } texts[] = {
	{ "kernel/mm/transparent_hugepage", "enabled", "always [madvise] never\n" },
	{ "kernel/mm/transparent_hugepage", "defrag", "always defer defer+madvise [madvise] never\n" },
	{ "kernel/mm/transparent_hugepage", "shmem_enabled", "always within_size advise [never] deny force\n" },
	{ "kernel/mm/transparent_hugepage", "hpage_pmd_size", "2097152\n" },
	{ "kernel/mm/transparent_hugepage", "use_zero_page", "1\n" },
	{ "kernel/mm/transparent_hugepage/khugepaged", "defrag", "1\n" },
	{ "kernel/mm/transparent_hugepage/khugepaged", "max_ptes_none", "511\n" },
	{ "kernel/mm/hugepages/hugepages-2048kB", "nr_hugepages", "0\n" },
	{ "kernel/mm/hugepages/hugepages-2048kB", "free_hugepages", "0\n" },
	{ "kernel/mm/hugepages/hugepages-2048kB", "resv_hugepages", "0\n" },
	{ "kernel/mm/hugepages/hugepages-2048kB", "surplus_hugepages", "0\n" },
	{ "kernel/mm/hugepages/hugepages-2048kB", "nr_overcommit_hugepages", "0\n" },
	{ "kernel/mm/ksm", "run", "0\n" },
	{ "kernel", "address_bits", "64\n" },
	{ "kernel", "cpu_byteorder", "little\n" },
	{ "kernel", "fscaps", "1\n" },
	{ "kernel", "kexec_loaded", "0\n" },
	{ "kernel", "kexec_crash_loaded", "0\n" },
	{ "kernel", "kexec_crash_size", "0\n" },
	{ "kernel", "profiling", "0\n" },
	{ "kernel", "rcu_expedited", "0\n" },
	{ "kernel", "rcu_normal", "0\n" },
	{ "kernel", "uevent_helper", "\n" },
	{ "kernel", "uevent_seqnum", "0\n" },
	{ "power", "state", "\n" },
};

static int sysfs_build_frame(void)
{
	static const struct { const char *name; u32 minor; } mem[] = {
		{ "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 }, { "urandom", 9 }, { "kmsg", 11 },
	};

	for (unsigned k = 0; k < ARRAY_SIZE(dirs); k++)
		if (!sysfs_dir(dirs[k]))
			return -ENOMEM;
	for (unsigned k = 0; k < ARRAY_SIZE(texts); k++)
		if (!pseudo_mktext(sysfs_dir(texts[k].dir), texts[k].name, 0444, texts[k].text))
			return -ENOMEM;
	for (unsigned k = 0; k < ARRAY_SIZE(mem); k++)
		if (!sysfs_virtual_device("mem", mem[k].name, MKDEV(1, mem[k].minor), false))
			return -ENOMEM;
	return 0;
}

static int sysfs_fill_super(struct super_block *sb, const char *source, const char *data)
{
	return pseudo_fill_super(sb, sysfs_dir(""), SYSFS_MAGIC, PAGE_SIZE);
}

static struct fs_type sysfs_fs_type = {
	.name = "sysfs", .nodev = true, .user_mountable = true, .fill_super = sysfs_fill_super,
};

static int sysfs_init(void)
{
	int err = sysfs_build_frame();

	err = err ? err : sysfs_build_cpu();
	err = err ? err : sysfs_build_node();
	fs_register(&sysfs_fs_type);
	return err;
}
INITCALL(INIT_FS, sysfs_init);
