/* uname(2), sethostname(2), setdomainname(2). */
#include <abi/errno.h>
#include <umber/printk.h>
#include <umber/string.h>
#include <umber/syscall.h>
#include <umber/task.h>
#include <umber/uaccess.h>
#include <umber/uts.h>

#define PER_LINUX32 8
#define UNAME26 0x0020000

struct uts_names init_uts = {
	.sysname = "Linux",
	.nodename = "umber",
	.release = "6.12.0-umber",
	.version = "#1 SMP PREEMPT_DYNAMIC umber " UMBER_VERSION,
	.machine = "x86_64",
	.domainname = "(none)",
};

long sys_uname(uaddr_t buf)
{
	struct uts_names n = init_uts;

	if ((current->personality & 0xff) == PER_LINUX32)
		strlcpy(n.machine, "i686", sizeof(n.machine));
	if (current->personality & UNAME26)
		strlcpy(n.release, "2.6.72-umber", sizeof(n.release));
	return copy_to_user(buf, &n, sizeof(n));
}

static long set_name(char *dst, uaddr_t name, int len)
{
	char buf[UTS_LEN + 1] = { 0 };

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (copy_from_user(buf, name, (size_t)len))
		return -EFAULT;
	memcpy(dst, buf, sizeof(buf));
	return 0;
}

long sys_sethostname(uaddr_t name, int len)
{
	return set_name(init_uts.nodename, name, len);
}

long sys_setdomainname(uaddr_t name, int len)
{
	return set_name(init_uts.domainname, name, len);
}
