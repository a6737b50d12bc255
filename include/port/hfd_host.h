/* Host fds behind handles, for *_host.c files only. The table is arch-um/mm/hfd_host.c's; port_hfd_close() frees. */
#ifndef PORT_HFD_HOST_H
#define PORT_HFD_HOST_H
#include <umber/types.h>

#ifdef UMBER_HOSTED
/* Takes over fd (closed on failure). fd < 0: -errno of the call that gave it. Handle or negative errno. klock held. */
hfd_t hfd_add(int fd);
/* The fd of a handle, or -1. Any thread; resolve it before klock is dropped, and keep the handle alive meanwhile. */
int hfd_fd(hfd_t h);
/* Access mode of the fd (O_RDONLY...), or -EBADF. klock held. */
int hfd_mode(hfd_t h);
#endif
/* Access mode of the fd (O_RDONLY...), or -EBADF. klock held. */
int hfd_mode(hfd_t h);
#endif
