/* Measures: all rows in turn, round after round, so that a disturbance of the machine hits all of them alike. */
#include "bench.h"
#include <abi/mman.h>
#include <umber/kmem.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>

#define ROWS_MAX 128

static struct { const struct bench_row *row; u32 n; } todo[ROWS_MAX];
static struct bench_result results[ROWS_MAX];
static u32 nr_rows;
static size_t used;

uaddr_t bench_mem(size_t n)
{
	uaddr_t a = FAKE_USER_BASE + used;

	used += ALIGN_UP(n, 64);
	BUG_ON(used > FAKE_USER_BYTES);
	return a;
}

uaddr_t bench_str(const char *s)
{
	size_t n = strlen(s) + 1;

	return (uaddr_t)memcpy((void *)bench_mem(n), s, n);
}

/* What a kernel does between two system calls: timers, other tasks (the kworker). */
static void housekeeping(void)
{
	kern_attention(0);
	current->se.need_resched = true;
	cond_resched();
}

static u64 time_row(u32 i, u32 n)
{
	bool (*op)(void) = todo[i].row->op;
	bool right = true;
	u64 t = bench_cpu_ns();

	for (u32 k = 0; k < n; k++)
		right &= op();
	t = bench_cpu_ns() - t;
	results[i].right &= right;
	housekeeping();
	return t;
}

/* How many calls make a slice. The best of three, as a disturbed time would make slices that are all overhead. */
static u32 calibrate(u32 i)
{
	u32 n = 1;

	for (; n < 1u << 24; n *= 2) {
		u64 t = min(min(time_row(i, n), time_row(i, n)), time_row(i, n));

		if (t > bench_options.slice_ns / 8)
			return (u32)(n * bench_options.slice_ns / t) + 1;
	}
	return n;
}

/* Later rows of a table may use what the setups of earlier ones made. */
static void add_rows(const struct bench_row *r)
{
	bool right = true;

	for (; r->name; r++) {
		if (right && r->setup)
			right = r->setup();
		if (bench_options.only && !strstr(r->name, bench_options.only))
			continue;
		BUG_ON(nr_rows == ROWS_MAX);
		todo[nr_rows].row = r;
		results[nr_rows].name = r->name;
		results[nr_rows++].right = right;
	}
}

void bench_user(void)
{
	u64 pages = 0;

	current->se.in_user = false; /* rows are kernel code but for what they do by fakeport_enter() */
	BUG_ON(call(mmap, FAKE_USER_BASE, FAKE_USER_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != FAKE_USER_BASE);
	add_rows(rows_core);
	add_rows(rows_file);
	add_rows(rows_path);
	add_rows(rows_ipc);
	add_rows(rows_scale);
	for (u32 i = 0; i < nr_rows; i++)
		todo[i].n = results[i].right ? calibrate(i) : 0;
	for (u32 round = 0; round < bench_options.rounds; round++) {
		for (u32 i = 0; i < nr_rows; i++)
			if (results[i].right)
				results[i].ps[results[i].rounds++] = time_row(i, todo[i].n) * 1000 / todo[i].n;
		if (!round)
			pages = kmem_used_pages();
	}
	bench_report(results, nr_rows, (s64)(kmem_used_pages() - pages));
}
