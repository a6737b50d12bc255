/*
 * `umber run`: one command in the caller's own environment. Root is the host's directory, read-only, under an overlay
 * whose upper layer is a private tmpfs (--rw: hostfs itself, writable). The command is pid 1 and its exit status ends
 * the guest; with --init a kernel-made pid 1 reaps orphans and the command is pid 2.
 */
#include "init_int.h"
#include <umber/sched.h>
#include <umber/signal.h>
#include <umber/syscall.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct task *run_command;

static void must(int err, const char *what)
{
	if (err)
		boot_fail(125, "cannot set up the root file system: %s: error %d", what, -err);
}

static void mount_the_root(void)
{
	const char *dir = boot_params.run_root ? boot_params.run_root : "/";

	if (boot_params.run_rw) {
		must(mount_root("hostfs", dir, 0, NULL), "hostfs");
		return;
	}
	must(mount_root("tmpfs", "rootfs", 0, "mode=0755"), "tmpfs");
	root_mkdir("/lower", 0755);
	root_mkdir("/upper", 0755);
	must(do_mount_kernel("hostfs", dir, "/lower", MS_RDONLY, NULL), "hostfs");
	must(do_mount_kernel("tmpfs", "upper", "/upper", 0, "mode=0755"), "tmpfs");
	root_mkdir("/upper/u", 0755);
	root_mkdir("/upper/w", 0755);
	/* the layers leave the namespace with this; overlay holds on to them */
	must(mount_root("overlay", "overlay", 0, "lowerdir=/lower,upperdir=/upper/u,workdir=/upper/w"), "overlay");
}

static void mount_binds(void)
{
	for (u32 i = 0; i < boot_params.nr_binds; i++) {
		const struct boot_mount *b = &boot_params.binds[i];
		struct path p;
		int err = path_lookup(AT_FDCWD, b->dst, LOOKUP_FOLLOW, &p);

		if (err)
			root_mkdir(b->dst, 0755);
		else
			path_put(&p);
		err = do_mount_kernel("hostfs", b->src, b->dst, b->ro ? MS_RDONLY : 0, NULL);
		if (err)
			boot_fail(125, "cannot bind %s to %s: error %d", b->src, b->dst, -err);
	}
}

static void become_user(void)
{
	struct cred *c = cred_copy(current->cred);

	if (!c)
		boot_fail(125, "no memory");
	c->uid = c->euid = c->suid = c->fsuid = boot_params.uid;
	c->gid = c->egid = c->sgid = c->fsgid = boot_params.gid;
	if (boot_params.ngroups) {
		c->groups = kmalloc(boot_params.ngroups * sizeof(u32));
		for (; c->groups && c->ngroups < boot_params.ngroups; c->ngroups++) {
			u32 i = c->ngroups, g = boot_params.groups[i];

			for (; i && c->groups[i - 1] > g; i--) /* sorted */
				c->groups[i] = c->groups[i - 1];
			c->groups[i] = g;
		}
	}
	if (boot_params.uid)
		c->cap_permitted = c->cap_effective = c->cap_inheritable = c->cap_ambient = 0;
	cred_install(c);
}

static void change_dir(const char *dir)
{
	struct path p;

	if (!dir || path_lookup(AT_FDCWD, dir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p))
		return; /* not there in the guest: stay in / */
	path_put(&current->fs->cwd);
	current->fs->cwd = p;
}

static const char *guest_path(void)
{
	for (const char *const *e = boot_params.envp; e && *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			return *e + 5;
	return DEFAULT_PATH;
}

/* A file without a known format is a shell script (execvp(3)). */
static int exec_script(const char *file)
{
	size_t n = 0;
	const char **argv;
	int err;

	while (boot_params.argv[n])
		n++;
	argv = kcalloc(n + 2, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[0] = "/bin/sh";
	argv[1] = file;
	for (size_t i = 1; i < n; i++)
		argv[i + 1] = boot_params.argv[i];
	err = kernel_execve("/bin/sh", argv, boot_params.envp);
	kfree(argv);
	return err;
}

static int exec_one(const char *file)
{
	int err = kernel_execve(file, boot_params.argv, boot_params.envp);

	return err == -ENOEXEC ? exec_script(file) : err;
}

static int exec_in_path(const char *name)
{
	const char *p = guest_path();
	int err, worst = -ENOENT;

	if (strchr(name, '/'))
		return exec_one(name);
	if (!*name)
		return -ENOENT;
	for (;; p++) {
		const char *end = strchr(p, ':');
		int n = (int)(end ? end - p : (long)strlen(p));
		char *file = kasprintf("%.*s%s%s", n, p, n ? "/" : "", name);

		if (!file)
			return -ENOMEM;
		err = exec_one(file);
		kfree(file);
		if (!err)
			return 0;
		if (err == -EACCES)
			worst = err;
		else if (err != -ENOENT && err != -ENOTDIR)
			return err;
		if (!end)
			return worst;
		p = end;
	}
}

static void exec_failed(const char *name, int err)
{
	char line[400];
	int n;
	bool missing = err == -ENOENT || err == -ENOTDIR;

	if (missing)
		n = scnprintf(line, sizeof(line), "umber: %s: not found\n", name);
	else if (err == -EACCES)
		n = scnprintf(line, sizeof(line), "umber: %s: cannot execute: permission denied\n", name);
	else
		n = scnprintf(line, sizeof(line), "umber: %s: cannot execute: error %d\n", name, -err);
	port_log(line, (size_t)n);
	do_exit((missing ? 127 : 126) << 8);
}

static void command_setup(void *arg)
{
	const bool tty[3] = { boot_params.stdin_tty, boot_params.stdout_tty, boot_params.stderr_tty };
	int err;

	open_std_fds(tty);
	become_user();
	for (int sig = 1; sig < 32; sig++)
		if (boot_params.sig_ignored & SIGBIT(sig))
			current->sighand->action[sig - 1].handler = SIG_IGN;
	signal_set_blocked(current, boot_params.sig_blocked);
	change_dir(boot_params.cwd);
	err = exec_in_path(boot_params.argv[0]);
	if (err)
		exec_failed(boot_params.argv[0], err);
}

static void start_command(void)
{
	struct task *t = user_process_spawn(command_setup, NULL);

	if (IS_ERR(t))
		boot_fail(125, "cannot start the command: error %ld", -PTR_ERR(t));
	run_command = task_get(t);
}

/* pid 1 with --init: waits for whoever dies, for ever; ends with the command's status. */
static void reaper(void *arg)
{
	int cmd;

	signal_set_blocked(current, ~0ULL);
	start_command();
	cmd = run_command->tid;
	for (;;) {
		long pid = sys_wait4(-1, 0, 0, 0);

		if (pid == cmd)
			do_exit(run_command->tg->exit_code);
		if (pid == -ECHILD)
			do_exit(0);
		if (pid < 0)
			cond_resched();
	}
}

void run_boot(void)
{
	mount_the_root();
	root_mount_api();
	mount_binds();
	if (boot_params.run_init) {
		struct task *t = user_process_spawn(reaper, NULL);

		if (IS_ERR(t))
			boot_fail(125, "cannot start init: error %ld", -PTR_ERR(t));
	} else {
		start_command();
	}
}
