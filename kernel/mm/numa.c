/* Memory policy calls, as on a machine with one node: node 0 is all there is. */
#include <umber/syscall.h>

#include "mm_internal.h"

enum { MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, MPOL_LOCAL, MPOL_PREFERRED_MANY,
       MPOL_WEIGHTED_INTERLEAVE, MPOL_MAX };
#define MPOL_F_STATIC_NODES 0x8000
#define MPOL_F_RELATIVE_NODES 0x4000
#define MPOL_F_NUMA_BALANCING 0x2000
#define MPOL_MODE_FLAGS (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING)
#define MPOL_F_NODE 1u
#define MPOL_F_ADDR 2u
#define MPOL_F_MEMS_ALLOWED 4u
#define MPOL_MF_VALID 7u
#define MPOL_MF_MOVE 2
#define MPOL_MF_MOVE_ALL 4
#define NODES_MAX (PAGE_SIZE * 8)

/* Reads a node mask. *any: some node is named; only node 0 may be. */
static int read_mask(uaddr_t umask, u64 maxnode, bool *any)
{
	u64 bits, word;

	*any = false;
	if (!maxnode || !umask)
		return 0;
	bits = maxnode - 1; /* the ABI's off-by-one: maxnode counts one more than there are bits */
	if (bits > NODES_MAX)
		return -EINVAL;
	for (u64 i = 0; i < bits; i += 64) {
		if (get_user(word, umask + i / 8))
			return -EFAULT;
		if (bits - i < 64)
			word &= (1UL << (bits - i)) - 1;
		if (i ? word : word & ~1UL)
			return -EINVAL;
		*any |= word != 0;
	}
	return 0;
}

static int check_policy(int mode, uaddr_t mask, u64 maxnode)
{
	int flags = mode & MPOL_MODE_FLAGS;
	bool any;
	int ret;

	mode &= ~MPOL_MODE_FLAGS;
	if (mode < 0 || mode >= MPOL_MAX)
		return -EINVAL;
	if ((flags & MPOL_F_STATIC_NODES) && (flags & MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	ret = read_mask(mask, maxnode, &any);
	if (ret)
		return ret;
	switch (mode) {
	case MPOL_DEFAULT:
	case MPOL_LOCAL:
		return any || flags ? -EINVAL : 0;
	case MPOL_PREFERRED:
		return !any && flags ? -EINVAL : 0;
	default:
		return any ? 0 : -EINVAL;
	}
}

/* set_mempolicy(2): every policy over node 0 comes to the same, so none needs to be kept. */
long sys_set_mempolicy(int mode, uaddr_t mask, u64 maxnode)
{
	return check_policy(mode, mask, maxnode);
}

/* mbind(2) */
long sys_mbind(u64 addr, u64 len, int mode, uaddr_t mask, u64 maxnode, u32 flags)
{
	uaddr_t end = addr + PAGE_ALIGN(len);
	int ret;

	if ((flags & ~MPOL_MF_VALID) || PAGE_OFFSET(addr) || end < addr)
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	ret = check_policy(mode, mask, maxnode);
	if (ret || end == addr)
		return ret;
	return mm_contiguous_end(current->mm, addr, end) < end ? -EFAULT : 0;
}

/* get_mempolicy(2) */
long sys_get_mempolicy(uaddr_t umode, uaddr_t umask, u64 maxnode, u64 addr, u64 flags)
{
	u64 bit = flags & MPOL_F_MEMS_ALLOWED ? 1 : 0, bits = maxnode ? maxnode - 1 : 0;
	s32 mode = 0; /* MPOL_DEFAULT, or node 0 */

	if (flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (umask && maxnode < 1)
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
			return -EINVAL;
	} else if (flags & MPOL_F_ADDR) {
		if (!mm_access_ok(current->mm, addr, 1, 0))
			return -EFAULT;
	} else if (addr || (flags & MPOL_F_NODE)) {
		return -EINVAL; /* F_NODE alone asks for the interleave node: policy is not interleave */
	}
	if (umode && put_user(mode, umode))
		return -EFAULT;
	if (!umask || !bits)
		return 0;
	if (bits > NODES_MAX)
		return -EINVAL;
	bits = ALIGN_UP(bits, 64UL);
	if (put_user(bit, umask) || (bits > 64 && clear_user(umask + 8, bits / 8 - 8)))
		return -EFAULT;
	return 0;
}

static int check_target(int pid)
{
	struct task *t = pid ? find_task(pid) : current;

	if (!t || !t->mm)
		return t ? -EINVAL : -ESRCH;
	return t->tg == current->tg ? 0 : ptrace_may_access(t);
}

/* migrate_pages(2): there is nowhere to go, so no page fails to. */
long sys_migrate_pages(int pid, u64 maxnode, uaddr_t old, uaddr_t new)
{
	bool any;
	int ret = read_mask(old, maxnode, &any);

	if (!ret)
		ret = read_mask(new, maxnode, &any);
	if (!ret && !any)
		ret = -EINVAL;
	return ret ? ret : check_target(pid);
}

/* move_pages(2): where pages are (node 0, or -ENOENT/-EFAULT), and moves to node 0. */
long sys_move_pages(int pid, u64 nr, uaddr_t pages, uaddr_t nodes, uaddr_t status, int flags)
{
	struct task *t;
	struct mm *mm;
	long ret;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	ret = check_target(pid);
	if (ret)
		return ret;
	t = pid ? find_task(pid) : current;
	mm = mm_get(t->mm);
	for (u64 i = 0; i < nr && !ret; i++) {
		u64 addr;
		s32 node = 0, st;
		u8 in = 1;

		if (get_user(addr, pages + i * 8) || (nodes && get_user(node, nodes + i * 4))) {
			ret = -EFAULT;
			break;
		}
		if (node) {
			ret = -ENODEV;
			break;
		}
		st = mm_access_ok(mm, addr, 1, 0) ? 0 : -EFAULT;
		if (!st && !port_mm_mincore(mm->port, addr & PAGE_MASK, 1, &in) && !(in & 1))
			st = -ENOENT;
		if (put_user(st, status + i * 4))
			ret = -EFAULT;
		if ((i & 255) == 255)
			cond_resched();
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	mm_drop(mm);
	return ret;
}

/* set_mempolicy_home_node(2) */
long sys_set_mempolicy_home_node(u64 addr, u64 len, u64 node, u64 flags)
{
	if (PAGE_OFFSET(addr) || flags || node)
		return -EINVAL;
	if (addr + PAGE_ALIGN(len) < addr)
		return -EINVAL;
	return PAGE_ALIGN(len) ? -ENOENT : 0; /* no VMA has a policy that a home node could refine */
}
