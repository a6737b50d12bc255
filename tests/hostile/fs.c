/* I5: a guest's root, with --root DIR, never sees what lies outside DIR, nor the host's proc, sysfs or devices. The runner
 * put links into DIR and a file with a secret beside it; the argument is the secret. Runs as the guest's root. */
#include "hostile.h"
#include "cases.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *secret;

static int has_secret(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = 0;
	return strstr(buf, secret) != NULL;
}

static void hidden(const char *path)
{
	h_ok(!has_secret(path), "I5 hostfs: %s does not show what lies outside", path);
}

static void climb(void)
{
	char path[2048] = "";

	for (int i = 0; i < 60; i++)
		strcat(path, "../");
	strcat(path, "outside/secret");
	hidden(path);
	hidden("/../outside/secret");
	hidden("/up/outside/secret");       /* up -> .. */
	hidden("/up2");                     /* up2 -> ../outside/secret */
	hidden("/abs");                     /* abs -> the host's absolute path */
	hidden("/dir/up/../outside/secret");
	hidden("/proc/1/root/../outside/secret");
	hidden("/proc/self/cwd/../../outside/secret");
}

static void climb_by_chroot(void *arg)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	mkdir("/jail", 0755);
	if (chroot("/jail"))
		_exit(0);
	if (fchdir(fd))
		_exit(0);
	for (int i = 0; i < 60; i++)
		if (chdir(".."))
			break;
	if (has_secret("outside/secret") || has_secret("../outside/secret"))
		_exit(9);
	if (chroot(".") == 0 && (has_secret("/outside/secret") || has_secret("/../outside/secret")))
		_exit(9);
	_exit(0);
}

static volatile int stop;

static void *renamer(void *arg)
{
	while (!stop) {
		rename("/a/b", "/b");
		rename("/b", "/a/b");
	}
	return NULL;
}

static void climb_under_rename(void *arg)
{
	pthread_t t;
	long end = h_ms() + 1500;

	mkdir("/a", 0755);
	mkdir("/a/b", 0755);
	mkdir("/a/b/c", 0755);
	pthread_create(&t, NULL, renamer, NULL);
	while (h_ms() < end)
		if (has_secret("/a/b/c/../../../../outside/secret") || has_secret("/a/b/c/../../../outside/secret") ||
		    has_secret("/b/c/../../outside/secret") || has_secret("/b/c/../../../outside/secret"))
			_exit(9);
	_exit(0);
}

/* A directory that a process sits in is moved to the top, then that process climbs. */
static void climb_from_moved(void *arg)
{
	mkdir("/deep", 0755);
	mkdir("/deep/er", 0755);
	mkdir("/deep/er/est", 0755);
	if (chdir("/deep/er/est"))
		_exit(0);
	rename("/deep/er/est", "/est");
	if (has_secret("../outside/secret") || has_secret("../../outside/secret") || has_secret("../../../outside/secret"))
		_exit(9);
	_exit(0);
}

static void mounts(void *arg)
{
	static const char *const src[] = { "/", "..", "/proc", "/proc/self/root", "/../..", "/sys", "/dev" };
	char p[128];

	mkdir("/m", 0755);
	for (size_t i = 0; i < sizeof(src) / sizeof(src[0]); i++)
		for (int opt = 0; opt < 3; opt++) {
			int r = mount(opt == 0 ? src[i] : "none", "/m", "hostfs", 0, opt == 0 ? NULL : opt == 1 ? src[i] : "hostfs=/");

			if (r)
				continue;
			if (has_secret("/m/outside/secret"))
				_exit(9);
			for (int pid = 1; pid < 400; pid++) {
				snprintf(p, sizeof(p), "/m/proc/%d/maps", pid);
				if (!access(p, F_OK))
					_exit(9);
			}
			umount("/m");
		}
	_exit(0);
}

/* Everything that is mounted is taken away: what was hidden below must be empty of the host. */
static void uncovered(void *arg)
{
	static const char *const at[] = { "/dev/pts", "/dev/shm", "/dev", "/proc", "/sys", "/tmp", "/run", "/mnt" };
	struct stat st;

	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
			umount2(at[i], MNT_DETACH);
	if (!access("/proc/1/mem", F_OK) || !access("/proc/self/mem", F_OK) || !access("/sys/kernel", F_OK))
		_exit(9);
	if (!stat("/dev/mem", &st) && open("/dev/mem", O_RDONLY) >= 0)
		_exit(10);
	_exit(0);
}

static void old_root(void *arg)
{
	mkdir("/new", 0755);
	if (unshare(CLONE_NEWNS))
		_exit(0);
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("/", "/new", NULL, MS_BIND, NULL) || chdir("/new"))
		_exit(0);
	h_sys(SYS_pivot_root, (long)".", (long)".", 0, 0, 0, 0);
	for (int i = 0; i < 20; i++)
		if (has_secret("outside/secret") || has_secret("../outside/secret") || chdir(".."))
			_exit(9);
	_exit(0);
}

static void links(void *arg)
{
	(void)!link("/up2", "/hard1");
	(void)!linkat(AT_FDCWD, "/abs", AT_FDCWD, "/hard2", AT_SYMLINK_FOLLOW);
	(void)!symlink("../../../../outside/secret", "/soft");
	(void)!symlink("/proc/self/root/../outside/secret", "/soft2");
	if (has_secret("/hard1") || has_secret("/hard2") || has_secret("/soft") || has_secret("/soft2"))
		_exit(9);
	_exit(0);
}

static void handles(void *arg)
{
	struct { struct file_handle h; char data[128]; } f;
	int mid, fd;

	for (int type = 0; type < 4; type++)
		for (unsigned n = 4; n <= 32; n += 4) {
			memset(&f, 0, sizeof(f));
			f.h.handle_bytes = n;
			f.h.handle_type = type;
			f.data[0] = 2; /* the root inode of ext4 */
			fd = (int)h_sys(SYS_open_by_handle_at, open("/", O_RDONLY), (long)&f, O_RDONLY, 0, 0, 0);
			if (fd >= 0 && (faccessat(fd, "outside/secret", F_OK, 0) == 0 || faccessat(fd, "proc/1", F_OK, 0) == 0))
				_exit(9);
		}
	f.h.handle_bytes = 128;
	h_sys(SYS_name_to_handle_at, AT_FDCWD, (long)"/", (long)&f, (long)&mid, 0, 0);
	_exit(0);
}

/* Devices made by the guest's root are the guest's devices, whatever their numbers. */
static void devices(void *arg)
{
	char buf[512];

	for (int minor = 0; minor < 3; minor++) {
		int fd;

		unlink("/blk");
		if (mknod("/blk", S_IFBLK | 0600, makedev(minor == 0 ? 8 : minor == 1 ? 259 : 254, 0)))
			continue;
		fd = open("/blk", O_RDONLY | O_NONBLOCK);
		if (fd >= 0 && read(fd, buf, 512) > 0)
			_exit(9);
	}
	unlink("/mem");
	if (!mknod("/mem", S_IFCHR | 0600, makedev(1, 1)) && open("/mem", O_RDONLY) >= 0)
		_exit(10);
	_exit(0);
}

void case_fs(const char *s)
{
	secret = s;
	h_ok(has_secret("/inside"), "hostfs: the file inside is there"); /* same text: the check works */
	climb();
	h_case("I5 chroot escapes end at the guest's root", climb_by_chroot, NULL, EXITS, 5000);
	h_case("I5 .. while directories are renamed", climb_under_rename, NULL, EXITS, 8000);
	h_case("I5 .. from a directory that was moved up", climb_from_moved, NULL, EXITS, 5000);
	h_case("I5 hard and symbolic links made by the guest", links, NULL, EXITS, 5000);
	h_case("I5 file handles of the host", handles, NULL, EXITS, 5000);
	h_case("I5 device nodes reach no device of the host", devices, NULL, EXITS, 5000);
	h_case("I5 hostfs mounts by the guest's root", mounts, NULL, EXITS, 5000);
	h_case("I5 pivot_root and bind mounts", old_root, NULL, EXITS, 5000);
	h_case("I5 what the mounts hid is not the host's", uncovered, NULL, EXITS, 5000);
}
