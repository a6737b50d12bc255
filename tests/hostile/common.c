/* Helpers of the hostile programs (hostile.h). */
#include "hostile.h"
#include <stdarg.h>

int h_tests, h_failed, h_status;
char h_why[256];
unsigned long h_gadget;
static sigjmp_buf probe_jmp;

void h_ok(int good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++h_tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	h_failed += !good;
}

void h_skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++h_tests, name, why);
	fflush(stdout);
}

int h_done(void)
{
	printf("1..%d\n", h_tests);
	return h_failed != 0;
}

long h_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int h_child(void (*fn)(void *), void *arg, int how, long limit_ms)
{
	long start, last, now, gap = 0, killed = 0;
	struct timespec nap = { 0, 200000 };
	pid_t p, got = 0;
	int st = 0;

	h_why[0] = 0;
	fflush(stdout);
	start = last = h_ms();
	p = fork();
	if (p < 0) {
		snprintf(h_why, sizeof(h_why), "fork: errno %d", errno);
		return 1;
	}
	if (!p) {
		fn(arg);
		_exit(0);
	}
	for (;;) {
		got = waitpid(p, &st, WNOHANG | __WALL);
		now = h_ms();
		gap = now - last > gap ? now - last : gap;
		last = now;
		if (got)
			break;
		if (!killed && now - start > limit_ms) {
			kill(p, SIGKILL);
			killed = now;
		}
		if (killed && now - killed > 10000)
			break;
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 5000000)
			nap.tv_nsec *= 2;
	}
	h_status = st;
	if (got != p)
		snprintf(h_why, sizeof(h_why), "SIGKILL had no effect for 10 s (waitpid %d)", (int)got);
	else if (gap > MAX_GAP_MS)
		snprintf(h_why, sizeof(h_why), "the witness was held up for %ld ms", gap);
	else if (killed && !(how & HANGS))
		snprintf(h_why, sizeof(h_why), "still there after %ld ms", limit_ms);
	else if (!killed && WIFSIGNALED(st) && !(how & DIES))
		snprintf(h_why, sizeof(h_why), "died of signal %d", WTERMSIG(st));
	else if (!killed && WIFEXITED(st) && !(how & EXITS))
		snprintf(h_why, sizeof(h_why), "went on and exited with %d", WEXITSTATUS(st));
	else if (!killed && WIFEXITED(st) && WEXITSTATUS(st))
		snprintf(h_why, sizeof(h_why), "found a fault: exit status %d", WEXITSTATUS(st));
	return h_why[0] != 0;
}

int h_traced(void)
{
	const char *how = getenv("UMBER_INTERCEPT");

	return how && !strcmp(how, "ptrace");
}

void h_case(const char *name, void (*fn)(void *), void *arg, int how, long limit_ms)
{
	int bad = h_child(fn, arg, how, limit_ms);

	h_ok(!bad, "%s%s%s", name, bad ? ": " : "", h_why);
}

static void on_probe(int sig)
{
	siglongjmp(probe_jmp, sig);
}

static int readable(unsigned long addr)
{
	struct sigaction sa = { .sa_handler = on_probe, .sa_flags = SA_NODEFER }, segv, bus;
	int r = 0;

	sigaction(SIGSEGV, &sa, &segv);
	sigaction(SIGBUS, &sa, &bus);
	if (!sigsetjmp(probe_jmp, 1)) {
		*(volatile unsigned char *)addr;
		r = 1;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return r;
}

unsigned long h_text_bytes(void)
{
	unsigned long n = 0;

	while (n < STUB_TEXT_BLOCK && readable(STUB_TEXT + n))
		n += 4096;
	return n;
}

int h_find_gadget(void)
{
	unsigned long n = h_text_bytes();
	const unsigned char *t = (void *)STUB_TEXT;

	for (unsigned long i = 0; i + 2 < n; i++)
		if (t[i] == 0x0f && t[i + 1] == 0x05 && t[i + 2] == 0xc3) {
			h_gadget = STUB_TEXT + i;
			return 0;
		}
	return -1;
}

int h_patch_stub(const void *pattern, size_t n, const void *with, size_t m, int all)
{
	unsigned long bytes = h_text_bytes();
	unsigned char *copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int found = 0;

	if (copy == MAP_FAILED || h_find_gadget())
		return -1;
	memcpy(copy, (void *)STUB_TEXT, bytes);
	for (unsigned long i = 0; i + n <= bytes; i++)
		if (!memcmp(copy + i, pattern, n) && (all || !found)) {
			memcpy(copy + i, with, m);
			found++;
		}
	if (!found)
		return -1;
	/* MREMAP_MAYMOVE | MREMAP_FIXED; it returns into the copy */
	return h_host(SYS_mremap, (long)copy, (long)bytes, (long)bytes, 3, STUB_TEXT, 0) == STUB_TEXT ? 0 : -1;
}

struct mailbox *h_mailbox(unsigned slot)
{
	unsigned long a = MBOX_BASE + (unsigned long)slot * MBOX_SIZE;

	return readable(a) ? (struct mailbox *)a : NULL;
}
