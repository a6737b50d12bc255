/* Mounts that boot makes, and the first process's standard files. */
#include "init_int.h"
#include <umber/init.h>

#define TIOCSCTTY 0x540e

/* drivers-host/console: an end of the host's stdin, stdout or stderr that is no terminal. */
struct file *hoststream_file(int n) __weak;

void boot_fail(int status, const char *fmt, ...)
{
	char line[512];
	__builtin_va_list ap;
	int n;

	n = scnprintf(line, sizeof(line), "umber: ");
	__builtin_va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	__builtin_va_end(ap);
	n = (int)strlen(line);
	line[n++] = '\n';
	port_log(line, (size_t)n);
	port_shutdown(status);
}

void root_mkdir(const char *path, u32 mode)
{
	int err = vfs_mkdir_at(AT_FDCWD, path, mode);

	if (err && err != -EEXIST && err != -EROFS)
		pr_debug("boot: mkdir %s: %d", path, err);
}

static bool is_dir(const char *path)
{
	struct path p;

	if (path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p))
		return false;
	path_put(&p);
	return true;
}

static void mount_if(const char *type, const char *dir, u32 flags, const char *data, bool make)
{
	int err;

	if (!fs_find(type))
		return;
	if (make && !is_dir(dir))
		root_mkdir(dir, 0755);
	err = do_mount_kernel(type, type, dir, flags, data);
	if (err)
		pr_warn("boot: mount of %s on %s: %d", type, dir, err);
}

void root_mount_api(void)
{
	mount_if("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true);
	mount_if("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true);
	mount_if("devtmpfs", "/dev", MS_NOSUID, NULL, true);
	mount_if("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666", true);
	mount_if("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", true);
	vfs_symlink_at(AT_FDCWD, "/dev/fd", "/proc/self/fd");
	vfs_symlink_at(AT_FDCWD, "/dev/stdin", "/proc/self/fd/0");
	vfs_symlink_at(AT_FDCWD, "/dev/stdout", "/proc/self/fd/1");
	vfs_symlink_at(AT_FDCWD, "/dev/stderr", "/proc/self/fd/2");
}

static struct file *open_console(void)
{
	struct file *f = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0);

	if (IS_ERR(f))
		return f;
	/* run: job control needs a terminal, and current leads a session. A machine's init leaves it to getty. */
	if (boot_params.run && f->op && f->op->ioctl)
		f->op->ioctl(f, TIOCSCTTY, 0);
	return f;
}

void open_std_fds(const bool tty[3])
{
	struct file *con = NULL;

	for (int n = 0; n < 3; n++) {
		struct file *f = NULL;

		if (!tty[n] && hoststream_file)
			f = hoststream_file(n);
		if (!f || IS_ERR(f)) {
			if (!con)
				con = open_console();
			f = con;
			if (!IS_ERR(f))
				file_get(f);
		}
		if (IS_ERR(f))
			f = file_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
		if (IS_ERR(f)) {
			pr_err("boot: no file for descriptor %d", n);
			break; /* later numbers would slide down */
		}
		fd_install(f, 0);
	}
	if (con && !IS_ERR(con))
		file_put(con);
}
