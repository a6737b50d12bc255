/* The end of the guest: reboot(2), the death of init, signals that umber itself gets. */
#include "init_int.h"
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/syscall.h>
#include <umber/tty.h>
#include <umber/uaccess.h>

#define REBOOT_MAGIC1 0xfee1deadu
#define REBOOT_MAGIC2 672274793u
#define REBOOT_MAGIC2A 85072278u
#define REBOOT_MAGIC2B 369367448u
#define REBOOT_MAGIC2C 537993216u
enum {
	REBOOT_RESTART = 0x01234567, REBOOT_RESTART2 = (int)0xa1b2c3d4, REBOOT_HALT = (int)0xcdef0123,
	REBOOT_POWER_OFF = 0x4321fedc, REBOOT_CAD_ON = (int)0x89abcdef, REBOOT_CAD_OFF = 0,
};

static void restart(uaddr_t arg, bool with_text)
{
	char text[256];
	ssize_t n = with_text ? strncpy_from_user(text, arg, sizeof(text)) : 0;

	if (n < 0 && n != -ENAMETOOLONG)
		return;
	printk(KERN_EMERG, "reboot: Restarting system");
	port_reboot();
}

long sys_reboot(int magic1, int magic2, u32 cmd, uaddr_t arg)
{
	u32 m2 = (u32)magic2;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((u32)magic1 != REBOOT_MAGIC1 ||
	    (m2 != REBOOT_MAGIC2 && m2 != REBOOT_MAGIC2A && m2 != REBOOT_MAGIC2B && m2 != REBOOT_MAGIC2C))
		return -EINVAL;
	switch ((int)cmd) {
	case REBOOT_RESTART:
		restart(0, false);
		return 0;
	case REBOOT_RESTART2:
		restart(arg, true);
		return -EFAULT;
	case REBOOT_HALT:
		printk(KERN_EMERG, "reboot: System halted");
		port_shutdown(0);
	case REBOOT_POWER_OFF:
		printk(KERN_EMERG, "reboot: Power down");
		port_shutdown(0);
	case REBOOT_CAD_ON: /* there is no Ctrl-Alt-Del to wire up */
	case REBOOT_CAD_OFF:
		return 0;
	}
	return -EINVAL;
}

/* Exit status as a shell gives it. */
static int shell_status(int wait_status)
{
	int sig = wait_status & 0x7f;

	return sig ? 128 + sig : wait_status >> 8 & 0xff;
}

/* The last thread of pid 1 is in do_exit: nothing of the guest outlives it. */
void init_exited(int wait_status)
{
	if (boot_params.run)
		port_shutdown(shell_status(wait_status));
	panic("Attempted to kill init! exitcode=0x%08x", (u32)wait_status);
}

void kern_host_signal(int signo)
{
	if (signo == SIGWINCH && tty_host_winch && tty_host_winch())
		return;
	if (tty_host_signal && tty_host_signal(signo))
		return;
	if (!boot_params.run) {
		if (signo == SIGINT || signo == SIGTERM)
			port_shutdown(1);
		return;
	}
	if (!run_command || run_command->exit_state || signo < 1 || signo > 64) {
		if (!run_command && (signo == SIGINT || signo == SIGTERM || signo == SIGHUP))
			port_shutdown(128 + signo); /* still booting */
		return;
	}
	signal_send_group(signo, SEND_SIG_KERNEL, run_command->tg);
}
