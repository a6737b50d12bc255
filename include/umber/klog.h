/*
 * Readers' side of the kernel log (kernel/init/printk.c): syslog(2), /dev/kmsg, /proc/kmsg.
 *
 * Every record has a sequence number that only grows; a reader keeps the number that it wants next. Old records are
 * overwritten when the ring is full, and a reader that falls behind is told so.
 */
#ifndef UMBER_KLOG_H
#define UMBER_KLOG_H
#include <umber/sync.h>
#include <umber/types.h>

struct klog_record {
	u64 seq, ts_ns;   /* ts: guest monotonic (since boot) */
	int level, facility;
	size_t len;       /* of the text, without newline or NUL */
};
#define KLOG_LINE_MAX 1024
/* Reads the record *seq into r and text (cut to n - 1, terminated) and sets *seq to the next one. Returns the text's
 * stored length; -EAGAIN: nothing newer; -EPIPE: *seq was overwritten and now is the oldest there. klock held. */
ssize_t klog_read(u64 *seq, struct klog_record *r, char *text, size_t n);
u64 klog_first_seq(void);          /* oldest record there */
u64 klog_next_seq(void);           /* of the next record to be written */
u64 klog_clear_seq(void);          /* first record after the last SYSLOG_ACTION_CLEAR */
void klog_clear(void);
extern struct wait_queue klog_wq;  /* woken (EPOLLIN) soon after each new record */
/* A line written by user space to /dev/kmsg; level and facility from its <prio>. */
void klog_write_user(int level, int facility, const char *text, size_t n);
extern int console_loglevel;       /* records with level < this go to the console */
/* sched calls it where waking is allowed: wakes the readers of records written since. */
void klog_wake_readers(void);
extern bool klog_wake_wanted;
/* Size of the ring in bytes. */
#define KLOG_RING_BYTES 65536u
#endif
