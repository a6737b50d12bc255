/* /proc/sys/net: limits of sockets (socket(7), unix(7)), as far as kernel/net has not registered them itself. */
#include "proc.h"
#include <umber/net.h>
#include <umber/sysctl.h>

#define NET_(n, var) { .path = n, .mode = 0644, .type = CTL_U32, .data = &(var), .limited = true, .max = INT_MAX }
static const struct ctl tab[] = {
	NET_("net/core/somaxconn", net_somaxconn),
	NET_("net/core/wmem_max", net_wmem_max),
	NET_("net/core/rmem_max", net_rmem_max),
	NET_("net/core/wmem_default", net_wmem_default),
	NET_("net/core/rmem_default", net_rmem_default),
	NET_("net/core/optmem_max", net_optmem_max),
	NET_("net/unix/max_dgram_qlen", unix_max_dgram_qlen),
};

static int sysctl_net_init(void)
{
	return sysctl_register(tab, ARRAY_SIZE(tab));
}
INITCALL(INIT_LATE, sysctl_net_init);
