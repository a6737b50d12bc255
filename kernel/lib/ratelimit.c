/* ratelimit_ok(): bounds what a guest can make the kernel write to its log. */
#include <port/port.h>
#include <umber/printk.h>

bool ratelimit_ok(struct ratelimit *r, u32 burst)
{
	u64 now = port_monotonic_ns();

	if (now - r->start_ns > 5000000000ULL) {
		r->start_ns = now;
		r->count = 0;
	}
	if (r->count >= burst)
		return false;
	r->count++;
	return true;
}
