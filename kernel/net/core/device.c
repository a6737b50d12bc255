/* Interfaces as ioctl(2) and /proc/net show them (netdevice(7)): there is the loopback, lo, and no other yet. */
#include <abi/errno.h>
#include <umber/init.h>
#include <umber/net.h>
#include <umber/string.h>
#include <umber/sysfs.h>
#include <umber/vfs.h>

#define LO_MTU 65536
#define LO_INDEX 1
#define IFREQ_BYTES 40u

struct ifreq64 {
	char name[16];
	union {
		struct { u16 family, port; u8 addr[4]; u8 pad[8]; } sa;
		s16 flags;
		s32 value;
		u8 bytes[24];
	};
};
struct ifconf64 { s32 len, pad; u64 buf; };

static void set_addr(struct ifreq64 *r, u8 a, u8 b, u8 c, u8 d)
{
	memset(r->bytes, 0, sizeof(r->bytes));
	r->sa.family = AF_INET;
	r->sa.addr[0] = a;
	r->sa.addr[1] = b;
	r->sa.addr[2] = c;
	r->sa.addr[3] = d;
}

static long get_conf(u64 arg)
{
	struct ifreq64 r = { .name = "lo" };
	struct ifconf64 c;

	if (get_user(c, arg))
		return -EFAULT;
	if (c.len < 0)
		return -EINVAL;
	if (!c.buf) {
		c.len = IFREQ_BYTES;
	} else if (c.len < (s32)IFREQ_BYTES) {
		c.len = 0;
	} else {
		set_addr(&r, 127, 0, 0, 1);
		c.len = IFREQ_BYTES;
		if (copy_to_user(c.buf, &r, IFREQ_BYTES))
			return -EFAULT;
	}
	return put_user(c.len, arg);
}

static int fill(u32 cmd, struct ifreq64 *r)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		r->flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
		break;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		set_addr(r, 127, 0, 0, 1);
		break;
	case SIOCGIFNETMASK:
		set_addr(r, 255, 0, 0, 0);
		break;
	case SIOCGIFBRDADDR:
		set_addr(r, 0, 0, 0, 0);
		break;
	case SIOCGIFMTU:
		r->value = LO_MTU;
		break;
	case SIOCGIFINDEX:
		r->value = LO_INDEX;
		break;
	case SIOCGIFMETRIC:
		r->value = 0;
		break;
	case SIOCGIFTXQLEN:
		r->value = 1000;
		break;
	case SIOCGIFHWADDR:
		memset(r->bytes, 0, sizeof(r->bytes));
		r->sa.family = ARPHRD_LOOPBACK;
		break;
	case SIOCGIFMAP:
		memset(r->bytes, 0, sizeof(r->bytes));
		break;
	default:
		return -ENOTTY;
	}
	return 0;
}

long netdev_ioctl(u32 cmd, u64 arg)
{
	struct ifreq64 r;
	int err;

	if (cmd == SIOCGIFCONF)
		return get_conf(arg);
	if (cmd < SIOCGIFNAME || cmd > SIOCGIFMAP)
		return -ENOTTY;
	if (copy_from_user(&r, arg, IFREQ_BYTES))
		return -EFAULT;
	r.name[sizeof(r.name) - 1] = 0;
	if (cmd == SIOCGIFNAME) {
		if (r.value != LO_INDEX)
			return -ENODEV;
		memset(r.name, 0, sizeof(r.name));
		memcpy(r.name, "lo", 2);
	} else {
		bool is_lo = !strcmp(r.name, "lo");

		err = fill(cmd, &r);
		if (err)
			return err;
		if (!is_lo)
			return -ENODEV;
	}
	return copy_to_user(arg, &r, IFREQ_BYTES);
}

void netdev_show(struct seq_file *m)
{
	seq_puts(m, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|"
		    "bytes    packets errs drop fifo colls carrier compressed\n"
		    "    lo:       0       0    0    0    0     0          0         0"
		    "        0       0    0    0    0     0       0          0\n");
}

/* /sys/class/net/lo */
static int netdev_sysfs(void)
{
	static const struct { const char *name, *text; } file[] = {
		{ "address", "00:00:00:00:00:00\n" }, { "addr_len", "6\n" }, { "broadcast", "00:00:00:00:00:00\n" },
		{ "carrier", "1\n" }, { "dev_id", "0x0\n" }, { "flags", "0x9\n" }, { "ifindex", "1\n" },
		{ "iflink", "1\n" }, { "link_mode", "0\n" }, { "mtu", "65536\n" }, { "operstate", "unknown\n" },
		{ "tx_queue_len", "1000\n" }, { "type", "772\n" }, { "uevent", "INTERFACE=lo\nIFINDEX=1\n" },
	};
	struct pseudo_dir *d = sysfs_virtual_device("net", "lo", 0, false);

	if (!d)
		return -ENOMEM;
	for (unsigned i = 0; i < ARRAY_SIZE(file); i++)
		if (!pseudo_mktext(d, file[i].name, 0444, file[i].text))
			return -ENOMEM;
	return 0;
}
INITCALL(INIT_DEVICE, netdev_sysfs);
