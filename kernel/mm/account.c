/* Limits: RLIMIT_AS/DATA/MEMLOCK, overcommit, and the charge of page cache and shared memory against mem=. */
#include <umber/cred.h>

#include "mm_internal.h"

struct vm_sysctl vm_sysctl = {
	.overcommit_ratio = 50,
	.max_map_count = 65530,
	.mmap_min_addr = PORT_USER_MIN,
	.randomize_va_space = 2,
	.oom_dump_tasks = 1,
	.swappiness = 60,
};

static s64 committed_pages;
static u64 charged_pages;

/* Private writable memory is promised memory, unless asked otherwise. The stack is mapped at its full limit
 * only because the host pages lazily; Linux would count what it has grown to, so it is left out. */
bool mm_accountable(u32 vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_SHARED | VM_NORESERVE | VM_STACK)) == VM_WRITE;
}

void mm_commit(s64 pages)
{
	committed_pages += pages;
}

u64 mm_committed_pages(void)
{
	return (u64)max(committed_pages, (s64)0) + charged_pages;
}

/* CommitLimit of /proc/meminfo. */
u64 mm_commit_limit_pages(void)
{
	if (vm_sysctl.overcommit_kbytes)
		return (u64)vm_sysctl.overcommit_kbytes >> (PAGE_SHIFT - 10);
	return kmem_total_pages() / 100 * (u64)vm_sysctl.overcommit_ratio;
}

/* vm.overcommit_memory: 0 refuses what can never fit, 1 nothing, 2 what is over the limit. */
int mm_check_commit(u64 pages)
{
	if (vm_sysctl.overcommit_memory == 1)
		return 0;
	if (vm_sysctl.overcommit_memory == 0)
		return pages > kmem_total_pages() ? -ENOMEM : 0;
	return mm_committed_pages() + pages > mm_commit_limit_pages() ? -ENOMEM : 0;
}

/*
 * RLIMIT_AS and RLIMIT_DATA for `pages` more with these flags; `replaced` of them take the place of mapped
 * ones. mm->lock held. 0 or -ENOMEM.
 */
int mm_may_expand(struct mm *mm, u32 vm_flags, u64 pages, u64 replaced)
{
	u64 as = rlimit(RLIMIT_AS), data = rlimit(RLIMIT_DATA);

	if (as != RLIM_INFINITY && mm->total_pages + pages - replaced > as >> PAGE_SHIFT)
		return -ENOMEM;
	if (data != RLIM_INFINITY && (vm_flags & (VM_WRITE | VM_SHARED | VM_STACK)) == VM_WRITE &&
	    mm->data_pages + pages > data >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

u64 mm_memlock_limit_pages(void)
{
	if (capable(CAP_IPC_LOCK) || rlimit(RLIMIT_MEMLOCK) == RLIM_INFINITY)
		return U64_MAX >> 1;
	return rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

int mm_check_memlock(struct mm *mm, u64 more)
{
	return mm->locked_pages + more > mm_memlock_limit_pages() ? -EAGAIN : 0;
}

/*
 * Charges page cache or shared memory that is not in kmem itself. 0 or -ENOMEM when mem= would be exceeded
 * (and the OOM killer is asked to look). Any context with klock.
 */
int mem_charge(u64 pages)
{
	if (charged_pages + kmem_used_pages() + pages > kmem_total_pages()) {
		oom_poke();
		return -ENOMEM;
	}
	charged_pages += pages;
	return 0;
}

void mem_uncharge(u64 pages)
{
	charged_pages -= min(pages, charged_pages);
}

u64 mem_charged(void)
{
	return charged_pages;
}
