/* adjtimex(2), timer_create(2) and timerfd_create(2): structures and constants of the Linux x86-64 ABI. */
#ifndef ABI_TIMEX_H
#define ABI_TIMEX_H
#include <abi/time.h>

struct timex64 {
	u32 modes, pad0;
	s64 offset, freq, maxerror, esterror;
	s32 status, pad1;
	s64 constant, precision, tolerance;
	struct timeval64 time;
	s64 tick, ppsfreq, jitter;
	s32 shift, pad2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai, pad3[11];
};
_Static_assert(sizeof(struct timex64) == 208, "struct timex is 208 bytes");

struct sigevent64 {
	u64 value;
	s32 signo, notify, tid;
	s32 pad[11];
};
_Static_assert(sizeof(struct sigevent64) == 64, "struct sigevent is 64 bytes");

#ifndef UMBER_HOSTED
#define ADJ_TAI 0x80u
#define ADJ_SETOFFSET 0x100u
#define ADJ_NANO 0x2000u
#define ADJ_OFFSET_SINGLESHOT 0x8001u
#define ADJ_OFFSET_SS_READ 0xa001u
#define STA_UNSYNC 0x40
#define STA_NANO 0x2000
#define TIME_ERROR 5

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2
#define SIGEV_THREAD_ID 4

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

#define TFD_CLOEXEC 02000000
#define TFD_NONBLOCK 04000
#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2
#endif
#endif
