/* I5: the stub's region is beyond the end of memory for every guest call; nothing of it can be read, changed or moved. */
#include "hostile.h"
#include "cases.h"
#include <sys/uio.h>

static char page[8192] __attribute__((aligned(4096)));

static void errs(const char *what, long r, long e1, long e2)
{
	h_ok(r == -e1 || r == -e2, "I5 %s: %ld", what, r);
}

void case_region(void)
{
	static const unsigned long at[] = { STUB_BASE, STUB_TEXT, MBOX_BASE, MBOX_BASE + MBOX_SIZE, 0x7fffffffe000 };
	long p = (long)page;
	char path[64];
	int fd, null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
	int tmp = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		long a = (long)at[i];
		struct iovec local = { page, 64 }, remote = { (void *)a, 64 };

		printf("# at %#lx\n", a);
		errs("mmap fixed", h_sys(SYS_mmap, a, 4096, 3, 0x32, -1, 0), ENOMEM, EINVAL);
		errs("mmap fixed, no replace", h_sys(SYS_mmap, a, 4096, 3, 0x100022, -1, 0), ENOMEM, EINVAL);
		errs("mmap of a file", h_sys(SYS_mmap, a, 4096, 1, 0x12, tmp, 0), ENOMEM, EINVAL);
		errs("munmap", h_sys(SYS_munmap, a, 4096, 0, 0, 0, 0), EINVAL, EINVAL);
		errs("mprotect", h_sys(SYS_mprotect, a, 4096, 7, 0, 0, 0), ENOMEM, EINVAL);
		errs("mremap of it", h_sys(SYS_mremap, a, 4096, 8192, 1, 0, 0), EFAULT, EINVAL);
		errs("mremap to it", h_sys(SYS_mremap, p, 4096, 4096, 3, a, 0), EINVAL, ENOMEM);
		errs("mremap of nothing to it", h_sys(SYS_mremap, p, 0, 4096, 3, a, 0), EINVAL, ENOMEM);
		errs("madvise", h_sys(SYS_madvise, a, 4096, 4, 0, 0, 0), ENOMEM, EINVAL);
		errs("mlock", h_sys(SYS_mlock, a, 4096, 0, 0, 0, 0), ENOMEM, EINVAL);
		errs("msync", h_sys(SYS_msync, a, 4096, 4, 0, 0, 0), ENOMEM, EINVAL);
		errs("mincore", h_sys(SYS_mincore, a, 4096, p, 0, 0, 0), ENOMEM, EINVAL);
		errs("write from it", h_sys(SYS_write, tmp, a, 64, 0, 0, 0), EFAULT, EFAULT);
		errs("read into it", h_sys(SYS_read, zero, a, 64, 0, 0, 0), EFAULT, EFAULT);
		errs("getcwd into it", h_sys(SYS_getcwd, a, 64, 0, 0, 0, 0), EFAULT, EFAULT);
		errs("open with its bytes as a path", h_sys(SYS_open, a, 0, 0, 0, 0, 0), EFAULT, EFAULT);
		errs("process_vm_readv", h_sys(SYS_process_vm_readv, getpid(), (long)&local, 1, (long)&remote, 1, 0), EFAULT, EFAULT);
		errs("process_vm_writev", h_sys(SYS_process_vm_writev, getpid(), (long)&local, 1, (long)&remote, 1, 0), EFAULT, EFAULT);
		errs("futex wake", h_sys(SYS_futex, a, 0, 12345, p, 0, 0), EFAULT, EFAULT);
		errs("rt_sigprocmask from it", h_sys(SYS_rt_sigprocmask, 0, a, 0, 8, 0, 0), EFAULT, EFAULT);
		errs("execve with its bytes", h_sys(SYS_execve, (long)"/bin/true", a, 0, 0, 0, 0), EFAULT, EFAULT);
	}
	/* Across the border. */
	errs("munmap across the end", h_sys(SYS_munmap, STUB_BASE - 4096, 1 << 20, 0, 0, 0, 0), EINVAL, EINVAL);
	errs("munmap of everything", h_sys(SYS_munmap, 0, 0x7ffffffff000, 0, 0, 0, 0), EINVAL, EINVAL);
	errs("mprotect across the end", h_sys(SYS_mprotect, STUB_BASE - 4096, 1 << 20, 7, 0, 0, 0), ENOMEM, EINVAL);
	errs("mmap that wraps", h_sys(SYS_mmap, STUB_BASE - 4096, -4096, 3, 0x32, -1, 0), ENOMEM, EINVAL);
	errs("mmap with a length near 2^64", h_sys(SYS_mmap, 0, -1, 3, 0x22, -1, 0), ENOMEM, EINVAL);
	errs("mmap with an offset that wraps", h_sys(SYS_mmap, 0, 8192, 1, 2, tmp, -4096), EOVERFLOW, EINVAL);
	for (int i = 0; i < 2; i++) {
		long a = i ? MBOX_BASE : STUB_TEXT;

		snprintf(path, sizeof(path), "/proc/self/mem");
		fd = open(path, O_RDWR);
		errs("/proc/self/mem: read of the region", (long)pread(fd, page, 64, a) < 0 ? -errno : 0, EIO, EFAULT);
		errs("/proc/self/mem: write to the region", (long)pwrite(fd, page, 64, a) < 0 ? -errno : 0, EIO, EFAULT);
		close(fd);
	}
	fd = open("/proc/self/maps", O_RDONLY);
	{
		static char maps[65536];
		ssize_t n = 0, r;

		while ((r = read(fd, maps + n, sizeof(maps) - 1 - (size_t)n)) > 0)
			n += r;
		h_ok(n > 0 && !strstr(maps, "7fff0000") && !strstr(maps, "7fff0100") && !strstr(maps, "umber-"),
		     "I5 /proc/self/maps shows nothing of the stub");
	}
	close(null);
}
