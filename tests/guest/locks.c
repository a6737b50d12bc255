/* fcntl record locks, open file description locks, flock, leases' absence of surprises, descriptors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "t.h"

static int fd;
static int lk(int f, int cmd, int type, long start, long len)
{
	struct flock l = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(f, cmd, &l);
}

/* in a child: type that blocks a write lock on the range, or F_UNLCK; its owner in *pid */
static int probe(long start, long len)
{
	int st;

	FORK(st) {
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

		fcntl(fd, F_GETLK, &l);
		_exit(l.l_type + (l.l_type != F_UNLCK && l.l_pid != getppid() ? 100 : 0));
	}
	return WEXITSTATUS(st);
}

static void records(void)
{
	int st, f2;

	IS(lk(fd, F_SETLK, F_WRLCK, 10, 10), 0, "write lock");
	IS(probe(15, 1), F_WRLCK, "a child sees it");
	IS(probe(20, 1), F_UNLCK, "behind it is free");
	IS(lk(fd, F_SETLK, F_RDLCK, 12, 2), 0, "the middle becomes a read lock");
	IS(probe(12, 1), F_RDLCK, "read lock");
	IS(probe(14, 1), F_WRLCK, "the rest stays");
	IS(lk(fd, F_SETLK, F_UNLCK, 0, 0), 0, "unlock all");
	IS(probe(0, 0), F_UNLCK, "all free");
	FORK(st) { _exit(lk(fd, F_SETLK, F_WRLCK, 0, 0) ? 1 : 0); }
	IS(st, 0, "a child locks and ends");
	IS(lk(fd, F_SETLK, F_WRLCK, 0, 0), 0, "its locks are gone");
	FORK(st) { _exit(lk(fd, F_SETLK, F_RDLCK, 5, 1) == -1 && errno == EAGAIN ? 3 : 4); }
	IS(WEXITSTATUS(st), 3, "EAGAIN");
	f2 = open("f", O_RDWR);
	close(f2);
	IS(probe(0, 0), F_UNLCK, "closing any descriptor drops them");
	f2 = open("f", O_RDONLY);
	ERR(lk(f2, F_SETLK, F_WRLCK, 0, 1), EBADF, "a write lock needs a writable descriptor");
	ERR(lk(fd, F_SETLK, F_WRLCK, -1, 1), EINVAL, "before the start");
	ERR(lk(fd, F_SETLK, 77, 0, 1), EINVAL, "type");
	ERR(fcntl(fd, F_SETLK, (void *)8), EFAULT, "nowhere");
	close(f2);
	pid_t p = fork();
	if (!p) {
		lk(fd, F_SETLK, F_WRLCK, 0, 1);
		t_sleep_ms(150);
		_exit(0);
	}
	t_sleep_ms(60);
	long t0 = t_ms();
	IS(lk(fd, F_SETLKW, F_WRLCK, 0, 1), 0, "F_SETLKW waits");
	OK(t_ms() - t0 >= 20, "for the other's end");
	waitpid(p, &st, 0);
	lk(fd, F_SETLK, F_UNLCK, 0, 0);
	lk(fd, F_SETLK, F_WRLCK, 0, 1);
	p = fork();
	if (!p) {
		lk(fd, F_SETLK, F_WRLCK, 1, 1);
		t_sleep_ms(100);
		_exit(lk(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : errno);
	}
	t_sleep_ms(50);
	int r = lk(fd, F_SETLKW, F_WRLCK, 1, 1), e = errno;
	if (r)
		lk(fd, F_SETLK, F_UNLCK, 0, 0);
	waitpid(p, &st, 0);
	OK((r == -1 && e == EDEADLK) || WEXITSTATUS(st) == EDEADLK, "a deadlock is seen");
	lk(fd, F_SETLK, F_UNLCK, 0, 0);
}

static void ofd(void)
{
	int a = open("f", O_RDWR), b = open("f", O_RDWR), st;

	IS(lk(a, F_OFD_SETLK, F_WRLCK, 0, 5), 0, "OFD lock");
	ERR(lk(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN, "conflicts within one process");
	ERR(lk(fd, F_SETLK, F_WRLCK, 0, 1), EAGAIN, "and with a classic lock");
	FORK(st) { _exit(lk(a, F_OFD_SETLK, F_WRLCK, 3, 5) ? 1 : 0); }
	IS(st, 0, "a child shares it");
	close(dup(a));
	ERR(lk(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN, "closing a duplicate keeps it");
	close(a);
	IS(lk(b, F_OFD_SETLK, F_WRLCK, 0, 1), 0, "the last close drops it");
	struct flock l = { .l_type = F_WRLCK, .l_pid = 1 };
	ERR(fcntl(b, F_OFD_SETLK, &l), EINVAL, "l_pid must be 0");
	close(b);
}

static void flocks(void)
{
	int a = open("f", O_RDWR), b = open("f", O_RDONLY), st;

	IS(flock(a, LOCK_EX), 0, "flock");
	ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK, "another description");
	IS(flock(dup(a), LOCK_EX | LOCK_NB), 0, "a duplicate");
	IS(flock(a, LOCK_SH), 0, "downgrade");
	IS(flock(b, LOCK_SH | LOCK_NB), 0, "two readers");
	ERR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK, "no upgrade past a reader");
	FORK(st) { flock(b, LOCK_UN); }
	IS(flock(a, LOCK_EX | LOCK_NB), 0, "a child can unlock");
	ERR(flock(a, 77), EINVAL, "operation");
	IS(lk(b, F_SETLK, F_RDLCK, 0, 0), 0, "flock and fcntl do not meet");
	close(a);
	close(b);
}

static void descriptors(void)
{
	struct rlimit rl;
	struct stat s1, s2;
	int a, b, n = 0, st;

	a = fcntl(fd, F_DUPFD, 100);
	IS(a, 100, "F_DUPFD");
	IS(fcntl(a, F_GETFD), 0, "no close-on-exec");
	b = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	IS(b, 101, "F_DUPFD_CLOEXEC");
	IS(fcntl(b, F_GETFD), FD_CLOEXEC, "close-on-exec");
	IS(dup2(fd, 100), 100, "dup2 over an open one");
	IS(dup2(fd, fd), fd, "dup2 to itself");
	ERR(dup3(fd, fd, 0), EINVAL, "dup3 to itself");
	ERR(dup2(fd, -1), EBADF, "dup2 to -1");
	ERR(dup2(999, 5), EBADF, "dup2 of a closed one");
	lseek(fd, 7, SEEK_SET);
	IS(lseek(a, 0, SEEK_CUR), 7, "duplicates share the offset");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	OK(fcntl(a, F_GETFL) & O_NONBLOCK, "and the flags");
	fcntl(fd, F_SETFL, 0);
	IS(syscall(SYS_close_range, 100, 101, 0), 0, "close_range");
	ERR(fcntl(100, F_GETFD), EBADF, "closed");
	ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL, "backwards");
	a = dup(fd);
	syscall(SYS_close_range, a, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	IS(fcntl(a, F_GETFD), FD_CLOEXEC, "CLOSE_RANGE_CLOEXEC");
	close(a);
	FORK(st) {
		rl.rlim_cur = rl.rlim_max = 20;
		setrlimit(RLIMIT_NOFILE, &rl);
		while (dup(fd) >= 0)
			n++;
		_exit(errno == EMFILE && dup2(fd, 20) == -1 && errno == EBADF && fcntl(fd, F_DUPFD, 20) == -1 && errno == EINVAL ? 3 : 4);
	}
	IS(WEXITSTATUS(st), 3, "RLIMIT_NOFILE");
	ERR(close(555), EBADF, "close of a closed one");
	ERR(fcntl(fd, 9999, 0), EINVAL, "fcntl of nonsense");
	a = open("f", O_PATH);
	ERR(read(a, &n, 1), EBADF, "O_PATH cannot read");
	IS(fstat(a, &s1) | fstat(fd, &s2), 0, "but stat");
	OK(s1.st_ino == s2.st_ino, "the same file");
	ERR(fcntl(a, F_SETFL, 0), EBADF, "no F_SETFL");
	close(a);
	a = open("f", O_RDWR | O_APPEND);
	ftruncate(a, 3);
	pwrite(a, "yy", 2, 0);
	fstat(a, &s1);
	IS(s1.st_size, 5, "pwrite with O_APPEND appends");
	close(a);
}

int main(void)
{
	fd = open("f", O_RDWR | O_CREAT, 0600);
	records();
	ofd();
	flocks();
	descriptors();
	unlink("f");
	return t_done();
}
