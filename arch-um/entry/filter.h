/* The seccomp program that every stub runs under (I1, I2). */
#ifndef ARCH_ENTRY_FILTER_H
#define ARCH_ENTRY_FILTER_H
#include <linux/filter.h>
#include <umber/types.h>

#define FILTER_MAX 400
/* Builds the program. traced: for intercept=ptrace, where it is the second line. Number of instructions or negative errno. */
int filter_build(struct sock_filter *prog, int max, bool traced);
#endif
