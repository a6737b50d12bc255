/*
 * Stubs and their threads as the kernel process sees them (host side; *_host.c only).
 *
 * Life of a stub: ordered (a fork of the template or of a guest process), attached (its first call, the
 * notified prctl, told its pid), zygote or in use by an mm, dead (pidfd readable, or killed), freed when
 * the guest kernel dropped the mm and the watcher saw the death. Life of a uthread: free slot, ordered,
 * attached, serving (waits for an answer), running (user code), parked (serving for nobody, may be reused
 * for the next thread of the mm). All fields: klock, unless marked; A: atomic, written by any host thread.
 */
#ifndef ARCH_MM_STUBS_H
#define ARCH_MM_STUBS_H
#include "../entry/patch.h"
#include "../stub/stub_abi.h"
#include <port/port.h>
#include <umber/types.h>

struct stub;
struct uthread {
	s32 id;                 /* handle; 0 is never used */
	s32 tid;                /* A: host thread id, 0 until attached */
	struct stub *stub;
	struct mailbox *mb;     /* kernel process's mapping */
	u32 slot;
	u32 seen;               /* last s2k that was read */
	u32 attached;           /* A: futex word, 1 when the prctl was answered */
	u32 approved;           /* A: the clone was let go on */
	u64 cookie;             /* of the order that makes it */
	s32 order_tid;          /* the thread that may clone for this order */
	u32 order_op;           /* STUB_OP_FORK or STUB_OP_THREAD */
	u64 uc_off;             /* of the register frame while serving */
	u64 fs_base, gs_base;   /* loaded in the thread now */
	bool fast;              /* serves on the fast path: registers in mb->fast, no frame at uc_off */
	struct fast_regs fast_seen; /* as it entered: what has not changed since is not written back */
	bool started;           /* its first entry was seen: it serves */
	bool running;           /* user side has the CPU (resumed, no entry seen) */
	bool fresh;             /* waits in MBOX_ENTRY_START, has no host frame of its own */
	bool fpu_init;          /* the frame at uc_off has no FPU image: initial state */
	bool parked;
	s32 stop;               /* intercept=ptrace: status of its last stop */
	bool fpu_here, fpu_dirty; /* the same: its vector state is in the mailbox; is to be loaded before it goes on */
	u32 nwins, nlate;       /* copies that came with the call, that go with the answer (uaccess/copy_host.c) */
	u32 bulk_used;          /* of the mailbox's bulk area */
	struct stub_win wins[STUB_WINS], late[STUB_LATE];
	struct port_self self;  /* as the mailbox has it */
	s32 cpu;                /* host CPU it is pinned to, -1: none yet */
	u64 kick_cpu;           /* its CPU time when the kick was found overdue, + 1 */
	u64 kicked_ns;          /* when a kick was sent that is not answered yet */
	u64 fair_cpu;           /* came out by a kick last time: its CPU time when it went on, + 1; else 0 */
	bool by_kick;           /* its last entry was a kick's */
	struct uthread *next;   /* in stub->threads, or free list */
};

struct stub {
	s32 id;                 /* port_mm_t */
	s32 pid;                /* A */
	int pidfd;              /* A: -1 until attached */
	int sock;               /* our end of its socket */
	int stub_sock, mbfd;    /* what is given to it; stub_sock closed once given */
	struct mailbox *mb0;    /* the kernel process's view (mbox_host.c) */
	u8 *mb_rest;
	u32 slots_backed;       /* mailboxes within the file's size */
	u64 slot_map[MBOX_MAX / 64];
	struct uthread *threads;
	u32 nr_threads, nr_parked;
	u32 nr_late;            /* of its threads, those with nlate */
	u32 deferred;           /* ops in the mailbox of deferred_by that go with its next answer; 0: none */
	struct uthread *deferred_by;
	struct text_map text[PATCH_TEXTS_MAX]; /* entry/patch_host.c */
	u32 ntext;
	bool no_patch;
	bool multi;             /* see struct mailbox */
	bool keep_klock;        /* its ops run with klock held (entry/patch_host.c) */
	struct patch *patch;
	u32 patch_gen;          /* of the copies that are mapped */
	bool poked;             /* a debugger wrote to it: its pages stay as they are */
	bool table_mapped;      /* the table of `patch` is in the mm: its patched pages may be, too */
	u64 resumes;            /* hand-offs to its threads */
	u64 audit_ns, audit_resumes;
	bool audit_quiet;
	bool dead;              /* A */
	bool freed;             /* the guest has no more use for it */
	bool death_seen;        /* watcher is done with it: no thread of it is left */
	bool has_cloned;        /* processes or threads were ordered of it: its mailbox file may have other users */
	struct stub *next;
};

/* Boot, with the privileges that umber was started with and no thread yet: forks the template. */
int stubs_prefork(const char **what);
void stubs_end(void);                             /* after all stubs were killed */
/* Boot: the template's filter and the listener thread. 0 or negative errno with a message in *what. */
int stubs_init(const char **what);
void stubs_refill(void);                          /* idle time: tops up the zygote pool */
struct stub *stub_by_id(port_mm_t id);
s32 stub_last_id(void);                         /* no id was ever higher */
static inline bool stub_dead(const struct stub *s)
{
	return __atomic_load_n(&s->dead, __ATOMIC_ACQUIRE); /* the watcher writes it without klock */
}
static inline s32 stub_pid(const struct stub *s)
{
	return __atomic_load_n(&s->pid, __ATOMIC_ACQUIRE);  /* 0 until attached; the listener writes it */
}
static inline int stub_pidfd(const struct stub *s)
{
	return __atomic_load_n(&s->pidfd, __ATOMIC_ACQUIRE);
}
static inline s32 uthread_tid(const struct uthread *ut)
{
	return __atomic_load_n(&ut->tid, __ATOMIC_ACQUIRE);
}
/* It is gone with all its threads and had no child: what it was given nobody can have any more. */
static inline bool stub_left_nobody(const struct stub *s)
{
	return s->death_seen && !s->has_cloned;
}
bool stub_cpu_ns(const struct stub *s, u64 *ns);  /* CPU time of its process; false: it is gone */
/* A short file of its directory in the host's /proc, or of a thread's if tid is not 0: NUL-terminated. False: gone. */
bool stub_proc_read(const struct stub *s, s32 tid, const char *name, char *buf, size_t n);
/* Bytes copied by process_vm_* from or to any of its memory, the guest's or not; 0 at a fault; -ESRCH. */
ssize_t stub_transfer(struct stub *s, void *buf, u64 addr, size_t n, bool write_it);
struct uthread *uthread_by_id(s32 id);
/* The order with this cookie (NULL: none), until the child has attached; order_cancel(): true if it was still there. */
struct uthread *order_find(u64 cookie);
bool order_cancel(struct uthread *child);
int stub_send_fds(struct stub *s, const int *fds, u32 n); /* to its socket; 0 or negative errno */
void stub_kill(struct stub *s);                   /* SIGKILL through the pidfd */
void stubs_audit(void);                           /* about once a second, klock held */
void stub_died(struct stub *s);                   /* watcher, klock held */
/* klock dropped inside; 0 or -EIO when the thread is gone. */
int uthread_wait_attached(struct uthread *ut);

/* Runs n host ops (already in the mailbox) on a serving thread; klock is dropped. clone: one of them is a clone.
 * 0 or -EIO (stub died). */
int uthread_run_ops(struct uthread *ut, u32 n, bool clone);
/* A serving thread of the stub that may run ops now: current's, else any. NULL: none. */
struct uthread *stub_ops_thread(struct stub *s);
/* Runs deferred ops now (0 or -EIO). drop: klock may be dropped meanwhile. */
int stub_flush(struct stub *s, bool drop);
/* Makes a thread that came by the fast path come back with a full frame. 0 or -EIO. May drop klock. */
int uthread_need_full(struct uthread *ut);
/* Copies that wait for an answer (PORT_COPY_LATE): made now, or given to the stub with the answer that comes next. */
void late_flush(struct stub *s);
void late_hand_over(struct uthread *ut);
/* port_mm_ops without the tracking of patches. */
int port_mm_ops_raw(port_mm_t mm, struct port_mmop *ops, unsigned nr);
#define OP_OPTIONAL 0x100u /* port_mmop.flags: a failure of it is none of the batch */
#define OP_EXTRA 0x200u    /* of the port's own making: not the caller's */
struct host_ucontext *uthread_uc(struct uthread *ut);
/* The kernel process's address of a slot, mapped at need (NULL: no memory); all of a stub's given back; dead ones
 * unmapped. */
struct mailbox *mbox_map(struct stub *s, u32 slot);
void mbox_unmap(struct stub *s);
void mbox_bury(void);
/* The mailbox of a dead stub, cleared and kept for one to come; a kept one for a new stub. False: make or unmap it. */
bool mbox_keep(struct stub *s);
bool mbox_reuse(struct stub *s);
void stub_multi(struct stub *s, bool multi);
void uthread_release(struct uthread *ut);
#endif
