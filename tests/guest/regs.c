/*
 * Nothing that happens to a thread may change its registers: preemption, signals whose handlers use everything, page
 * faults, mprotect faults mended in a handler, migration. All general registers, the carry flag, vector and mask registers.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>
#include "t.h"

struct regs {
	uint64_t g[16];
	uint8_t z[32][64];
	uint64_t k[8];
	void *out;
	long loops;
	volatile int *probe;
} __attribute__((aligned(64)));

#define EACH32(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15) M(16) M(17) M(18) \
	M(19) M(20) M(21) M(22) M(23) M(24) M(25) M(26) M(27) M(28) M(29) M(30) M(31)
#define EACH16(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define EACH8(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define LOAD_Z(n) "vmovdqu64 128+64*" #n "(%%rax),%%zmm" #n "\n"
#define SAVE_Z(n) "vmovdqu64 %%zmm" #n ",128+64*" #n "(%%rax)\n"
#define LOAD_K(n) "kmovq 2176+8*" #n "(%%rax),%%k" #n "\n"
#define SAVE_K(n) "kmovq %%k" #n ",2176+8*" #n "(%%rax)\n"
#define LOAD_X(n) "movdqu 128+64*" #n "(%%rax),%%xmm" #n "\n"
#define SAVE_X(n) "movdqu %%xmm" #n ",128+64*" #n "(%%rax)\n"
#define GPR(M) M(8, rbx) M(16, rcx) M(24, rdx) M(32, rsi) M(40, rdi) M(48, rbp) M(56, r8) M(64, r9) M(72, r10) M(80, r11) \
	M(88, r12) M(96, r13) M(104, r14)
#define LOAD_G(o, r) "mov " #o "(%%rax),%%" #r "\n"
#define SAVE_G(o, r) "mov %%" #r "," #o "(%%rax)\n"

/* Loads everything, reads *probe (which may fault), counts `loops` down with the carry flag set, saves everything. */
#define SPIN(name, tgt, loads, saves)                                                                                   \
	__attribute__((target(tgt), noinline)) static void name(struct regs *in, struct regs *out)                      \
	{                                                                                                               \
		in->out = out;                                                                                          \
		__asm__ volatile("push %%rbp\n push %%rbx\n push %c1(%%rax)\n push %c3(%%rax)\n mov %c2(%%rax),%%r15\n" \
				 loads GPR(LOAD_G) "pop %%rax\n stc\n mov (%%rax),%%eax\n"                              \
				 "2: lea -1(%%r15),%%r15\n jnc 9f\n inc %%r15\n dec %%r15\n jnz 2b\n"                   \
				 "9: pop %%rax\n" GPR(SAVE_G) "mov %%r15,112(%%rax)\n" saves                            \
				 "pop %%rbx\n pop %%rbp\n"                                                              \
				 : "+a"(in)                                                                             \
				 : "i"(offsetof(struct regs, out)), "i"(offsetof(struct regs, loops)),                  \
				   "i"(offsetof(struct regs, probe))                                                    \
				 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",    \
				   "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",      \
				   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");               \
	}
SPIN(spin_sse, "sse2", EACH16(LOAD_X), EACH16(SAVE_X))
SPIN(spin_avx512, "avx512f,avx512bw", EACH32(LOAD_Z) EACH8(LOAD_K), EACH32(SAVE_Z) EACH8(SAVE_K) "vzeroupper\n")

static int avx512, mode;
static volatile int stop;
static long bad, loops;

__attribute__((target("avx512f,avx512bw"))) static void clobber_avx512(void)
{
	__asm__ volatile("vpternlogd $0xff,%%zmm0,%%zmm0,%%zmm0\n vpternlogd $0xff,%%zmm17,%%zmm17,%%zmm17\n"
			 "kxnorq %%k1,%%k1,%%k1\n kxnorq %%k7,%%k7,%%k7\n" ::: "xmm0");
}

static void clobber(void)
{
	volatile double d = 1.25;

	for (int i = 0; i < 20; i++)
		d = d * 1.1;
	__asm__ volatile("pcmpeqd %%xmm1,%%xmm1\n pcmpeqd %%xmm15,%%xmm15" ::: "xmm1", "xmm15");
	if (avx512)
		clobber_avx512();
}

static void on_signal(int s) { clobber(); }
static void on_fault(int s, siginfo_t *i, void *u)
{
	clobber();
	mprotect((void *)((uintptr_t)i->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
}

static int check(struct regs *in, struct regs *out)
{
	int b = 0;

	for (int i = 1; i < 14; i++)
		b += in->g[i] != out->g[i];
	b += out->g[14] != 0;
	for (int i = 0; i < (avx512 ? 32 : 16); i++)
		b += memcmp(in->z[i], out->z[i], avx512 ? 64 : 16) != 0;
	for (int i = 0; avx512 && i < 8; i++)
		b += in->k[i] != out->k[i];
	return b;
}

enum { PROTECT = 1, DISCARD = 2, LONG = 4 };
static void *work(void *p)
{
	struct regs *in = aligned_alloc(64, sizeof(*in)), *out = aligned_alloc(64, sizeof(*out));
	int *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned seed = (unsigned)(uintptr_t)p;

	while (!stop) {
		for (unsigned i = 0; i < offsetof(struct regs, out) / 4; i++)
			((uint32_t *)in)[i] = rand_r(&seed) * 2654435761u;
		memset(out, 0, sizeof(*out));
		in->probe = page;
		in->loops = mode & LONG ? 3000000 : 20000;
		if (mode & PROTECT)
			mprotect(page, 4096, PROT_NONE);
		if (mode & DISCARD)
			madvise(page, 4096, MADV_DONTNEED);
		if (avx512)
			spin_avx512(in, out);
		else
			spin_sse(in, out);
		__sync_fetch_and_add(&loops, 1);
		__sync_fetch_and_add(&bad, check(in, out));
	}
	return NULL;
}

static void run(const char *name, int threads, int m, int alarms, int kills)
{
	struct itimerval it = { { 0, alarms }, { 0, alarms } };
	pthread_t t[8];
	long end = t_ms() + 1200;

	mode = m;
	stop = 0;
	bad = loops = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	for (long i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, work, (void *)(i + 1));
	for (int i = 0; t_ms() < end; i++) {
		t_sleep_ms(1);
		if (kills)
			pthread_kill(t[i % threads], SIGUSR1);
	}
	stop = 1;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	OK(!bad && loops, name);
	if (bad)
		printf("# %ld registers changed in %ld loops\n", bad, loops);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction sf = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
	printf("# vector registers: %s\n", avx512 ? "AVX-512" : "SSE");
	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGSEGV, &sf, NULL);
	run("computing alone", 1, 0, 0, 0);
	run("more threads than processors", 6, LONG, 0, 0);
	run("with a signal each millisecond", 3, 0, 1000, 0);
	run("with signals to each thread", 3, LONG, 1000, 1);
	run("with page faults", 3, DISCARD, 0, 0);
	run("with faults mended in a handler", 3, PROTECT, 0, 0);
	run("with all of it", 4, PROTECT | DISCARD, 1000, 1);
	return t_done();
}
