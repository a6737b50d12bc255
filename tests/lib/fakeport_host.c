/* The host's half of the fake port: what kernel/ asks of arch-um, answered within one thread. See fakeport.h. */
#include "fakeport.h"
#include "../../arch-um/mm/arena.h"
#include <errno.h>
#include <port/boot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct boot_params boot_params;
static struct port_fibre host, vcpu, kernel_side, user_side;
static void (*user_main)(void);

static void die(const char *what) __noreturn;
static void die(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "fakeport: %s\n", what);
	_exit(1);
}

/* ---- the one process ---- */

static void user_entry(void *arg)
{
	user_main();
	die("the user code returned");
}

/* The first run makes the fibre. The others go on where it entered the kernel. */
enum port_entry port_user_run(struct port_task *pt, u64 deadline_ns)
{
	struct task *t = current;

	if (!user_side.stack && port_fibre_init(&user_side, user_entry, NULL, t))
		die("no stack");
	((struct fibre_info *)((char *)user_side.stack + FIBRE_STACK_BYTES) - 1)->vcpu = fibre_info()->vcpu;
	port_fibre_switch(&kernel_side, &user_side);
	return PORT_ENTRY_SYSCALL;
}

void fakeport_switch(void)
{
	port_fibre_switch(&user_side, &kernel_side);
}

int port_mm_new(port_mm_t *out)
{
	static port_mm_t last;

	*out = ++last;
	return 0;
}

int port_mm_ops(port_mm_t mm, struct port_mmop *ops, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		ops[i].result = 0;
	return 0;
}

static size_t in_window(uaddr_t a, size_t n)
{
	u64 off = a - FAKE_USER_BASE;

	return off >= FAKE_USER_BYTES ? 0 : n < FAKE_USER_BYTES - off ? n : FAKE_USER_BYTES - off;
}

ssize_t port_copy_in(port_mm_t mm, void *dst, uaddr_t src, size_t n, unsigned flags)
{
	n = in_window(src, n);
	memcpy(dst, (const void *)src, n);
	return (ssize_t)n;
}

ssize_t port_copy_out(port_mm_t mm, uaddr_t dst, const void *src, size_t n, unsigned flags)
{
	n = in_window(dst, n);
	memcpy((void *)dst, src, n);
	return (ssize_t)n;
}

int port_cmpxchg_user(port_mm_t mm, uaddr_t addr, u32 expect, u32 val, u32 *old)
{
	u32 *p = (u32 *)addr;

	if (in_window(addr, 4) != 4)
		return -EFAULT;
	*old = *p;
	if (*p == expect)
		*p = val;
	return 0;
}

/* A signal frame is its mask; regs are not changed, so the handler "returns" at once. */
static u64 frame_mask;
int port_sigframe_push(struct port_task *pt, const struct port_sigframe *f)
{
	frame_mask = f->oldmask;
	return 0;
}

int port_sigframe_pop(struct port_task *pt, u64 *mask, uaddr_t *ss_sp, u64 *ss_size, u32 *ss_flags)
{
	*mask = frame_mask;
	*ss_sp = *ss_size = 0;
	*ss_flags = 2; /* SS_DISABLE */
	return 0;
}

/* What needs a second user side is not there. */
int port_thread_new(struct port_task *parent, struct port_task *child) { return -EAGAIN; }
int port_fork(struct port_task *parent, struct port_task *child, port_mm_t *mm) { return -EAGAIN; }
int port_user_wait(struct port_task *pt) { return -EIO; }
void port_task_exec(struct port_task *pt, port_mm_t new_mm) { die("exec"); }
void port_task_exit(struct port_task *pt) { }
void port_mm_free(port_mm_t mm) { }
bool port_user_kick(struct port_task *pt, bool at_once) { return true; }
u64 port_user_mask(struct port_task *pt) { return 0; }
int port_patch(struct port_task *pt) { return -EOPNOTSUPP; }
ssize_t port_fpu_get(struct port_task *pt, void *buf, size_t max) { return -EIO; }
int port_fpu_set(struct port_task *pt, const void *buf, size_t n) { return -EIO; }
u64 port_mm_rss_pages(port_mm_t mm) { return 0; }
int port_mm_mincore(port_mm_t mm, uaddr_t addr, size_t pages, u8 *vec) { return -ENOSYS; }
size_t port_vdso(hfd_t *hfd) { return 0; }
void port_time_publish(s64 mono_offset_ns, s64 real_offset_ns) { }

/* ---- the one vCPU ---- */

void klock_take(void) { }
void klock_drop(void) { }
int port_ncpus(void) { return 1; }
int port_pack(void) { return -1; }
void port_vcpu_counts(int cpu, struct port_counts *c) { memset(c, 0, sizeof(*c)); }
void port_vcpu_poke(int cpu) { }

void port_vcpu_idle(int cpu, u64 deadline_ns)
{
	struct timespec ts = { (time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000) };

	if (deadline_ns == U64_MAX)
		die("everybody sleeps and no timer is armed");
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void vcpu_entry(void *arg)
{
	kern_vcpu_main(0);
}

/* ---- the machine ---- */

bool boot_option(const char *name, char *buf, size_t n)
{
	bool is = !strcmp(name, "quiet");

	if (is && n)
		*buf = 0;
	return is;
}
const char *port_cmdline(void) { return ""; }
u64 port_hwcap(int which) { return 0; }
u64 port_minsigstksz(void) { return 2048; }
u64 port_cpu_khz(void) { return 1000000; }
void port_log(const char *line, size_t n) { fwrite(line, 1, n, stderr); }
void port_shutdown(int status) { exit(status); }
void port_reboot(void) { die("reboot"); }
void port_panic(const char *msg) { die(msg); }

void fakeport_run(u64 mem_bytes, void (*user)(void))
{
	int err = arena_init(mem_bytes);

	if (err || mmap((void *)FAKE_USER_BASE, FAKE_USER_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)FAKE_USER_BASE)
		die("no memory");
	user_main = user;
	boot_params.mem_bytes = mem_bytes;
	boot_params.ncpus = 1;
	if (port_fibre_init(&vcpu, vcpu_entry, NULL, NULL))
		die("no stack");
	port_fibre_switch(&host, &vcpu);
	die("the vCPU returned");
}
