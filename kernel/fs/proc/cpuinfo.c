/*
 * /proc/cpuinfo: what CPUID says, in the words that programs look for. The guest runs on the host's processors, so it
 * is the same instruction that guest programs may use themselves.
 */
#include "proc.h"
#include <port/port.h>

#ifdef __x86_64__
struct regs4 { u32 r[4]; };
enum { EAX, EBX, ECX, EDX };

static struct regs4 cpuid(u32 leaf, u32 sub)
{
	struct regs4 c;

	__asm__ volatile("cpuid" : "=a"(c.r[0]), "=b"(c.r[1]), "=c"(c.r[2]), "=d"(c.r[3]) : "a"(leaf), "c"(sub));
	return c;
}

/* One register of feature bits: names by bit number, "" where there is none. */
struct feature_word {
	u32 leaf, sub, reg;
	const char *names[32];
};
static const struct feature_word words[] = {
	{ 1, 0, EDX, { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr", "pge",
		       "mca", "cmov", "pat", "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr", "sse", "sse2",
		       "ss", "ht", "tm", "ia64", "pbe" } },
	{ 0x80000001, 0, EDX, { [11] = "syscall", [19] = "mp", "nx", "", "mmxext", [25] = "fxsr_opt", "pdpe1gb", "rdtscp",
				"", "lm", "3dnowext", "3dnow" } },
	{ 1, 0, ECX, { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid",
		       "sdbg", "fma", "cx16", "xtpr", "pdcm", "", "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe",
		       "popcnt", "tsc_deadline_timer", "aes", "xsave", "", "avx", "f16c", "rdrand", "hypervisor" } },
	{ 0x80000001, 0, ECX, { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse",
				"3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", "", "lwp", "fma4", "tce", "",
				"nodeid_msr", "", "tbm", "topoext", "perfctr_core", "perfctr_nb", "", "bpext", "ptsc",
				"perfctr_llc", "mwaitx" } },
	{ 7, 0, EBX, { "fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", "", "smep", "bmi2", "erms", "invpcid",
		       "rtm", "cqm", "", "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", "",
		       "clflushopt", "clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw",
		       "avx512vl" } },
	{ 0xd, 1, EAX, { "xsaveopt", "xsavec", "xgetbv1", "xsaves" } },
	{ 7, 1, EAX, { [4] = "avx_vnni", "avx512_bf16", [10] = "fzrm", "fsrs", "fsrc", [21] = "amx_fp16", [23] = "avx_ifma" } },
	{ 0x80000008, 0, EBX, { "clzero", "irperf", "xsaveerptr", [4] = "rdpru", [9] = "wbnoinvd" } },
	{ 6, 0, EAX, { "dtherm", "ida", "arat", "", "pln", "", "pts", "hwp" } },
	{ 7, 0, ECX, { [1] = "avx512vbmi", "umip", "pku", "ospke", "waitpkg", "avx512_vbmi2", "", "gfni", "vaes",
		       "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "tme", "avx512_vpopcntdq", "", "la57",
		       [22] = "rdpid", [24] = "bus_lock_detect", "cldemote", "", "movdiri", "movdir64b", "enqcmd" } },
	{ 7, 0, EDX, { [4] = "fsrm", [8] = "avx512_vp2intersect", [10] = "md_clear", [14] = "serialize", [16] = "tsxldtrk",
		       [18] = "pconfig", "arch_lbr", "ibt", [22] = "amx_bf16", "avx512_fp16", "amx_tile", "amx_int8",
		       [28] = "flush_l1d", "arch_capabilities" } },
};

static bool has_leaf(u32 leaf)
{
	return cpuid(leaf & 0x80000000, 0).r[EAX] >= leaf;
}

static void show_flags(struct seq_file *m)
{
	bool constant = has_leaf(0x80000007) && (cpuid(0x80000007, 0).r[EDX] >> 8 & 1);

	seq_puts(m, "flags\t\t:");
	for (unsigned w = 0; w < ARRAY_SIZE(words); w++) {
		u32 bits = has_leaf(words[w].leaf) ? cpuid(words[w].leaf, words[w].sub).r[words[w].reg] : 0;

		for (int b = 0; b < 32; b++)
			if ((bits >> b & 1) && words[w].names[b] && words[w].names[b][0])
				seq_printf(m, " %s", words[w].names[b]);
		if (w == 1) /* behind the second word, as the kernel's own words come */
			seq_printf(m, "%s rep_good nopl xtopology%s cpuid", constant ? " constant_tsc" : "",
				   constant ? " nonstop_tsc" : "");
	}
	seq_putc(m, '\n');
}

/* As Linux: the second level of AMD's, the last one of Intel's. */
static u64 cache_kb(void)
{
	struct regs4 v = cpuid(0, 0);
	u64 last = 0;

	if (v.r[ECX] == 0x444d4163 || v.r[ECX] == 0x656e6975) /* AuthenticAMD, HygonGenuine */
		return has_leaf(0x80000006) ? cpuid(0x80000006, 0).r[ECX] >> 16 : 0;
	for (u32 i = 0; has_leaf(4) && i < 8; i++) {
		struct regs4 c = cpuid(4, i);

		if (!(c.r[EAX] & 31))
			break;
		last = (u64)((c.r[EBX] >> 22) + 1) * ((c.r[EBX] >> 12 & 0x3ff) + 1) * ((c.r[EBX] & 0xfff) + 1) *
		       (c.r[ECX] + 1UL) / 1024;
	}
	return last;
}

static void model_name(char *buf)
{
	u32 *p = (u32 *)(void *)buf;
	char *s = buf;

	if (!has_leaf(0x80000004)) {
		strlcpy(buf, "unknown", 49);
		return;
	}
	for (u32 i = 0; i < 3; i++) {
		struct regs4 c = cpuid(0x80000002 + i, 0);

		memcpy(p + i * 4, c.r, 16);
	}
	buf[48] = 0;
	while (*s == ' ')
		s++;
	memmove(buf, s, strlen(s) + 1);
	for (size_t n = strlen(buf); n && buf[n - 1] == ' ';)
		buf[--n] = 0;
}

static void show_cpu(struct seq_file *m, int cpu, int n, const char *model)
{
	struct regs4 v = cpuid(0, 0), c = cpuid(1, 0), a = { { 0 } };
	u32 fam = c.r[EAX] >> 8 & 15, mod = c.r[EAX] >> 4 & 15, khz = (u32)port_cpu_khz();
	u32 vendor[4] = { v.r[EBX], v.r[EDX], v.r[ECX], 0 };

	if (fam == 6 || fam == 15)
		mod |= (c.r[EAX] >> 16 & 15) << 4;
	if (fam == 15)
		fam += c.r[EAX] >> 20 & 255;
	if (has_leaf(0x80000008))
		a = cpuid(0x80000008, 0);
	seq_printf(m, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n", cpu,
		   (const char *)vendor, fam, mod, model);
	seq_printf(m, "stepping\t: %u\ncpu MHz\t\t: %u.%03u\ncache size\t: %lu KB\n", c.r[EAX] & 15,
		   khz / 1000, khz % 1000, cache_kb());
	seq_printf(m, "physical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\n"
		   "initial apicid\t: %d\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", n, cpu, n,
		   cpu, cpu, v.r[EAX]);
	show_flags(m);
	seq_printf(m, "bugs\t\t:\nbogomips\t: %u.%02u\nclflush size\t: %u\ncache_alignment\t: %u\n"
		   "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n", khz / 500, khz / 5 % 100,
		   (c.r[EBX] >> 8 & 255) * 8, (c.r[EBX] >> 8 & 255) * 8, a.r[EAX] & 255, a.r[EAX] >> 8 & 255);
}

static int show_cpuinfo(struct seq_file *m, void *arg)
{
	char model[64];
	int n = port_ncpus();

	model_name(model);
	for (int cpu = 0; cpu < n; cpu++)
		show_cpu(m, cpu, n, model);
	return 0;
}
#else
static int show_cpuinfo(struct seq_file *m, void *arg)
{
	for (int cpu = 0; cpu < port_ncpus(); cpu++)
		seq_printf(m, "processor\t: %d\n\n", cpu);
	return 0;
}
#endif

int proc_build_cpuinfo(struct pseudo_dir *root)
{
	return pseudo_mkfile(root, "cpuinfo", 0444, show_cpuinfo, NULL, NULL) ? 0 : -ENOMEM;
}
