/* sysinfo(2), getcpu(2), iopl(2), ioperm(2), vhangup(2), acct(2). */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/uaccess.h>

#define LOAD_SHIFT 5 /* our 11 fraction bits, the ABI's 16 */
#define IO_PORTS 65536u

struct sysinfo_abi {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u32 pad2;
	u64 totalhigh, freehigh;
	u32 mem_unit, pad3;
};
_Static_assert(sizeof(struct sysinfo_abi) == 112, "struct sysinfo of the ABI");

long sys_sysinfo(uaddr_t info)
{
	u64 total = kmem_total_pages(), used = kmem_used_pages() + mem_charged();
	struct sysinfo_abi s = { 0 };

	s.uptime = (s64)((ktime_boot_ns() + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		s.loads[i] = sched_loadavg(i) << LOAD_SHIFT;
	s.totalram = total * PAGE_SIZE;
	s.freeram = (total - min(total, used)) * PAGE_SIZE;
	s.procs = (u16)min(nr_tasks(), 65535);
	s.mem_unit = 1;
	return copy_to_user(info, &s, sizeof(s));
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t cache)
{
	int err = 0;

	(void)cache; /* unused since Linux 2.6.24 */
	if (cpu)
		err = put_user((u32)this_cpu(), cpu);
	if (node && !err)
		err = put_user((u32)0, node);
	return err;
}

/* No task can have I/O ports: whatever raises access is refused, the rest changes nothing. */
long sys_iopl(u32 level)
{
	if (level > 3)
		return -EINVAL;
	return level ? -EPERM : 0;
}

long sys_ioperm(u64 from, u64 num, int on)
{
	if (from + num <= from || from + num > IO_PORTS)
		return -EINVAL;
	return on ? -EPERM : 0;
}

/* kernel/tty: hangs up current's controlling terminal, if it has one. */
void tty_vhangup_self(void) __weak;

long sys_vhangup(void)
{
	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (tty_vhangup_self)
		tty_vhangup_self();
	return 0;
}

/* Process accounting is not there: as a Linux built without it, after the same permission check. */
long sys_acct(uaddr_t path)
{
	(void)path;
	return capable(CAP_SYS_PACCT) ? -ENOSYS : -EPERM;
}
