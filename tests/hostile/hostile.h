/*
 * What the hostile guest programs share. They run inside the guest only (tests/hostile/run), know the stub's
 * layout from stub_abi.h, and call the host through the stub's own `syscall; ret`, as an attacker would.
 *
 * Each case runs in a child while its parent, the witness, goes on with sleeping and waking: a case is good if the
 * child ends as it should within the limit and the witness was never held up for longer than MAX_GAP_MS.
 */
#ifndef HOSTILE_H
#define HOSTILE_H
#include "../../arch-um/stub/stub_abi.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_GAP_MS 3000
enum { DIES = 1, EXITS = 2, ENDS = 3, HANGS = 4 }; /* how a child must end; HANGS: is killed by the witness */

extern int h_tests, h_failed;
void h_ok(int good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void h_skip(const char *name, const char *why);
int h_done(void);
long h_ms(void);

/* Runs fn(arg) in a child. Returns 0 if it ended as `how` allows within limit_ms, else 1 with the story in h_why. */
int h_child(void (*fn)(void *), void *arg, int how, long limit_ms);
extern char h_why[256];
extern int h_status;     /* of the last h_child */
/* h_child as one test. */
void h_case(const char *name, void (*fn)(void *), void *arg, int how, long limit_ms);

/* Plain system call, raw result. */
static inline long h_sys(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The same by the stub's `syscall; ret`: reaches the host if the filter lets it. */
extern unsigned long h_gadget;
static inline long h_host(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("lea -256(%%rsp), %%rsp; call *%[g]; lea 256(%%rsp), %%rsp"
			 : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9), [g] "b"(h_gadget)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

/* intercept=ptrace: calls by the stub's instruction are the guest's like all others, so most attacks are none. */
int h_traced(void);
unsigned long h_text_bytes(void);                 /* mapped bytes of stub text */
int h_find_gadget(void);                          /* sets h_gadget; 0, or -1: none */
/* Stub text with one place changed, put over the stub's own (in this process). 0, or -1: pattern not there. */
int h_patch_stub(const void *pattern, size_t n, const void *with, size_t m, int all);
struct mailbox *h_mailbox(unsigned slot);         /* NULL: not backed */
#endif
