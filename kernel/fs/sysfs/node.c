/* /sys/devices/system/node: all memory and all processors are in node 0. */
#include "sysfs_int.h"
#include <abi/errno.h>
#include <port/port.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/shmem.h>
#include <umber/string.h>

static unsigned long kb(u64 pages)
{
	return (unsigned long)(pages << (PAGE_SHIFT - 10));
}

static int show_meminfo(struct seq_file *m, void *arg)
{
	u64 total = kmem_total_pages(), used = min(total, kmem_used_pages() + mem_charged());

	seq_printf(m, "Node 0 MemTotal:       %8lu kB\n", kb(total));
	seq_printf(m, "Node 0 MemFree:        %8lu kB\n", kb(total - used));
	seq_printf(m, "Node 0 MemUsed:        %8lu kB\n", kb(used));
	seq_printf(m, "Node 0 Shmem:          %8lu kB\n", kb(shmem_used_pages()));
	seq_puts(m, "Node 0 HugePages_Total:     0\nNode 0 HugePages_Free:      0\nNode 0 HugePages_Surp:      0\n");
	return 0;
}

int sysfs_build_node(void)
{
	static const char *const lists[] = { "online", "possible", "has_cpu", "has_memory", "has_normal_memory" };
	struct pseudo_dir *d = sysfs_dir("devices/system/node"), *n = sysfs_dir("devices/system/node/node0");
	char buf[16], name[16], link[32];
	int err = 0;

	if (!d || !n)
		return -ENOMEM;
	for (unsigned k = 0; k < ARRAY_SIZE(lists); k++)
		err |= sysfs_text(d, lists[k], "0\n");
	sysfs_cpu_list(buf, sizeof(buf), port_ncpus());
	err |= sysfs_text(n, "cpulist", "%s", buf);
	sysfs_cpu_mask(buf, sizeof(buf), (1U << port_ncpus()) - 1);
	err |= sysfs_text(n, "cpumap", "%s", buf);
	err |= sysfs_text(n, "distance", "10\n");
	if (!pseudo_mkfile(n, "meminfo", 0444, show_meminfo, NULL, NULL))
		err = -ENOMEM;
	for (int k = 0; k < port_ncpus(); k++) {
		snprintf(name, sizeof(name), "cpu%d", k);
		snprintf(link, sizeof(link), "../../cpu/cpu%d", k);
		if (!pseudo_symlink(n, name, link))
			err = -ENOMEM;
	}
	return err ? -ENOMEM : 0;
}
