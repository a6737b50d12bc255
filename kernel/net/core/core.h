/* Shared by the system calls of the socket layer. */
#ifndef NET_CORE_H
#define NET_CORE_H
#include <umber/net.h>

/* The socket of current's fd, its file referenced into *fp; ERR_PTR(-EBADF, -ENOTSOCK). */
struct sock *socket_get(int fd, struct file **fp);
/* A user's socket address of len bytes into buf (SOCKADDR_MAX bytes). 0, -EINVAL, -EFAULT. */
int addr_from_user(u8 *buf, uaddr_t addr, int len);
/* The other way: *ulen says the room and gets the full length (accept(2)). */
int addr_to_user(const u8 *buf, u32 len, uaddr_t addr, uaddr_t ulen);
#endif
