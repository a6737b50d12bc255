/* The one clock source: the host's clocks. Virtual time would plug in here. */
#include <port/port.h>
#include <sys/random.h>
#include <time.h>

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

u64 port_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
u64 port_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }
u64 port_realtime_coarse_ns(void) { return clock_ns(CLOCK_REALTIME_COARSE); }
u64 port_boottime_ns(void) { return clock_ns(CLOCK_BOOTTIME); }

void port_random(void *buf, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = getrandom((char *)buf + done, n - done, 0);

		if (r > 0)
			done += (size_t)r;
	}
}
