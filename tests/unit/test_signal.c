/* Signal queues and generation, without a scheduler: coalescing, order, limits, choice of thread, stop and continue. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umber/types.h>
#undef UMBER_HOSTED /* the guest's constants, not libc's, from here on */
#include <port/port.h>
#undef current
static struct task *test_current;
#define current test_current
#define UMBER_STRING_H /* libc's */
#include "../../kernel/signal/queue.c"
#include "../../kernel/signal/send.c"
#include "../../kernel/signal/stop.c"
#include <port/boot.h>

struct boot_params boot_params;
static struct task a, b, init;
static struct tgroup tg, itg;
static struct cred cr;
static struct sighand sh, ish;
static int tests, failed, chld_events;

void *kzalloc(size_t n) { return calloc(1, n); }
void kfree(const void *p) { free((void *)p); }
struct kmem_cache *kmem_cache_create(const char *n, size_t s) { return (struct kmem_cache *)malloc(1); }
void *kmem_cache_alloc(struct kmem_cache *c) { return malloc(sizeof(struct sigqueue)); }
void kmem_cache_free(struct kmem_cache *c, void *p) { free(p); }
void posix_timer_dequeued(void *t, struct siginfo *i) { i->u.timer.overrun = 7; }
void itimer_real_dequeued(struct tgroup *t) { }
bool sched_wake(struct task *t, unsigned s)
{
	if (!(t->state & s))
		return false;
	t->state = TASK_RUNNING;
	return true;
}
void sched_notify(struct task *t) { }
void schedule(void) { }
void wq_wake_key(struct wait_queue *q, int n, u32 key) { }
void wake_parent_waiters(struct tgroup *t) { chld_events++; }
void tgroup_rusage(struct tgroup *t, struct rusage_acc *o) { }
void task_for_each_in_pgrp(int p, void (*fn)(struct tgroup *, void *), void *arg) { fn(&tg, arg); }
bool capable(int cap) { return false; }
void signal_set_blocked(struct task *t, ksigset_t m) { t->blocked = m; signal_recalc(t); }

/* what a user side did to its mask without an entry */
static u64 user_mask;
u64 port_user_mask(struct port_task *pt) { return user_mask; }

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failed += !good;
}

static void task_setup(struct task *t, struct tgroup *g, struct sighand *s)
{
	memset(t, 0, sizeof(*t));
	t->tg = g;
	t->sighand = s;
	t->cred = &cr;
	sigpending_init(&t->pending);
	list_add_tail(&t->tg_node, &g->threads);
	g->nr_threads++;
}

static void reset(void)
{
	memset(&tg, 0, sizeof(tg));
	memset(&itg, 0, sizeof(itg));
	memset(&sh, 0, sizeof(sh));
	memset(&ish, 0, sizeof(ish));
	wq_init(&sh.signalfd_wq);
	wq_init(&ish.signalfd_wq);
	list_init(&tg.threads);
	list_init(&itg.threads);
	sigpending_init(&tg.pending);
	sigpending_init(&itg.pending);
	tg.pid = 10;
	itg.pid = 1;
	tg.rlim[RLIMIT_SIGPENDING].cur = itg.rlim[RLIMIT_SIGPENDING].cur = 4;
	task_setup(&init, &itg, &ish);
	task_setup(&a, &tg, &sh);
	task_setup(&b, &tg, &sh);
	tg.leader = &a;
	itg.leader = &init;
	tg.parent = &init;
	test_current = &a;
}

static void handle(int sig) { sh.action[sig - 1].handler = 0x1000; }

int main(void)
{
	struct siginfo in = { 0 }, out;

	reset();
	handle(SIGUSR1);
	signal_send_group(SIGUSR1, SEND_SIG_NOINFO, &tg);
	signal_send_group(SIGUSR1, SEND_SIG_NOINFO, &tg);
	ok(signal_dequeue(&a, ~0ULL, &out) == SIGUSR1 && out.u.rt.pid == 10 && !signal_dequeue(&a, ~0ULL, &out),
	   "standard signals coalesce");
	ok(!a.sig_pending && !signal_queued(0), "nothing pending, nothing charged");

	handle(40);
	handle(41);
	in.si_code = SI_QUEUE;
	for (int i = 0; i < 4; i++) {
		in.u.rt.value = (u64)i;
		signal_send_group(i & 1 ? 40 : 41, &in, &tg);
	}
	ok(signal_send_group(40, &in, &tg) == -EAGAIN, "RLIMIT_SIGPENDING");
	ok(signal_send_group(SIGUSR1, SEND_SIG_NOINFO, &tg) == 0, "kill(2) is not limited");
	ok(signal_dequeue(&a, ~0ULL, &out) == SIGUSR1, "lowest first");
	ok(signal_dequeue(&a, ~0ULL, &out) == 40 && out.u.rt.value == 1, "real-time in order");
	ok(signal_dequeue(&a, ~0ULL, &out) == 40 && out.u.rt.value == 3, "real-time in order");
	ok(signal_dequeue(&a, ~0ULL, &out) == 41 && out.u.rt.value == 0, "real-time in order");
	sigpending_flush(&tg.pending);

	reset();
	handle(SIGUSR1);
	a.se.in_user = b.se.in_user = true;
	a.blocked = b.blocked = 0;
	test_current = &init;
	user_mask = SIGBIT(SIGUSR1);
	signal_send_task(SIGUSR1, SEND_SIG_NOINFO, &a);
	ok(a.blocked == user_mask && !a.sig_pending && !b.blocked, "a mask set in user mode is seen by the sender");
	user_mask = 0;
	signal_send_group(SIGUSR1, SEND_SIG_NOINFO, &tg);
	ok(!a.blocked && a.sig_pending, "and one cleared there");
	sigpending_flush(&a.pending);
	sigpending_flush(&tg.pending);
	reset();
	ok(!signal_queued(0), "flush gives the charge back");

	reset();
	handle(SIGUSR1);
	signal_set_blocked(&a, SIGBIT(SIGUSR1));
	signal_send_group(SIGUSR1, SEND_SIG_NOINFO, &tg);
	ok(!a.sig_pending && b.sig_pending, "a thread that does not block it is chosen");
	sigpending_flush(&tg.pending);

	reset();
	ok(signal_send(SIGCHLD, SEND_SIG_NOINFO, &a, true) == 1 && !tg.pending.set, "ignored by default");
	signal_set_blocked(&a, SIGBIT(SIGCHLD));
	ok(signal_send(SIGCHLD, SEND_SIG_NOINFO, &a, true) == 0 && tg.pending.set, "but queued while blocked");
	sigpending_flush(&tg.pending);

	reset();
	b.state = TASK_KILLABLE;
	signal_send_group(SIGTERM, SEND_SIG_NOINFO, &tg);
	ok(tg.group_exit && tg.exit_code == SIGTERM && fatal_signal_pending(&b) && b.state == TASK_RUNNING,
	   "a fatal signal ends the whole group");
	sigpending_flush(&tg.pending);

	reset();
	ok(signal_send(SIGTERM, SEND_SIG_NOINFO, &init, true) == 1 && !itg.group_exit, "pid 1 is spared");
	ok(signal_send(SIGKILL, SEND_SIG_NOINFO, &init, true) == 1 && !itg.group_exit, "from SIGKILL too");
	boot_params.run = true;
	signal_send(SIGKILL, SEND_SIG_NOINFO, &init, true);
	ok(itg.group_exit, "but not as the command of umber run");
	boot_params.run = false;

	reset();
	chld_events = 0;
	ish.action[SIGCHLD - 1].handler = 0x1000;
	signal_stop_begin(SIGTSTP);
	ok(a.stop_pending && b.stop_pending && b.sig_pending && !tg.stopped, "a stop asks all threads");
	signal_stop_join();
	ok(!tg.stopped && !chld_events, "not stopped before the last one");
	test_current = &b;
	signal_stop_join();
	a.state = b.state = TASK_STOPPED;
	signal_dequeue(&init, ~0ULL, &out);
	ok(tg.stopped && chld_events == 1 && out.si_code == CLD_STOPPED && out.u.chld.status == SIGTSTP &&
	   out.u.chld.pid == 10, "the parent hears of it");
	test_current = &init;
	signal_send_group(SIGCONT, SEND_SIG_KERNEL, &tg);
	signal_dequeue(&init, ~0ULL, &out);
	ok(!tg.stopped && tg.continued && out.si_code == CLD_CONTINUED && a.state == TASK_RUNNING &&
	   b.state == TASK_RUNNING, "SIGCONT");
	test_current = &a;
	handle(SIGTSTP);
	signal_send_group(SIGTSTP, SEND_SIG_KERNEL, &tg);
	signal_send_group(SIGCONT, SEND_SIG_KERNEL, &tg);
	ok(!(tg.pending.set & SIGBIT(SIGTSTP)), "SIGCONT takes pending stops away");

	reset();
	a.blocked = SIGBIT(SIGSEGV);
	sh.action[SIGSEGV - 1].handler = 0x1000;
	signal_force(SIGSEGV, SEND_SIG_KERNEL, &a);
	ok(a.sig_pending && !a.blocked && sh.action[SIGSEGV - 1].handler == 0, "a forced signal unblocks");
	sigpending_flush(&a.pending);
	printf("1..%d\n", tests);
	return failed != 0;
}
