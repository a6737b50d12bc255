/*
 * The filter is the boundary, not the stub's code: a hostile guest can jump to the stub's `syscall`
 * instruction with any registers. It is two programs in one: an address check in front (calls from outside
 * stub text trap, whatever their number and ABI), then the list, made by libseccomp, which cannot express
 * the address check. Whatever is not in the list kills the process.
 *
 * For each call, the worst that a guest can do with it (tests/hostile):
 *  futex          wait or wake in its own memory and files that it maps: delays itself.
 *  recvmsg        takes capability fds early from its own socket: it may map those files anyway (I3).
 *  close          closes its fds: its own mappings fail later.
 *  mmap           private anonymous memory, or fds that it holds: bounded by the memory audit (I7).
 *  munmap mprotect mremap madvise  its own address space; the kernel's view of it becomes wrong for itself.
 *  clone, prctl   only asked: the kernel process lets those go on that it ordered.
 *  rt_sigreturn rt_sigprocmask sigaltstack arch_prctl  its own registers and mask; a masked kick is found.
 *  exit           a thread less: found at the next kick.
 *  membarrier     a barrier among its own threads.
 *
 * Under intercept=ptrace no call of a guest's gets as far as the filter; then it only lists what the tracer makes stubs do
 * (no futex, no signal calls, clone not asked for), against mistakes of ours, and catches the vsyscall page.
 */
#include "filter.h"
#include "../stub/stub_abi.h"
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <asm/prctl.h>
#include <unistd.h>

_Static_assert(STUB_FORK_FLAGS == CLONE_PARENT, "fork");
_Static_assert(STUB_THREAD_FLAGS ==
	       (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM), "thread");

#define ALLOW(call, ...) (r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(call), __VA_ARGS__))

/* Calls of the stub's own program; those of a traced stub. */
static int add_own(scmp_filter_ctx ctx, bool traced)
{
	static const int plain[] = { SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack), SCMP_SYS(exit) };
	u32 clone = traced ? SCMP_ACT_ALLOW : SCMP_ACT_NOTIFY;
	int r = 0;

	if (traced) {
		ALLOW(dup3, 1, SCMP_A1(SCMP_CMP_EQ, STUB_FD_SOCK));
	} else {
		ALLOW(futex, 1, SCMP_A1(SCMP_CMP_EQ, FUTEX_WAIT));
		ALLOW(futex, 1, SCMP_A1(SCMP_CMP_EQ, FUTEX_WAKE));
		ALLOW(arch_prctl, 1, SCMP_A0(SCMP_CMP_EQ, ARCH_SET_FS));
		ALLOW(arch_prctl, 1, SCMP_A0(SCMP_CMP_EQ, ARCH_SET_GS));
		ALLOW(membarrier, 2, SCMP_A0(SCMP_CMP_EQ, MEMBARRIER_CMD_PRIVATE_EXPEDITED),
		      SCMP_A1(SCMP_CMP_EQ, 0));
		ALLOW(membarrier, 2, SCMP_A0(SCMP_CMP_EQ, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED),
		      SCMP_A1(SCMP_CMP_EQ, 0));
		for (size_t i = 0; i < ARRAY_SIZE(plain) && !r; i++)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, plain[i], 0);
		r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(prctl), 2,
					     SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG), SCMP_A1(SCMP_CMP_EQ, SIGKILL));
	}
	r = r ? r : seccomp_rule_add(ctx, clone, SCMP_SYS(clone), 2,
				     SCMP_A0(SCMP_CMP_EQ, STUB_FORK_FLAGS), SCMP_A1(SCMP_CMP_EQ, 0));
	r = r ? r : seccomp_rule_add(ctx, clone, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_EQ, STUB_THREAD_FLAGS));
	return r;
}

static int add_list(scmp_filter_ctx ctx, bool traced)
{
	static const u64 map_flags[] = {
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
		MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
	};
	static const u64 advices[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
		MADV_DONTFORK, MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_WIPEONFORK,
		MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, 22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */,
		25 /* COLLAPSE */,
	};
	static const u64 remap_flags[] = { 0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED,
					   MREMAP_MAYMOVE | MREMAP_FIXED | 4 /* DONTUNMAP */ };
	static const int plain[] = { SCMP_SYS(close), SCMP_SYS(munmap), SCMP_SYS(mprotect) };
	int r = 0;

	ALLOW(recvmsg, 1, SCMP_A0(SCMP_CMP_EQ, STUB_FD_SOCK));
	for (size_t i = 0; i < ARRAY_SIZE(map_flags); i++)
		ALLOW(mmap, 1, SCMP_A3(SCMP_CMP_EQ, map_flags[i]));
	for (size_t i = 0; i < ARRAY_SIZE(remap_flags); i++)
		ALLOW(mremap, 1, SCMP_A3(SCMP_CMP_EQ, remap_flags[i]));
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		ALLOW(madvise, 1, SCMP_A2(SCMP_CMP_EQ, advices[i]));
	for (size_t i = 0; i < ARRAY_SIZE(plain) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, plain[i], 0);
	return r ? r : add_own(ctx, traced);
}

int filter_build(struct sock_filter *prog, int max, bool traced)
{
	/* ip: the address after the syscall instruction, which lies inside the block for every call of the stub */
	const struct sock_filter head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STUB_TEXT_HI, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(STUB_TEXT_BLOCK - 1u)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STUB_TEXT_LO, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	ssize_t n;
	int fd, r;

	if (!ctx)
		return -ENOMEM;
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = add_list(ctx, traced);
	fd = memfd_create("umber-bpf", MFD_CLOEXEC);
	if (!r)
		r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (r) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	memcpy(prog, head, sizeof(head));
	n = pread(fd, prog + ARRAY_SIZE(head), (max - ARRAY_SIZE(head)) * sizeof(*prog), 0);
	close(fd);
	if (n <= 0 || (size_t)n >= (max - ARRAY_SIZE(head)) * sizeof(*prog))
		return -E2BIG;
	return (int)(ARRAY_SIZE(head) + (size_t)n / sizeof(*prog));
}
