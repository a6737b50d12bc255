/*
 * The micro benchmark: one static program that measures the same rows natively and in any guest.
 *
 * A row is a function that does one thing N times and returns how many nanoseconds that took by
 * CLOCK_MONOTONIC, preparation excluded. micro.c picks N so that a slice lasts some 40 ms, runs
 * five slices and reports the median slice divided by N. Each row runs in a child process of its
 * own, so it may leave files open and memory mapped, and a row that hangs or crashes costs only
 * itself. What is measured is the system under the program: rows make raw system calls where a
 * libc could answer by itself (getpid, getppid), and libc's call where the vDSO is the point.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stddef.h>
#include <stdint.h>

struct row {
	const char *name;
	void (*setup)(const struct row *r);		/* optional, not timed */
	uint64_t (*run)(const struct row *r, long n);	/* does it n times; nanoseconds */
	long arg;					/* size, count: what the row makes of it */
	const char *where;				/* "tmpfs" or "file" for the rows with files */
};

/* One table for each file, ended by a row without a name. */
extern const struct row call_rows[], file_rows[], ipc_rows[], proc_rows[], mem_rows[];

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t now_ns(void);
/* Ends the row: reports "fail", the failing call and errno. Never returns. */
void row_fail(const char *what) __attribute__((noreturn));
/* The directory for a kind of file: "tmpfs" ($W), "file" ($F), "scratch" ($S); /tmp when unset. */
const char *bench_dir(const char *where);
/* This program's own absolute path, for rows that execute it with "--exit". */
extern const char *self_path;

#define CHECK(e) do { if ((long)(e) < 0) row_fail(#e); } while (0)

#endif
