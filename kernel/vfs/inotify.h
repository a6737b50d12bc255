/* Limits of inotify (/proc/sys/fs/inotify/NAME). */
#ifndef VFS_INOTIFY_H
#define VFS_INOTIFY_H
#include <umber/types.h>

extern u32 inotify_max_queued_events, inotify_max_user_instances, inotify_max_user_watches;
#endif
