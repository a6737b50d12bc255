/* Futexes and what glibc builds on them: wait, wake, requeue, bitsets, PI, robust mutexes, timeouts on both clocks. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "t.h"

static long fx(void *a, int op, uint32_t v, const void *t, void *b, uint32_t v3)
{
	return syscall(SYS_futex, a, op, v, t, b, v3);
}

static atomic_int word, word2, woken, waiting;
static void *waiter(void *p)
{
	waiting++;
	if (fx(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0)
		woken++;
	return NULL;
}

static void settle(int n)
{
	for (int i = 0; i < 2000 && waiting < n; i++)
		t_sleep_ms(1);
	t_sleep_ms(50);
}

static void basics(void)
{
	struct timespec ts = { 0, 30000000 }, bad = { 0, 2000000000 }, abs;
	pthread_t t[5];
	long t0;

	ERR(fx(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN, "another value");
	ERR(fx((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL, "not aligned");
	ERR(fx((void *)8, FUTEX_WAIT, 0, &ts, NULL, 0), EFAULT, "nowhere");
	ERR(fx(&word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL, "bad timeout");
	ERR(fx(&word, 99, 0, NULL, NULL, 0), ENOSYS, "bad operation");
	t0 = t_ms();
	ERR(fx(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT, "relative timeout");
	OK(t_ms() - t0 >= 29, "after its time");
	clock_gettime(CLOCK_REALTIME, &abs);
	abs.tv_nsec += 30000000;
	if (abs.tv_nsec >= 1000000000)
		abs.tv_sec++, abs.tv_nsec -= 1000000000;
	t0 = t_ms();
	ERR(fx(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &abs, NULL, ~0u), ETIMEDOUT, "absolute timeout, realtime");
	OK(t_ms() - t0 >= 25, "after its time (absolute)");
	ERR(fx(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL, "empty bitset");
	IS(fx(&word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0), 0, "nobody to wake");
	waiting = woken = 0;
	for (int i = 0; i < 5; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	settle(5);
	IS(fx(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2, "wake 2 of 5");
	IS(fx(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1l, &word2, 0), 2, "requeue: 1 woken, 1 moved");
	ERR(fx(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1l, &word2, 5), EAGAIN, "requeue compares");
	IS(fx(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1, "the moved one waits there");
	IS(fx(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1, "the last one");
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	IS(woken, 5, "all woke");
	waiting = woken = 0;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	settle(3);
	word2 = 7;
	IS(fx(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1l, &word2, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 7)), 1, "WAKE_OP");
	IS(word2, 10, "its operation");
	word2 = 0;
	fx(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static void *bits(void *p)
{
	waiting++;
	fx(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(uintptr_t)p);
	woken += (int)(uintptr_t)p;
	return NULL;
}

static void bitsets(void)
{
	pthread_t t[3];

	waiting = woken = 0;
	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, bits, (void *)(1l << i));
	settle(3);
	IS(fx(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2), 1, "one bit");
	pthread_join(t[1], NULL);
	IS(woken, 2, "the right one");
	IS(fx(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 5), 2, "two bits");
	pthread_join(t[0], NULL);
	pthread_join(t[2], NULL);
}

static void shared(void)
{
	atomic_int *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("f", 0), st;
	atomic_int *a, *b;
	pid_t p = fork();

	if (!p) {
		m[1] = 1;
		while (m[0] == 0)
			fx(m, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(m[0]);
	}
	while (!m[1])
		t_sleep_ms(1);
	t_sleep_ms(30);
	m[0] = 6;
	fx(m, FUTEX_WAKE, 1, NULL, NULL, 0);
	waitpid(p, &st, 0);
	IS(WEXITSTATUS(st), 6, "between processes, anonymous");
	ftruncate(fd, 8192);
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	p = fork();
	if (!p) {
		m[1] = 2;
		while (b[3] == 0)
			fx(&b[3], FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(b[3]);
	}
	while (m[1] != 2)
		t_sleep_ms(1);
	t_sleep_ms(30);
	a[3] = 8;
	fx(&a[3], FUTEX_WAKE, 1, NULL, NULL, 0);
	waitpid(p, &st, 0);
	IS(WEXITSTATUS(st), 8, "between processes and addresses, one file");
}

static pthread_mutex_t mx;
static void *hold_and_die(void *p) { pthread_mutex_lock(&mx); return NULL; }
static volatile long counter;
static void *incr(void *p)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mx);
		counter++;
		pthread_mutex_unlock(&mx);
	}
	return NULL;
}

static void hammer(const char *name)
{
	pthread_t t[6];

	counter = 0;
	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, incr, NULL);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	IS(counter, 120000, name);
}

static void mutexes(void)
{
	pthread_mutexattr_t a;
	pthread_t t;
	struct timespec ts;

	pthread_mutex_init(&mx, NULL);
	hammer("normal mutex");
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mx, &a);
	hammer("PI mutex");
	pthread_mutex_lock(&mx);
	pthread_create(&t, NULL, incr, NULL);
	t_sleep_ms(30);
	pthread_mutex_unlock(&mx);
	pthread_join(t, NULL);
	IS(counter, 140000, "PI mutex with a waiter handed over");
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mx, &a);
	pthread_create(&t, NULL, hold_and_die, NULL);
	pthread_join(t, NULL);
	IS(pthread_mutex_lock(&mx), EOWNERDEAD, "robust PI mutex: the owner died");
	IS(pthread_mutex_consistent(&mx), 0, "made consistent");
	pthread_mutex_unlock(&mx);
	IS(pthread_mutex_lock(&mx), 0, "usable again");
	pthread_mutex_unlock(&mx);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mx, &a);
	pthread_create(&t, NULL, hold_and_die, NULL);
	pthread_join(t, NULL);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 5;
	IS(pthread_mutex_timedlock(&mx, &ts), EOWNERDEAD, "robust mutex: the owner died");
	pthread_mutex_unlock(&mx);
	IS(pthread_mutex_lock(&mx), ENOTRECOVERABLE, "not made consistent: lost");
	pthread_mutex_init(&mx, NULL);
	pthread_mutex_lock(&mx);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000)
		ts.tv_sec++, ts.tv_nsec -= 1000000000;
	IS(pthread_mutex_clocklock(&mx, CLOCK_MONOTONIC, &ts), ETIMEDOUT, "clocklock times out");
}

static void robust_process(void)
{
	struct sh { pthread_mutex_t m; sem_t s; } *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	int st;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->m, &a);
	sem_init(&s->s, 1, 0);
	FORK(st) { pthread_mutex_lock(&s->m); kill(getpid(), SIGKILL); }
	IS(pthread_mutex_lock(&s->m), EOWNERDEAD, "a killed process releases its robust mutex");
	pthread_mutex_consistent(&s->m);
	pthread_mutex_unlock(&s->m);
	FORK(st) { sem_post(&s->s); }
	IS(sem_wait(&s->s), 0, "semaphore between processes");
	ERR(sem_trywait(&s->s), EAGAIN, "and is empty");
}

static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static int turn;
static void *ping(void *p)
{
	long me = (long)p;

	for (int i = 0; i < 3000; i++) {
		pthread_mutex_lock(&mx);
		while (turn != me)
			pthread_cond_wait(&cv, &mx);
		turn = 1 - turn;
		pthread_cond_signal(&cv);
		pthread_mutex_unlock(&mx);
	}
	return NULL;
}

static void conds(void)
{
	pthread_t t[2];

	pthread_mutex_init(&mx, NULL);
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, ping, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	OK(1, "6000 hand-overs by condition variable");
}

static void *canceled(void *p) { pause(); return NULL; }
static void thread_ends(void)
{
	pthread_t t;
	pthread_attr_t a;
	void *r;
	int bad = 0;

	pthread_create(&t, NULL, canceled, NULL);
	t_sleep_ms(20);
	pthread_cancel(t);
	pthread_join(t, &r);
	OK(r == PTHREAD_CANCELED, "cancelled in pause");
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 65536);
	for (int i = 0; i < 1000; i++) {
		bad += pthread_create(&t, &a, (void *(*)(void *))pthread_self, NULL) != 0;
		pthread_join(t, NULL);
	}
	IS(bad, 0, "1000 threads one after the other");
	pthread_t many[200];
	for (int i = 0; i < 200; i++)
		bad += pthread_create(&many[i], &a, incr + 0 == NULL ? NULL : hold_and_die, NULL) != 0;
	pthread_mutex_unlock(&mx);
	OK(!bad, "200 threads at once");
	t_done();
	fflush(stdout);
	_exit(t_failed != 0);
}

int main(void)
{
	basics();
	bitsets();
	shared();
	mutexes();
	robust_process();
	conds();
	thread_ends();
	return 0;
}
