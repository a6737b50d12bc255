/* The kernel log (ring buffer, 64 KiB, read by syslog(2), /dev/kmsg and the console) and panic. */
#ifndef UMBER_PRINTK_H
#define UMBER_PRINTK_H
#include <umber/types.h>

enum { KERN_EMERG, KERN_ALERT, KERN_CRIT, KERN_ERR, KERN_WARNING, KERN_NOTICE, KERN_INFO, KERN_DEBUG };
/* One log line (the newline is added). Any context, any lock. */
void printk(int level, const char *fmt, ...) __printf(2, 3);
#define pr_err(...) printk(KERN_ERR, __VA_ARGS__)
#define pr_warn(...) printk(KERN_WARNING, __VA_ARGS__)
#define pr_info(...) printk(KERN_INFO, __VA_ARGS__)
#define pr_debug(...) printk(KERN_DEBUG, __VA_ARGS__)

/* Readers of the ring (/dev/kmsg, syslog(2)). Records are numbered from 0. klog_read copies the text (no newline, no
 * NUL, cut at n) of the first record with a number >= *seq and sets *seq to its number; -EAGAIN when there is none yet.
 * klog_wq is woken at each new record. klog_clear_seq: first record after the last SYSLOG_ACTION_CLEAR. */
struct wait_queue;
ssize_t klog_read(u64 *seq, char *buf, size_t n, int *level, u64 *mono_ns);
u64 klog_oldest(void);
u64 klog_next(void);           /* number that the next record will get */
extern u64 klog_clear_seq;
extern struct wait_queue klog_wq;

/* True at most `burst` times per 5 s for one static state; use for lines that a guest can cause. */
struct ratelimit { u64 start_ns; u32 count; };
bool ratelimit_ok(struct ratelimit *r, u32 burst);
#define pr_warn_ratelimited(...)                                                                   \
	do {                                                                                       \
		static struct ratelimit rl_;                                                       \
		if (ratelimit_ok(&rl_, 10))                                                        \
			pr_warn(__VA_ARGS__);                                                      \
	} while (0)

/* Stops the guest: prints reason, task and back trace, ends the kernel process with SIGABRT. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
#define BUG_ON(c)                                                                                  \
	do {                                                                                       \
		if (unlikely(c))                                                                   \
			panic("BUG at %s:%d: %s", __FILE__, __LINE__, #c);                         \
	} while (0)
#define WARN_ON(c)                                                                                 \
	({                                                                                         \
		bool warn_ = !!(c);                                                                \
		if (unlikely(warn_))                                                               \
			pr_warn("WARNING at %s:%d: %s", __FILE__, __LINE__, #c);                   \
		warn_;                                                                             \
	})
#endif
