/*
 * Host ops: typed requests of the kernel become calls that the stub makes in its own address space. The
 * flag words here are the ones that the filter lets pass (entry/filter_host.c).
 */
#include "stubs.h"
#include "../entry/backend.h"
#include "../vcpu/vcpu.h"
#include <abi/errno.h>
#include <abi/mman.h>
#include <errno.h>
#include <fcntl.h>
#include <port/hfd_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uthread *stub_ops_thread(struct stub *s)
{
	struct port_task *pt = (struct port_task *)current; /* struct task begins with it */
	struct uthread *ut = pt ? uthread_by_id(pt->uthread) : NULL;

	if (ut && ut->stub == s && !ut->running)
		return ut;
	for (ut = s->threads; ut; ut = ut->next)
		if (!ut->running && (ut->started || ut->cookie)) /* ordered: its first answer waits for it */
			return ut;
	return NULL;
}

/* A capability fd for the stub: no more than the mapping may ever need (I3). New fd, or the handle's own. */
static int capability_fd(const struct port_mmop *op, bool *dup)
{
	int fd = hfd_fd(op->hfd), mode;
	char path[64];

	*dup = false;
	if (fd < 0)
		return -EBADF;
	mode = hfd_mode(op->hfd);
	if (mode == O_RDONLY || (op->flags & PORT_MAP_WRITABLE))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	*dup = true;
	return fd < 0 ? -errno : fd;
}

int stub_send_fds(struct stub *s, const int *fds, u32 n)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(STUB_MAX_FDS * sizeof(int))];
	} c;
	char byte[8] = { 0 };
	struct iovec iov = { byte, sizeof(byte) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	memset(&c.h, 0, sizeof(c.h));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&c.h), fds, n * sizeof(int));
	return sendmsg(s->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void encode(struct stub_op *o, const struct port_mmop *op, u32 fd_index)
{
	u64 advice = op->prot;
	u32 optional = op->flags & OP_OPTIONAL ? STUB_OPF_GOON : 0;

	memset(o, 0, sizeof(*o));
	o->kind = STUB_OP_SYSCALL;
	o->a[0] = op->addr;
	o->a[1] = op->len;
	o->a[2] = op->prot;
	switch (op->kind) {
	case PORT_MM_MAP_ANON:
		o->nr = SYS_mmap;
		o->a[3] = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
		o->a[4] = (u64)-1;
		break;
	case PORT_MM_MAP_FILE:
		o->nr = SYS_mmap;
		o->flags = STUB_OPF_FD;
		o->a[3] = (op->flags & PORT_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED | MAP_NORESERVE;
		o->a[4] = fd_index;
		o->a[5] = op->off;
		break;
	case PORT_MM_UNMAP:
		o->nr = SYS_munmap;
		break;
	case PORT_MM_PROTECT:
		o->nr = SYS_mprotect;
		break;
	case PORT_MM_REMAP:
		o->nr = SYS_mremap;
		o->a[2] = op->new_len;
		o->a[3] = op->new_addr == op->addr ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
		o->a[4] = op->new_addr;
		break;
	default:
		o->nr = SYS_madvise;
		o->a[2] = advice;
		o->flags = STUB_OPF_GOON; /* an advice that the host does not know is no error */
		if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE || advice == MADV_DONTNEED)
			o->flags = 0;
		break;
	}
	o->flags |= optional;
}

#define DEFER_OPS 8
#define DEFER_BYTES (64u << 20)

/*
 * May these ops wait for the next answer to the thread (one hand-off less)? Only where nobody else can be in the mm
 * before that, so that the order of its changes holds: current's own and only thread. Copies, forks and further ops
 * flush first, some with klock kept: so they must be quick. That the host refuses them later is its limits' doing (the
 * guest's own are lower): the process dies.
 */
static bool may_defer(struct stub *s, struct uthread *ut, const struct port_mmop *ops, u32 nr)
{
	struct port_task *pt = (struct port_task *)current;

	if (nr > DEFER_OPS || !backend->defers)
		return false;
	for (u32 i = 0; i < nr; i++)
		if (ops[i].len > DEFER_BYTES)
			return false;
	return pt && uthread_by_id(pt->uthread) == ut && s->nr_threads - s->nr_parked == 1 && ut->started && !ut->fresh;
}

/* The fds that a batch of ops maps: each file travels once, however many of its parts are mapped. */
struct op_fds {
	int fd[STUB_MAX_FDS];
	bool dup[STUB_MAX_FDS];
	u8 of[STUB_MAX_OPS]; /* op -> index */
	u32 n;
};

static bool same_capability(const struct port_mmop *a, const struct port_mmop *b)
{
	return b->kind == PORT_MM_MAP_FILE && a->hfd == b->hfd && !((a->flags ^ b->flags) & PORT_MAP_WRITABLE);
}

static int collect_fds(struct op_fds *f, const struct port_mmop *ops, u32 nr)
{
	f->n = 0;
	for (u32 i = 0; i < nr; i++) {
		u32 k = 0;

		f->of[i] = 0;
		if (ops[i].kind != PORT_MM_MAP_FILE)
			continue;
		while (k < i && !same_capability(&ops[i], &ops[k]))
			k++;
		if (k < i) {
			f->of[i] = f->of[k];
			continue;
		}
		f->of[i] = (u8)f->n;
		f->fd[f->n] = capability_fd(&ops[i], &f->dup[f->n]);
		if (f->fd[f->n] < 0)
			return f->fd[f->n];
		f->n++;
	}
	return 0;
}

/* Collects and sends them. 0 or negative errno. */
static int give_fds(struct stub *s, struct op_fds *f, const struct port_mmop *ops, u32 nr)
{
	int r = collect_fds(f, ops, nr);

	if (!r && f->n)
		r = stub_send_fds(s, f->fd, f->n);
	for (u32 i = 0; i < f->n; i++)
		if (f->dup[i])
			close(f->fd[i]);
	return r;
}

/* A mapped part of a batch: at most STUB_MAX_OPS - 2 ops and STUB_MAX_FDS fds. */
static int run_part(struct stub *s, struct port_mmop *ops, u32 nr, bool defer)
{
	struct uthread *ut = stub_ops_thread(s);
	struct op_fds fds;
	bool goon[STUB_MAX_OPS];
	u32 at = 0, base;
	struct stub_op *o;
	int left = 0, r;

	if (!ut || stub_dead(s) || stub_flush(s, true))
		return -EIO;
	late_flush(s);
	o = ut->mb->ops;
	if (nr == 1 && ops->kind == PORT_MM_ADVISE)
		defer = false; /* its errors are the caller's */
	defer = defer && may_defer(s, ut, ops, nr);
	r = give_fds(s, &fds, ops, nr);
	if (r)
		return r;
	if (fds.n)
		o[at++] = (struct stub_op){ .kind = STUB_OP_RECVFDS, .a = { fds.n } };
	base = at;
	for (u32 i = 0; i < nr; i++)
		encode(&o[at++], &ops[i], fds.of[i]);
	for (u32 i = base; i < at; i++)
		o[i].res = -ECANCELED;
	if (fds.n)
		o[at++] = (struct stub_op){ .kind = STUB_OP_CLOSEFDS };
	if (defer) {
		s->deferred = at;
		s->deferred_by = ut;
		for (u32 i = 0; i < nr; i++)
			ops[i].result = 0;
		return 0;
	}
	for (u32 i = 0; i < nr; i++)
		goon[i] = o[base + i].flags & STUB_OPF_GOON; /* before the stub can change it */
	r = uthread_run_ops(ut, at, false);
	if (r)
		return r;
	if (fds.n && (ioctl(s->sock, SIOCOUTQ, &left) || left)) { /* capability fds that it did not take (I7) */
		stub_kill(s);
		return -EIO;
	}
	if (base && READ_ONCE(o[0].res) < 0)
		return (int)READ_ONCE(o[0].res);
	for (u32 i = 0; i < nr; i++) {
		s64 res = READ_ONCE(o[base + i].res);
		bool err = host_failed(res);

		ops[i].result = err ? res : 0;
		if (err && !r && !goon[i])
			r = (int)res;
	}
	return r;
}

int port_mm_ops_raw(port_mm_t mm, struct port_mmop *ops, unsigned nr)
{
	struct stub *s = stub_by_id(mm);
	int r = 0;
	u32 i = 0;

	if (!s)
		return -ESRCH;
	for (u32 k = 0; k < nr; k++)
		ops[k].result = -ECANCELED;
	while (i < nr && !r) {
		u32 n = 0, nfds = 0;

		while (i + n < nr && n < STUB_MAX_OPS - 2) {
			if (ops[i + n].kind == PORT_MM_MAP_FILE && ++nfds > STUB_MAX_FDS)
				break;
			n++;
		}
		r = run_part(s, ops + i, n, !i && n == nr);
		i += n;
	}
	for (u32 k = 0; k < nr; k++)
		if (ops[k].addr == PATCH_TABLE) /* below PORT_USER_MIN: never the guest's */
			s->table_mapped = !ops[k].result;
	return r;
}

/* The ops, and behind each new executable file mapping those that put its patched pages in place. */
int port_mm_ops(port_mm_t mm, struct port_mmop *ops, unsigned nr)
{
	enum { EXTRA = 256 };
	struct stub *s = stub_by_id(mm);
	struct port_mmop *all;
	u32 at = 0, extra = 0, n;
	int r;

	if (!s)
		return -ESRCH;
	if (!patch_enabled || (nr == 1 && ops->kind == PORT_MM_ADVISE))
		return port_mm_ops_raw(mm, ops, nr);
	if (nr == 1 && (ops->kind != PORT_MM_MAP_FILE || !(ops->prot & PROT_EXEC))) {
		patch_track(s, ops, NULL, 0);
		return port_mm_ops_raw(mm, ops, nr);
	}
	all = malloc((nr + EXTRA) * sizeof(*all));
	if (!all)
		return port_mm_ops_raw(mm, ops, nr);
	for (u32 i = 0; i < nr; i++) {
		all[at++] = ops[i];
		n = patch_track(s, &ops[i], all + at, EXTRA - extra);
		for (u32 k = 0; k < n; k++) /* without the table no page may come */
			all[at + k].flags |= all[at + k].addr == PATCH_TABLE ? OP_EXTRA : OP_EXTRA | OP_OPTIONAL;
		at += n;
		extra += n;
	}
	r = port_mm_ops_raw(mm, all, at);
	for (u32 i = 0, k = 0; i < nr; i++) {
		while (k < at && (all[k].flags & OP_EXTRA))
			k++;
		ops[i].result = all[k++].result;
		if (ops[i].result && ops[i].kind == PORT_MM_MAP_FILE) {
			struct port_mmop gone = { .kind = PORT_MM_UNMAP, .addr = ops[i].addr, .len = ops[i].len };

			patch_track(s, &gone, NULL, 0);
		}
	}
	free(all);
	return r;
}

int port_cmpxchg_user(port_mm_t mm, uaddr_t addr, u32 expect, u32 val, u32 *old)
{
	struct stub *s = stub_by_id(mm);
	struct uthread *ut = s ? stub_ops_thread(s) : NULL;
	s64 res;

	if (!ut || stub_dead(s) || stub_flush(s, true) || (addr & 3) || addr >= PORT_TASK_SIZE)
		return -EFAULT;
	late_flush(s);
	ut->mb->ops[0] = (struct stub_op){ .kind = STUB_OP_CMPXCHG, .a = { addr, expect, val } };
	if (uthread_run_ops(ut, 1, false))
		return -EFAULT;
	res = READ_ONCE(ut->mb->ops[0].res);
	if (res < 0)
		return -EFAULT;
	*old = (u32)res;
	return 0;
}

bool stub_proc_read(const struct stub *s, s32 tid, const char *name, char *buf, size_t n)
{
	char path[64];
	ssize_t r;
	int fd;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", stub_pid(s), tid, name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", stub_pid(s), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	r = read(fd, buf, n - 1);
	close(fd);
	if (r <= 0)
		return false;
	buf[r] = 0;
	return true;
}

u64 port_mm_rss_pages(port_mm_t mm)
{
	struct stub *s = stub_by_id(mm);
	unsigned long size = 0, rss = 0, shared = 0;
	char buf[128];

	if (!s || stub_dead(s) || !stub_pid(s) || !stub_proc_read(s, 0, "statm", buf, sizeof(buf)))
		return 0;
	if (sscanf(buf, "%lu %lu %lu", &size, &rss, &shared) != 3)
		return 0;
	return rss;
}

u64 port_mm_pss_pages(port_mm_t mm)
{
	struct stub *s = stub_by_id(mm);
	unsigned long kb = 0;
	char path[64], line[256];
	FILE *f;

	if (!s || stub_dead(s) || !stub_pid(s))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", stub_pid(s));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss_Anon: %lu kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb / 4;
}

int port_mm_mincore(port_mm_t mm, uaddr_t addr, size_t pages, u8 *vec)
{
	struct stub *s = stub_by_id(mm);
	char path[64];
	int fd, r = 0;

	if (!s || stub_dead(s))
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", stub_pid(s));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOSYS;
	for (size_t done = 0; done < pages && !r;) {
		u64 e[512];
		size_t n = pages - done < 512 ? pages - done : 512;
		ssize_t got = pread(fd, e, n * 8, (off_t)((addr / PAGE_SIZE + done) * 8));

		if (got < 8)
			r = -ENOSYS;
		for (ssize_t i = 0; i < got / 8; i++)
			vec[done++] = (u8)(e[i] >> 63);
	}
	close(fd);
	return r;
}
