/* Time structures and clock numbers of the Linux x86-64 ABI (clock_gettime(2), timer_create(2)). */
#ifndef ABI_TIME_H
#define ABI_TIME_H
#include <umber/types.h>

struct timespec64 { s64 tv_sec, tv_nsec; };
struct timeval64 { s64 tv_sec, tv_usec; };
struct itimerspec64 { struct timespec64 it_interval, it_value; };
struct itimerval64 { struct timeval64 it_interval, it_value; };

#ifndef UMBER_HOSTED
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1
#endif
#endif
