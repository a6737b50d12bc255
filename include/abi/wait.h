/* wait(2) options and status words, rusage, pidfd flags of the Linux x86-64 ABI. */
#ifndef ABI_WAIT_H
#define ABI_WAIT_H
#include <abi/sched.h>
#include <abi/time.h>
#include <umber/types.h>

#ifndef UMBER_HOSTED
#define W_NOTHREAD 0x20000000 /* __WNOTHREAD */
#define W_ALL 0x40000000      /* __WALL */
#define W_CLONE 0x80000000u   /* __WCLONE */
#define PIDFD_NONBLOCK 0x800u
#define PIDFD_THREAD 0x80u
#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1
#define KCMP_FILE 0
#define KCMP_VM 1
#define KCMP_FILES 2
#define KCMP_FS 3
#define KCMP_SIGHAND 4
#define KCMP_IO 5
#define KCMP_SYSVSEM 6
#define KCMP_EPOLL_TFD 7
#endif

struct abi_rusage {
	struct timeval64 ru_utime, ru_stime;
	s64 ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock,
		ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};
struct abi_tms { s64 utime, stime, cutime, cstime; }; /* in units of 1/100 s */
struct abi_clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};
#define CLONE_ARGS_SIZE_VER0 64
#endif
