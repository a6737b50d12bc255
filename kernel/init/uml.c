/*
 * A machine of its own, as UML's `linux`: an initramfs whose /init (rdinit=) takes over, or a root= file system with
 * init= or one of the usual places.
 */
#include "init_int.h"
#include <abi/stat.h>
#include <umber/init.h>
#include <umber/initramfs.h>

static char requested[256]; /* init= or rdinit= */
static const char *const init_env[] = { "HOME=/", "TERM=linux", NULL };

static bool exists(const char *path)
{
	struct path p;

	if (path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

static int try_init(const char *path)
{
	const char **argv;
	size_t n = 0;
	int err;

	while (boot_params.init_argv && boot_params.init_argv[n])
		n++;
	argv = kcalloc(n + 2, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[0] = path;
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = boot_params.init_argv[i];
	pr_info("Run %s as init process", path);
	err = kernel_execve(path, argv, init_env);
	kfree(argv);
	return err;
}

static void init_setup(void *arg)
{
	static const char *const places[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	const bool tty[3] = { true, true, true };
	int err;

	open_std_fds(tty);
	if (requested[0]) {
		err = try_init(requested);
		if (!err)
			return;
		panic("Requested init %s failed (error %d).", requested, err);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		err = try_init(places[i]);
		if (!err)
			return;
		if (err != -ENOENT)
			pr_err("Starting init: %s exists but couldn't execute it (error %d)", places[i], err);
	}
	panic("No working init found.  Try passing init= option to kernel.");
}

/* root= rootfstype= rootflags= ro rw. The only kind of root that needs no block device is a host directory. */
static void mount_real_root(void)
{
	char type[32] = "", flags[256] = "", root[256] = "", word[8];
	bool rw = boot_option("rw", word, sizeof(word));
	int err = -ENODEV;

	boot_option("rootfstype", type, sizeof(type));
	boot_option("rootflags", flags, sizeof(flags));
	boot_option("root", root, sizeof(root));
	if (!strcmp(type, "hostfs"))
		err = mount_root("hostfs", flags[0] ? flags : "/", rw ? 0 : MS_RDONLY, NULL);
	if (err)
		panic("VFS: Unable to mount root fs on \"%s\" or unknown-block(0,0), error %d", root, -err);
	pr_info("VFS: Mounted root (hostfs filesystem)%s.", rw ? "" : " readonly");
	if (fs_find("devtmpfs") && exists("/dev") && !do_mount_kernel("devtmpfs", "devtmpfs", "/dev", MS_NOSUID, NULL))
		pr_info("devtmpfs: mounted");
}

void uml_boot(void)
{
	char rdinit[256] = "/init";
	struct task *t;
	int err = mount_root("tmpfs", "rootfs", 0, "mode=0755");

	if (err)
		panic("VFS: Unable to mount rootfs, error %d", -err);
	if (boot_params.initrd) {
		pr_info("Unpacking initramfs...");
		err = initramfs_unpack(boot_params.initrd, boot_params.initrd_bytes);
		if (err)
			pr_err("Initramfs unpacking failed: %d", err);
	}
	root_mkdir("/dev", 0755);
	if (!exists("/dev/console"))
		vfs_mknod_at(AT_FDCWD, "/dev/console", S_IFCHR | 0600, MKDEV(5, 1), NULL);
	boot_option("rdinit", rdinit, sizeof(rdinit));
	boot_option("init", requested, sizeof(requested));
	if (exists(rdinit))
		strlcpy(requested, rdinit, sizeof(requested));
	else
		mount_real_root();
	t = user_process_spawn(init_setup, NULL);
	if (IS_ERR(t))
		panic("cannot start init: error %ld", -PTR_ERR(t));
}
