/* Host fds behind handles, for *_host.c files only. klock held for add and close. */
#ifndef PORT_HFD_HOST_H
#define PORT_HFD_HOST_H
#include <umber/types.h>

/* Takes over fd (O_CLOEXEC already set). A negative fd gives -errno. Handle, or -ENFILE (fd closed). */
hfd_t hfd_add(int fd);
/* The fd of a handle, or -1. Any thread. */
int hfd_fd(hfd_t h);
#endif
