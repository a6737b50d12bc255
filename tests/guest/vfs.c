#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
/*
 * Path, descriptor, attribute, mount and directory calls at their edges: prints what each returns.
 * It has no expectations of its own: run it natively and in the guest (same user, empty directory)
 * and compare the outputs. usage: vfs DIR [m]    m: mount calls too (needs its own mount namespace
 * when run natively)
 */
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wunused-result"
#define T(e)                                                                                       \
	do {                                                                                       \
		errno = 0;                                                                         \
		long r_ = (long)(e);                                                               \
		printf("%d %s -> %ld %s\n", __LINE__, #e, r_,                                      \
		       r_ < 0 ? strerrorname_np(errno) : "");                                      \
		fflush(stdout);                                                                    \
	} while (0)
#define O(p, f, m)                                                                                 \
	({                                                                                         \
		int fd_ = open(p, f, m);                                                           \
		int e_ = errno;                                                                    \
		if (fd_ >= 0)                                                                      \
			close(fd_);                                                                \
		errno = e_;                                                                        \
		fd_ >= 0 ? 0 : -1;                                                                 \
	})
struct how {
	unsigned long long flags, mode, resolve;
};
static int o2(const char *p, int fl, int res)
{
	struct how h = {fl, 0, res};
	int d = open(".", O_PATH);
	int fd = syscall(SYS_openat2, d, p, &h, sizeof h);
	int e = errno;
	if (fd >= 0)
		close(fd);
	close(d);
	errno = e;
	return fd >= 0 ? 0 : -1;
}
static int rn2(const char *a, const char *b, int f)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, f);
}
static void names(void)
{
	T(mkdir("d", 0755));
	T(mkdir("d", 0755));
	T(mkdir("d/", 0755));
	T(mkdir("d/e/", 0755));
	T(mkdir(".", 0755));
	T(mkdir("..", 0755));
	T(mkdir("/", 0755));
	T(mkdir("x/y", 0755));
	T(mkdir("", 0755));
	T(O("f", O_CREAT | O_RDWR, 0644));
	T(mkdir("f/x", 0755));
	T(mkdir("f", 0755));
	T(mkdir("f/", 0755));
	T(O("f/", O_RDONLY, 0));
	T(O("f/.", O_RDONLY, 0));
	T(O("f/..", O_RDONLY, 0));
	T(O("d/", O_RDONLY, 0));
	T(O("d/", O_WRONLY, 0));
	T(O("d", O_RDWR, 0));
	T(O("d", O_RDONLY | O_TRUNC, 0));
	T(O("d", O_CREAT | O_RDONLY, 0));
	T(O("d", O_CREAT | O_EXCL, 0));
	T(O("d/.", O_CREAT, 0));
	T(O("d/..", O_CREAT | O_EXCL, 0));
	T(O("new/", O_CREAT | O_RDWR, 0644));
	T(O("f/", O_CREAT | O_RDWR, 0644));
	T(O("/", O_CREAT, 0));
	T(O("f", O_CREAT | O_DIRECTORY, 0));
	T(O("d", O_CREAT | O_DIRECTORY, 0));
	T(O("f", O_DIRECTORY, 0));
	T(O("nope", O_DIRECTORY, 0));
	T(O("f", O_CREAT | O_EXCL | O_RDWR, 0644));
	T(symlink("f", "l"));
	T(symlink("nowhere", "dang"));
	T(symlink("d", "ld"));
	T(symlink("loop2", "loop1"));
	T(symlink("loop1", "loop2"));
	T(symlink("", "z"));
	T(symlink("x", "l"));
	T(symlink("x", ""));
	T(symlink("x", "new/"));
	T(O("l", O_NOFOLLOW, 0));
	T(O("l", O_NOFOLLOW | O_PATH, 0));
	T(O("l", O_NOFOLLOW | O_DIRECTORY, 0));
	T(O("ld", O_NOFOLLOW | O_DIRECTORY, 0));
	T(O("ld/", O_NOFOLLOW, 0));
	T(O("loop1", O_RDONLY, 0));
	T(O("loop1/x", O_RDONLY, 0));
	T(O("loop1", O_PATH | O_NOFOLLOW, 0));
	T(O("dang", O_RDONLY, 0));
	T(O("dang", O_CREAT | O_EXCL | O_RDWR, 0644));
	T(O("dang", O_CREAT | O_RDWR | O_NOFOLLOW, 0644));
	T(O("dang", O_CREAT | O_RDWR, 0644));
	T(access("nowhere", F_OK));
	T(unlink("nowhere"));
	T(mkdir("dang", 0755));
	T(mkdir("dang/", 0755));
	T(unlink("dang/"));
	T(unlink("ld/"));
	T(rmdir("ld/"));
	T(rmdir("ld"));
	T(unlink("d"));
	T(unlink("d/"));
	T(unlink("f/"));
	T(unlink("nope/"));
	T(unlink("nope"));
	T(unlink("."));
	T(unlink(".."));
	T(unlink("/"));
	T(rmdir("f"));
	T(rmdir("."));
	T(rmdir("d/."));
	T(rmdir("d/.."));
	T(rmdir("/"));
	T(rmdir("d"));
	T(rmdir("d/e/"));
	T(rmdir("nope"));
	T(link("d", "dl"));
	T(link("f", "f2"));
	T(link("f", "f2"));
	T(link("l", "l2"));
	T(linkat(AT_FDCWD, "l", AT_FDCWD, "l3", AT_SYMLINK_FOLLOW));
	T(link("f", "new/"));
	T(link("nope", "n2"));
	T(linkat(AT_FDCWD, "f", AT_FDCWD, "f3", 0x8000));
	T(link("f", "d/../f4"));
	char b[300];
	T(readlink("l2", b, 300));
	T(readlink("f", b, 300));
	T(readlink("l", b, 0));
	T(readlink("loop1", b, 2));
	T(readlink("", b, 3));
	T(readlink("d/", b, 3));
	T(readlink("ld/", b, 3));
	memset(b, 'a', 256);
	b[256] = 0;
	T(mkdir(b, 0755));
	b[255] = 0;
	T(mkdir(b, 0755));
	T(rmdir(b));
	T(access(b, 0));
	char *big = malloc(5000);
	memset(big, '/', 4999);
	big[4999] = 0;
	T(access(big, 0));
	big[4096] = 0;
	T(access(big, 0));
	big[4095] = 0;
	T(access(big, 0));
	T(access((char *)8, 0));
	T(access("f", 8));
	T(access("f", R_OK | W_OK | X_OK));
	T(access("d", 7));
}
static void renames(void)
{
	T(mkdir("r", 0755));
	T(mkdir("r/a", 0755));
	T(mkdir("r/a/b", 0755));
	T(mkdir("r/c", 0755));
	T(O("r/f", O_CREAT | O_RDWR, 0644));
	T(O("r/g", O_CREAT | O_RDWR, 0644));
	T(rename("r/a", "r/a/b/x"));
	T(rename("r/a", "r/a"));
	T(rename("r/a/b", "r/a"));
	T(rename("r/a", "r/a/b"));
	T(rename("r/f", "r/a"));
	T(rename("r/a", "r/f"));
	T(rename("r/f", "r/g/"));
	T(rename("r/f/", "r/h"));
	T(rename("r/f", "r/h/"));
	T(rename("r/c", "r/cc/"));
	T(rename("r/cc/", "r/c"));
	T(rename("r/c", "r/a"));
	T(rename("r/.", "r/q"));
	T(rename("r/c", "r/.."));
	T(rename("r/c", "r/a/.."));
	T(rename("nope", "r/c"));
	T(rename("r/f", "nope/x"));
	T(rn2("r/f", "r/g", 1));
	T(rn2("r/f", "r/g", 2));
	T(rn2("r/f", "r/new", 2));
	T(rn2("r/f", "r/new", 1));
	T(rn2("r/new", "r/f", 3));
	T(rn2("r/new", "r/f", 8));
	T(rn2("r/a", "r/new", 2));
	T(access("r/new/b", 0));
	T(rn2("r/new", "r/a", 2));
	T(rn2("r/a", "r/a/b", 2));
	T(rn2("r/a/b", "r/a", 2));
	T(rn2("r/c", "r/.", 1));
	T(link("r/g", "r/g2"));
	T(rename("r/g", "r/g2"));
	T(access("r/g", 0));
	T(rename("r/c", "r/a/b"));
	T(access("r/c", 0));
	T(rename("r/a/b", "r/c"));
	T(rename("r/a", "r/c"));
	T(access("r/a", 0));
	T(rename("r/new", "r/g2"));
	T(access("r/g", 0));
	T(rename("r/g2", "r/c/g2"));
	T(access("r/c/g2", 0));
	int fd = open("r/c/g2", O_RDWR);
	char p[64], l[PATH_MAX];
	snprintf(p, 64, "/proc/self/fd/%d", fd);
	T(unlink("r/c/g2"));
	ssize_t n = readlink(p, l, sizeof l);
	if (n > 0) {
		l[n] = 0;
		printf("%s\n", strrchr(l, '/'));
	}
	struct stat st;
	T(fstat(fd, &st));
	printf("nlink %ld\n", (long)st.st_nlink);
	T(linkat(AT_FDCWD, p, AT_FDCWD, "r/back", AT_SYMLINK_FOLLOW));
	close(fd);
	T(fd = open("r", O_TMPFILE | O_RDWR, 0600));
	if (fd >= 0) {
		T(write(fd, "hi", 2));
		snprintf(p, 64, "/proc/self/fd/%d", fd);
		T(linkat(AT_FDCWD, p, AT_FDCWD, "r/tmpf", AT_SYMLINK_FOLLOW));
		T(stat("r/tmpf", &st));
		printf("size %ld nlink %ld\n", (long)st.st_size, (long)st.st_nlink);
		T(unlink("r/tmpf"));
		close(fd);
	}
	T(open("r", O_TMPFILE | O_RDONLY, 0600));
	T(open("r/f", O_TMPFILE | O_RDWR, 0600));
	T(mkdir("gone", 0755));
	T(chdir("gone"));
	T(rmdir("../gone"));
	T(O("x", O_CREAT | O_RDWR, 0644));
	T(mkdir("x", 0755));
	T(syscall(SYS_getcwd, l, sizeof l));
	T(access("..", 0));
	T(access(".", 0));
	DIR *d = opendir(".");
	printf("opendir %d\n", d != NULL);
	if (d) {
		printf("readdir %d\n", readdir(d) != NULL);
		closedir(d);
	}
	T(chdir(".."));
	T(syscall(SYS_getcwd, l, 3));
}
static void fds(void)
{
	struct rlimit rl = {200, 200};
	int fd;
	char b[16];
	struct stat st;
	T(setrlimit(RLIMIT_NOFILE, &rl));
	T(fd = open("fd", O_CREAT | O_RDWR | O_TRUNC, 0644));
	T(dup(fd));
	T(dup2(fd, 100));
	T(dup2(fd, fd));
	T(dup2(99, 99));
	T(dup2(fd, 200));
	T(dup2(fd, -1));
	T(dup3(fd, fd, 0));
	T(dup3(fd, 101, O_CLOEXEC));
	T(fcntl(101, F_GETFD));
	T(dup3(fd, 101, 1));
	T(fcntl(fd, F_DUPFD, 50));
	T(fcntl(fd, F_DUPFD, 200));
	T(fcntl(fd, F_DUPFD, -1));
	T(fcntl(fd, F_DUPFD_CLOEXEC, 51));
	T(fcntl(51, F_GETFD));
	T(fcntl(51, F_SETFD, 0));
	T(fcntl(51, F_GETFD));
	T(fcntl(fd, F_GETFL));
	T(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_CREAT | O_WRONLY));
	T(fcntl(fd, F_GETFL));
	T(fcntl(fd, F_SETFL, 0));
	T(fcntl(999, F_GETFL));
	T(fcntl(fd, 9999));
	T(fcntl(fd, F_SETSIG, 65));
	T(fcntl(fd, F_SETSIG, 64));
	T(fcntl(fd, F_GETSIG));
	T(fcntl(fd, F_SETOWN, getpid()));
	T(fcntl(fd, F_GETOWN) == getpid());
	T(fcntl(fd, F_SETOWN, -99999));
	T(fcntl(fd, F_SETPIPE_SZ, 4096));
	T(fcntl(fd, F_GET_SEALS));
	T(fcntl(fd, F_SETLEASE, F_UNLCK));
	T(fcntl(fd, F_NOTIFY, 1));
	T(syscall(SYS_close_range, 150, 100, 0));
	T(syscall(SYS_close_range, 50, 51, 4));
	T(fcntl(50, F_GETFD));
	T(syscall(SYS_close_range, 50, ~0U, 0));
	T(fcntl(50, F_GETFD));
	T(fcntl(100, F_GETFD));
	T(syscall(SYS_close_range, 50, 60, 8));
	T(close(100));
	T(close(-1));
	int n = 0;
	while ((open("fd", O_RDONLY)) >= 0)
		n++;
	printf("opened %d %s\n", n, strerrorname_np(errno));
	T(close(20));
	T(close(10));
	T(dup(fd));
	T(dup(fd));
	T(dup(fd));
	T(syscall(SYS_close_range, fd + 1, ~0U, 0));
	T(write(fd, "hello world", 11));
	T(lseek(fd, 0, SEEK_CUR));
	T(lseek(fd, -1, SEEK_SET));
	T(lseek(fd, 5, 9));
	T(lseek(fd, 0, SEEK_END));
	T(lseek(fd, 3, SEEK_DATA));
	T(lseek(fd, 11, SEEK_DATA));
	T(lseek(fd, 3, SEEK_HOLE));
	T(lseek(fd, 100, SEEK_SET));
	T(read(fd, b, 4));
	T(pread(fd, b, 4, 6));
	T(pread(fd, b, 4, -1));
	T(pread(fd, b, 4, 1L << 62));
	T(pwrite(fd, "XY", 2, 20));
	T(fstat(fd, &st));
	printf("size %ld\n", (long)st.st_size);
	T(lseek(fd, 0, SEEK_CUR));
	T(read(fd, (void *)8, 4));
	T(lseek(fd, 0, SEEK_SET));
	T(read(fd, (void *)8, 4));
	T(read(fd, (void *)8, 0));
	T(write(fd, (void *)8, 4));
	T(write(fd, (void *)8, 0));
	T(read(fd, (void *)-8L, 4));
	T(read(fd, b, -1L) < 0);
	T(ftruncate(fd, -1));
	T(ftruncate(fd, 5));
	T(lseek(fd, 0, SEEK_SET));
	T(read(fd, b, 16));
	struct iovec v[3] = {{b, 3}, {NULL, 0}, {b + 3, 4}};
	T(lseek(fd, 0, SEEK_SET));
	T(readv(fd, v, 3));
	T(readv(fd, v, -1));
	T(readv(fd, v, 1025));
	T(readv(fd, v, 0));
	T(writev(fd, v, 3));
	v[1].iov_base = (void *)-8L;
	v[1].iov_len = 4;
	T(writev(fd, v, 3));
	v[1].iov_len = -1;
	T(readv(fd, v, 3));
	v[1].iov_len = 0;
	T(preadv(fd, v, 3, -1));
	T(preadv(fd, v, 3, 2));
	T(preadv2(fd, v, 3, -1, 0));
	T(preadv2(fd, v, 3, 0, 0x100));
	T(pwritev2(fd, v, 3, 0, RWF_APPEND));
	T(fstat(fd, &st));
	printf("size %ld\n", (long)st.st_size);
	int ro, wo, dir, path, pp[2];
	T(ro = open("fd", O_RDONLY));
	T(wo = open("fd", O_WRONLY | O_APPEND));
	T(dir = open("d", O_RDONLY));
	T(path = open("fd", O_PATH));
	T(pipe(pp));
	T(write(ro, "x", 1));
	T(read(wo, b, 1));
	T(write(ro, "x", 0));
	T(pread(wo, b, 1, 0));
	T(ftruncate(ro, 1));
	T(read(dir, b, 1));
	T(read(dir, b, 0));
	T(pread(dir, b, 1, 0));
	T(write(dir, b, 1));
	T(lseek(dir, 0, SEEK_SET));
	T(read(path, b, 1));
	T(fstat(path, &st));
	T(fchmod(path, 0600));
	T(fcntl(path, F_GETFL));
	T(fcntl(path, F_SETFL, 0));
	T(fsync(path));
	T(lseek(path, 0, SEEK_SET));
	T(ioctl(path, FIONREAD, &n));
	T(fchdir(path));
	T(dup(path) >= 0);
	T(lseek(pp[0], 0, SEEK_SET));
	T(pread(pp[0], b, 1, 0));
	T(pwrite(pp[1], b, 1, 0));
	T(write(pp[0], b, 1));
	T(read(pp[1], b, 1));
	T(ftruncate(pp[1], 0));
	T(fallocate(pp[1], 0, 0, 1));
	T(fsync(pp[0]));
	T(posix_fadvise(pp[0], 0, 0, 0));
	T(fdatasync(fd));
	T(syncfs(fd));
	T(sync_file_range(fd, 0, 0, 0));
	T(sync_file_range(fd, 0, 0, 8));
	T(sync_file_range(pp[0], 0, 0, 0));
	T(readahead(fd, 0, 10));
	T(readahead(wo, 0, 10));
	T(fallocate(fd, 0, 0, 0));
	T(fallocate(fd, 0, -1, 5));
	T(fallocate(fd, 0, 0, 100));
	T(fallocate(fd, 1, 0, 1000));
	T(fallocate(fd, 2, 0, 10));
	T(fallocate(fd, 3, 0, 10));
	T(fallocate(ro, 0, 0, 10));
	T(fallocate(fd, 0x80, 0, 10));
	T(fstat(fd, &st));
	printf("size %ld\n", (long)st.st_size);
	T(pwrite(wo, "zz", 2, 0));
	T(fstat(fd, &st));
	printf("size %ld\n", (long)st.st_size);
	T(lseek(fd, 2, SEEK_SET));
	T(ioctl(fd, FIONREAD, &n));
	printf("fionread %d\n", n);
	T(ioctl(fd, 0x5401, b));
	T(ioctl(fd, 0xdead, b));
	n = 1;
	T(ioctl(fd, FIONBIO, &n));
	T(fcntl(fd, F_GETFL));
	T(ioctl(fd, FIOCLEX));
	T(fcntl(fd, F_GETFD));
	T(ioctl(fd, FIONCLEX));
	T(fcntl(fd, F_GETFD));
	T(ioctl(fd, FIONBIO, NULL));
	T(ioctl(fd, FIOASYNC, &n));
	signal(SIGXFSZ, SIG_IGN);
	rl.rlim_cur = rl.rlim_max = 200;
	T(setrlimit(RLIMIT_FSIZE, &rl));
	T(lseek(fd, 198, SEEK_SET));
	T(write(fd, "hello", 5));
	T(write(fd, "hello", 5));
	T(ftruncate(fd, 201));
	T(ftruncate(fd, 200));
	T(fallocate(fd, 0, 0, 300));
	T(truncate("fd", 500));
	T(truncate("d", 5));
	T(truncate("nope", 5));
	T(truncate("fd", -5));
	T(truncate("l/", 5));
	T(getxattr("fd", "user.a", b, 16));
	T(setxattr("fd", "user.a", "1234", 4, 0));
	T(getxattr("fd", "user.a", b, 16));
	T(getxattr("fd", "user.a", b, 0));
	T(getxattr("fd", "user.a", b, 2));
	T(setxattr("fd", "user.a", "1234", 4, XATTR_CREATE));
	T(setxattr("fd", "user.b", "1234", 4, XATTR_REPLACE));
	T(setxattr("fd", "user.b", "1234", 4, 4));
	T(setxattr("fd", "bogus.b", "1234", 4, 0));
	T(setxattr("fd", "user.", "1234", 4, 0));
	T(setxattr("fd", "", "1234", 4, 0));
	T(lsetxattr("l", "user.a", "1", 1, 0));
	T(lgetxattr("l", "user.a", b, 16));
	T(listxattr("fd", b, 16));
	T(listxattr("fd", b, 2));
	T(listxattr("fd", NULL, 0));
	T(removexattr("fd", "user.a"));
	T(removexattr("fd", "user.a"));
	T(setxattr("fd", "user.big", b, 65537, 0));
	T(setxattr("fd", "trusted.q", "1", 1, 0));
	T(removexattr("fd", "trusted.q"));
}
static void attrs(void)
{
	struct stat st;
	struct timespec ts[2] = {{5, 6}, {7, 8}};
	umask(027);
	T(O("a", O_CREAT | O_RDWR, 0777));
	T(stat("a", &st));
	printf("%o\n", st.st_mode);
	T(mkdir("ad", 07777));
	T(stat("ad", &st));
	printf("%o\n", st.st_mode);
	umask(0);
	T(mkdir("ad2", 07777));
	T(stat("ad2", &st));
	printf("%o\n", st.st_mode);
	T(mknod("fifo", S_IFIFO | 0666, 0));
	T(stat("fifo", &st));
	printf("%o\n", st.st_mode);
	T(mknod("dir", S_IFDIR | 0666, 0));
	T(mknod("bad", S_IFLNK | 0666, 0));
	T(mknod("reg", 0640, 5));
	T(stat("reg", &st));
	printf("%o %lx\n", st.st_mode, (long)st.st_rdev);
	T(mknod("sock", S_IFSOCK | 0666, 0));
	T(O("sock", O_RDONLY, 0));
	T(O("sock", O_PATH, 0));
	T(mknod("fifo", S_IFREG, 0));
	T(mknod("nope/", S_IFREG, 0));
	T(chmod("a", 06755));
	T(stat("a", &st));
	printf("%o\n", st.st_mode);
	T(chown("a", 5, 6));
	T(stat("a", &st));
	printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
	T(chown("a", -1, 7));
	T(stat("a", &st));
	printf("%d %d\n", st.st_uid, st.st_gid);
	T(lchown("l", 3, 3));
	T(lstat("l", &st));
	printf("%d\n", st.st_uid);
	T(fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	T(fchmodat(AT_FDCWD, "a", 0600, AT_SYMLINK_NOFOLLOW));
	T(fchownat(AT_FDCWD, "a", 1, 1, 0x8000));
	T(utimensat(AT_FDCWD, "a", ts, 0));
	T(stat("a", &st));
	printf("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec,
	       st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = 9;
	T(utimensat(AT_FDCWD, "a", ts, 0));
	T(stat("a", &st));
	printf("%ld %ld\n", st.st_atim.tv_sec, st.st_mtim.tv_sec);
	ts[0].tv_nsec = 1000000000;
	T(utimensat(AT_FDCWD, "a", ts, 0));
	ts[0].tv_nsec = ts[1].tv_nsec = UTIME_OMIT;
	T(utimensat(AT_FDCWD, "nope", ts, 0));
	T(utimensat(AT_FDCWD, NULL, NULL, 0));
	T(syscall(SYS_utimensat, 99, NULL, NULL, 0));
	T(utimensat(AT_FDCWD, "a", NULL, 0x8000));
	struct statx sx;
	T(statx(AT_FDCWD, "a", 0, STATX_ALL, &sx));
	printf("%x %o\n", sx.stx_mask & 0x7ff, sx.stx_mode);
	T(statx(AT_FDCWD, "a", 0x6000, STATX_ALL, &sx));
	T(statx(AT_FDCWD, "a", 0, 0x80000000, &sx));
	T(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_ALL, &sx));
	T(statx(AT_FDCWD, "", 0, STATX_ALL, &sx));
	T(fstatat(AT_FDCWD, "", &st, 0));
	T(fstatat(99, "", &st, AT_EMPTY_PATH));
	T(fstatat(99, "x", &st, 0));
	T(fstatat(99, "/", &st, 0));
	int fd = open("a", O_RDONLY);
	T(fstatat(fd, "", &st, AT_EMPTY_PATH));
	T(fstatat(fd, "x", &st, 0));
	T(fstatat(fd, "", &st, 0));
	T(fstatat(AT_FDCWD, "a", &st, 0x1));
	T(stat("a", (void *)8));
	T(stat((void *)8, &st));
	T(statx(AT_FDCWD, "/", 0, STATX_ALL, &sx));
	printf("root %d\n", !!(sx.stx_attributes & 0x2000));
	struct statfs sf;
	T(statfs("/proc", &sf));
	printf("%lx\n", (long)sf.f_type);
	T(fstatfs(fd, &sf));
	T(statfs("nope", &sf));
	close(fd);
	T(mkdir("sticky", 01777));
	T(O("sticky/f", O_CREAT | O_RDWR, 0644));
	T(mkdir("priv", 0700));
	T(O("priv/f", O_CREAT | O_RDWR, 0644));
	T(O("w", O_CREAT | O_RDWR, 0666));
	T(O("rx", O_CREAT | O_RDWR, 0600));
	T(chmod(".", 0777));
	T(mkdir("gd", 02777));
	T(chmod("gd", 02777));
	T(chown("gd", 0, 55));
	T(chmod("gd", 02777));
	fflush(stdout);
	if (!fork()) {
		T(setgroups(0, NULL));
		T(setgid(1000));
		T(setuid(1000));
		T(unlink("sticky/f"));
		T(rename("sticky/f", "sticky/g"));
		T(O("priv/f", O_RDONLY, 0));
		T(access("priv/f", F_OK));
		T(O("rx", O_RDONLY, 0));
		T(O("w", O_RDWR, 0));
		T(access("w", X_OK));
		T(chmod("w", 0777));
		T(chown("w", 1000, 1000));
		T(utimensat(AT_FDCWD, "w", NULL, 0));
		ts[0].tv_nsec = 0;
		ts[1].tv_nsec = 0;
		T(utimensat(AT_FDCWD, "w", ts, 0));
		T(utimensat(AT_FDCWD, "rx", NULL, 0));
		T(O("sticky/mine", O_CREAT | O_RDWR, 0644));
		T(chmod("sticky/mine", 02755));
		T(stat("sticky/mine", &st));
		printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
		T(chown("sticky/mine", 1000, 0));
		T(chown("sticky/mine", 1001, -1));
		T(unlink("sticky/mine"));
		T(O("gd/x", O_CREAT | O_RDWR, 02775));
		T(stat("gd/x", &st));
		printf("%o %d\n", st.st_mode, st.st_gid);
		T(mkdir("gd/d", 0755));
		T(stat("gd/d", &st));
		printf("%o %d\n", st.st_mode, st.st_gid);
		T(mknod("nod", S_IFCHR | 0666, 0x103));
		T(chroot("."));
		T(mount("a", "d", "tmpfs", 0, NULL));
		T(umount("d"));
		T(O("w", O_RDONLY | O_NOATIME, 0));
		T(setxattr("w", "user.a", "1", 1, 0));
		T(setxattr("w", "trusted.a", "1", 1, 0));
		T(getxattr("w", "trusted.a", NULL, 0));
		T(truncate("rx", 1));
		T(rename("sticky", "st2"));
		T(rename("priv", "d/p2"));
		exit(0);
	}
	wait(NULL);
}
static void scopes(void)
{
	T(mkdir("s", 0755));
	T(chdir("s"));
	T(symlink("/", "abs"));
	T(symlink("..", "up"));
	T(mkdir("in", 0755));
	T(symlink("in", "li"));
	T(symlink("../s/in", "around"));
	T(O("in/f", O_CREAT | O_RDWR, 0644));
	for (int r = 1; r <= 16; r <<= 1) {
		printf("resolve %d\n", r);
		T(o2("in/f", 0, r));
		T(o2("li/f", 0, r));
		T(o2("..", O_PATH, r));
		T(o2("in/..", O_PATH, r));
		T(o2("in/../..", O_PATH, r));
		T(o2("/", O_PATH, r));
		T(o2("abs", O_PATH, r));
		T(o2("abs/in/f", O_PATH, r));
		T(o2("up", O_PATH, r));
		T(o2("around/f", 0, r));
		T(o2("/proc/self/exe", 0, r));
		T(o2("/proc/self/cwd/in/f", 0, r));
		T(o2("/proc/self/root", O_PATH, r));
		T(o2("/dev/null", O_PATH, r));
		T(o2("li", O_NOFOLLOW, r));
	}
	T(o2("in", 1u << 30, 0));
	T(o2("in", 0, 64));
	T(o2("in", O_PATH | O_RDWR, 0));
	T(o2("in", 0, 8 | 16));
	struct how h = {0, 0644, 0};
	T(syscall(SYS_openat2, AT_FDCWD, "in", &h, sizeof h));
	T(syscall(SYS_openat2, AT_FDCWD, "in", &h, 8));
	struct {
		struct how h;
		long x;
	} h2 = {{0, 0, 0}, 1};
	T(syscall(SYS_openat2, AT_FDCWD, "in", &h2, sizeof h2));
	h2.x = 0;
	int fd;
	T((fd = syscall(SYS_openat2, AT_FDCWD, "in", &h2, sizeof h2)) >= 0);
	char p[9000] = "", *q = p;
	for (int i = 0; i < 39; i++)
		q += sprintf(q, "li/../");
	sprintf(q, "in");
	T(O(p, O_RDONLY, 0));
	sprintf(q, "li");
	T(O(p, O_RDONLY, 0));
	sprintf(q, "li/../li");
	T(O(p, O_RDONLY, 0));
	T(chdir(".."));
}
static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void dirs(void)
{
	T(mkdir("many", 0755));
	char b[64];
	for (int i = 0; i < 3000; i++) {
		snprintf(b, 64, "many/file%d", i);
		close(open(b, O_CREAT | O_WRONLY, 0644));
	}
	DIR *d = opendir("many");
	struct dirent *e;
	int n = 0;
	long pos = 0;
	char *nm[4000];
	while ((e = readdir(d))) {
		if (n == 1500)
			pos = telldir(d);
		nm[n++] = strdup(e->d_name);
	}
	printf("n %d\n", n);
	qsort(nm, n, sizeof *nm, cmp);
	printf("%s %s %s\n", nm[0], nm[1], nm[2]);
	seekdir(d, pos);
	int k = 0;
	while ((e = readdir(d)))
		k++;
	printf("after seek %d\n", k);
	rewinddir(d);
	n = 0;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(b, 64, "many/%.50s", e->d_name);
		if (!unlink(b))
			n++;
	}
	printf("unlinked %d\n", n);
	closedir(d);
	T(rmdir("many"));
	char buf[64];
	int fd = open(".", O_RDONLY);
	T(syscall(SYS_getdents64, fd, buf, 10));
	T(syscall(SYS_getdents64, fd, (void *)8, 4096));
	T(syscall(SYS_getdents64, 99, buf, 64));
	close(fd);
	fd = open("a", O_RDONLY);
	T(syscall(SYS_getdents64, fd, buf, 64));
	close(fd);
	unsigned u = 0;
	char dd[32];
	for (int i = 0; i < 20; i++) {
		snprintf(dd, 32, "dd%d", i);
		mkdir(dd, 0755);
	}
	struct stat st;
	stat(".", &st);
	(void)u;
	for (int i = 0; i < 20; i++) {
		snprintf(dd, 32, "dd%d", i);
		rmdir(dd);
	}
}
static void mounts(void)
{
	T(mkdir("m", 0755));
	T(mkdir("m2", 0755));
	T(mount("src", "m", "tmpfs", 0, "size=1m"));
	T(access("m/x", 0));
	T(O("m/x", O_CREAT | O_RDWR, 0644));
	T(mkdir("m/sub", 0755));
	T(mount("src", "m", "nofs", 0, NULL));
	T(mount("src", "nope", "tmpfs", 0, NULL));
	T(mount("src", "a", "tmpfs", 0, NULL));
	T(rename("m", "mm"));
	T(rmdir("m"));
	T(rename("m/x", "x"));
	T(link("m/x", "x"));
	T(mount("m/sub", "m2", NULL, MS_BIND, NULL));
	T(O("m2/y", O_CREAT | O_RDWR, 0644));
	T(access("m/sub/y", 0));
	T(mount(NULL, "m2", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	T(O("m2/z", O_CREAT | O_RDWR, 0644));
	T(O("m/sub/z", O_CREAT | O_RDWR, 0644));
	T(O("m2/z", O_RDWR, 0));
	T(access("m2/z", W_OK));
	T(unlink("m2/z"));
	T(mkdir("m2/z", 0755));
	T(mkdir("m2/q", 0755));
	T(chmod("m2/z", 0600));
	T(mount("a", "m2/z", NULL, MS_BIND, NULL));
	T(umount("m2/z"));
	T(umount("m2/z"));
	T(mount("nope", "m2", NULL, MS_BIND, NULL));
	T(mount("a", "m2", NULL, MS_BIND, NULL));
	int fd = open("m/x", O_RDONLY);
	T(umount("m"));
	T(umount2("m", MNT_DETACH));
	T(access("m/x", 0));
	char b[4];
	T(read(fd, b, 4));
	T(fchdir(fd));
	close(fd);
	T(umount("m2"));
	T(umount("m2"));
	T(umount("m"));
	T(umount2("m", 64));
	T(mount("t", "m", "tmpfs", MS_NOEXEC | MS_NODEV, NULL));
	T(mknod("m/n", S_IFCHR | 0666, 0x103));
	T(O("m/n", O_RDONLY, 0));
	T(O("m/e", O_CREAT | O_RDWR, 0755));
	T(access("m/e", X_OK));
	T(mkdir("m/k", 0755));
	T(mount("m/k", "m2", NULL, MS_MOVE, NULL));
	T(mount("m", "m/k", NULL, MS_MOVE, NULL));
	T(mount(NULL, "m2", NULL, MS_PRIVATE, NULL));
	T(mount("m", "m", NULL, MS_BIND, NULL));
	T(umount2("m", MNT_EXPIRE));
	T(umount2("m", MNT_EXPIRE));
	T(umount("m"));
	T(mount("t", "m", "tmpfs", 0, NULL));
	T(chdir("m"));
	T(umount("../m"));
	T(chdir(".."));
	T(mkdir("m/old", 0755));
	T(chdir("m"));
	T(syscall(SYS_pivot_root, ".", "nope"));
	T(chdir(".."));
	T(umount("m"));
}
int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (chdir(argv[1]))
		return 1;
	names();
	renames();
	scopes();
	attrs();
	dirs();
	if (argc > 2)
		mounts();
	fds();
	return 0;
}
