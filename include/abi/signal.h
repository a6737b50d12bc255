/* Signal numbers, flags and structures of the Linux x86-64 ABI (signal(7), sigaction(2)). */
#ifndef ABI_SIGNAL_H
#define ABI_SIGNAL_H
#include <umber/types.h>

#ifndef UMBER_HOSTED
enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV,
	SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN,
	SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
};
#define SIGRTMIN 32
#define SIGRTMAX 64

#define SA_NOCLDSTOP 1u
#define SA_NOCLDWAIT 2u
#define SA_SIGINFO 4u
#define SA_UNSUPPORTED 0x400u
#define SA_EXPOSE_TAGBITS 0x800u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u
#define SIG_DFL 0UL
#define SIG_IGN 1UL
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define SS_AUTODISARM 0x80000000u
#define MINSIGSTKSZ 2048

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_MESGQ (-3)
#define SI_ASYNCIO (-4)
#define SI_SIGIO (-5)
#define SI_TKILL (-6)
#define ILL_ILLOPN 2
#define FPE_INTDIV 1
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6
#define SYS_SECCOMP 1
#endif

/* siginfo_t, 128 bytes; which member is valid depends on si_signo/si_code (sigaction(2)). */
struct siginfo {
	s32 si_signo, si_errno, si_code, si_pad_;
	union {
		struct { s32 pid; u32 uid; u64 value; } rt;              /* kill, sigqueue */
		struct { s32 tid, overrun; u64 value; s32 sys_private; } timer;
		struct { s32 pid; u32 uid; s32 status, pad; s64 utime, stime; } chld;
		struct { u64 addr; s16 addr_lsb; } fault;
		struct { s64 band; s32 fd; } poll;
		struct { u64 call_addr; s32 syscall; u32 arch; } sys;
		u8 raw[112];
	} u;
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t is 128 bytes");

struct sigstack { u64 ss_sp; s32 ss_flags, pad; u64 ss_size; };
#endif
