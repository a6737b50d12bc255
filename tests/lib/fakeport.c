/* The kernel's half of the fake port: an initcall that mounts a tmpfs and starts pid 1, in the place of a boot. */
#include "fakeport.h"
#include <umber/init.h>
#include <umber/mm.h>
#include <umber/printk.h>
#include <umber/task.h>
#include <umber/vfs.h>

/* Between entries user() is the kernel's equal: what it changed of the task must not look like user code's doing. */
void fakeport_enter(void)
{
	struct task *t = current;

	t->se.in_user = true;
	t->port.self.sigmask = t->blocked;
	fakeport_switch();
	t->se.in_user = false;
}

static void spawned(void *arg)
{
	struct mm *mm = mm_new();

	if (IS_ERR(mm))
		panic("fakeport: no mm");
	current->mm = mm;
}

/* Last of all initcalls; it does not return, so the kernel looks for no init program. */
static int fake_boot(void)
{
	static struct wait_queue never;
	int err = mount_root("tmpfs", "rootfs", 0, "mode=0755");

	if (err || IS_ERR(user_process_spawn(spawned, NULL)))
		panic("fakeport: no root or no pid 1: %d", err);
	wq_init(&never);
	return wait_event(&never, false, WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
}
INITCALL(INIT_LATE, fake_boot);
