/*
 * What the kernel process and the code in a stub share: the layout of the stub's region, the mailbox,
 * the host ops. Read by C on both sides and by assembly (constants only).
 *
 * A guest process is an attacker with this file in hand. It can write every byte of its own mailboxes at
 * any moment, jump to any instruction of the stub, and kill its threads. So of each field it says who
 * writes it, who checks it, and what a lie costs. Nothing in here is a kernel address (I4).
 */
#ifndef STUB_ABI_H
#define STUB_ABI_H

/* The region: guest addresses end at STUB_BASE (= PORT_TASK_SIZE). */
#define STUB_BASE 0x7fff00000000
#define STUB_TEXT (STUB_BASE + 0x10000) /* one 64 KiB block: the filter compares its upper 48 bits */
#define STUB_TEXT_HI 0x7fff
#define STUB_TEXT_LO 0x00010000
#define STUB_TEXT_BLOCK 0x10000
#define MBOX_BASE (STUB_BASE + 0x1000000)
#define MBOX_SHIFT 17
#define MBOX_SIZE 0x20000
#define MBOX_MAX 8192 /* tasks an mm */
#define MBOX_MAP_BYTES (MBOX_MAX * MBOX_SIZE)
#define MBOX_STACK_OFF 0x4000 /* the alternate signal stack, with the host's frames on it */
#define MBOX_STACK_END 0x8000
#define MBOX_BULK_OFF 0x8400 /* what travels with a call or its answer */
#define MBOX_BULK (MBOX_SIZE - MBOX_BULK_OFF)
#define MBOX_FRAME_OFF 0x7c00 /* uc of a frame that the kernel builds for a thread that never entered */

/* fds in a stub, installed by the kernel process; nothing else is ever open for long. */
#define STUB_FD_MBOX 0 /* until it is mapped */
#define STUB_FD_SOCK 1 /* capability fds come through it */

#define STUB_KICK_SIGNAL 40

/* The two clones that there are; filter, listener and tracer let no other pass (asserted in entry/filter_host.c). */
#define STUB_FORK_FLAGS 0x8000     /* CLONE_PARENT, exit signal 0 */
#define STUB_THREAD_FLAGS 0x50f00  /* CLONE_ VM FS FILES SIGHAND THREAD SYSVSEM */

/* What woke the kernel: written by the stub, a lie only changes what its own task asks for. */
#define MBOX_ENTRY_SIGNAL 1 /* a host signal frame is at uc_off */
#define MBOX_ENTRY_OPS 2    /* the ops are done */
#define MBOX_ENTRY_FAST 4      /* a call from a patched site: registers are in fast */
#define MBOX_ENTRY_FAST_KICK 5 /* a kick on the way out of the fast path */
#define MBOX_ENTRY_FULL 6      /* as SIGNAL: the frame that MBOX_CMD_FULL asked for */
#define MBOX_ENTRY_LATE 7      /* a copy that went with the answer met a fault */
#define MBOX_ENTRY_START 3  /* a new thread, zygote or the template waits for its first command */

/* What the stub is told: written by the kernel. */
#define MBOX_CMD_RESUME 1
#define MBOX_CMD_OPS 2
#define MBOX_CMD_OPS_RESUME 4 /* ops, then resume; only a failure comes back as an MBOX_ENTRY_OPS */
#define MBOX_CMD_FULL 3 /* on the fast path only: come back with a complete signal frame (FPU image) */

#define STUB_OP_SYSCALL 1
#define STUB_OP_RECVFDS 2 /* a[0] fds come in one message; they land in fds[] */
#define STUB_OP_FORK 3    /* a[0] cookie */
#define STUB_OP_THREAD 4  /* a[0] cookie, a[1] mailbox of the new thread */
#define STUB_OP_CMPXCHG 5 /* a[0] address, a[1] expected, a[2] new; res old value or -EFAULT */
#define STUB_OP_CLOSEFDS 6 /* closes all of fds[] */
#define STUB_OPF_FD 1     /* a[4] is an index into fds[] */
#define STUB_OPF_GOON 2   /* a failure does not stop the batch */

/* Patched call sites (entry/patch_host.c): a table of pointers, slot 0 the stub's fast entry, then the thunks, each with
 * a record. One file per mm, mapped read+execute and hidden from the guest, which may map nothing below PORT_USER_MIN. */
#define PATCH_TABLE 0x60000
#define PATCH_SLOTS 8192
#define PATCH_THUNKS 0x70000
#define PATCH_THUNK_BYTES 64
#define PATCH_BYTES 0x90000 /* table and thunks */
#define REC_OFF 24          /* record in a thunk: u64 ret, cont, back */
#define REC_RET 0
#define REC_CONT 8
#define REC_BACK 16
#define CONT_OFF 48         /* SHAPE_CMP: the moved compare */

/* intercept=ptrace: what stub_traced has at which offset, and the memory at MBOX_BASE in place of mailboxes. */
#define TRACED_CALL_END 3   /* where a thread stops behind the syscall */
#define TRACED_CMPXCHG 16
#define TRACED_CMPXCHG_END 21
#define TRACED_HANDLER 32   /* of faults, for their error code: the tracer reads the host's frame */
#define TRACED_HANDLER_END 33
#define SCRATCH_BYTES 0x8000

/* Offsets in the mailbox that assembly uses; asserted below. */
#define MB_SELF 104
#define MB_MULTI 120
#define MB_START_FAST 28
#define MB_KICK 116
#define MB_FAST 128
#define MB_FAST_STACK 0x8400 /* the fast path's own stack (1 KiB): signals may come meanwhile. On one page with the bulk's
			      * beginning: a page that a process touches costs two faults */
/* Line A, what an answer changes; line B; line C, what the stub writes only when it is another than last time. */
#define F_RAX (MB_FAST + 0)
#define F_RCX (MB_FAST + 8)
#define F_R11 (MB_FAST + 16)
#define F_FLAGS (MB_FAST + 24)
#define F_RIP (MB_FAST + 32)
#define F_CONT (MB_FAST + 40)
#define F_RSP (MB_FAST + 48)
#define F_RDI (MB_FAST + 56)
#define F_RSI (MB_FAST + 64)
#define F_RDX (MB_FAST + 72)
#define F_R10 (MB_FAST + 80)
#define F_R8 (MB_FAST + 88)
#define F_R9 (MB_FAST + 96)
#define F_RBX (MB_FAST + 128)
#define F_RBP (MB_FAST + 136)
#define F_R12 (MB_FAST + 144)
#define F_R13 (MB_FAST + 152)
#define F_R14 (MB_FAST + 160)
#define F_R15 (MB_FAST + 168)

/* Marshalling: what of a call's arguments the stub copies to the bulk area (generated from syscalls.tbl). A word: bits 0-2
 * argument, 3-5 kind, then a size, or the argument that tells it (3 bits) and a factor. */
#define MARSH_ARGS 4
#define MARSH_IS_STRING 1
#define MARSH_IS_FIXED 2
#define MARSH_IS_SIZED 3
#define MARSH_IS_IOV 4      /* array, and what it points to if the factor is 1 */
#define MARSH_IS_MSG 5
#define MARSH_STRING(arg) ((arg) | MARSH_IS_STRING << 3)
#define MARSH_FIXED(arg, size) ((arg) | MARSH_IS_FIXED << 3 | (size) << 6)
#define MARSH_SIZED(arg, by, mul) ((arg) | MARSH_IS_SIZED << 3 | (by) << 6 | (mul) << 9)
#define MARSH_IOV(arg, by, data) ((arg) | MARSH_IS_IOV << 3 | (by) << 6 | (data) << 9)
#define MARSH_MSG(arg, data) ((arg) | MARSH_IS_MSG << 3 | (data) << 9)
#define STUB_WINS 12
#define STUB_LATE 16
#define STUB_WIN_STRING 0x80000000u /* len: ends with a NUL */

#define STUB_MAX_OPS 96
#define STUB_MAX_FDS 64

#ifndef __ASSEMBLER__
#include <umber/types.h>

/* Is the answer of a host call an error? */
static inline bool host_failed(s64 res)
{
	return res < 0 && res >= -MAX_ERRNO;
}

struct stub_op {
	u32 kind, flags;
	u64 nr;
	u64 a[6];
	s64 res;
	u64 pad;
};

/* Registers at a patched site. rip: where the guest thinks it returns to; cont: where the stub goes. */
struct fast_regs {
	u64 rax, rcx, r11, flags, rip, cont, rsp, rdi;
	u64 rsi, rdx, r10, r8, r9, pad[3];
	u64 rbx, rbp, r12, r13, r14, r15, pad2[2];
};

/* Answers of the stub (kernel writes but sigmask, which both do in turns). Whatever the guest makes of them, it lies to
 * itself; the kernel takes sigmask back as if the task had asked for it. */
struct stub_self {
	u32 pid, tid, uid, euid, gid, egid;
	u64 sigmask;
	u32 ask;    /* do not change sigmask; seq_cst after a change of it, kernel the other way round */
	u32 off;    /* no answers */
};

/* A piece of user memory and where its copy is in the mailbox, from MBOX_BULK_OFF on. */
struct stub_win {
	u64 addr;
	u32 len, off;
};

struct mailbox {
	/* Line 0, written by the stub. */
	u32 s2k;      /* entry sequence. Kernel: any change is an entry; a lie is a spurious entry */
	u32 s_sleep;  /* the stub (is about to) sleep on k2s. A lie: a wake-up too many or too few for itself */
	u32 kind;     /* MBOX_ENTRY_* */
	u32 signo;    /* of MBOX_ENTRY_SIGNAL */
	u64 uc_off;   /* of the host's ucontext in this mailbox; kernel checks range and alignment */
	u32 nwins;    /* copies that came with the call. The kernel copies and checks; a lie is the caller's own memory */
	u32 start_fast; /* kernel, before a fork: the child goes on by the fast path */
	u8 pad0[32];
	/* Line 1, written by the kernel. A forged value harms the forger's own thread. */
	u32 k2s;      /* sequence that has been answered */
	u32 k_sleep;  /* the vCPU (is about to) sleep on s2k */
	u32 cmd;
	u32 nr_ops;
	u32 spin;     /* PAUSE rounds before sleeping */
	u32 set_fs;   /* bit 0: fs_base, bit 1: gs_base is to be loaded before RESUME */
	u64 fs_base, gs_base;
	u64 self;      /* its address in the stub: what gs points at leads here */
	u32 nospin;    /* the answer will not come soon: sleep at once */
	u32 kick;      /* stub: a kick came while in stub text; looked at on the way out */
	u32 multi;     /* slot 0 only: more than its own thread may run here, gs leads each to its mailbox */
	u32 nlate;     /* copies that the stub makes before user code goes on */
	struct fast_regs fast; /* stub writes at an entry, kernel at the answer; copied once */
	struct stub_self self_id;
	struct stub_win wins[STUB_WINS], late[STUB_LATE];
	u64 start_off; /* uc of the frame for a thread that waits in MBOX_ENTRY_START */
	/* Host ops: kernel writes, stub writes res. The kernel copies res and checks it. */
	u32 fault_ip_set;
	u32 nfds;
	s32 fds[STUB_MAX_FDS];
	struct stub_op ops[STUB_MAX_OPS];
	u8 msgbuf[1024]; /* msghdr and control data of recvmsg */
	u8 bulk[];
};
_Static_assert(offsetof(struct mailbox, k2s) == 64, "line 1");
_Static_assert(offsetof(struct mailbox, self) == MB_SELF, "MB_SELF");
_Static_assert(offsetof(struct mailbox, kick) == MB_KICK, "MB_KICK");
_Static_assert(offsetof(struct mailbox, multi) == MB_MULTI, "MB_MULTI");
_Static_assert(offsetof(struct mailbox, start_fast) == MB_START_FAST, "MB_START_FAST");
_Static_assert(offsetof(struct mailbox, fast) == MB_FAST, "MB_FAST");
_Static_assert(offsetof(struct mailbox, fast.cont) == F_CONT, "F_CONT");
_Static_assert(offsetof(struct mailbox, fast.r9) == F_R9, "F_R9");
_Static_assert(offsetof(struct mailbox, fast.r15) == F_R15, "F_R15");
_Static_assert(sizeof(struct mailbox) <= MBOX_STACK_OFF - 0x1000, "control part is below the signal stack");

/* x86-64 signal frame of the host (arch/x86 uapi), as the kernel reads and writes it. */
struct host_mcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct host_ucontext {
	u64 flags, link;
	u64 ss_sp;
	s32 ss_flags, ss_pad;
	u64 ss_size;
	struct host_mcontext mc;
	u64 sigmask;
};
_Static_assert(sizeof(struct host_ucontext) == 304, "struct ucontext is 304 bytes");
#endif
#endif
