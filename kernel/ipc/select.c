/* select(2), pselect(2). */
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/signal.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/vfs.h>
#include "poller.h"

#define SEL_IN (EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR)
#define SEL_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR)
#define SEL_EX EPOLLPRI
#define SEL_STACK_WORDS 16      /* 1024 fds: 6 sets of 128 bytes */
#define SEL_MAX_FDS (1 << 20)
#define FD_SETSIZE_LIBC 1024

/* in[i] are the user's three sets, out[i] the answer; `words` 64-bit words each. */
struct fd_sets {
	u64 *in[3], *out[3];
	int n, words;
};
static const u32 set_mask[3] = { SEL_IN, SEL_OUT, SEL_EX };

/* One fd: sets its bits in out. Number of bits set, or -EBADF. */
static int select_one(struct fd_sets *s, int fd, int word, u64 bit, struct poller *p)
{
	struct file *f = fd_get(fd);
	u32 want = EPOLLERR | EPOLLHUP, mask;
	int found = 0;

	if (!f)
		return -EBADF;
	for (int i = 0; i < 3; i++)
		if (s->in[i][word] & bit)
			want |= set_mask[i];
	p->pt.key = want;
	mask = file_poll(f, &p->pt);
	file_put(f);
	for (int i = 0; i < 3; i++) {
		if (s->in[i][word] & bit && mask & set_mask[i]) {
			s->out[i][word] |= bit;
			found++;
		}
	}
	return found;
}

/* One pass over all. Number of bits in the answer, or -EBADF. */
static long select_scan(struct fd_sets *s, struct poller *p)
{
	long count = 0;

	for (int w = 0; w < s->words; w++) {
		u64 all = s->in[0][w] | s->in[1][w] | s->in[2][w];

		while (all) {
			int b = __builtin_ctzl(all);
			int found;

			all &= all - 1;
			if (w * 64 + b >= s->n)
				return count;
			found = select_one(s, w * 64 + b, w, 1ULL << b, p);
			if (found < 0)
				return found;
			if (found)
				p->pt.queue = NULL;
			count += found;
		}
	}
	return count;
}

static long do_select(struct fd_sets *s, u64 deadline_ns)
{
	struct poller p;
	long count;
	int err = 0;

	poller_init(&p);
	if (!deadline_ns)
		p.pt.queue = NULL;
	for (;;) {
		count = select_scan(s, &p);
		p.pt.queue = NULL;
		if (count || !deadline_ns || err == -ETIMEDOUT)
			break;
		count = p.error;
		if (count)
			break;
		err = poller_wait(&p, deadline_ns);
		if (err == -ERESTARTSYS) {
			count = -ERESTARTNOHAND;
			break;
		}
	}
	poller_free(&p);
	return count;
}

/* Copies the sets in, waits, copies the answer out; on an error the user's sets stay as they are. */
static long select_user(int n, const uaddr_t uset[3], u64 deadline_ns)
{
	u64 stack[6 * SEL_STACK_WORDS], *mem = stack;
	struct fd_sets s;
	u64 top = max_t(u64, rlimit(RLIMIT_NOFILE), FD_SETSIZE_LIBC);
	long ret;

	if (n < 0)
		return -EINVAL;
	top = min_t(u64, top, SEL_MAX_FDS);
	s.n = min_t(u64, n, top);
	s.words = (s.n + 63) / 64;
	if (s.words > SEL_STACK_WORDS) {
		mem = kmalloc(6 * sizeof(u64) * s.words);
		if (!mem)
			return -ENOMEM;
	}
	memset(mem, 0, 6 * sizeof(u64) * s.words);
	ret = -EFAULT;
	for (int i = 0; i < 3; i++) {
		s.in[i] = mem + i * s.words;
		s.out[i] = mem + (i + 3) * s.words;
		if (uset[i] && copy_from_user(s.in[i], uset[i], s.words * sizeof(u64)))
			goto out;
	}
	ret = do_select(&s, deadline_ns);
	if (ret < 0)
		goto out;
	for (int i = 0; i < 3; i++)
		if (uset[i] && copy_to_user(uset[i], s.out[i], s.words * sizeof(u64)))
			ret = -EFAULT;
out:
	if (mem != stack)
		kfree(mem);
	return ret;
}

static u64 time_left(u64 deadline_ns)
{
	u64 now = ktime_mono_ns();

	return deadline_ns > now ? deadline_ns - now : 0;
}

/* select(2): *utv gets the time left. */
long sys_select(int n, uaddr_t in, uaddr_t out, uaddr_t ex, uaddr_t utv)
{
	const uaddr_t uset[3] = { in, out, ex };
	u64 deadline = WAIT_FOREVER, ns;
	struct timeval64 tv;
	long ret;

	if (utv) {
		struct timespec64 ts;

		if (get_user(tv, utv))
			return -EFAULT;
		/* tv_usec may be a second and more; only a negative or overflowing sum is wrong */
		ts.tv_sec = tv.tv_sec + tv.tv_usec / 1000000;
		ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
		if (tv.tv_sec < 0 || tv.tv_usec < 0 || !ts_valid(&ts))
			return -EINVAL;
		ns = ts_to_ns(&ts);
		deadline = ns ? ns_add(ktime_mono_ns(), ns) : 0;
	}
	ret = select_user(n, uset, deadline);
	if (utv && deadline) {
		ns = time_left(deadline);
		tv = (struct timeval64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000) };
		if (put_user(tv, utv) && ret == -ERESTARTNOHAND)
			ret = -EINTR;
	}
	return ret;
}

/* pselect6(2): usig points to { mask pointer, mask size }. */
long sys_pselect6(int n, uaddr_t in, uaddr_t out, uaddr_t ex, uaddr_t uts, uaddr_t usig)
{
	const uaddr_t uset[3] = { in, out, ex };
	struct { uaddr_t mask; u64 size; } sig = { 0, 0 };
	struct timespec64 ts = { 0, 0 };
	u64 deadline = WAIT_FOREVER;
	long ret;
	int err;

	if (usig && get_user(sig, usig))
		return -EFAULT;
	if (uts) {
		if (get_user(ts, uts))
			return -EFAULT;
		if (!ts_valid(&ts))
			return -EINVAL;
		deadline = ts.tv_sec || ts.tv_nsec ? ns_add(ktime_mono_ns(), ts_to_ns(&ts)) : 0;
	}
	err = signal_mask_set_user(sig.mask, sig.size);
	if (err)
		return err;
	ret = select_user(n, uset, deadline);
	if (sig.mask)
		signal_mask_restore(ret == -ERESTARTNOHAND);
	if (uts && deadline) {
		ts = ns_to_ts(time_left(deadline));
		if (put_user(ts, uts) && ret == -ERESTARTNOHAND)
			ret = -EINTR;
	}
	return ret;
}
