/* hostfs, host side: names cannot leave a directory, special files are never opened, proc and sysfs are never entered. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../drivers-host/hostfs/hostfs_host.c"
#include "../../drivers-host/hostfs/hostfs_io_host.c"

static int fds[256], nr_fds, n_test, n_fail;
void klock_take(void) {}
void klock_drop(void) {}
hfd_t hfd_add(int fd)
{
	if (fd < 0)
		return -errno;
	fds[nr_fds] = fd;
	return nr_fds++;
}
int hfd_fd(hfd_t h) { return h >= 0 && h < nr_fds ? fds[h] : -1; }
void port_hfd_close(hfd_t h) { close(hfd_fd(h)); }

static void ok(bool good, const char *what)
{
	n_fail += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++n_test, what);
}

int main(void)
{
	char dir[] = "/tmp/umber-hostfs-XXXXXX", cmd[256];
	struct hostfs_stat st, rst;
	hfd_t root, h, h2, slash;
	bool fuse;

	if (!mkdtemp(dir))
		return 1;
	snprintf(cmd, sizeof(cmd), "cd %s && mkdir d && echo hi >d/f && mkfifo fifo && ln -s /etc/passwd abs && "
				   "ln -s ../../.. up", dir);
	if (system(cmd))
		return 1;
	ok(!hostfs_open_root(dir, &root, &rst, &fuse), "root");
	ok(hostfs_stat_at(root, rst.dev, fuse, "..", &st) == -EINVAL, "stat of .. refused");
	ok(hostfs_stat_at(root, rst.dev, fuse, "d/f", &st) == -EINVAL, "stat of a path refused");
	ok(hostfs_stat_at(root, rst.dev, fuse, "", &st) == -EINVAL, "stat of nothing refused");
	ok(hostfs_open_path(root, rst.dev, fuse, "..", &h, &st) == -EINVAL, "open of .. refused");
	ok(hostfs_unlink(root, "d/f", false) == -EINVAL, "unlink of a path refused");
	ok(hostfs_rename(root, "d", root, "../x", 0) == -EINVAL, "rename to a path refused");
	ok(!hostfs_open_path(root, rst.dev, fuse, "abs", &h, &st) && S_ISLNK(st.mode), "a link is opened as itself");
	ok(hostfs_reopen(h, HOSTFS_RD, &h2) < 0, "and not followed");
	ok(!hostfs_open_path(root, rst.dev, fuse, "fifo", &h, &st) && S_ISFIFO(st.mode), "path of a FIFO");
	ok(hostfs_reopen(h, HOSTFS_RD, &h2) == -EACCES, "a FIFO is not opened");
	ok(hostfs_reopen(h, HOSTFS_RD | HOSTFS_WR, &h2) == -EACCES, "nor for writing");
	ok(!hostfs_open_in(root, fuse, "d/../up/../../d", &h, &st) && S_ISDIR(st.mode), "links and .. in a jail stay in it");
	ok(!hostfs_stat_at(h, st.dev, fuse, "f", &st) && st.size == 3, "d/f");
	ok(hostfs_open_in(root, fuse, "abs", &h, &st) == -ENOENT, "an absolute link in a jail starts at the jail");
	ok(!hostfs_open_root("/", &slash, &rst, &fuse), "the host's root");
	ok(!hostfs_stat_at(slash, rst.dev, fuse, "proc", &st) && st.blocked, "proc is blocked");
	ok(!hostfs_open_path(slash, rst.dev, fuse, "sys", &h, &st) && st.blocked, "sysfs is blocked");
	ok(hostfs_open_root("/proc", &h, &st, &fuse) == -EACCES, "proc is no root");
	ok(hostfs_open_root("/dev/null", &h, &st, &fuse) == -ENOTDIR, "a device is no root");
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		return 1;
	printf("1..%d\n", n_test);
	return n_fail != 0;
}
