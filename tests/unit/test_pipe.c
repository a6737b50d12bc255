/* The ring of a pipe: bytes come out as they went in; capacity, atomic writes, packets, end of file. */
#define UMBER_HOSTED 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { SIGPIPE = 13, S_IFMT = 0170000, S_IFDIR = 0040000, S_IFLNK = 0120000, S_IFREG = 0100000 };
#include "../../kernel/ipc/pipe.c"

static int woken_readers, woken_writers;
void fasync_list_kill(struct list_head *l, u32 modes) { (void)l, (void)modes; }
static struct pipe *P;

void *kzalloc(size_t n) { return calloc(1, n); }
void *kcalloc(size_t n, size_t s) { return calloc(n, s); }
void kfree(const void *p) { free((void *)p); }
void *page_alloc(unsigned o) { return aligned_alloc(4096, 4096ul << o); }
void page_free(void *p, unsigned o) { (void)o; free(p); }
int signal_send_task(int sig, struct siginfo *i, struct task *t) { (void)sig; (void)i; (void)t; return 0; }
size_t copy_to_iter(const void *s, size_t n, struct iov_iter *it)
{
	n = min(n, it->count);
	memcpy((char *)it->iov->base + it->seg_off, s, n);
	it->seg_off += n;
	it->count -= n;
	return n;
}
size_t copy_from_iter(void *d, size_t n, struct iov_iter *it)
{
	n = min(n, it->count);
	memcpy(d, (char *)it->iov->base + it->seg_off, n);
	it->seg_off += n;
	it->count -= n;
	return n;
}
void wq_wake_key(struct wait_queue *q, int nr, u32 key)
{
	(void)nr;
	(void)key;
	woken_readers += q == &P->rd_wq;
	woken_writers += q == &P->wr_wq;
}
void wait_prepare_(struct wait_queue *q, struct waiter *w, unsigned f) { (void)f; list_init(&w->node); (void)q; }
int wait_sleep_(struct waiter *w, unsigned f, u64 d) { (void)w; (void)f; (void)d; return -ERESTARTSYS; }

static int n_test, n_fail;
static void ok(bool good, const char *what)
{
	n_fail += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++n_test, what);
}

static ssize_t io(bool write, void *buf, size_t n, bool packet)
{
	struct iovec64 v = { (u64)(uintptr_t)buf, n };
	struct iov_iter it = { .nr = 1, .iov = &v, .count = n };

	return write ? pipe_do_write(P, &it, true, packet) : pipe_do_read(P, &it, true);
}

static u8 buf[1 << 17];

static void test_bytes(void)
{
	u32 in = 0, out = 0;
	bool good = true;

	srand(3);
	for (int i = 0; i < 200000 && good; i++) {
		size_t n = rand() % (i % 3 ? 9000 : 20) + 1;
		ssize_t r;

		if (rand() & 1) {
			for (size_t k = 0; k < n; k++)
				buf[k] = (in + k) * 7 >> 3;
			r = io(true, buf, n, false);
			if (n <= PIPE_BUF_BYTES)
				good &= r == (ssize_t)n || r == -EAGAIN;
			in += r > 0 ? r : 0;
		} else {
			r = io(false, buf, n, false);
			good &= r > 0 || r == -EAGAIN;
			for (ssize_t k = 0; k < r; k++)
				good &= buf[k] == (u8)((out + k) * 7 >> 3);
			out += r > 0 ? r : 0;
		}
		good &= pipe_bytes(P) == in - out;
	}
	ok(good, "bytes come out as they went in, short writes whole");
}

int main(void)
{
	int n;

	P = pipe_new();
	P->readers = P->writers = 1;
	test_bytes();
	while (io(false, buf, sizeof(buf), false) > 0)
		;
	for (n = 0; io(true, buf, 1, false) == 1; n++)
		;
	ok(n == 65536, "64 KiB go in byte by byte");
	woken_writers = 0;
	ok(io(false, buf, 1, false) == 1 && !woken_writers, "a byte out of a full pipe makes no room");
	ok(io(false, buf, 4095, false) == 4095 && woken_writers == 1, "a page does, and wakes one writer");
	ok(io(true, buf, sizeof(buf), false) == 4096, "a large write is short");
	ok(io(true, buf, 10, false) == -EAGAIN, "EAGAIN when full");
	ok(io(false, buf, sizeof(buf), false) == 65536, "all out");
	woken_readers = 0;
	io(true, buf, 5, false);
	io(true, buf, 5, false);
	ok(woken_readers == 1, "only the first write wakes");
	io(false, buf, 100, false);
	ok(io(true, buf, 10, true) == 10 && io(true, buf, 20, true) == 20 && io(true, buf, 3, false) == 3, "packets");
	ok(io(false, buf, 100, false) == 10, "one packet a read");
	ok(io(false, buf, 4, false) == 4 && io(false, buf, 100, false) == 3, "the rest of a packet is lost");
	ok(io(false, buf, 1, false) == -EAGAIN, "empty");
	P->writers = 0;
	ok(io(false, buf, 1, false) == 0 && io(true, buf, 0, false) == 0, "end of file; nothing written");
	pipe_free(P);
	printf("1..%d\n", n_test);
	return n_fail != 0;
}
