/* Address space calls: mmap, munmap, mprotect, mremap, brk, madvise, mincore, mlock, msync, shared memory, limits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "t.h"

#define P 4096ul
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
static char *map(size_t n, int prot) { return mmap(NULL, n, prot, ANON, -1, 0); }

static void arguments(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY);
	char *p = map(4 * P, PROT_READ | PROT_WRITE);

	ftruncate(fd, 3 * P);
	ERR(mmap(NULL, 0, PROT_READ, ANON, -1, 0), EINVAL, "mmap of nothing");
	ERR(mmap(NULL, P, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL, "neither shared nor private");
	ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, -1, 0), EBADF, "no file");
	ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL, "offset not aligned");
	ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, wo, 0), EACCES, "file not open for reading");
	ERR(mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0), EACCES, "shared and writable needs O_RDWR");
	OK(mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED, "private and writable does not");
	ERR(mmap(NULL, 1ul << 62, PROT_READ, ANON, -1, 0), ENOMEM, "too long");
	ERR(mmap((void *)(1ul << 47), P, PROT_READ, ANON | MAP_FIXED, -1, 0), ENOMEM, "above the end");
	ERR(mmap((void *)123, P, PROT_READ, ANON | MAP_FIXED, -1, 0), EINVAL, "MAP_FIXED not aligned");
	ERR(mmap(p + P, P, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST, "MAP_FIXED_NOREPLACE");
	IS((long)mmap(p + P, P, PROT_READ, ANON | MAP_FIXED, -1, 0), (long)(p + P), "MAP_FIXED replaces");
	ERR(munmap(p + 1, P), EINVAL, "munmap not aligned");
	ERR(munmap(p, 0), EINVAL, "munmap of nothing");
	IS(munmap(p, 4 * P), 0, "munmap over several");
	IS(munmap(p, 4 * P), 0, "munmap of a hole");
	ERR(mprotect(p, P, PROT_READ), ENOMEM, "mprotect of a hole");
	ERR(mprotect((void *)1, P, PROT_READ), EINVAL, "mprotect not aligned");
	IS(mprotect((void *)P, 0, PROT_READ), 0, "mprotect of nothing");
	p = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
	ERR(mprotect(p, P, PROT_READ | PROT_WRITE), EACCES, "mprotect cannot raise beyond the file's mode");
	ERR(msync((void *)1, P, MS_SYNC), EINVAL, "msync not aligned");
	ERR(msync(p, P, MS_SYNC | MS_ASYNC), EINVAL, "msync sync and async");
	munmap(p, P);
	ERR(msync(p, P, MS_SYNC), ENOMEM, "msync of a hole");
	ERR(madvise(p, P, 9999), EINVAL, "madvise of nonsense");
	ERR(mlock(p, P), ENOMEM, "mlock of a hole");
	ERR(mincore(p, P, (unsigned char *)&fd), ENOMEM, "mincore of a hole");
	close(fd);
	close(ro);
	close(wo);
	unlink("f");
}

static void holes(void)
{
	char *p = map(8 * P, PROT_READ | PROT_WRITE);
	unsigned char vec[8];
	int bad = 0, st;

	memset(p, 7, 8 * P);
	munmap(p + 2 * P, P);
	mprotect(p + 4 * P, P, PROT_NONE);
	for (int i = 0; i < 8; i++)
		if (i != 2 && i != 4)
			bad += p[i * P] != 7;
	IS(bad, 0, "neighbours of a hole keep their bytes");
	FORK(st) { p[2 * P] = 1; }
	IS(WTERMSIG(st), SIGSEGV, "the hole faults");
	ERR(mprotect(p, 8 * P, PROT_READ), ENOMEM, "mprotect over a hole fails");
	FORK(st) { p[P] = 1; }
	IS(WTERMSIG(st), SIGSEGV, "but did what comes before it");
	madvise(p + 5 * P, P, MADV_DONTNEED);
	IS(p[5 * P], 0, "MADV_DONTNEED gives zeroes");
	IS(mincore(p, P, vec), 0, "mincore");
	OK(vec[0] & 1, "touched page is in core");
	munmap(p, 8 * P);
	p = map(2 * P, PROT_READ | PROT_WRITE);
	p[0] = 1;
	IS(madvise(p, P, MADV_DONTFORK), 0, "MADV_DONTFORK");
	FORK(st) { p[0] = 2; }
	IS(WTERMSIG(st), SIGSEGV, "is gone in the child");
	madvise(p, P, MADV_DOFORK);
	p[P] = 5;
	IS(madvise(p + P, P, MADV_WIPEONFORK), 0, "MADV_WIPEONFORK");
	FORK(st) { _exit(p[P] + 10 * p[0]); }
	IS(WEXITSTATUS(st), 10, "is zero in the child");
	munmap(p, 2 * P);
}

static void remaps(void)
{
	char *p = map(4 * P, PROT_READ | PROT_WRITE), *q, *r;

	for (int i = 0; i < 4; i++)
		p[i * P] = i + 1;
	q = mremap(p, 4 * P, 2 * P, 0);
	OK(q == p && q[P] == 2, "shrink in place");
	q = mremap(p, 2 * P, 64 * P, MREMAP_MAYMOVE);
	OK(q != MAP_FAILED && q[0] == 1 && q[P] == 2 && q[63 * P] == 0, "grow, may move");
	r = map(80 * P, PROT_READ);
	OK(mremap(q, 64 * P, 64 * P, MREMAP_MAYMOVE | MREMAP_FIXED, r) == r && r[P] == 2, "to a fixed place");
	ERR(mremap(r, 64 * P, 64 * P, MREMAP_FIXED, q), EINVAL, "FIXED needs MAYMOVE");
	ERR(mremap(r, 64 * P, 64 * P, MREMAP_MAYMOVE | MREMAP_FIXED, r + P), EINVAL, "overlap");
	ERR(mremap(r + 1, P, 2 * P, MREMAP_MAYMOVE), EINVAL, "not aligned");
	ERR(mremap(r, P, 0, MREMAP_MAYMOVE), EINVAL, "to nothing");
	ERR(mremap((void *)P, P, 2 * P, MREMAP_MAYMOVE), EFAULT, "of a hole");
	q = map(3 * P, PROT_READ | PROT_WRITE);
	munmap(q + P, P);
	ERR(mremap(q, 3 * P, 4 * P, MREMAP_MAYMOVE), EFAULT, "over a hole");
	q = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	q[0] = 9;
	r = mremap(q, 0, 2 * P, MREMAP_MAYMOVE);
	OK(r != MAP_FAILED && r != q && r[0] == 9, "old size 0 duplicates a shared mapping");
	r[1] = 8;
	IS(q[1], 8, "both see it");
	q = map(P, PROT_READ | PROT_WRITE);
	q[0] = 3;
	r = mremap(q, P, P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	OK(r != MAP_FAILED && r[0] == 3 && q[0] == 0, "MREMAP_DONTUNMAP");
}

static void files(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), st;
	char *s, *pr, b[16] = "";

	pwrite(fd, "hello", 5, 0);
	ftruncate(fd, P + 100);
	s = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pr = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	OK(!memcmp(s, "hello", 5) && s[P + 99] == 0, "a shared mapping shows the file");
	s[0] = 'J';
	pread(fd, b, 5, 0);
	OK(!strcmp(b, "Jello"), "what is stored in it can be read");
	pwrite(fd, "xy", 2, P);
	OK(s[P] == 'x' && pr[P] == 'x', "what is written shows in it");
	pr[0] = 'P';
	OK(s[0] == 'J' && pr[0] == 'P', "a private mapping keeps its change");
	pwrite(fd, "Q", 1, 0);
	IS(pr[0], 'P', "and keeps it when the file changes");
	s[P + 200] = 'z';
	ftruncate(fd, P + 300);
	pread(fd, b, 1, P + 200);
	OK(1, "bytes beyond the end may be anything");
	ftruncate(fd, 10);
	ftruncate(fd, P);
	IS(s[20], 0, "truncation zeroes the rest of the page");
	FORK(st) { s[P] = 1; }
	IS(WTERMSIG(st), SIGBUS, "SIGBUS behind the end");
	FORK(st) { s[1] = 'k'; pr[1] = 'c'; }
	OK(s[1] == 'k' && pr[1] != 'c', "a child shares shared mappings only");
	unlink("f");
	s[2] = 'u';
	close(fd);
	IS(s[2], 'u', "a mapping outlives name and descriptor");
	munmap(s, 2 * P);
	munmap(pr, 2 * P);
	fd = open("/bin/ls", O_RDONLY);
	pr = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	OK(!memcmp(pr, "\177ELF", 4), "a file of the root, private");
	pr[0] = 'x';
	pread(fd, b, 1, 0);
	OK(b[0] == 0x7f, "is not changed");
	munmap(pr, P);
	s = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, P);
	pread(fd, b, 16, P);
	OK(!memcmp(s, b, 16), "shared, read-only, with an offset");
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	s = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	OK(s != MAP_FAILED && s[5] == 0, "/dev/zero, private");
	s[5] = 1;
	close(fd);
	ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, open("/", O_RDONLY), 0), ENODEV, "a directory cannot be mapped");
	int pp[2];
	pipe(pp);
	ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, pp[0], 0), ENODEV, "nor a pipe");
}

static void heap(void)
{
	char *b = sbrk(0), *e;
	int st;

	e = sbrk(10 * P);
	OK(e == b, "sbrk gives the old end");
	memset(e, 1, 10 * P);
	sbrk(-9 * (long)P);
	IS((long)sbrk(0), (long)(b + P), "shrinks");
	sbrk(9 * P);
	IS(e[5 * P], 0, "what comes back is zero");
	IS(syscall(SYS_brk, 0), (long)sbrk(0), "brk(0)");
	IS(syscall(SYS_brk, 1ul << 60), (long)sbrk(0), "an impossible brk changes nothing");
	FORK(st) {
		setrlimit(RLIMIT_DATA, &(struct rlimit){ 1 << 20, 1 << 20 });
		_exit(sbrk(4 << 20) == (void *)-1 && errno == ENOMEM ? 3 : 4);
	}
	IS(WEXITSTATUS(st), 3, "RLIMIT_DATA");
	FORK(st) {
		setrlimit(RLIMIT_AS, &(struct rlimit){ 64 << 20, 64 << 20 });
		_exit(mmap(NULL, 128 << 20, PROT_READ, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM ? 3 : 4);
	}
	IS(WEXITSTATUS(st), 3, "RLIMIT_AS");
}

static int grow(long left) { volatile char b[P]; b[0] = 1; return left > 0 ? grow(left - (long)P) + b[0] : 0; }
static void stack(void)
{
	int st;

	FORK(st) { grow(6 << 20); _exit(3); }
	IS(WEXITSTATUS(st), 3, "the stack grows to 6 MiB");
	FORK(st) { grow(9 << 20); _exit(3); }
	IS(WTERMSIG(st), SIGSEGV, "and no further than its limit");
	char *p = mmap(NULL, 16 * P, PROT_READ | PROT_WRITE, ANON | MAP_GROWSDOWN, -1, 0);
	OK(p != MAP_FAILED, "MAP_GROWSDOWN");
}

static void shared(void)
{
	int id = shmget(IPC_PRIVATE, 3 * P, IPC_CREAT | 0600), st, fd;
	struct shmid_ds ds;
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);

	OK(id >= 0 && a != (void *)-1 && b != (void *)-1, "shmget and shmat");
	a[0] = 5;
	IS(b[0], 5, "two attachments share");
	FORK(st) { a[1] = 6; }
	IS(b[1], 6, "so does a child");
	shmctl(id, IPC_STAT, &ds);
	OK(ds.shm_nattch == 2 && ds.shm_segsz == 3 * P, "IPC_STAT");
	shmctl(id, IPC_RMID, NULL);
	IS(a[1], 6, "a removed segment lives while attached");
	IS(shmdt(a) | shmdt(b), 0, "shmdt");
	ERR(shmat(id, NULL, 0), EINVAL, "then it is gone");
	fd = memfd_create("m", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ftruncate(fd, P);
	a = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "no F_SEAL_WRITE while mapped writable");
	munmap(a, P);
	IS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), 0, "F_SEAL_WRITE");
	ERR(write(fd, "x", 1), EPERM, "sealed against writing");
	ERR(ftruncate(fd, 0), EPERM, "sealed against shrinking");
	ERR(mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM, "sealed against mapping");
	IS(ftruncate(fd, 2 * P), 0, "growing is allowed");
	IS(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_SHRINK, "F_GET_SEALS");
	close(fd);
	fd = shm_open("/umber-t", O_RDWR | O_CREAT | O_EXCL, 0600);
	OK(fd >= 0, "shm_open");
	shm_unlink("/umber-t");
	close(fd);
}

static void others(void)
{
	char *p = map(2 * P, PROT_READ | PROT_WRITE), buf[8] = "abcdefg";
	int st, fds[2];
	struct iovec l = { buf, 8 }, r = { p, 8 };
	pid_t pid;

	pipe(fds);
	strcpy(p, "parent");
	pid = fork();
	if (!pid) {
		strcpy(p, "child!");
		write(fds[1], "x", 1);
		pause();
	}
	read(fds[0], buf, 1);
	IS(process_vm_readv(pid, &l, 1, &r, 1, 0), 8, "process_vm_readv");
	OK(!strcmp(buf, "child!"), "reads the child's copy");
	strcpy(buf, "wrote");
	IS(process_vm_writev(pid, &l, 1, &r, 1, 0), 8, "process_vm_writev");
	r.iov_base = (void *)8;
	ERR(process_vm_readv(pid, &l, 1, &r, 1, 0), EFAULT, "a hole in the other");
	ERR(process_vm_readv(pid, &l, 1, &r, 1, 1), EINVAL, "flags");
	kill(pid, SIGKILL);
	waitpid(pid, &st, 0);
	ERR(process_vm_readv(pid, &l, 1, &r, 1, 0), ESRCH, "nobody there");
	ERR(write(fds[1], p + 2 * P - 4 + (1ul << 40), 8), EFAULT, "write from a hole");
	ERR(read(open("/dev/zero", O_RDONLY), (void *)1, 10), EFAULT, "read into nowhere");
	munmap(p + P, P);
	IS(write(fds[1], p + P - 4, 8) > 0 || errno == EFAULT, 1, "a write that ends in a hole is short or EFAULT");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	arguments();
	holes();
	remaps();
	files();
	heap();
	stack();
	shared();
	others();
	return t_done();
}
