/*
 * The contract between the guest kernel and the port (arch-um): the tour for a newcomer.
 *
 * Down calls port_*: kernel/ -> arch-um. Up calls kern_*: arch-um -> kernel/.
 * "klock" is the kernel lock (umber/sync.h). Unless a comment says otherwise a down call is made on a
 * fibre with klock held, does not drop it and does not sleep. Errors are negative errno. kernel/ stores
 * no host pointer, fd or id: only the small handles declared here.
 */
#ifndef PORT_PORT_H
#define PORT_PORT_H
#include <umber/types.h>

struct task;

/* ---- arena ------------------------------------------------------------------------------------ */
#define KMEM_BASE 0x560000000000UL
extern u64 port_arena_bytes;                          /* reserved size of the arena from KMEM_BASE, fixed at boot */
void port_arena_release(void *addr, size_t bytes);    /* page aligned; memory back to the host, zero on next touch */
void port_arena_populate(void *addr, size_t bytes);   /* a hint: it will be written soon; content stays */

/* ---- the kernel lock --------------------------------------------------------------------------- */
void klock_take(void);   /* any kernel-process thread; spins a little, then sleeps in futex */
void klock_drop(void);

/* ---- fibres ------------------------------------------------------------------------------------ */
#define FIBRE_STACK_BYTES 32768UL                     /* aligned to its size; lowest page is a guard */
struct vcpu;
struct fibre_info {                                   /* at the very top of each stack */
	struct task *task;                            /* NULL on a vCPU's idle fibre */
	struct vcpu *vcpu;                            /* the vCPU that runs this fibre now; set by sched */
	u64 magic;
	u64 pad;
};
static inline struct fibre_info *fibre_info(void)
{
	u64 sp;
	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return (struct fibre_info *)((sp | (FIBRE_STACK_BYTES - 1)) + 1 - sizeof(struct fibre_info));
}
#define current (fibre_info()->task)

struct port_fibre {
	void *sp;      /* saved stack pointer while switched out */
	void *stack;   /* lowest address */
	void *asan;    /* sanitizer's fake stack */
	void *tsan;
};
/* fn(arg) must not return; the first switch to it starts it. task goes to its fibre_info. */
int port_fibre_init(struct port_fibre *f, void (*fn)(void *), void *arg, struct task *task);
void port_fibre_free(struct port_fibre *f);           /* not the running one */
void port_fibre_switch(struct port_fibre *from, struct port_fibre *to);
bool port_fibre_holds(const struct port_fibre *f, const void *p);

/* ---- vCPUs ------------------------------------------------------------------------------------- */
#define NCPUS_MAX 8
int port_ncpus(void);
/* The vCPU on which all tasks should run that may, or -1: where entries cost more than running side by side gains, and
 * one vCPU that spins on a CPU of its own makes them cheap. A hint that changes at any time; klock held. */
int port_pack(void);
/* Since boot: entries; those of them that were a trapped system call; waits for user code that spinning won, and that slept;
 * pokes. Of a vCPU that runs they may be a little old. */
struct port_counts { u64 entries, traps, spins, sleeps, pokes; };
void port_vcpu_counts(int cpu, struct port_counts *c);
/* Sleeps until port_vcpu_poke(this cpu) or the deadline (monotonic ns). Drops and retakes klock. */
void port_vcpu_idle(int cpu, u64 deadline_ns);
/* Makes the vCPU look: ends its idle, or makes its port_user_run() return PORT_ENTRY_ATTENTION. Any thread. */
void port_vcpu_poke(int cpu);
/* Up: body of each vCPU's first fibre, klock held; cpu 0 boots the kernel. Never returns. */
void kern_vcpu_main(int cpu) __noreturn;
/* Up: runs on any vCPU, klock held, after attention: port events were drained before. */

/* ---- time -------------------------------------------------------------------------------------- */
u64 port_monotonic_ns(void);                          /* host CLOCK_MONOTONIC */
u64 port_realtime_ns(void);                           /* host CLOCK_REALTIME */
u64 port_realtime_coarse_ns(void);                    /* the same as of some moment in the last 10 ms; much cheaper */
u64 port_boottime_ns(void);
/* Publishes the guest's offsets (guest clock = host clock + offset) to the vDSO page. */
void port_time_publish(s64 mono_offset_ns, s64 real_offset_ns);

/* ---- user state of a task ---------------------------------------------------------------------- */
/* Same layout as Linux's struct user_regs_struct (ptrace GETREGS). */
struct user_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax, rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
enum port_entry {
	PORT_ENTRY_SYSCALL,    /* regs.orig_rax = number, rax = -ENOSYS; args rdi rsi rdx r10 r8 r9 */
	PORT_ENTRY_TRAP,       /* fault or trap: port_task.trap says which */
	PORT_ENTRY_KICK,       /* came out of user code because of port_user_kick */
	PORT_ENTRY_ATTENTION,  /* the user side still runs; somebody poked this vCPU or the deadline passed */
	PORT_ENTRY_DEAD,       /* the stub is gone or was killed for misbehaving: the process dies by SIGKILL */
};
struct port_trap {
	s32 signo, code;       /* SIGSEGV SEGV_MAPERR ... as the host saw it */
	u64 addr;              /* fault address, or rip for SIGFPE/SIGILL/SIGTRAP */
	u32 trapno, error;     /* x86 trap number and error code (bit 1: write, bit 4: fetch) */
};
typedef s32 port_mm_t;     /* handle of a stub; 0: none */
/* What a task's user side may answer by itself (getpid and kin, rt_sigprocmask). The user can forge all of it, for
 * itself: ids are for its own eyes, and the mask it may set anyway. */
struct port_self {
	u32 pid, tid, uid, euid, gid, egid;
	u64 sigmask;           /* kernel's before a run, the user's after it */
	bool pending;          /* signals wait: a change of the mask must come to the kernel */
	bool off;              /* answer nothing (the task is traced) */
};
struct port_task {         /* embedded in struct task */
	struct user_regs regs; /* the truth while the task is in the kernel (not after ATTENTION) */
	struct port_trap trap;
	struct port_fibre fibre;
	s32 uthread;           /* handle of the user side; 0: none (kernel thread, or gone) */
	struct port_self self;
	u64 patch_wanted;      /* a hot system-call site: the kernel calls port_patch() soon; 0: none */
	u64 patch_nr;
	bool is32;             /* entry came by int 0x80 / x32: kernel answers ENOSYS */
};
#define task_port(t) (&(t)->port)

/* Runs user code until the next entry or deadline. After ATTENTION call it again to go on waiting.
 * current only. Drops klock meanwhile. */
enum port_entry port_user_run(struct port_task *pt, u64 deadline_ns);
/* The signal mask of a running user side; from now on it comes to the kernel to change it. */
u64 port_user_mask(struct port_task *pt);
/* Asks the running user side to come out; the next port_user_run() returns KICK (or another entry). Without at_once false
 * is possible: it has had no CPU time worth the name since it was last kicked; ask again a little later. */
bool port_user_kick(struct port_task *pt, bool at_once);

/* New user sides. The child's first port_user_run() starts it with child->regs and the FPU state of the
 * parent. May sleep (drop klock). 0 or -EAGAIN/-ENOMEM. `parent` is current. */
int port_thread_new(struct port_task *parent, struct port_task *child);              /* same mm */
int port_fork(struct port_task *parent, struct port_task *child, port_mm_t *child_mm); /* copy of mm */
/* First thing that a new task's fibre calls: waits until its user side is there (before that, copies to a forked mm
 * give -ESRCH). 0, or -EIO: it never came, the task must die. Drops klock. */
int port_user_wait(struct port_task *pt);
/* A fresh empty address space (a zygote), for exec and for the first process. May sleep. */
int port_mm_new(port_mm_t *out);
/* Moves the user side of current to new_mm (its first thread); the old user side ends. regs are all
 * zero but for what the caller sets after it; FPU state is initial. Cannot fail. */
void port_task_exec(struct port_task *pt, port_mm_t new_mm);
/* The user side ends (current or a task that is not running user code). */
void port_task_exit(struct port_task *pt);
/* Last reference to the address space is gone: its stub is killed and reaped. */
void port_mm_free(port_mm_t mm);

/* ---- host ops: changes to an address space ------------------------------------------------------ */
enum port_mmop_kind {
	PORT_MM_MAP_ANON,   /* private anonymous, at addr (fixed) */
	PORT_MM_MAP_FILE,   /* hfd at off; flags PORT_MAP_SHARED or private */
	PORT_MM_UNMAP,
	PORT_MM_PROTECT,
	PORT_MM_REMAP,      /* addr,len -> new_addr,new_len (always to a fixed place; may be addr itself) */
	PORT_MM_ADVISE,     /* advice in prot: MADV_DONTNEED, FREE, HUGEPAGE, NOHUGEPAGE, POPULATE_*, DONTFORK.. */
};
#define PORT_MAP_SHARED 1u
#define PORT_MAP_WRITABLE 2u   /* the fd given to the stub may be O_RDWR (shared, may become writable) */
#define PORT_MAP_STACK 4u
struct port_mmop {
	u32 kind, prot, flags;
	hfd_t hfd;
	u64 addr, len, off, new_addr, new_len;
	s64 result;          /* out: 0 or negative errno, for each */
};
/* Executes ops in order in mm (current's own, or one just made by port_mm_new). Stops at the first
 * failure and returns its errno; the rest get -ECANCELED. Caller holds mm->lock. Drops klock. */
int port_mm_ops(port_mm_t mm, struct port_mmop *ops, unsigned nr);

/* Rewrites the site in patch_wanted so that it enters without a signal, if it can. Caller holds mm->lock of
 * current's mm. Drops klock. Whatever it returns (0 or negative errno), the guest goes on as before. */
int port_patch(struct port_task *pt);

#define PORT_USER_MIN 0x100000UL        /* nothing of the guest's lies below; the port keeps thunks there */
#define PORT_TASK_SIZE 0x7fff00000000UL /* guest addresses end here; the stub's region lies above */

/* ---- user memory -------------------------------------------------------------------------------- */
/* Copy between kernel memory and any mm. Return bytes copied (0..n; short at the first fault) or -ESRCH.
 * FORCE ignores protections (ptrace, /proc/PID/mem). */
#define PORT_COPY_FORCE 1u
/* copy_out to current's own mm: may be done when its user side goes on, in order with what else it is told. */
#define PORT_COPY_LATE 2u
ssize_t port_copy_in(port_mm_t mm, void *dst, uaddr_t src, size_t n, unsigned flags);
ssize_t port_copy_out(port_mm_t mm, uaddr_t dst, const void *src, size_t n, unsigned flags);
/* Atomic read-modify-write of an aligned u32 in current's mm. 0 (old value in *old) or -EFAULT.
 * Drops klock. */
int port_cmpxchg_user(port_mm_t mm, uaddr_t addr, u32 expect, u32 val, u32 *old);

/* ---- signal frames, FPU -------------------------------------------------------------------------- */
struct port_sigframe {
	int signo;
	uaddr_t handler, restorer;
	u64 flags;               /* SA_* */
	u64 oldmask;             /* to be restored by rt_sigreturn */
	u8 info[128];            /* siginfo_t image for the guest */
	uaddr_t ss_sp; u64 ss_size; u32 ss_flags; /* guest's alternate stack, as saved in the frame */
	bool on_altstack;        /* start at the top of the alternate stack */
	bool late;               /* the stack below is surely writable: PORT_COPY_LATE */
};
/* Builds a Linux rt_sigframe on the user's stack and sets regs to run the handler. 0 or -EFAULT. */
int port_sigframe_push(struct port_task *pt, const struct port_sigframe *f);
/* rt_sigreturn: restores regs and FPU from the frame at regs.rsp - 8. 0 or -EFAULT (bad frame). */
int port_sigframe_pop(struct port_task *pt, u64 *mask, uaddr_t *ss_sp, u64 *ss_size, u32 *ss_flags);
/* XSAVE image (user_xstateregs / FXSAVE prefix) of a stopped task. Return bytes or negative errno. */
ssize_t port_fpu_get(struct port_task *pt, void *buf, size_t max);
int port_fpu_set(struct port_task *pt, const void *buf, size_t n);
/* ARCH_SET_FS/GS: the base is set in regs.fs_base/gs_base; the port carries it over at the next run. */

/* ---- vDSO ---------------------------------------------------------------------------------------- */
/* Image of the guest's vDSO, to be mapped by exec at a page aligned address (two parts in one hfd).
 * Returns its size in bytes (0: none). Prot of the whole range is read+exec. */
size_t port_vdso(hfd_t *hfd);

/* ---- host files as seen by kernel/ --------------------------------------------------------------- */
/* Memory files (tmpfs inodes that are mapped, shared anonymous memory, memfd_create). */
hfd_t port_memfd_new(u64 size);                        /* or -errno */
int port_hfd_resize(hfd_t h, u64 size);
ssize_t port_hfd_pread(hfd_t h, void *buf, size_t n, u64 off);
ssize_t port_hfd_pwrite(hfd_t h, const void *buf, size_t n, u64 off);
int port_hfd_punch(hfd_t h, u64 off, u64 len);
u64 port_hfd_blocks(hfd_t h);                          /* bytes really allocated */
void port_hfd_close(hfd_t h);

/* ---- host event sources --------------------------------------------------------------------------- */
/* fn(arg, events) is called on a vCPU with klock held when hfd has POLLIN(1)/POLLOUT(4)/ERR(8)/HUP(16).
 * Level triggered; one shot: re-arm with port_watch_arm. */
typedef void (*port_watch_fn)(void *arg, u32 events);
int port_watch_add(hfd_t h, port_watch_fn fn, void *arg);  /* disarmed; returns a watch id or -errno */
void port_watch_arm(int id, u32 events);
void port_watch_del(int id);

/* ---- misc ------------------------------------------------------------------------------------------ */
void port_random(void *buf, size_t n);
/* Cumulative user CPU time of the task's user side in ns, and resident pages of an mm (cheap upper bound). */
u64 port_task_utime_ns(struct port_task *pt);
u64 port_mm_rss_pages(port_mm_t mm);
/* Optional (weak): the exact share of an mm (Pss of anonymous memory) in pages; slow, asked before an OOM kill. */
u64 port_mm_pss_pages(port_mm_t mm) __weak;
/* Reads the host's view of residency: 1 byte a page as mincore(2). -ENOSYS where it cannot be had. */
int port_mm_mincore(port_mm_t mm, uaddr_t addr, size_t pages, u8 *vec);
/* Ends the kernel process: status as exit(3); 128+n means "as if killed by n" for umber run. */
void port_shutdown(int status) __noreturn;
void port_at_exit(void (*fn)(void));                   /* run before the process ends (terminal modes); at most 8 */
void port_reboot(void) __noreturn;                     /* re-executes umber with the same arguments */
void port_panic(const char *msg) __noreturn;           /* message, back trace of the fibre, SIGABRT */
void port_log(const char *line, size_t n);             /* early/console-less log to stderr */
void port_backtrace(void (*line)(const char *s));      /* symbolised back trace of the running fibre */
const char *port_cmdline(void);                        /* guest command line */
const char *port_cpu_vendor(void);
u64 port_hwcap(int which);                             /* 1: AT_HWCAP, 2: AT_HWCAP2 for guests */
u64 port_minsigstksz(void);                            /* AT_MINSIGSTKSZ */
u64 port_cpu_khz(void);

/* ---- up calls -------------------------------------------------------------------------------------- */
/* Body of a vCPU that has just drained events: may set need_resched. klock held. */
void kern_attention(int cpu);
/* Number of the vCPU that runs the calling fibre. */
int kern_this_cpu(void);
/* A stub died or was killed: its mm's tasks get SIGKILL. klock held, on a vCPU. */
void kern_mm_died(port_mm_t mm);
/* The user asked umber to stop (SIGTERM, SIGINT...) or pass a signal on to init. */
void kern_host_signal(int signo);
#endif
