/*
 * The kernel log: a ring of records [header][text], each 8-aligned, the oldest overwritten. Its own small lock makes
 * printk() possible in any context; readers hold klock as well. Waking readers needs klock, so printk only leaves a
 * mark (klog_wake_wanted) and the scheduler wakes them at its next turn.
 */
#include <abi/errno.h>
#include <port/boot.h>
#include <port/port.h>
#include <umber/init.h>
#include <umber/klog.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/task.h>
#include <umber/time.h>
#include <umber/tty.h>

struct record {
	u64 ts_ns;
	u32 total;   /* bytes to the next record; 0: the ring wraps here */
	u16 len;
	u8 level, facility;
};
static u8 ring[KLOG_RING_BYTES] __attribute__((aligned(8)));
static u64 first_seq, next_seq;
static u32 first_off, next_off;
static u64 hint_seq;                 /* sequential readers: where hint_seq lies */
static u32 hint_off;
static u32 lock;
static bool clock_ready;

int console_loglevel = KERN_DEBUG;
struct wait_queue klog_wq = WAIT_QUEUE_INIT(klog_wq);
bool klog_wake_wanted;
u64 klog_clear_seq;

static void ring_lock(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
}

static void ring_unlock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static struct record *at(u32 off)
{
	return (struct record *)(ring + off);
}

static u32 following(u32 off)
{
	off += at(off)->total;
	if (off + sizeof(struct record) > KLOG_RING_BYTES || !at(off)->total)
		return 0;
	return off;
}

static void drop_first(void)
{
	first_off = following(first_off);
	first_seq++;
	if (first_seq == next_seq)
		first_off = next_off;
}

/* Do bytes [next_off, next_off + total) still hold the oldest records? */
static bool overlaps(u32 from, u32 total)
{
	return first_seq != next_seq && first_off >= from && first_off < from + total;
}

static void store(int level, int facility, u64 ts, const char *text, size_t len)
{
	u32 total = (u32)ALIGN_UP(sizeof(struct record) + len, 8);
	struct record *r;

	if (next_off + total + sizeof(struct record) > KLOG_RING_BYTES) {
		while (overlaps(next_off, KLOG_RING_BYTES - next_off))
			drop_first();
		if (next_off + sizeof(struct record) <= KLOG_RING_BYTES)
			at(next_off)->total = 0;
		if (first_seq == next_seq)
			first_off = 0;
		next_off = 0;
	}
	while (overlaps(next_off, total + (u32)sizeof(struct record)))
		drop_first();
	r = at(next_off);
	*r = (struct record){ ts, total, (u16)len, (u8)level, (u8)facility };
	memcpy(r + 1, text, len);
	if (first_seq == next_seq)
		first_off = next_off;
	next_off += total;
	/* no stale header may follow the last record; the space was cleared of records above */
	at(next_off)->total = 0;
	next_seq++;
	hint_seq = 0;
	klog_wake_wanted = true;
}

void klog_clock_ready(void)
{
	clock_ready = true;
}

size_t klog_format(const struct klog_record *r, const char *text, bool prio, char *buf, size_t n)
{
	int len = 0;

	if (prio)
		len = scnprintf(buf, n, "<%d>", r->facility << 3 | r->level);
	return (size_t)len + (size_t)scnprintf(buf + len, n - (size_t)len, "[%5llu.%06llu] %.*s\n",
		(unsigned long long)(r->ts_ns / NSEC_PER_SEC),
		(unsigned long long)(r->ts_ns % NSEC_PER_SEC / 1000), (int)r->len, text);
}

static void emit(int level, int facility, const char *text, size_t len, bool console)
{
	u64 ts = clock_ready ? ktime_mono_ns() : 0;

	while (len && text[len - 1] == '\n')
		len--;
	if (len > KLOG_LINE_MAX)
		len = KLOG_LINE_MAX;
	ring_lock();
	store(level, facility, ts, text, len);
	ring_unlock();
	if (console && level < console_loglevel) {
		char line[KLOG_LINE_MAX + 32];
		struct klog_record r = { 0, ts, level, facility, len };
		size_t n = klog_format(&r, text, false, line, sizeof(line));

		if (!console_write || !console_write(line, n))
			port_log(line, n);
	}
}

void printk(int level, const char *fmt, ...)
{
	char text[KLOG_LINE_MAX];
	__builtin_va_list ap;
	int n;

	__builtin_va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	__builtin_va_end(ap);
	emit(level & 7, 0, text, min((size_t)n, sizeof(text) - 1), true);
}

void klog_write_user(int level, int facility, const char *text, size_t n)
{
	emit(level & 7, facility & 0x1f, text, n, true);
}

static u32 find(u64 seq)
{
	u64 s = first_seq;
	u32 off = first_off;

	if (hint_seq && hint_seq <= seq && hint_seq >= first_seq) {
		s = hint_seq;
		off = hint_off;
	}
	for (; s < seq; s++)
		off = following(off);
	hint_seq = seq;
	hint_off = off;
	return off;
}

ssize_t klog_read_record(u64 *seq, struct klog_record *r, char *text, size_t n)
{
	const struct record *rec;
	size_t len;

	ring_lock();
	if (*seq < first_seq) {
		*seq = first_seq;
		ring_unlock();
		return -EPIPE;
	}
	if (*seq >= next_seq) {
		ring_unlock();
		return -EAGAIN;
	}
	rec = at(find(*seq));
	*r = (struct klog_record){ *seq, rec->ts_ns, rec->level, rec->facility, rec->len };
	len = n ? min((size_t)rec->len, n - 1) : 0;
	if (n) {
		memcpy(text, rec + 1, len);
		text[len] = 0;
	}
	++*seq;
	ring_unlock();
	return (ssize_t)len;
}

/* The shape that /dev/kmsg uses: skips what was lost, *seq is the record's own number afterwards. */
ssize_t klog_read(u64 *seq, char *buf, size_t n, int *level, u64 *mono_ns)
{
	struct klog_record r;
	char text[KLOG_LINE_MAX + 1];
	u64 s = *seq;
	ssize_t len;

	do {
		len = klog_read_record(&s, &r, text, sizeof(text));
	} while (len == -EPIPE);
	if (len < 0)
		return len;
	len = (ssize_t)min((size_t)len, n);
	memcpy(buf, text, (size_t)len);
	*seq = r.seq;
	*level = r.level;
	*mono_ns = r.ts_ns;
	return len;
}

u64 klog_oldest(void)
{
	return first_seq;
}

u64 klog_next(void)
{
	return next_seq;
}

void klog_clear(void)
{
	klog_clear_seq = next_seq;
}

void klog_wake_readers(void)
{
	klog_wake_wanted = false;
	if (wq_active(&klog_wq))
		wq_wake_key(&klog_wq, INT_MAX, 0x41 /* EPOLLIN | EPOLLRDNORM */);
}

/* The port prints the text and the fibre's back trace; the log gets it too, for whoever reads the core. */
void panic(const char *fmt, ...)
{
	static bool panicking;
	char reason[512], text[704];
	struct task *t = current;
	__builtin_va_list ap;

	if (panicking)
		port_panic("Kernel panic - not syncing: panic within a panic");
	panicking = true;
	__builtin_va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	__builtin_va_end(ap);
	if (t)
		snprintf(text, sizeof(text), "Kernel panic - not syncing: %s\nCPU: %d PID: %d Comm: %s umber %s",
			 reason, kern_this_cpu(), t->tid, t->comm, UMBER_VERSION);
	else
		snprintf(text, sizeof(text), "Kernel panic - not syncing: %s", reason);
	emit(KERN_EMERG, 0, text, strlen(text), false);
	port_panic(text);
}
