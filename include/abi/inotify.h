/* inotify(7) masks and the event record of the Linux ABI. */
#ifndef ABI_INOTIFY_H
#define ABI_INOTIFY_H
#include <umber/types.h>

#ifndef UMBER_HOSTED
#define IN_ALL_EVENTS 0xfffu
#define IN_UNMOUNT 0x2000u
#define IN_Q_OVERFLOW 0x4000u
#define IN_IGNORED 0x8000u
#define IN_ONLYDIR 0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD 0x20000000u
#define IN_ISDIR 0x40000000u
#define IN_ONESHOT 0x80000000u
#endif

struct inotify_event64 { s32 wd; u32 mask, cookie, len; }; /* then len bytes: name, padded with NULs */
_Static_assert(sizeof(struct inotify_event64) == 16, "inotify_event is 16 bytes");
#endif
