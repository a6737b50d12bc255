/* The standard streams of `umber run` that are not terminals (drivers-host/console/stream.c). */
#ifndef UMBER_HOSTSTREAM_H
#define UMBER_HOSTSTREAM_H
struct file;
/* An open file (reference 1) on the host's descriptor n (0, 1, 2): pipe, socket, regular file or character device,
 * passed through. Same stream at each call. ERR_PTR(-EBADF) if the caller has it closed: leave the guest's closed too. */
struct file *hoststream_file(int n);
#endif
