/*
 * The kernel log beyond what umber/printk.h offers to readers (kernel/init/printk.c).
 *
 * Every record has a sequence number that only grows; a reader keeps the number that it wants next. Old records are
 * overwritten when the ring is full, and a reader that falls behind is told so.
 */
#ifndef UMBER_KLOG_H
#define UMBER_KLOG_H
#include <umber/printk.h>
#include <umber/sync.h>
#include <umber/types.h>

struct klog_record {
	u64 seq, ts_ns;   /* ts: guest monotonic */
	int level, facility;
	size_t len;       /* of the text, without newline or NUL */
};
#define KLOG_LINE_MAX 1024
#define KLOG_RING_BYTES 65536u
/* Reads the record *seq into r and text (cut to n - 1, terminated) and sets *seq to the next one. Returns the text's
 * stored length; -EAGAIN: nothing newer; -EPIPE: *seq was overwritten and now is the oldest there. klock held. */
ssize_t klog_read_record(u64 *seq, struct klog_record *r, char *text, size_t n);
void klog_clear(void);
/* A line written by user space to /dev/kmsg; level and facility from its <prio>. */
void klog_write_user(int level, int facility, const char *text, size_t n);
struct iov_iter;
/* The one consuming position of the guest (syslog(2) READ, /proc/kmsg): is there something; reads whole and part
 * lines from it without waiting. Bytes, -EFAULT, -ENOMEM. */
bool klog_unread(void);
ssize_t klog_consume(struct iov_iter *it);
extern int console_loglevel;       /* records with level < this go to the console */
/* sched calls it where waking is allowed: wakes the readers of records written since. */
void klog_wake_readers(void);
extern bool klog_wake_wanted;
/* "<prio>[    1.234567] text\n" (the <prio> only if asked for). Bytes stored without the NUL; n >= KLOG_LINE_MAX + 32. */
size_t klog_format(const struct klog_record *r, const char *text, bool prio, char *buf, size_t n);
/* Boot found the clock running: stamps count from here. */
void klog_clock_ready(void);
#endif
