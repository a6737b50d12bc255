/* Netlink and its routing family of the Linux ABI: netlink(7), rtnetlink(7). */
#ifndef ABI_NETLINK_H
#define ABI_NETLINK_H
#include <umber/types.h>

#ifndef UMBER_HOSTED
#define NETLINK_ROUTE 0
#define NLMSG_ERROR 2
#define NLMSG_DONE 3
#define NLM_F_REQUEST 1
#define NLM_F_MULTI 2
#define NLM_F_ACK 4
#define NLM_F_ROOT 0x100
#define NLM_F_MATCH 0x200
#define NLM_F_DUMP (NLM_F_ROOT | NLM_F_MATCH)

#define RTM_NEWLINK 16
#define RTM_GETLINK 18
#define RTM_NEWADDR 20
#define RTM_GETADDR 22
#define RTM_NEWROUTE 24
#define RTM_GETROUTE 26
#define RTM_GETNEIGH 30
#define RTM_GETRULE 34
#define RTM_BASE 16

#define IFLA_ADDRESS 1
#define IFLA_BROADCAST 2
#define IFLA_IFNAME 3
#define IFLA_MTU 4
#define IFLA_QDISC 6
#define IFLA_TXQLEN 13
#define IFLA_OPERSTATE 16
#define IFLA_LINKMODE 17
#define IFLA_GROUP 27
#define IFLA_EXT_MASK 29
#define IFA_ADDRESS 1
#define IFA_LOCAL 2
#define IFA_LABEL 3
#define IFA_FLAGS 8
#define IFA_F_PERMANENT 0x80
#define RT_SCOPE_HOST 254

#define NETLINK_ADD_MEMBERSHIP 1
#define NETLINK_DROP_MEMBERSHIP 2
#define NETLINK_PKTINFO 3
#define NETLINK_BROADCAST_ERROR 4
#define NETLINK_NO_ENOBUFS 5
#define NETLINK_CAP_ACK 10
#define NETLINK_EXT_ACK 11
#define NETLINK_GET_STRICT_CHK 12
#endif

struct nlmsghdr64 { u32 nlmsg_len; u16 nlmsg_type, nlmsg_flags; u32 nlmsg_seq, nlmsg_pid; };
struct nlmsgerr64 { s32 error; struct nlmsghdr64 msg; };
struct ifinfomsg64 { u8 ifi_family, pad; u16 ifi_type; s32 ifi_index; u32 ifi_flags, ifi_change; };
struct ifaddrmsg64 { u8 ifa_family, ifa_prefixlen, ifa_flags, ifa_scope; u32 ifa_index; };
struct rtattr64 { u16 rta_len, rta_type; };
#define NLMSG_ALIGN64(n) (((n) + 3) & ~3u)
#endif
