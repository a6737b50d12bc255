/* Shared by the host side of hostfs: the bracket around host calls, and a few helpers. */
#ifndef HOSTFS_HOST_H
#define HOSTFS_HOST_H
#include <errno.h>
#include <fcntl.h>
#include <port/hfd_host.h>
#include <port/hostfs.h>
#include <port/port.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Runs one host call without klock; its result or negative errno. errno is read before klock_take may change it. */
#define HOST(call)                                                                                 \
	({                                                                                         \
		long host_r_;                                                                      \
		klock_drop();                                                                      \
		do                                                                                 \
			host_r_ = (long)(call);                                                    \
		while (host_r_ < 0 && errno == EINTR);                                             \
		if (host_r_ < 0)                                                                   \
			host_r_ = -errno;                                                          \
		klock_take();                                                                      \
		host_r_;                                                                           \
	})
#define FD_PATH_MAX 32

bool hostfs_bad_name(const char *name);
void hostfs_fd_path(char buf[FD_PATH_MAX], int fd); /* /proc/self/fd/N */
int hostfs_do_stat(int dir, const char *name, int flags, struct hostfs_stat *st); /* without klock's bracket */
#endif
