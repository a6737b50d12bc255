/* The way in and out, descriptors, memory, timers, signals, futexes, address space, switches. */
#include "bench.h"
#include <abi/errno.h>
#include <abi/mman.h>
#include <umber/kmem.h>
#include <umber/mm.h>
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/vfs.h>

static bool nothing(void)
{
	return true;
}

static bool getppid(void)
{
	return call(getppid) == 0;
}

/* As a guest's call comes in: the loop to user mode and back, with two fibre switches in the place of the hand-off. */
static bool user_getppid(void)
{
	struct user_regs *r = &current->port.regs;

	r->orig_rax = __NR_getppid;
	fakeport_enter();
	return r->rax == 0;
}

static uaddr_t ts;
static bool clock_setup(void)
{
	ts = bench_mem(16);
	return true;
}
static bool clock_gettime(void)
{
	return call(clock_gettime, 1, ts) == 0;
}

static bool sched_yield(void)
{
	return call(sched_yield) == 0;
}

/* ---- descriptors ---- */

static int an_fd;
static bool fd_setup(void)
{
	an_fd = (int)call(eventfd2, 0, 0);
	return an_fd >= 0;
}
static bool fd_lookup(void)
{
	struct file *f = fd_get(an_fd);

	if (f)
		file_put(f);
	return f != NULL;
}
static bool fcntl_getfl(void)
{
	return call(fcntl, an_fd, 3, 0) == 2;
}
static bool dup_close(void)
{
	long fd = call(dup, an_fd);

	return fd > 0 && call(close, fd) == 0;
}

/* ---- kernel memory ---- */

static bool alloc_n(size_t n)
{
	void *p = kmalloc(n);

	kfree(p);
	return p != NULL;
}
static bool kmalloc64(void) { return alloc_n(64); }
static bool kmalloc1k(void) { return alloc_n(1024); }
static bool kmalloc16k(void) { return alloc_n(16384); }

static bool kmalloc64x64(void)
{
	void *p[64];
	bool good = true;

	for (int i = 0; i < 64; i++)
		good &= (p[i] = kmalloc(64)) != NULL;
	for (int i = 0; i < 64; i++)
		kfree(p[i]);
	return good;
}

static bool page(void)
{
	void *p = page_alloc(0);

	if (p)
		page_free(p, 0);
	return p != NULL;
}

/* ---- timers ---- */

static struct ktimer a_timer, others[1000];
static void no_expiry(struct ktimer *t) { }
static bool timer_setup(void)
{
	ktimer_init(&a_timer, no_expiry);
	return true;
}
static bool timer_once(void)
{
	ktimer_start(&a_timer, ktime_mono_ns() + 3600 * NSEC_PER_SEC);
	return ktimer_cancel(&a_timer);
}
static bool timers_setup(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(others); i++) {
		ktimer_init(&others[i], no_expiry);
		ktimer_start(&others[i], ktime_mono_ns() + (3000 + i * 37 % 1000) * NSEC_PER_SEC);
	}
	return timer_setup();
}

static uaddr_t its;
static bool itimer_setup(void)
{
	its = bench_mem(64);
	return true;
}
static bool setitimer(void)
{
	u64 *v = (u64 *)its;

	v[2] = 1000;
	if (call(setitimer, 0, its, 0))
		return false;
	v[2] = 0;
	return call(setitimer, 0, its, 0) == 0;
}

/* ---- signals ---- */

static uaddr_t sigset;
static bool blocked_setup(void)
{
	sigset = bench_mem(8);
	*(u64 *)sigset = SIGBIT(10);
	return call(rt_sigprocmask, 0, sigset, 0, 8) == 0;
}
static bool kill_wait(void)
{
	return call(kill, 1, 10) == 0 && call(rt_sigtimedwait, sigset, 0, 0, 8) == 10;
}
static bool handler_setup(void)
{
	u64 *act = (u64 *)bench_mem(32);

	act[0] = FAKE_USER_BASE;
	act[1] = 0x04000000; /* SA_RESTORER */
	act[2] = FAKE_USER_BASE;
	return call(rt_sigaction, 12, act, 0, 8) == 0;
}
static bool kill_handle(void)
{
	if (call(kill, 1, 12) || !current->sig_pending)
		return false;
	signal_deliver_pending(true);
	if (!(current->blocked & SIGBIT(12)))
		return false;
	call(rt_sigreturn);
	return !(current->blocked & SIGBIT(12));
}
static bool sigprocmask(void)
{
	return call(rt_sigprocmask, 0, sigset, 0, 8) == 0;
}

/* ---- futex ---- */

static uaddr_t word;
static bool futex_setup(void)
{
	word = bench_mem(4);
	return true;
}
static bool futex_wake(void)
{
	return call(futex, word, 1 | 128, 1, 0, 0, 0) == 0;
}
static bool futex_wake_shared(void)
{
	return call(futex, word, 1, 1, 0, 0, 0) == 0;
}
static bool futex_wait(void)
{
	return call(futex, word, 0 | 128, 7, 0, 0, 0) == -EAGAIN;
}

/* ---- address space: the bookkeeping; host ops cost nothing here ---- */

static bool mmap_munmap(void)
{
	long a = call(mmap, 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return a > 0 && call(munmap, a, 65536) == 0;
}
static u64 mapped;
static bool mprotect_setup(void)
{
	mapped = (u64)call(mmap, 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return (s64)mapped > 0;
}
static bool mprotect_both(void)
{
	return call(mprotect, mapped + 4096, 4096, PROT_READ) == 0 &&
	       call(mprotect, mapped + 4096, 4096, PROT_READ | PROT_WRITE) == 0;
}
static bool brk_both(void)
{
	long a = call(brk, 0);

	return call(brk, a + 65536) == a + 65536 && call(brk, a) == a;
}
/* 1,000 mappings that cannot merge: the same again in a large tree. */
static bool vmas_setup(void)
{
	u64 a = (u64)call(mmap, 0, 2000 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (u32 i = 0; i < 1000; i++)
		if (call(mprotect, a + i * 8192, 4096, PROT_NONE))
			return false;
	return true;
}

/* ---- switches ---- */

static struct wait_queue ping_wq, pong_wq;
static bool ping, pong;
static void echo(void *arg)
{
	for (;;) {
		wait_event(&ping_wq, ping, WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
		ping = false;
		pong = true;
		wq_wake(&pong_wq);
	}
}
static bool switch_setup(void)
{
	wq_init(&ping_wq);
	wq_init(&pong_wq);
	return kthread_run(echo, NULL, "echo") != NULL;
}
static bool switch_both(void)
{
	ping = true;
	wq_wake(&ping_wq);
	if (wait_event(&pong_wq, pong, WAIT_UNINTERRUPTIBLE, WAIT_FOREVER))
		return false;
	pong = false;
	return true;
}

const struct bench_row rows_core[] = {
	{ "(an empty row)", NULL, nothing },
	{ "getppid, dispatch alone", NULL, getppid },
	{ "getppid from user mode and back", NULL, user_getppid },
	{ "clock_gettime", clock_setup, clock_gettime },
	{ "sched_yield, alone", NULL, sched_yield },
	{ "fd lookup and put", fd_setup, fd_lookup },
	{ "fcntl F_GETFL", NULL, fcntl_getfl },
	{ "dup, close", NULL, dup_close },
	{ "kmalloc, kfree 64 B", NULL, kmalloc64 },
	{ "kmalloc, kfree 64 B, 64 times each", NULL, kmalloc64x64 },
	{ "kmalloc, kfree 1 KiB", NULL, kmalloc1k },
	{ "kmalloc, kfree 16 KiB", NULL, kmalloc16k },
	{ "page_alloc, page_free", NULL, page },
	{ "timer start, cancel", timer_setup, timer_once },
	{ "timer start, cancel, among 1,000", timers_setup, timer_once },
	{ "setitimer on, off", itimer_setup, setitimer },
	{ "signal: kill, rt_sigtimedwait", blocked_setup, kill_wait },
	{ "signal: kill, deliver, rt_sigreturn", handler_setup, kill_handle },
	{ "rt_sigprocmask", NULL, sigprocmask },
	{ "futex wake, nobody waits", futex_setup, futex_wake },
	{ "futex wake, shared, nobody waits", NULL, futex_wake_shared },
	{ "futex wait, another value", NULL, futex_wait },
	{ "mmap, munmap 64 KiB", NULL, mmap_munmap },
	{ "mprotect of a page, and back", mprotect_setup, mprotect_both },
	{ "brk up, down", NULL, brk_both },
	{ "mmap, munmap 64 KiB, among 2,000", vmas_setup, mmap_munmap },
	{ "wake and switch to a thread, and back", switch_setup, switch_both },
	{ NULL, NULL, NULL },
};
