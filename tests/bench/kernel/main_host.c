/* bench-kernel: options, and the report as a table, as TSV or as TAP. */
#include "bench.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench_options bench_options = { .rounds = 40, .slice_ns = 300000 };
static const char *tsv;
static bool tap;

u64 bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int report_tap(const struct bench_result *r, u32 n, s64 grown_pages)
{
	int bad = 0;

	printf("1..%u\n", n + 1);
	for (u32 i = 0; i < n; i++) {
		bool good = r[i].right && r[i].rounds && r[i].ps[0] > 0;

		bad += !good;
		printf("%sok %u - %s # %.1f ns\n", good ? "" : "not ", i + 1, r[i].name, (double)r[i].ps[0] / 1000);
	}
	printf("%sok %u - kernel memory: %+lld pages since the first round\n", grown_pages > 64 ? "not " : "", n + 1,
	       (long long)grown_pages);
	return bad || grown_pages > 64;
}

void bench_report(struct bench_result *r, u32 n, s64 grown_pages)
{
	FILE *f = tsv ? fopen(tsv, "w") : NULL;
	int bad = tsv && !f;

	for (u32 i = 0; i < n; i++)
		qsort(r[i].ps, r[i].rounds, sizeof(r[i].ps[0]), by_value);
	if (tap)
		exit(report_tap(r, n, grown_pages));
	printf("%-44s %10s %10s\n", "ns a call", "median", "least");
	if (f)
		fprintf(f, "row\tmedian_ns\tleast_ns\n");
	for (u32 i = 0; i < n; i++) {
		double median = r[i].rounds ? (double)r[i].ps[r[i].rounds / 2] / 1000 : 0;
		double least = (double)r[i].ps[0] / 1000;

		if (!r[i].right) {
			printf("%-44s      wrong\n", r[i].name);
			bad = 1;
			continue;
		}
		printf("%-44s %10.1f %10.1f\n", r[i].name, median, least);
		if (f)
			fprintf(f, "%s\t%.1f\t%.1f\n", r[i].name, median, least);
	}
	if (f && fclose(f))
		bad = 1;
	if (tsv && bad)
		fprintf(stderr, "bench-kernel: %s is not complete\n", tsv);
	exit(bad);
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:s:o:w:t")) != -1) {
		if (c == 'r') {
			bench_options.rounds = (u32)strtoul(optarg, NULL, 10);
		} else if (c == 's') {
			bench_options.slice_ns = strtoull(optarg, NULL, 10) * 1000;
		} else if (c == 'o') {
			bench_options.only = optarg;
		} else if (c == 'w') {
			tsv = optarg;
		} else if (c == 't') {
			tap = true;
			bench_options.rounds = 3;
			bench_options.slice_ns = 20000;
		} else {
			fprintf(stderr, "usage: %s [-r ROUNDS] [-s SLICE_US] [-o ROWS] [-w TSV] [-t]\n"
				"-o: rows whose names have this in them; -t: a quick run, as TAP\n", argv[0]);
			return 2;
		}
	}
	if (!bench_options.rounds || bench_options.rounds > BENCH_ROUNDS_MAX || !bench_options.slice_ns) {
		fprintf(stderr, "bench-kernel: 1 to %d rounds, slices of a microsecond at least\n", BENCH_ROUNDS_MAX);
		return 2;
	}
	fakeport_run(256UL << 20, bench_user);
}
