/*
 * Events of the host: deaths of stubs (pidfds), readiness of host fds, signals sent to umber. One watcher
 * thread sleeps in epoll; it queues what it sees and pokes a vCPU, which calls the kernel with klock held.
 */
#include "vcpu.h"
#include "../mm/stubs.h"
#include <errno.h>
#include <poll.h>
#include <port/hfd_host.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MAX_WATCHES 65536
#define QUEUE_MAX 4096
#define AUDIT_MS 2000 /* the only thing that an idle guest does */

enum { EV_WATCH = 1, EV_STUB = 2, EV_SIGNAL = 3 };
struct watch {
	port_watch_fn fn;
	void *arg;
	int fd;            /* -1: free */
	u32 gen;           /* against events of an earlier life */
};
struct event { u32 type, id, events, gen; };

static struct watch *watches;
static u32 nr_watches, free_hint;
static int epfd = -1, sigfd = -1;
static pthread_mutex_t qlock = PTHREAD_MUTEX_INITIALIZER;
static struct event queue[QUEUE_MAX]; /* qlock */
static u32 q_head, q_tail;

/* How many are queued now. */
static u32 enqueue(struct event e)
{
	u32 n;

	pthread_mutex_lock(&qlock);
	while (q_tail - q_head == QUEUE_MAX) { /* the vCPUs are behind; deaths must not be lost */
		pthread_mutex_unlock(&qlock);
		usleep(1000);
		pthread_mutex_lock(&qlock);
	}
	queue[q_tail++ % QUEUE_MAX] = e;
	n = q_tail - q_head;
	pthread_mutex_unlock(&qlock);
	return n;
}

static bool queue_holds(void)
{
	bool any;

	pthread_mutex_lock(&qlock);
	any = q_head != q_tail;
	pthread_mutex_unlock(&qlock);
	return any;
}

static bool dequeue(struct event *e)
{
	bool any;

	pthread_mutex_lock(&qlock);
	any = q_head != q_tail;
	if (any)
		*e = queue[q_head++ % QUEUE_MAX];
	pthread_mutex_unlock(&qlock);
	return any;
}

void events_drain(void)
{
	struct event e;

	while (dequeue(&e)) {
		if (e.type == EV_STUB) {
			struct stub *s = stub_by_id((port_mm_t)e.id);

			if (s)
				stub_died(s);
		} else if (e.type == EV_SIGNAL) {
			kern_host_signal((int)e.id);
		} else if (e.id < nr_watches && watches[e.id].fd >= 0 && watches[e.id].gen == e.gen) {
			watches[e.id].fn(watches[e.id].arg, e.events);
		}
	}
}

/* Pokes somebody who can drain: an idle vCPU if there is one. Deaths concern all that may wait for a stub. */
static void poke_somebody(bool death)
{
	if (death) {
		poke_all();
		return;
	}
	for (int i = 0; i < port_ncpus(); i++)
		if (!__atomic_load_n(&hvcpus[i].active, __ATOMIC_RELAXED)) {
			port_vcpu_poke(i);
			return;
		}
	port_vcpu_poke(0);
}

static void *watcher(void *arg)
{
	struct epoll_event ev[64];
	u64 audit_at = 0;

	(void)arg;
	for (;;) {
		int n = epoll_wait(epfd, ev, 64, AUDIT_MS);
		bool death = false, told = false;

		if (port_monotonic_ns() >= audit_at) {
			audit_at = port_monotonic_ns() + AUDIT_MS * 1000000ULL;
			klock_take();
			stubs_audit();
			klock_drop();
			told = queue_holds(); /* deaths of which nobody was told, and nobody came by since */
		}

		for (int i = 0; i < n; i++) {
			u32 type = (u32)(ev[i].data.u64 >> 62), id = (u32)ev[i].data.u64;
			u32 gen = (u32)(ev[i].data.u64 >> 32) & 0x3fffffff;

			if (type == EV_SIGNAL) {
				struct signalfd_siginfo si;

				if (read(sigfd, &si, sizeof(si)) == sizeof(si))
					enqueue((struct event){ EV_SIGNAL, si.ssi_signo, 0, 0 });
			} else if (type == EV_STUB) {
				struct stub *s = stub_by_id((port_mm_t)id);
				/* of one that the kernel itself has done away with nobody waits to hear */
				bool expected = s && __atomic_load_n(&s->freed, __ATOMIC_ACQUIRE);

				if (s) {
					__atomic_store_n(&s->dead, true, __ATOMIC_RELEASE);
					epoll_ctl(epfd, EPOLL_CTL_DEL, s->pidfd, NULL);
				}
				if (enqueue((struct event){ EV_STUB, id, 0, 0 }) < QUEUE_MAX / 2 && expected)
					continue;
				death = true;
			} else {
				enqueue((struct event){ EV_WATCH, id, ev[i].events, gen });
			}
			told = true;
		}
		if (told)
			poke_somebody(death);
	}
	return NULL;
}

int events_watch_stub(struct stub *s)
{
	struct epoll_event ev = { EPOLLIN, { .u64 = (u64)EV_STUB << 62 | (u32)s->id } };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, s->pidfd, &ev) ? -errno : 0;
}

int port_watch_add(hfd_t h, port_watch_fn fn, void *arg)
{
	struct epoll_event ev = { EPOLLONESHOT, { .u64 = 0 } };
	u32 i = free_hint;
	int fd;

	while (i < nr_watches && watches[i].fd >= 0)
		i++;
	if (i == MAX_WATCHES)
		return -ENFILE;
	if (i == nr_watches) {
		nr_watches++;
		watches[i].gen = 1;
	}
	/* a duplicate: the same fd may be watched by several, and epoll keys by fd and file */
	fd = dup(hfd_fd(h));
	if (fd < 0)
		return -errno;
	watches[i].fn = fn;
	watches[i].arg = arg;
	watches[i].fd = fd;
	watches[i].gen = (watches[i].gen + 1) & 0x3fffffff;
	ev.data.u64 = (u64)EV_WATCH << 62 | (u64)watches[i].gen << 32 | i;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev)) {
		int err = errno;

		close(fd);
		watches[i].fd = -1;
		return -err;
	}
	free_hint = i + 1;
	return (int)i;
}

void port_watch_arm(int id, u32 events)
{
	struct epoll_event ev;

	if (id < 0 || (u32)id >= nr_watches || watches[id].fd < 0)
		return;
	ev.events = events | EPOLLONESHOT;
	ev.data.u64 = (u64)EV_WATCH << 62 | (u64)watches[id].gen << 32 | (u32)id;
	epoll_ctl(epfd, EPOLL_CTL_MOD, watches[id].fd, &ev);
}

void port_watch_del(int id)
{
	if (id < 0 || (u32)id >= nr_watches || watches[id].fd < 0)
		return;
	epoll_ctl(epfd, EPOLL_CTL_DEL, watches[id].fd, NULL);
	close(watches[id].fd);
	watches[id].fd = -1;
	if ((u32)id < free_hint)
		free_hint = (u32)id;
}

int events_init(void)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT,
				    SIGTSTP, SIGTTIN, SIGTTOU };
	struct epoll_event ev = { EPOLLIN, { .u64 = (u64)EV_SIGNAL << 62 } };
	pthread_t t;
	sigset_t set;

	watches = calloc(MAX_WATCHES, sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	epfd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaddset(&set, sigs[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (epfd < 0 || sigfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, sigfd, &ev))
		return -errno;
	if (pthread_create(&t, NULL, watcher, NULL))
		return -EAGAIN;
	pthread_detach(t); /* it lives as long as umber */
	return 0;
}
