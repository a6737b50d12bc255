/*
 * I3 to I7: processes that turn against their own stub. Where a case needs code in the stub's place, it changes a copy
 * of stub text and moves that over the original (h_patch_stub), which the filter cannot prevent and need not.
 */
#include "hostile.h"
#include "cases.h"

static char page[4096] __attribute__((aligned(4096)));
static volatile int stop;

static void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

/* ---- scribbling ---- */
struct scribble { unsigned from, to, seed; };
static struct scribble area;

static void *scribbler(void *arg)
{
	struct scribble *s = arg;
	unsigned x = s->seed;

	for (;;) {
		for (unsigned slot = 0; slot < 2; slot++) {
			volatile unsigned *w = (void *)(MBOX_BASE + (unsigned long)slot * MBOX_SIZE);

			for (unsigned i = s->from / 4; i < s->to / 4; i++) {
				x = x * 1664525 + 1013904223;
				if (s->seed == 1)
					w[i] = 0xffffffff;
				else if (s->seed == 2)
					w[i] = 0;
				else
					w[i] = x >> ((x >> 28) & 15);
			}
		}
	}
	return NULL;
}

static void scribble(void *arg)
{
	pthread_t t;
	struct scribble *s = arg;

	area = *s;
	if (pthread_create(&t, NULL, scribbler, &area))
		_exit(0);
	for (int i = 0; i < 300; i++) {
		void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		int st;
		pid_t k = fork();

		if (!k)
			_exit(0);
		if (k > 0)
			waitpid(k, &st, WNOHANG);
		if (p != MAP_FAILED)
			munmap(p, 65536);
		getppid();
	}
	_exit(0);
}

void case_mailbox(void)
{
	static const struct { const char *name; unsigned from, to; } parts[] = {
		{ "line 0 (entry words)", 0, 64 },
		{ "line 1 (answers)", 64, 128 },
		{ "entry kind, signal and frame offset", 8, 24 },
		{ "control fields", 128, 512 },
		{ "host ops", 512, 0x2800 },
		{ "signal frames", MBOX_STACK_OFF, MBOX_SIZE - 4 },
		{ "everything", 0, MBOX_SIZE - 4 },
	};
	char name[128];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (unsigned seed = 1; seed < 5; seed++) {
			struct scribble s = { parts[i].from, parts[i].to, seed };

			snprintf(name, sizeof(name), "I4 I6 scribbling over %s, pattern %u", parts[i].name, seed);
			h_case(name, scribble, &s, DIES | EXITS | HANGS, 3000);
		}
}

/* ---- what a dead process leaves ---- */
#define LEFT_MAGIC 0x4c4546544f564552UL
#define LEFT_BYTES (8 * MBOX_SIZE) /* what the mailbox file of a process without threads is long */

/* Whoever looks must not have the mark in a register: a kick would put that into this very mailbox. */
static int is_mark(unsigned long v)
{
	v ^= ~0UL;
	__asm__ volatile("" : "+r"(v));
	return v == ~LEFT_MAGIC;
}

/* "leave": writes a mark all over the mailbox file, dies. "look": 1 if there is a mark. */
int leftovers_part(const char *part)
{
	volatile unsigned long *w = (void *)MBOX_BASE;

	if (!strcmp(part, "leave")) {
		for (unsigned long i = 512 / 8; i < LEFT_BYTES / 8; i++)
			w[i] = LEFT_MAGIC;
		kill(getpid(), SIGKILL);
		return 2;
	}
	for (unsigned long i = 0; i < LEFT_BYTES / 8; i++)
		if (is_mark(w[i]))
			return 1;
	return 0;
}

static int leftovers_run(const char *part)
{
	char *argv[] = { "/proc/self/exe", "leftovers", (char *)part, NULL };
	int st = -1;
	pid_t k = vfork();

	if (!k) {
		execv(argv[0], argv);
		_exit(127);
	}
	return waitpid(k, &st, 0) == k ? st : -1;
}

void case_leftovers(void)
{
	int left = 0, marks = 0, looks = 0;

	for (int i = 0; i < 30; i++) {
		int st = leftovers_run("leave");

		left += WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL;
		for (int k = 0; k < 2; k++) {
			st = leftovers_run("look");
			looks += WIFEXITED(st) && WEXITSTATUS(st) < 2;
			marks += WIFEXITED(st) && WEXITSTATUS(st) == 1;
		}
	}
	h_ok(left == 30 && looks == 60, "I5 processes that mark their mailbox and that look for marks (%d, %d)", left, looks);
	h_ok(!marks, "I5 nothing of a dead process's mailbox is in another's (%d marks)", marks);
}

/* ---- kicks ---- */
static void mask_all(void)
{
	memset(page, 0xff, 8);
	if (h_find_gadget() || h_host(SYS_rt_sigprocmask, 2, (long)page, 0, 8, 0, 0))
		_exit(77);
}

static void mask_and_spin(void *arg)
{
	mask_all();
	spin();
}

static void mask_and_sleep(void *arg)
{
	mask_all();
	memset(page, 0, sizeof(page));
	for (;;)
		h_host(SYS_futex, (long)page, 0, 0, 0, 0, 0);
}

static void sleep_in_stub(void *arg)
{
	if (h_find_gadget())
		_exit(77);
	for (;;)
		h_host(SYS_futex, (long)page, 0, 0, 0, 0, 0);
}

/* ---- leaving by exit ---- */
static void exit_by_stub(void *arg)
{
	if (h_find_gadget())
		_exit(77);
	h_host(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static void *thread_spin(void *arg)
{
	while (!stop)
		__asm__ volatile("pause");
	return NULL;
}

static void *thread_exit_by_stub(void *arg)
{
	h_host(SYS_exit, 0, 0, 0, 0, 0, 0);
	return NULL;
}

static void leader_exits(void *arg)
{
	pthread_t t;

	if (h_find_gadget() || pthread_create(&t, NULL, thread_spin, NULL))
		_exit(77);
	h_host(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static void threads_exit(void *arg)
{
	pthread_t t[8];

	if (h_find_gadget())
		_exit(77);
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, thread_exit_by_stub, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

/* ---- own code in the stub's place ---- */
static const unsigned char prctl_seq[] = { 0xb8, 157, 0, 0, 0, 0xbf, 1, 0, 0, 0 }; /* mov $157,%eax; mov $1,%edi */
static const unsigned char clone_seq[] = { 0xb8, 56, 0, 0, 0, 0xbf, 0, 0x80, 0, 0, 0x31, 0xf6, 0x31, 0xd2, 0x45, 0x31,
					   0xd2, 0x45, 0x31, 0xc0, 0x0f, 0x05 };
static const unsigned char call_seq[] = { 0x0f, 0x05, 0xc3 };
static const unsigned char loop[] = { 0xeb, 0xfe };

static void unreported_child(void *arg)
{
	if (h_patch_stub(prctl_seq, sizeof(prctl_seq), loop, sizeof(loop), 1))
		_exit(77);
	fork();
	_exit(0);
}

static void unreported_thread(void *arg)
{
	pthread_t t;

	if (h_patch_stub(prctl_seq, sizeof(prctl_seq), loop, sizeof(loop), 1))
		_exit(77);
	pthread_create(&t, NULL, thread_spin, NULL);
	sleep(1);
	_exit(0);
}

static void lying_fork(void *arg)
{
	unsigned char lie[sizeof(clone_seq)];

	memcpy(lie, clone_seq, sizeof(lie));
	lie[1] = 1; /* "a child with pid 1" */
	lie[sizeof(lie) - 2] = lie[sizeof(lie) - 1] = 0x90;
	if (h_patch_stub(clone_seq, sizeof(clone_seq), lie, sizeof(lie), 1))
		_exit(77);
	fork();
	_exit(0);
}

static void deaf_ops(void *arg)
{
	if (h_patch_stub(call_seq, sizeof(call_seq), loop, sizeof(loop), 1))
		_exit(77);
	mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	_exit(0);
}

static void no_text(void *arg)
{
	if (h_find_gadget())
		_exit(77);
	h_host(SYS_munmap, STUB_TEXT & ~0xfffL, 0x10000, 0, 0, 0, 0);
	_exit(0);
}

static void no_mailbox(void *arg)
{
	if (h_find_gadget())
		_exit(77);
	h_host(SYS_munmap, MBOX_BASE, MBOX_SIZE, 0, 0, 0, 0);
	getppid();
	_exit(0);
}

static void no_socket(void *arg)
{
	int fd = open("/bin/true", O_RDONLY);

	if (h_find_gadget() || h_host(SYS_close, 1, 0, 0, 0, 0, 0))
		_exit(77);
	for (int i = 0; i < 50; i++)
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	_exit(0);
}

static void no_alt_stack(void *arg)
{
	struct { void *sp; int flags; size_t size; } ss = { page, 2 /* SS_DISABLE */, 4096 };

	if (h_find_gadget())
		_exit(77);
	h_host(SYS_sigaltstack, (long)&ss, 0, 0, 0, 0, 0);
	getppid();
	_exit(0);
}

static void guest_memory_as_mailbox(void *arg)
{
	char *p = mmap(NULL, MBOX_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (h_find_gadget())
		_exit(77);
	h_host(SYS_mremap, (long)p, MBOX_SIZE, MBOX_SIZE, 3, MBOX_BASE, 0);
	getppid();
	_exit(0);
}

/* An entry without stopping: for the kernel this thread is in a long nanosleep. */
static void free_runner(void *arg)
{
	static struct timespec forever = { 1000, 0 };
	struct mailbox *mb = h_mailbox(0);
	struct host_ucontext *uc;

	if (h_find_gadget() || !mb)
		_exit(77);
	h_sys(SYS_getppid, 0, 0, 0, 0, 0, 0);
	uc = (void *)((char *)mb + mb->uc_off);
	uc->mc.rax = SYS_nanosleep;
	uc->mc.rdi = (u64)&forever;
	uc->mc.rsi = 0;
	mb->kind = MBOX_ENTRY_SIGNAL;
	mb->signo = SIGSYS;
	__atomic_add_fetch(&mb->s2k, 1, __ATOMIC_SEQ_CST);
	h_host(SYS_futex, (long)&mb->s2k, 1, 1, 0, 0, 0);
	spin();
}

/* ---- capability fds ---- */
static int stolen_fds, writable_maps;

static void *thief(void *arg)
{
	struct { void *name; unsigned namelen; void *iov; unsigned long iovlen; void *ctl; unsigned long ctllen; int flags; } m;
	struct { long len; int level, type, fd[64]; } c;
	char buf[16];
	struct { void *base; unsigned long len; } iov = { buf, sizeof(buf) };

	while (!stop) {
		memset(&m, 0, sizeof(m));
		m.iov = &iov;
		m.iovlen = 1;
		m.ctl = &c;
		m.ctllen = sizeof(c);
		if (h_host(SYS_recvmsg, 1, (long)&m, arg ? 0x40 | 2 : 0x40, 0, 0, 0) < 0 || m.ctllen < 20)
			continue;
		stolen_fds++;
		for (long i = 0; i < (c.len - 16) / 4 && i < 64; i++) {
			long r = h_host(SYS_mmap, 0x11000000, 4096, 3, 0x4011, c.fd[i], 0);

			if (r > 0)
				writable_maps++;
		}
	}
	return NULL;
}

static void steal(void *arg)
{
	int fd = open("/bin/true", O_RDONLY);
	pthread_t t;
	long end = h_ms() + 1000;

	if (h_find_gadget() || fd < 0 || pthread_create(&t, NULL, thief, arg))
		_exit(77);
	while (h_ms() < end && stolen_fds < 20) {
		void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

		if (p != MAP_FAILED)
			munmap(p, 4096);
		if (writable_maps)
			_exit(9);
	}
	_exit(writable_maps ? 9 : 0);
}

static void mapped_read_only(void *arg)
{
	int fd = open("/bin/true", O_RDONLY);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (h_find_gadget() || p == MAP_FAILED)
		_exit(77);
	/* mprotect by the stub's own instruction: the host refuses, because the fd was read-only */
	if (h_host(SYS_mprotect, (long)p, 4096, 3, 0, 0, 0) != -EACCES)
		_exit(9);
	_exit(0);
}

/* ---- memory behind the kernel's back ---- */
static void eat_memory(void *arg)
{
	if (h_find_gadget())
		_exit(77);
	for (long mb = 0; mb < 1024; mb += 16) {
		long a = 0x200000000000 + (mb << 20);

		if (h_host(SYS_mmap, a, 16 << 20, 3, 0x4032, -1, 0) != a)
			_exit(77);
		memset((void *)a, 1, 16 << 20);
	}
	_exit(0); /* a gigabyte, with mem=128M: nobody noticed */
}

static const struct { const char *opt, *name; void (*fn)(void *); void *arg; int how; long limit; } table[] = {
	{ "mask_and_spin", "I6 kicks masked, then spinning: dies", mask_and_spin, NULL, DIES | HANGS, 3000 },
	{ "mask_and_sleep", "I6 kicks masked, then asleep in stub text", mask_and_sleep, NULL, DIES | HANGS, 3000 },
	{ "sleep_in_stub", "I6 asleep in stub text", sleep_in_stub, NULL, DIES | HANGS, 1000 },
	{ "exit_by_stub", "I6 exit by the stub's instruction: the process dies", exit_by_stub, NULL, DIES, 3000 },
	{ "leader_exit", "I6 the leader leaves by the stub's exit", leader_exits, NULL, DIES | HANGS, 3000 },
	{ "threads_exit", "I6 threads leave by the stub's exit", threads_exit, NULL, DIES | HANGS, 3000 },
	{ "unreported_child", "I6 a forked child that never reports", unreported_child, NULL, ENDS | HANGS, 4000 },
	{ "unreported_thread", "I6 a thread that never reports", unreported_thread, NULL, ENDS | HANGS, 4000 },
	{ "lying_fork", "I6 a fork that did not happen", lying_fork, NULL, ENDS | HANGS, 4000 },
	{ "deaf_ops", "I6 host ops that never end", deaf_ops, NULL, ENDS | HANGS, 3000 },
	{ "no_text", "I6 stub text unmapped", no_text, NULL, DIES, 3000 },
	{ "no_mailbox", "I6 mailbox unmapped", no_mailbox, NULL, DIES, 3000 },
	{ "fake_mailbox", "I6 own memory in the mailbox's place", guest_memory_as_mailbox, NULL, DIES | HANGS, 3000 },
	{ "no_socket", "I3 the stub's socket closed", no_socket, NULL, DIES | EXITS, 3000 },
	{ "no_alt_stack", "I6 no alternate stack", no_alt_stack, NULL, DIES | EXITS, 3000 },
	{ "steal", "I3 capability fds stolen: none is more than the guest's right", steal, NULL, DIES | EXITS | HANGS, 4000 },
	{ "steal_peek", "I3 capability fds peeked at", steal, (void *)1, DIES | EXITS | HANGS, 4000 },
	{ "read_only", "I3 I5 a read-only mapping cannot be made writable", mapped_read_only, NULL, EXITS, 2000 },
	{ "free_runner", "I7 an entry forged while the thread runs on", free_runner, NULL, DIES, 6000 },
	{ "eat_memory", "I7 memory mapped behind the kernel's back", eat_memory, NULL, DIES, 20000 },
};

int evil_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].opt, name)) {
			int how = table[i].how | (h_traced() ? EXITS : 0);
			int bad = h_child(table[i].fn, table[i].arg, how, table[i].limit);

			if (WIFEXITED(h_status) && WEXITSTATUS(h_status) == 77)
				h_skip(table[i].name, "the stub has no such code");
			else
				h_ok(!bad, "%s%s%s", table[i].name, bad ? ": " : "", h_why);
			return 0;
		}
	return -1;
}
