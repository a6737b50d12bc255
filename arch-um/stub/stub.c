/*
 * The code inside each stub. It carries a guest thread's entries to the kernel process and does host calls
 * for it; it decides nothing.
 *
 * What a hostile guest can do with it: jump to any of its instructions with any registers, overwrite its
 * mailbox while it runs, map other pages over it in its own address space. None of that gives a host call
 * outside the filter's list (I1, tests/hostile/jump.c), and every call in the list harms at most the
 * address space that makes it (I2). So there are no checks in here for safety's sake; they would be worth
 * nothing. No data, no libc, no vector registers: user vector state stays live while this runs.
 */
#include "stub_abi.h"

#include <gen/marshal.h>

#define NR_futex 202
#define NR_close 3
#define NR_recvmsg 47
#define NR_rt_sigaction 13
#define NR_rt_sigprocmask 14
#define NR_seccomp 317
#define NR_rt_sigreturn 15
#define NR_getpid 39
#define NR_fcntl 72
#define NR_getuid 102
#define NR_getgid 104
#define NR_geteuid 107
#define NR_getegid 108
#define NR_gettid 186
#define NR_arch_prctl 158
#define NR_close_range 436
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define SA_NODEFER 0x40000000
#define SA_FLAGS (4 | 0x04000000 | 0x08000000) /* SA_SIGINFO SA_RESTORER SA_ONSTACK */

#pragma GCC visibility push(hidden)
s64 stub_fork(u64 cookie);
s64 stub_thread(u64 cookie, u64 mailbox);
s64 stub_cmpxchg(u64 addr, u32 expect, u32 val);
s64 stub_load(u64 addr, u64 *val);
s64 stub_store(u64 addr, u64 val);
s64 stub_syscall(u64 nr, const u64 a[6]);
void stub_restorer(void);
s64 stub_copy(u64 to, u64 from, u64 n);
s64 stub_strcopy(u64 to, u64 from, u64 max);
extern const char stub_access[], stub_access_end[], stub_access_fault[];
extern const char stub_fast_check[], stub_fast_commit[], stub_full_trap[];

void stub_template_main(struct mailbox *mb);
u64 stub_first_command(struct mailbox *mb);
void stub_handler(int sig, void *info, struct host_ucontext *uc);
void stub_fast_serve(struct mailbox *mb);
void stub_fast_kicked(struct mailbox *mb);
void stub_start_fast(struct mailbox *mb);

static inline s64 sys3(u64 nr, u64 a, u64 b, u64 c)
{
	s64 ret;
	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

static inline s64 sys4(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	register u64 r10 __asm__("r10") = d;
	s64 ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

/* One message with up to STUB_MAX_FDS capability fds. 0 or negative errno. */
static s64 recv_fds(struct mailbox *mb, u32 want)
{
	struct {
		u64 name, namelen, iov, iovlen, control, controllen;
		u64 flags;
	} *msg = (void *)mb->msgbuf;
	struct {
		u64 base, len;
	} *iov = (void *)(mb->msgbuf + 64);
	struct {
		u64 len;
		s32 level, type;
		s32 fd[STUB_MAX_FDS];
	} *c = (void *)(mb->msgbuf + 128);
	s64 ret;
	u32 n;

	iov->base = (u64)(mb->msgbuf + 96);
	iov->len = 8;
	msg->name = msg->namelen = 0;
	msg->iov = (u64)iov;
	msg->iovlen = 1;
	msg->control = (u64)c;
	msg->controllen = sizeof(*c);
	msg->flags = 0;
	ret = sys3(NR_recvmsg, STUB_FD_SOCK, (u64)msg, 0x40000000 /* MSG_CMSG_CLOEXEC */);
	if (ret < 0)
		return ret;
	n = msg->controllen < 16 ? 0 : (u32)(c->len - 16) / 4;
	if (n > STUB_MAX_FDS)
		n = STUB_MAX_FDS;
	for (u32 i = 0; i < n; i++)
		mb->fds[i] = c->fd[i];
	mb->nfds = n;
	return n == want ? 0 : -24 /* EMFILE: the host could not install all */;
}

/* True if all went well. */
static bool run_ops(struct mailbox *mb)
{
	u32 n = mb->nr_ops;

	if (n > STUB_MAX_OPS)
		n = STUB_MAX_OPS;
	for (u32 i = 0; i < n; i++) {
		struct stub_op *op = &mb->ops[i];
		s64 res;

		switch (op->kind) {
		case STUB_OP_SYSCALL:
			if (op->flags & STUB_OPF_FD)
				op->a[4] = (u64)(s64)mb->fds[op->a[4] % STUB_MAX_FDS];
			res = stub_syscall(op->nr, op->a);
			break;
		case STUB_OP_RECVFDS:
			res = recv_fds(mb, (u32)op->a[0]);
			break;
		case STUB_OP_CLOSEFDS:
			for (u32 k = 0; k < mb->nfds && k < STUB_MAX_FDS; k++)
				sys3(NR_close, (u64)(s64)mb->fds[k], 0, 0);
			mb->nfds = 0;
			res = 0;
			break;
		case STUB_OP_FORK:
			res = stub_fork(op->a[0]);
			break;
		case STUB_OP_THREAD:
			res = stub_thread(op->a[0], op->a[1]);
			break;
		case STUB_OP_CMPXCHG:
			res = stub_cmpxchg(op->a[0], (u32)op->a[1], (u32)op->a[2]);
			break;
		default:
			res = -22;
		}
		op->res = res;
		if (host_failed(res) && !(op->flags & STUB_OPF_GOON)) {
			/* What came by fd is closed whatever happened. */
			for (u32 k = 0; k < mb->nfds && k < STUB_MAX_FDS; k++)
				sys3(NR_close, (u64)(s64)mb->fds[k], 0, 0);
			mb->nfds = 0;
			return false;
		}
	}
	return true;
}

/* ---- what travels with a call and its answer ---- */
struct gather { struct mailbox *mb; u64 used; };

/* Copies a piece; true: there. The kernel fetches by itself what does not come. */
static bool take(struct gather *g, u64 addr, u64 len, bool string)
{
	u64 room = MBOX_BULK - g->used, to = (u64)g->mb + MBOX_BULK_OFF + g->used;
	struct stub_win *w = &g->mb->wins[g->mb->nwins];

	if (!addr || !len || g->mb->nwins == STUB_WINS)
		return false;
	if (string) {
		s64 n = stub_strcopy(to, addr, room < len ? room : len);

		if (n <= 0)
			return false;
		len = (u64)n;
	} else if (len > room || stub_copy(to, addr, len)) {
		return false;
	}
	w->addr = addr;
	w->len = (u32)len | (string ? STUB_WIN_STRING : 0);
	w->off = (u32)g->used;
	g->mb->nwins++;
	g->used += (len + 15) & ~15ull;
	return true;
}

static void take_iov(struct gather *g, u64 addr, u64 nr, bool data)
{
	struct { u64 base, len; } *iov = (void *)((u64)g->mb + MBOX_BULK_OFF + g->used);

	if (nr > 8 || !take(g, addr, nr * 16, false))
		return;
	for (u64 i = 0; data && i < nr; i++)
		if (iov[i].len && !take(g, iov[i].base, iov[i].len, false))
			return;
}

static void take_msg(struct gather *g, u64 addr, bool data)
{
	struct {
		u64 name; u32 namelen, pad;
		u64 iov, iovlen, control, controllen, flags;
	} *m = (void *)((u64)g->mb + MBOX_BULK_OFF + g->used);

	if (!take(g, addr, sizeof(*m), false))
		return;
	if (data && m->namelen <= 128)
		take(g, m->name, m->namelen, false);
	if (data && m->controllen <= 4096)
		take(g, m->control, m->controllen, false);
	take_iov(g, m->iov, m->iovlen, data);
}

/* rt_sigreturn(2): the frame at sp, and the FPU image that it points to, as long as that says (sw_reserved). */
static void take_frame(struct gather *g, u64 sp)
{
	struct { u64 restorer; struct host_ucontext uc; u8 info[128]; } *f = (void *)((u64)g->mb + MBOX_BULK_OFF);
	u64 at, size;

	if (!take(g, sp - 8, sizeof(*f), false))
		return;
	at = f->uc.mc.fpstate;
	if (at && at < STUB_BASE && !stub_load(at + 464, &size))
		take(g, at, size >> 32 <= 4096 ? size >> 32 : 512, false);
}

/* fcntl(2): F_GETLK, F_SETLK, F_SETLKW, and the same of open file descriptions, have a struct flock. */
static bool fcntl_lock(u64 cmd)
{
	return cmd - 5 < 3 || cmd - 36 < 3;
}

/* Copies what the call's arguments point to, as far as the table says that the kernel will want it. */
static void marshal(struct mailbox *mb, u64 nr, const u64 arg[6], u64 sp)
{
	struct gather g = { mb, 0 };
	const u16 *kinds;

	mb->nwins = 0;
	if (nr == NR_rt_sigreturn)
		take_frame(&g, sp);
	if (nr == NR_fcntl && fcntl_lock(arg[1]))
		take(&g, arg[2], 32, false);
	if (nr >= sizeof(marsh_of) || !marsh_of[nr])
		return;
	kinds = marsh_kinds[marsh_of[nr]];
	for (u32 i = 0; i < MARSH_ARGS && kinds[i]; i++) {
		u64 at = arg[kinds[i] & 7], by = arg[kinds[i] >> 6 & 7];
		u32 mul = kinds[i] >> 9;

		switch (kinds[i] >> 3 & 7) {
		case MARSH_IS_STRING:
			take(&g, at, 4096, true);
			break;
		case MARSH_IS_FIXED:
			take(&g, at, kinds[i] >> 6, false);
			break;
		case MARSH_IS_SIZED:
			if (by <= MBOX_BULK)
				take(&g, at, by * mul, false);
			break;
		case MARSH_IS_IOV:
			take_iov(&g, at, by, mul);
			break;
		default:
			take_msg(&g, at, mul);
		}
	}
}

/* False: a fault; what was copied may be copied again. */
static bool copy_late(struct mailbox *mb)
{
	for (u32 i = 0; i < mb->nlate && i < STUB_LATE; i++) {
		struct stub_win *w = &mb->late[i];

		if (stub_copy(w->addr, (u64)mb + MBOX_BULK_OFF + w->off, w->len))
			return false;
	}
	mb->nlate = 0;
	return true;
}

/* Tells the kernel that there is an entry, waits for its answers, does ops, returns when told to resume. */
static void serve(struct mailbox *mb)
{
	for (;;) {
		u32 seq = __atomic_load_n(&mb->s2k, __ATOMIC_RELAXED) + 1;
		u32 spin = mb->spin, v;

		__atomic_store_n(&mb->s2k, seq, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&mb->k_sleep, __ATOMIC_SEQ_CST))
			sys3(NR_futex, (u64)&mb->s2k, FUTEX_WAKE, 1);
		while ((v = __atomic_load_n(&mb->k2s, __ATOMIC_ACQUIRE)) != seq && spin-- &&
		       !__atomic_load_n(&mb->nospin, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
		while (v != seq) {
			__atomic_store_n(&mb->s_sleep, 1, __ATOMIC_SEQ_CST);
			v = __atomic_load_n(&mb->k2s, __ATOMIC_SEQ_CST);
			if (v != seq)
				sys4(NR_futex, (u64)&mb->k2s, FUTEX_WAIT, v, 0);
			__atomic_store_n(&mb->s_sleep, 0, __ATOMIC_RELAXED);
			v = __atomic_load_n(&mb->k2s, __ATOMIC_ACQUIRE);
		}
		v = mb->cmd;
		if (v != MBOX_CMD_OPS && (v != MBOX_CMD_OPS_RESUME || run_ops(mb))) {
			u32 set = mb->set_fs;

			if (set) {
				if (set & 1)
					sys3(NR_arch_prctl, ARCH_SET_FS, mb->fs_base, 0);
				if (set & 2)
					sys3(NR_arch_prctl, ARCH_SET_GS, mb->gs_base, 0);
				mb->set_fs = 0;
			}
			if (!mb->nlate || copy_late(mb))
				return;
			mb->kind = MBOX_ENTRY_LATE;
			continue;
		}
		if (v == MBOX_CMD_OPS)
			run_ops(mb);
		mb->kind = MBOX_ENTRY_OPS;
	}
}

/* All host signals of a stub end here, on the alternate stack in the thread's mailbox. */
void stub_handler(int sig, void *info, struct host_ucontext *uc)
{
	struct mailbox *mb = (void *)((u64)uc & ~(u64)(MBOX_SIZE - 1));
	u64 ip = uc->mc.rip;

	if (ip >= (u64)stub_access && ip < (u64)stub_access_end && (sig == 11 || sig == 7)) {
		uc->mc.rip = (u64)stub_access_fault;
		return;
	}
	if (ip >= STUB_TEXT && ip < STUB_TEXT + STUB_TEXT_BLOCK) {
		if (sig == STUB_KICK_SIGNAL) { /* noted; the way out looks */
			mb->kick = 1;
			if (ip >= (u64)stub_fast_check && ip < (u64)stub_fast_commit)
				uc->mc.rip = (u64)stub_fast_check;
			return;
		}
		if (ip == (u64)stub_full_trap && sig == 4) {
			uc->mc.rip = mb->fast.rip;
			mb->kind = MBOX_ENTRY_FULL;
			mb->uc_off = (u64)uc - (u64)mb;
			serve(mb);
			return;
		}
	}
	if (sig == 31) {
		const u64 arg[6] = { uc->mc.rdi, uc->mc.rsi, uc->mc.rdx, uc->mc.r10, uc->mc.r8, uc->mc.r9 };

		marshal(mb, uc->mc.rax, arg, uc->mc.rsp);
	}
	mb->kind = MBOX_ENTRY_SIGNAL;
	mb->signo = (u32)sig;
	mb->uc_off = (u64)uc - (u64)mb;
	serve(mb);
}

/* rt_sigprocmask(2) on the mask in the mailbox. False: the kernel has to do it. */
static bool answer_sigmask(struct mailbox *mb)
{
	struct stub_self *id = &mb->self_id;
	u64 old = id->sigmask, new = old, set;

	if (mb->fast.r10 != 8 || mb->fast.rsi >= STUB_BASE || mb->fast.rdx >= STUB_BASE)
		return false;
	if (mb->fast.rsi) {
		if (id->ask || stub_load(mb->fast.rsi, &set))
			return false;
		switch (mb->fast.rdi) {
		case 0:
			new = old | set;
			break;
		case 1:
			new = old & ~set;
			break;
		case 2:
			new = set;
			break;
		default:
			return false;
		}
		new &= ~(1ull << (9 - 1) | 1ull << (19 - 1));
	}
	/* the kernel may have come to want a say meanwhile; then the call is made again, from the old mask */
	if (new != old) {
		__atomic_store_n(&id->sigmask, new, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&id->ask, __ATOMIC_SEQ_CST)) {
			id->sigmask = old;
			return false;
		}
	}
	if (mb->fast.rdx && stub_store(mb->fast.rdx, old)) {
		id->sigmask = old;
		return false;
	}
	mb->fast.rax = 0;
	return true;
}

/* Calls that need no kernel. */
static bool answered(struct mailbox *mb)
{
	struct stub_self *id = &mb->self_id;

	if (id->off)
		return false;
	switch (mb->fast.rax) {
	case NR_getpid:
		mb->fast.rax = id->pid;
		break;
	case NR_gettid:
		mb->fast.rax = id->tid;
		break;
	case NR_getuid:
		mb->fast.rax = id->uid;
		break;
	case NR_geteuid:
		mb->fast.rax = id->euid;
		break;
	case NR_getgid:
		mb->fast.rax = id->gid;
		break;
	case NR_getegid:
		mb->fast.rax = id->egid;
		break;
	case NR_rt_sigprocmask:
		if (!answer_sigmask(mb))
			return false;
		break;
	default:
		return false;
	}
	mb->fast.rcx = mb->fast.rip;
	mb->fast.r11 = mb->fast.flags;
	return true;
}

/* serve() on the fast path: the way out is the trap if the kernel wants a full frame. */
static void serve_fast(struct mailbox *mb, u32 kind)
{
	mb->kind = kind;
	serve(mb);
	if (mb->cmd == MBOX_CMD_FULL)
		mb->fast.cont = (u64)stub_full_trap;
}

/* A call from a patched site. */
void stub_fast_serve(struct mailbox *mb)
{
	const struct fast_regs *f = &mb->fast;

	if (answered(mb))
		return;
	marshal(mb, f->rax, (const u64[6]){ f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9 }, f->rsp);
	serve_fast(mb, MBOX_ENTRY_FAST);
}

/* A kick came while the call was served: the kernel hears of it before user code goes on. */
void stub_fast_kicked(struct mailbox *mb)
{
	mb->kick = 0;
	serve_fast(mb, MBOX_ENTRY_FAST_KICK);
}

/* A forked process that goes on where its parent's fast path stands. */
void stub_start_fast(struct mailbox *mb)
{
	serve_fast(mb, MBOX_ENTRY_START);
}

/* A new thread: waits for its first command; returns where its first register frame is. */
u64 stub_first_command(struct mailbox *mb)
{
	mb->kind = MBOX_ENTRY_START;
	serve(mb);
	return (u64)mb + (mb->start_off & (MBOX_SIZE - 16));
}

/* The template: handlers, filter, then it only serves: the kernel forks zygotes from it. */
void stub_template_main(struct mailbox *mb)
{
	static const u8 sigs[] = { 4, 5, 7, 8, 11, 31, STUB_KICK_SIGNAL };
	struct {
		u64 handler, flags, restorer, mask;
	} *act = (void *)mb->msgbuf;
	s64 ret = 0;

	sys3(NR_close_range, 1, ~0u, 0);
	/* A kick may come only in user code: whoever waits for a first command has all signals blocked, and the
	 * first register frame unblocks them. */
	act->mask = ~(1ull << (11 - 1) | 1ull << (7 - 1));
	sys4(NR_rt_sigprocmask, 2 /* SIG_SETMASK */, (u64)&act->mask, 0, 8);
	for (u32 i = 0; i < sizeof(sigs) && !ret; i++) {
		act->handler = (u64)stub_handler;
		/* A fault in a copy that the kernel asked for may come within a handler: SIGSEGV and SIGBUS stay open. */
		act->flags = SA_FLAGS | (sigs[i] == 11 || sigs[i] == 7 ? SA_NODEFER : 0);
		act->restorer = (u64)stub_restorer;
		act->mask = ~(1ull << (11 - 1) | 1ull << (7 - 1));
		ret = sys4(NR_rt_sigaction, sigs[i], (u64)act, 0, 8);
	}
	/* bulk: struct sock_fprog, then the program, as the kernel process wrote it */
	if (!ret)
		ret = sys3(NR_seccomp, 1, mb->ops[0].a[0], (u64)mb->bulk);
	mb->ops[0].res = ret;
	mb->kind = MBOX_ENTRY_START;
	for (;;)
		serve(mb);
}
