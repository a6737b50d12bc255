/*
 * /sys/devices/system/cpu: the guest's processors, one package, one thread a core. Cache sizes are those that CPUID
 * tells guest programs, too; private caches belong to one cpu, the last level to all.
 */
#include "sysfs_int.h"
#include <abi/errno.h>
#include <port/port.h>
#include <umber/string.h>

#define CPU_DIR "devices/system/cpu"

struct cache_info { u32 level, type, line, partitions, ways, sets; };
enum { CACHE_DATA = 1, CACHE_INSTRUCTION, CACHE_UNIFIED };

#ifdef __x86_64__
static void cpuid(u32 leaf, u32 sub, u32 *r)
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

/* Cache `index` by deterministic cache parameters (leaf 4, or AMD's leaf of the same layout). false: no more. */
static bool cache_get(u32 index, struct cache_info *c)
{
	u32 r[4], leaf = 4;

	cpuid(0, 0, r);
	if (r[2] == 0x444d4163 || r[2] == 0x656e6975) { /* AuthenticAMD, HygonGenuine */
		cpuid(0x80000000, 0, r);
		if (r[0] < 0x8000001d)
			return false;
		leaf = 0x8000001d;
	} else if (r[0] < 4) {
		return false;
	}
	cpuid(leaf, index, r);
	c->type = r[0] & 31;
	if (!c->type || c->type > CACHE_UNIFIED)
		return false;
	c->level = r[0] >> 5 & 7;
	c->line = (r[1] & 0xfff) + 1;
	c->partitions = (r[1] >> 12 & 0x3ff) + 1;
	c->ways = (r[1] >> 22) + 1;
	c->sets = r[2] + 1;
	return true;
}
#else
static bool cache_get(u32 index, struct cache_info *c)
{
	return false;
}
#endif

static int build_cache(struct pseudo_dir *cpu, int nr, u32 index, const struct cache_info *c)
{
	static const char *const types[] = { "", "Data", "Instruction", "Unified" };
	char name[24], mask[16], list[16];
	struct pseudo_dir *d;
	bool shared = c->level >= 3;
	u64 bytes = (u64)c->line * c->partitions * c->ways * c->sets;
	int err = 0;

	snprintf(name, sizeof(name), "cache/index%u", index);
	d = pseudo_mkdir_path(cpu, name, 0755);
	if (!d)
		return -ENOMEM;
	sysfs_cpu_mask(mask, sizeof(mask), shared ? (1U << port_ncpus()) - 1 : 1U << nr);
	if (shared)
		sysfs_cpu_list(list, sizeof(list), port_ncpus());
	else
		snprintf(list, sizeof(list), "%d\n", nr);
	err |= sysfs_text(d, "id", "%d\n", shared ? 0 : nr);
	err |= sysfs_text(d, "level", "%u\n", c->level);
	err |= sysfs_text(d, "type", "%s\n", types[c->type]);
	err |= sysfs_text(d, "size", "%luK\n", (unsigned long)(bytes >> 10));
	err |= sysfs_text(d, "coherency_line_size", "%u\n", c->line);
	err |= sysfs_text(d, "physical_line_partition", "%u\n", c->partitions);
	err |= sysfs_text(d, "ways_of_associativity", "%u\n", c->ways);
	err |= sysfs_text(d, "number_of_sets", "%u\n", c->sets);
	err |= sysfs_text(d, "shared_cpu_map", "%s", mask);
	err |= sysfs_text(d, "shared_cpu_list", "%s", list);
	return err ? -ENOMEM : 0;
}

static int build_topology(struct pseudo_dir *cpu, int nr)
{
	static const char *const own[] = { "thread_siblings", "core_cpus", "cluster_cpus" };
	static const char *const all[] = { "core_siblings", "package_cpus", "die_cpus" };
	struct pseudo_dir *d = pseudo_mkdir(cpu, "topology", 0755);
	char mask[16], list[16], name[32];
	int err = 0;

	if (!d)
		return -ENOMEM;
	err |= sysfs_text(d, "physical_package_id", "0\n");
	err |= sysfs_text(d, "die_id", "0\n");
	err |= sysfs_text(d, "cluster_id", "%d\n", nr);
	err |= sysfs_text(d, "core_id", "%d\n", nr);
	for (unsigned k = 0; k < ARRAY_SIZE(own); k++) {
		sysfs_cpu_mask(mask, sizeof(mask), 1U << nr);
		snprintf(name, sizeof(name), "%s_list", own[k]);
		err |= sysfs_text(d, own[k], "%s", mask);
		err |= sysfs_text(d, name, "%d\n", nr);
	}
	for (unsigned k = 0; k < ARRAY_SIZE(all); k++) {
		sysfs_cpu_mask(mask, sizeof(mask), (1U << port_ncpus()) - 1);
		sysfs_cpu_list(list, sizeof(list), port_ncpus());
		snprintf(name, sizeof(name), "%s_list", all[k]);
		err |= sysfs_text(d, all[k], "%s", mask);
		err |= sysfs_text(d, name, "%s", list);
	}
	return err ? -ENOMEM : 0;
}

static int build_one(int nr)
{
	struct cache_info c;
	struct pseudo_dir *cpu;
	char name[48];
	int err;

	snprintf(name, sizeof(name), CPU_DIR "/cpu%d", nr);
	cpu = sysfs_dir(name);
	if (!cpu)
		return -ENOMEM;
	err = build_topology(cpu, nr);
	for (u32 k = 0; k < 8 && !err && cache_get(k, &c); k++)
		err = build_cache(cpu, nr, k, &c);
	if (!err && nr)                /* the first cannot be taken offline and has no switch */
		err = sysfs_text(cpu, "online", "1\n");
	if (!err)
		err = pseudo_symlink(cpu, "node0", "../../node/node0") ? 0 : -ENOMEM;
	if (!err) {
		struct pseudo_dir *bus = sysfs_dir("bus/cpu/devices");
		char link[64];

		snprintf(link, sizeof(link), "../../../" CPU_DIR "/cpu%d", nr);
		err = bus && pseudo_symlink(bus, strrchr(name, '/') + 1, link) ? 0 : -ENOMEM;
	}
	return err;
}

int sysfs_build_cpu(void)
{
	struct pseudo_dir *d = sysfs_dir(CPU_DIR), *smt = sysfs_dir(CPU_DIR "/smt");
	char list[16];
	int err = 0;

	if (!d || !smt)
		return -ENOMEM;
	sysfs_cpu_list(list, sizeof(list), port_ncpus());
	err |= sysfs_text(d, "online", "%s", list);
	err |= sysfs_text(d, "possible", "%s", list);
	err |= sysfs_text(d, "present", "%s", list);
	err |= sysfs_text(d, "offline", "\n");
	err |= sysfs_text(d, "isolated", "\n");
	err |= sysfs_text(d, "kernel_max", "%d\n", NCPUS_MAX - 1);
	err |= sysfs_text(smt, "active", "0\n");
	err |= sysfs_text(smt, "control", "notsupported\n");
	for (int k = 0; k < port_ncpus() && !err; k++)
		err = build_one(k);
	return err ? -ENOMEM : 0;
}
