/* Sockets of the Linux x86-64 ABI: socket(2), socket(7), unix(7), send(2), recv(2), cmsg(3), netdevice(7). */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H
#include <umber/types.h>

#ifndef UMBER_HOSTED
#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_MAX 46

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MAX 11
#define SOCK_TYPE_MASK 0xf
#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC 02000000

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

#define MSG_OOB 1
#define MSG_PEEK 2
#define MSG_DONTROUTE 4
#define MSG_CTRUNC 8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000
#define MSG_MORE 0x8000
#define MSG_WAITFORONE 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000
#define MSG_CMSG_COMPAT 0x80000000u

#define SOL_SOCKET 1
#define SOL_NETLINK 270
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_PIDFD 4

#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_NO_CHECK 11
#define SO_PRIORITY 12
#define SO_LINGER 13
#define SO_BSDCOMPAT 14
#define SO_REUSEPORT 15
#define SO_PASSCRED 16
#define SO_PEERCRED 17
#define SO_RCVLOWAT 18
#define SO_SNDLOWAT 19
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_PEERNAME 28
#define SO_TIMESTAMP 29
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_TIMESTAMPNS 35
#define SO_MARK 36
#define SO_PROTOCOL 38
#define SO_DOMAIN 39
#define SO_PEEK_OFF 42
#define SO_SELECT_ERR_QUEUE 45
#define SO_BUSY_POLL 46
#define SO_INCOMING_CPU 49
#define SO_COOKIE 57
#define SO_PEERGROUPS 59
#define SO_TIMESTAMP_NEW 63
#define SO_TIMESTAMPNS_NEW 64
#define SO_RCVTIMEO_NEW 66
#define SO_SNDTIMEO_NEW 67
#define SO_NETNS_COOKIE 71
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77

#define SIOCINQ 0x541b
#define SIOCOUTQ 0x5411
#define FIOSETOWN 0x8901
#define SIOCSPGRP 0x8902
#define FIOGETOWN 0x8903
#define SIOCGPGRP 0x8904
#define SIOCATMARK 0x8905
#define SIOCGIFNAME 0x8910
#define SIOCGIFCONF 0x8912
#define SIOCGIFFLAGS 0x8913
#define SIOCGIFADDR 0x8915
#define SIOCGIFDSTADDR 0x8917
#define SIOCGIFBRDADDR 0x8919
#define SIOCGIFNETMASK 0x891b
#define SIOCGIFMETRIC 0x891d
#define SIOCGIFMTU 0x8921
#define SIOCGIFHWADDR 0x8927
#define SIOCGIFINDEX 0x8933
#define SIOCGIFTXQLEN 0x8942
#define SIOCGIFMAP 0x8970
#define IFF_UP 1
#define IFF_LOOPBACK 8
#define IFF_RUNNING 0x40
#define IFF_LOWER_UP 0x10000
#define ARPHRD_LOOPBACK 772
#endif

#define SOCKADDR_MAX 128              /* sizeof(struct sockaddr_storage) */
#define UNIX_PATH_MAX 108
struct sockaddr_un64 { u16 sun_family; char sun_path[UNIX_PATH_MAX]; };
struct sockaddr_nl64 { u16 nl_family, nl_pad; u32 nl_pid, nl_groups; };
struct msghdr64 {
	u64 msg_name; s32 msg_namelen; u32 pad1;
	u64 msg_iov, msg_iovlen, msg_control, msg_controllen;
	u32 msg_flags, pad2;
};
struct mmsghdr64 { struct msghdr64 hdr; u32 msg_len, pad; };
struct cmsghdr64 { u64 cmsg_len; s32 cmsg_level, cmsg_type; };
struct ucred64 { s32 pid; u32 uid, gid; };
struct linger64 { s32 l_onoff, l_linger; };
#define CMSG_ALIGN64(n) (((n) + 7) & ~(u64)7)
#define CMSG_LEN64(n) (sizeof(struct cmsghdr64) + (n))
#define CMSG_SPACE64(n) (sizeof(struct cmsghdr64) + CMSG_ALIGN64(n))
#endif
