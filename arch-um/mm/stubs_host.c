/*
 * Making and ending stubs: the template, the zygote pool, guest fork, threads.
 *
 * A clone is asked for, not made (DESIGN 3.1). The kernel puts an order (a random cookie, the thread that may
 * clone, the kind) on the uthread that is to come, and tells a serving thread to clone. The listener thread
 * lets a notified clone go on only for an order of that very thread, once; the child's first call is a
 * notified prctl that carries the cookie, which only the ordering kernel and that mm's mailbox know. So the
 * child's pid comes from the host, and what was not ordered is never born; a child that answers for no order
 * is refused and dies by its own exit(127).
 */
#include "stubs_int.h"
#include "../entry/backend.h"
#include "../vcpu/vcpu.h"
#include <abi/errno.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_STUBS 32768
#define MAX_UTHREADS 65536
#define SLOTS_STEP 8
#define AUDIT_SLACK_NS 50000000ULL
#define ZYGOTES_MAX 3
#define ATTACH_TIMEOUT_NS 2500000000ULL

static struct stub *stubs[MAX_STUBS];        /* by id; A */
static struct uthread *uthreads[MAX_UTHREADS]; /* by id; A: pointer stays while the listener may look (orders lock) */
static s32 stub_hint = 1, ut_hint = 1;
static s32 stub_high;                         /* highest stub id ever used */
static s32 ut_high;                           /* highest uthread id ever used */
struct stub *template_stub;
struct uthread *template_ut;
static pthread_mutex_t template_lock = PTHREAD_MUTEX_INITIALIZER; /* who waits for the template; before klock */
static struct stub *zygotes;                 /* stub.next; klock */
static u32 nr_zygotes;
static struct stub *zygote_ordered;          /* the template is forking it; klock */
static u32 zygotes_wanted;                   /* grows with use: a guest that runs one command needs none in store */
int listener = -1;
pid_t reaper_pid;                     /* first process of the stubs' pid namespace, 0: none */
static pthread_mutex_t orders = PTHREAD_MUTEX_INITIALIZER;
static struct uthread *pending[256];         /* orders: ordered, not attached */

struct stub *stub_by_id(port_mm_t id)
{
	return id > 0 && id < MAX_STUBS ? __atomic_load_n(&stubs[id], __ATOMIC_ACQUIRE) : NULL;
}

s32 stub_last_id(void)
{
	return stub_high;
}

struct uthread *uthread_by_id(s32 id)
{
	return id > 0 && id < MAX_UTHREADS ? uthreads[id] : NULL;
}

/* ---- allocation ---- */
static int stub_back_slots(struct stub *s, u32 slots)
{
	if (slots <= s->slots_backed)
		return 0;
	slots = ALIGN_UP(slots, SLOTS_STEP);
	if (slots > MBOX_MAX || ftruncate(s->mbfd, (off_t)slots * MBOX_SIZE))
		return -ENOMEM;
	s->slots_backed = slots;
	return 0;
}

static void stub_destroy(struct stub *s)
{
	struct uthread *ut;

	while ((ut = s->threads)) {
		s->threads = ut->next;
		order_cancel(ut);
		pthread_mutex_lock(&orders);
		uthreads[ut->id] = NULL;
		pthread_mutex_unlock(&orders);
		free(ut);
	}
	patch_release(s);
	if (!mbox_keep(s)) {
		mbox_unmap(s);
		if (s->mbfd >= 0)
			close(s->mbfd);
	}
	if (s->sock >= 0)
		close(s->sock);
	if (s->stub_sock >= 0)
		close(s->stub_sock);
	if (stub_pidfd(s) >= 0) {
		siginfo_t si;

		waitid(P_PIDFD, (id_t)stub_pidfd(s), &si, WEXITED | __WALL | WNOHANG);
		close(stub_pidfd(s));
	}
	__atomic_store_n(&stubs[s->id], NULL, __ATOMIC_RELEASE);
	free(s);
}

static bool take_mailbox(struct stub *s)
{
	if (mbox_reuse(s))
		return true;
	s->mbfd = memfd_create("umber-mailbox", MFD_CLOEXEC);
	return s->mbfd >= 0 && !stub_back_slots(s, 1) && mbox_map(s, 0);
}

struct stub *stub_new(void)
{
	struct stub *s = calloc(1, sizeof(*s));
	int sv[2] = { -1, -1 };
	s32 id, tries;

	if (!s)
		return NULL;
	for (id = stub_hint, tries = 0; tries < MAX_STUBS && stubs[id]; tries++)
		id = id + 1 < MAX_STUBS ? id + 1 : 1;
	if (stubs[id]) {
		free(s);
		return NULL;
	}
	stub_hint = id + 1 < MAX_STUBS ? id + 1 : 1;
	if (id > stub_high)
		stub_high = id;
	s->id = id;
	s->pidfd = s->sock = s->stub_sock = s->mbfd = -1;
	stubs[id] = s;
	if (!take_mailbox(s) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
		stub_destroy(s);
		return NULL;
	}
	s->sock = sv[0];
	s->stub_sock = sv[1];
	return s;
}

struct uthread *uthread_new(struct stub *s)
{
	struct uthread *ut;
	struct mailbox *mb;
	s32 id, tries;
	u32 slot = 0;

	while (slot < MBOX_MAX / 64 && s->slot_map[slot] == U64_MAX)
		slot++;
	if (slot == MBOX_MAX / 64)
		return NULL;
	slot = slot * 64 + (u32)__builtin_ctzll(~s->slot_map[slot]);
	if (stub_back_slots(s, slot + 1))
		return NULL;
	for (id = ut_hint, tries = 0; tries < MAX_UTHREADS && uthreads[id]; tries++)
		id = id + 1 < MAX_UTHREADS ? id + 1 : 1;
	mb = mbox_map(s, slot);
	ut = !mb || uthreads[id] ? NULL : calloc(1, sizeof(*ut));
	if (!ut)
		return NULL;
	ut_hint = id + 1 < MAX_UTHREADS ? id + 1 : 1;
	s->slot_map[slot / 64] |= 1ull << (slot % 64);
	ut->id = id;
	ut->stub = s;
	ut->slot = slot;
	ut->mb = mb;
	ut->fresh = ut->fpu_init = true;
	ut->cpu = -1;
	/* the slot may have belonged to a thread that has exited */
	ut->mb->s2k = ut->mb->k2s = 0;
	ut->mb->s_sleep = ut->mb->k_sleep = 0;
	ut->mb->nfds = ut->mb->nlate = 0;
	ut->mb->self = MBOX_BASE + (u64)slot * MBOX_SIZE;
	ut->mb->kick = ut->mb->multi = ut->mb->start_fast = 0;
	memset(&ut->mb->self_id, 0, sizeof(ut->mb->self_id));
	ut->next = s->threads;
	s->threads = ut;
	s->nr_threads++;
	__atomic_store_n(&uthreads[id], ut, __ATOMIC_RELEASE);
	if (id > ut_high)
		__atomic_store_n(&ut_high, id, __ATOMIC_RELEASE);
	return ut;
}

/* Also takes back its order: pending[] never holds what is freed. */
static void uthread_free(struct uthread *ut)
{
	struct stub *s = ut->stub;
	struct uthread **pp = &s->threads;

	order_cancel(ut);
	while (*pp != ut)
		pp = &(*pp)->next;
	*pp = ut->next;
	s->nr_threads--;
	s->slot_map[ut->slot / 64] &= ~(1ull << (ut->slot % 64));
	pthread_mutex_lock(&orders); /* pid_known() walks the table */
	uthreads[ut->id] = NULL;
	pthread_mutex_unlock(&orders);
	free(ut);
}

/* ---- orders and the listener ---- */
static int order_place(struct uthread *child, struct uthread *parent, u32 op)
{
	int i;

	getrandom(&child->cookie, sizeof(child->cookie), 0);
	child->cookie |= 1;
	parent->stub->has_cloned = true;
	child->order_tid = uthread_tid(parent);
	child->order_op = op;
	child->cpu = parent->cpu;
	pthread_mutex_lock(&orders);
	for (i = 0; i < 256 && pending[i]; i++)
		;
	if (i < 256)
		pending[i] = child;
	pthread_mutex_unlock(&orders);
	return i < 256 ? 0 : -EAGAIN;
}

struct uthread *order_find(u64 cookie)
{
	struct uthread *found = NULL;

	pthread_mutex_lock(&orders);
	for (int i = 0; i < 256 && !found; i++)
		if (pending[i] && pending[i]->cookie == cookie)
			found = pending[i];
	pthread_mutex_unlock(&orders);
	return found;
}

/* Takes the order back; true if the child had not attached. */
bool order_cancel(struct uthread *child)
{
	bool was = false;

	pthread_mutex_lock(&orders);
	for (int i = 0; i < 256; i++)
		if (pending[i] == child) {
			pending[i] = NULL;
			was = true;
		}
	pthread_mutex_unlock(&orders);
	return was;
}

static int add_fd(u64 id, int src, int at)
{
	struct seccomp_notif_addfd a = { .id = id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .srcfd = (u32)src,
					 .newfd = (u32)at, .newfd_flags = O_CLOEXEC };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a) < 0 ? -errno : 0;
}

/* Is it the host id of a thread that we have? orders held; ids are written before the order leaves pending[]. */
static bool pid_known(s32 tid)
{
	for (s32 i = 1, last = __atomic_load_n(&ut_high, __ATOMIC_ACQUIRE); i <= last; i++) {
		struct uthread *ut = __atomic_load_n(&uthreads[i], __ATOMIC_ACQUIRE);

		if (ut && uthread_tid(ut) == tid)
			return true;
	}
	return false;
}

/*
 * A process that was let go on to clone has a child that does not report: it can only be hostile code over the
 * stub's text. It has no death signal yet, and its pid is not known; but it is our child, and no stub's.
 */
void sweep_orphans(void)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	pthread_mutex_lock(&orders);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid != reaper_pid && !pid_known(pid)) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, __WALL); /* dies at once: it may sleep in no call that delays SIGKILL */
		}
	if (f)
		fclose(f);
	pthread_mutex_unlock(&orders);
}

void stub_attached(struct stub *s, s32 pid, int pidfd)
{
	__atomic_store_n(&s->pid, pid, __ATOMIC_RELEASE);
	__atomic_store_n(&s->pidfd, pidfd, __ATOMIC_RELEASE);
	events_watch_stub(s);
}

/* The child behind a notified prctl has the cookie of `ut`'s order: make it ours. orders held. */
static int attach(const struct seccomp_notif *req, struct uthread *ut)
{
	struct stub *s = ut->stub;
	char path[64];

	/* Whoever is known already claims to be somebody else's child: refused, the order stays. A dead stub takes nobody in. */
	if (stub_dead(s) || pid_known((s32)req->pid))
		return -EPERM;
	if (ut->order_op == STUB_OP_THREAD) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", stub_pid(s), (int)req->pid);
		if (access(path, F_OK))
			return -EPERM;
	} else {
		int fd = (int)syscall(SYS_pidfd_open, (pid_t)req->pid, 0); /* leaders only */

		if (fd < 0)
			return -errno;
		if (add_fd(req->id, s->mbfd, STUB_FD_MBOX) || add_fd(req->id, s->stub_sock, STUB_FD_SOCK)) {
			close(fd);
			return -EMFILE;
		}
		close(s->stub_sock);
		s->stub_sock = -1;
		stub_attached(s, (s32)req->pid, fd);
	}
	__atomic_store_n(&ut->tid, (s32)req->pid, __ATOMIC_RELEASE);
	__atomic_store_n(&ut->attached, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &ut->attached, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return 0;
}

/* What a notification may do. 0: go on. */
static int judge(const struct seccomp_notif *req)
{
	int r = -EPERM;

	pthread_mutex_lock(&orders);
	for (int i = 0; i < 256; i++) {
		struct uthread *ut = pending[i];

		if (!ut)
			continue;
		if (req->data.nr == SYS_clone) {
			u64 flags = ut->order_op == STUB_OP_FORK ? STUB_FORK_FLAGS : STUB_THREAD_FLAGS;

			if (ut->order_tid != (s32)req->pid || ut->approved || req->data.args[0] != flags)
				continue;
			ut->approved = 1;
			r = 0;
			break;
		}
		if (req->data.nr == SYS_prctl && req->data.args[2] == ut->cookie && ut->approved &&
		    ut->order_tid != (s32)req->pid) {
			r = attach(req, ut);
			if (!r)
				pending[i] = NULL;
			break;
		}
	}
	pthread_mutex_unlock(&orders);
	return r;
}

void *listener_main(void *arg)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;

	(void)arg;
	for (;;) {
		int r;

		memset(&req, 0, sizeof(req));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req)) {
			if (errno == EBADF || stub_dead(template_stub)) /* without users of the filter it never blocks */
				return NULL;
			if (errno != EINTR && errno != ENOENT)
				usleep(1000);
			continue;
		}
		r = judge(&req);
		memset(&resp, 0, sizeof(resp));
		resp.id = req.id;
		resp.error = r;
		resp.flags = r ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

int uthread_wait_attached(struct uthread *ut)
{
	u64 deadline = port_monotonic_ns() + ATTACH_TIMEOUT_NS;
	int r = 0;

	klock_drop();
	while (!__atomic_load_n(&ut->attached, __ATOMIC_ACQUIRE) && !r) {
		struct timespec ts = { 0, 20000000 };

		syscall(SYS_futex, &ut->attached, FUTEX_WAIT, 0, &ts, NULL, 0);
		if (port_monotonic_ns() > deadline || stub_dead(ut->stub))
			r = -EIO;
	}
	if (!r && wait_ops(ut, true) != WAIT_ENTRY) /* its MBOX_ENTRY_START */
		r = -EIO;
	klock_take();
	if (r) {
		if (order_cancel(ut) && ut->order_op == STUB_OP_FORK)
			sweep_orphans();
		stub_kill(ut->stub);
	}
	ut->started = !r;
	return r;
}

int port_user_wait(struct port_task *pt)
{
	struct uthread *ut = uthread_by_id(pt->uthread);

	if (!ut)
		return -EIO;
	return ut->started ? 0 : uthread_wait_attached(ut);
}

/* ---- ops of a thread ---- */
/* n ops are in ut's mailbox; until they are answered it may spin so long for what comes next. */
static void ops_prepare(struct uthread *ut, u32 n, u32 spin)
{
	ut->stub->resumes++;
	ut->mb->nr_ops = n;
	ut->mb->spin = spin;
}

static void ops_start(struct uthread *ut)
{
	if (backend->start_ops)
		backend->start_ops(ut);
}

/* drop: klock is dropped meanwhile. 0, or -EIO: the stub was killed. */
static int ops_run(struct uthread *ut, u32 n, bool clone, bool drop)
{
	int r;

	ops_prepare(ut, n, this_hvcpu() ? this_hvcpu()->spin : 0);
	if (drop)
		klock_drop();
	ops_start(ut);
	r = backend->end_ops(ut, clone);
	if (drop)
		klock_take();
	if (r)
		stub_kill(ut->stub);
	return r;
}

int stub_flush(struct stub *s, bool drop)
{
	u32 n = s->deferred;

	s->deferred = 0;
	return n ? ops_run(s->deferred_by, n, false, drop) : 0;
}

int uthread_run_ops(struct uthread *ut, u32 n, bool clone)
{
	if (!ut->started && uthread_wait_attached(ut))
		return -EIO;
	return ops_run(ut, n, clone, !ut->stub->keep_klock);
}

/* ---- zygotes ---- */
/* Tells the template to fork one, and does not wait: it happens while the vCPU, or another CPU, does something else. */
static int zygote_order(void)
{
	struct stub *s = stub_new();
	struct uthread *ut = s ? uthread_new(s) : NULL;

	if (!ut || order_place(ut, template_ut, STUB_OP_FORK)) {
		if (s)
			stub_destroy(s);
		return -EAGAIN;
	}
	template_ut->mb->ops[0] = (struct stub_op){ .kind = STUB_OP_FORK, .a = { ut->cookie } };
	ops_prepare(template_ut, 1, 0);
	zygote_ordered = s;
	ops_start(template_ut);
	return 0;
}

/* Puts the ordered one to the others. Without wait: if it is there. klock is dropped in the wait. */
static void zygote_collect(bool wait)
{
	struct stub *s;
	int r;

	if (!wait && pthread_mutex_trylock(&template_lock))
		return;
	if (wait) {
		klock_drop();
		pthread_mutex_lock(&template_lock);
		klock_take();
	}
	s = zygote_ordered;
	if (s && (wait || uthread_entered(template_ut))) {
		klock_drop();
		r = backend->end_ops(template_ut, true);
		klock_take();
		zygote_ordered = NULL;
		if (r)
			stub_kill(template_stub);
		if (r || READ_ONCE(template_ut->mb->ops[0].res) < 0) {
			stub_destroy(s);
		} else {
			s->next = zygotes;
			zygotes = s;
			nr_zygotes++;
		}
	}
	pthread_mutex_unlock(&template_lock);
}

void stubs_refill(void)
{
	mbox_bury();
	if (zygote_ordered)
		zygote_collect(false);
	if (!zygote_ordered && nr_zygotes < zygotes_wanted)
		zygote_order();
}

/* One of the pool; made now if there is none, and then the wait is this exec's. */
static struct stub *zygote_take(void)
{
	struct stub *s;

	for (int tries = 0; !zygotes && tries < 3; tries++) { /* another vCPU may be quicker */
		if (!zygote_ordered && zygote_order())
			break;
		zygote_collect(true);
	}
	s = zygotes;
	if (s) {
		zygotes = s->next;
		s->next = NULL;
		nr_zygotes--;
	}
	return s;
}

int port_mm_new(port_mm_t *out)
{
	static u32 made;
	struct stub *s;

	events_drain(); /* deaths that nobody was told of */
	zygotes_wanted = min_t(u32, made++, ZYGOTES_MAX);
	s = zygote_take();
	if (!s)
		return -EAGAIN;
	if (!zygote_ordered && nr_zygotes < zygotes_wanted)
		zygote_order();
	if (!s->threads->started)
		if (uthread_wait_attached(s->threads)) {
			s->freed = true;
			if (s->death_seen)
				stub_destroy(s);
			return -EAGAIN;
		}
	*out = s->id;
	return 0;
}

/* ---- user sides ---- */
void stub_multi(struct stub *s, bool multi)
{
	s->multi = multi;
	s->mb0->multi = multi;
}

/* seccomp: the child starts from the parent's register frame with its FPU image. */
void inherit_frame(struct uthread *child, struct uthread *parent)
{
	struct host_ucontext *uc;
	u64 from = MBOX_BASE + (u64)parent->slot * MBOX_SIZE, to = MBOX_BASE + (u64)child->slot * MBOX_SIZE;

	child->fs_base = parent->fs_base;
	child->gs_base = parent->gs_base;
	child->fast = parent->fast;
	if (parent->fast) { /* its vector registers are the child's by the host's clone */
		child->mb->start_fast = 1;
		child->mb->fast = child->fast_seen = parent->fast_seen;
		child->fresh = child->fpu_init = false;
		return;
	}
	child->fpu_init = parent->fpu_init;
	child->uc_off = parent->uc_off;
	if (!parent->fpu_init) {
		memcpy((u8 *)child->mb + parent->uc_off, (const u8 *)parent->mb + parent->uc_off,
		       MBOX_STACK_END - parent->uc_off);
		uc = uthread_uc(child);
		uc->mc.fpstate = uc->mc.fpstate - from + to;
	}
}

int port_fork(struct port_task *parent, struct port_task *child, port_mm_t *child_mm)
{
	struct uthread *put = uthread_by_id(parent->uthread), *cut;
	struct stub *s;
	struct stub_op *op;
	int r;

	if (!put || stub_dead(put->stub))
		return -EAGAIN;
	events_drain();
	patch_refresh(put->stub, put);
	if (stub_flush(put->stub, true))
		return -EAGAIN;
	/* the child's mailbox is slot 0's, where the host's signal stack must be, too */
	if ((put->slot || put->stub->multi) && uthread_need_full(put))
		return -EAGAIN;
	late_flush(put->stub);
	s = stub_new();
	cut = s ? uthread_new(s) : NULL;
	if (!cut) {
		if (s)
			stub_destroy(s);
		return -EAGAIN;
	}
	if (!put || stub_dead(put->stub) || order_place(cut, put, STUB_OP_FORK)) {
		stub_destroy(s);
		return -EAGAIN;
	}
	backend->inherit(cut, put);
	patch_fork(s, put->stub);
	op = &put->mb->ops[0];
	*op = (struct stub_op){ .kind = STUB_OP_FORK, .a = { cut->cookie } };
	r = uthread_run_ops(put, 1, true);
	if (!r && READ_ONCE(op->res) < 0)
		r = -EAGAIN;
	if (r) {
		if (order_cancel(cut)) {
			stub_destroy(s);
		} else { /* it lied: there is a child */
			s->freed = true;
			stub_kill(s);
			if (s->death_seen)
				stub_destroy(s);
		}
		sweep_orphans();
		return r == -EIO ? -EAGAIN : r;
	}
	child->uthread = cut->id;
	*child_mm = s->id;
	return 0;
}

int port_thread_new(struct port_task *parent, struct port_task *child)
{
	struct uthread *put = uthread_by_id(parent->uthread), *cut;
	struct stub_op *op;
	int r;

	if (!put || stub_dead(put->stub) || stub_flush(put->stub, true) || uthread_need_full(put))
		return -EAGAIN;
	stub_multi(put->stub, true); /* from here on the other's mailbox is not slot 0's */
	for (cut = put->stub->threads; cut; cut = cut->next)
		if (cut->parked && (cut->fast || cut->uc_off == put->uc_off))
			break;
	if (cut) { /* a host thread that served a task of this mm before */
		cut->parked = false;
		put->stub->nr_parked--;
		if (uthread_need_full(cut) || cut->uc_off != put->uc_off)
			cut = NULL;
	}
	if (cut) {
		u64 fs = cut->fs_base, gs = cut->gs_base;

		backend->inherit(cut, put);
		cut->fs_base = fs;
		cut->gs_base = gs;
		child->uthread = cut->id;
		return 0;
	}
	cut = uthread_new(put->stub);
	if (!cut)
		return -EAGAIN;
	if (order_place(cut, put, STUB_OP_THREAD)) {
		uthread_free(cut);
		return -EAGAIN;
	}
	backend->inherit(cut, put);
	op = &put->mb->ops[0];
	*op = (struct stub_op){ .kind = STUB_OP_THREAD, .a = { cut->cookie, MBOX_BASE + (u64)cut->slot * MBOX_SIZE } };
	r = uthread_run_ops(put, 1, true);
	if (!r && READ_ONCE(op->res) < 0) {
		if (order_cancel(cut))
			uthread_free(cut);
		else
			stub_kill(put->stub);
		return -EAGAIN;
	}
	if (r)
		return -EAGAIN;
	child->uthread = cut->id;
	return 0;
}

/* A user side has no task any more: its host thread parks, to be used again by the next thread of this mm. (Ending it
 * would free nothing that matters, and the leader must stay: process_vm_* fail on a dead one.) */
void uthread_release(struct uthread *ut)
{
	if (ut->stub->deferred_by == ut && ut->stub->deferred)
		stub_flush(ut->stub, false);
	if (ut->nlate)
		late_flush(ut->stub);
	if (!ut->running && ut->started && !ut->fresh && !ut->parked) {
		ut->parked = true;
		ut->stub->nr_parked++;
	}
}

void port_task_exit(struct port_task *pt)
{
	struct uthread *ut = uthread_by_id(pt->uthread);

	pt->uthread = 0;
	if (ut)
		uthread_release(ut);
}

void port_task_exec(struct port_task *pt, port_mm_t new_mm)
{
	struct stub *s = stub_by_id(new_mm);
	struct uthread *old = uthread_by_id(pt->uthread);

	if (old)
		uthread_release(old);
	pt->uthread = s ? s->threads->id : 0;
	memset(&pt->regs, 0, sizeof(pt->regs));
	pt->regs.eflags = 0x202;
	pt->patch_wanted = 0;
}

void stub_kill(struct stub *s)
{
	if (stub_dead(s))
		return;
	__atomic_store_n(&s->dead, true, __ATOMIC_RELEASE);
	if (stub_pidfd(s) >= 0)
		syscall(SYS_pidfd_send_signal, stub_pidfd(s), SIGKILL, NULL, 0);
	if (backend->killed)
		backend->killed(s);
}

/* The watcher saw the pidfd become readable. */
void stub_died(struct stub *s)
{
	__atomic_store_n(&s->dead, true, __ATOMIC_RELEASE);
	s->death_seen = true;
	if (s->freed) {
		stub_destroy(s);
		return;
	}
	for (struct stub **pp = &zygotes; *pp; pp = &(*pp)->next)
		if (*pp == s) {
			*pp = s->next;
			nr_zygotes--;
			stub_destroy(s);
			return;
		}
	kern_mm_died(s->id);
}

void port_mm_free(port_mm_t mm)
{
	struct stub *s = stub_by_id(mm);

	if (!s)
		return;
	__atomic_store_n(&s->freed, true, __ATOMIC_RELEASE);
	if (stub_pidfd(s) < 0 && s->threads && !s->threads->started)
		uthread_wait_attached(s->threads);
	stub_kill(s);
	if (s->death_seen || stub_pidfd(s) < 0) /* nobody will ever report its death */
		stub_destroy(s);
}

bool stub_cpu_ns(const struct stub *s, u64 *ns)
{
	struct timespec ts;

	if (clock_gettime((clockid_t)(~(u32)stub_pid(s) << 3 | 2), &ts)) /* as clock_getcpuclockid(3) makes it */
		return false;
	*ns = (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
	return true;
}

/* ---- audit: CPU time that no running task explains (I7) ---- */
void stubs_audit(void)
{
	for (s32 id = 1; id <= stub_high; id++) {
		struct stub *s = stubs[id];
		bool running = false;
		u64 ns;

		if (!s || stub_dead(s) || !stub_pid(s) || s == template_stub)
			continue;
		if (backend->is_dead && backend->is_dead(s)) {
			stub_kill(s);
			continue;
		}
		for (struct uthread *ut = s->threads; ut; ut = ut->next)
			running |= ut->running || !ut->started;
		if (!stub_cpu_ns(s, &ns))
			continue;
		if (!running && s->audit_quiet && s->audit_resumes == s->resumes && ns > s->audit_ns + AUDIT_SLACK_NS)
			stub_kill(s);
		s->audit_quiet = !running;
		s->audit_resumes = s->resumes;
		s->audit_ns = ns;
	}
}
