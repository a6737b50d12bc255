/* Credentials (credentials(7), capabilities(7)). Immutable once published: copy, change, replace. */
#ifndef UMBER_CRED_H
#define UMBER_CRED_H
#include <umber/sync.h>
#include <umber/types.h>

enum {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID,
	CAP_SETUID, CAP_SETPCAP, CAP_LINUX_IMMUTABLE, CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST,
	CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_IPC_OWNER, CAP_SYS_MODULE, CAP_SYS_RAWIO,
	CAP_SYS_CHROOT, CAP_SYS_PTRACE, CAP_SYS_PACCT, CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_NICE,
	CAP_SYS_RESOURCE, CAP_SYS_TIME, CAP_SYS_TTY_CONFIG, CAP_MKNOD, CAP_LEASE, CAP_AUDIT_WRITE,
	CAP_AUDIT_CONTROL, CAP_SETFCAP, CAP_MAC_OVERRIDE, CAP_MAC_ADMIN, CAP_SYSLOG, CAP_WAKE_ALARM,
	CAP_BLOCK_SUSPEND, CAP_AUDIT_READ, CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE, CAP_LAST
};
#define CAP_FULL_SET ((1ULL << CAP_LAST) - 1)
#define NGROUPS_MAX 65536

struct cred {
	refcount_t ref;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u32 ngroups;
	u32 *groups;                  /* sorted; owned by this cred */
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	u32 securebits;
};
struct task;
struct cred *cred_copy(const struct cred *c);      /* NULL: no memory */
static inline struct cred *cred_get(struct cred *c) { ref_get(&c->ref); return c; }
void cred_put(struct cred *c);
void cred_install(struct cred *c);                 /* current's; consumes the reference; fixes dumpable */
bool cred_in_group(const struct cred *c, u32 gid); /* fsgid or supplementary */
bool capable(int cap);                             /* current's effective set */
bool cred_capable(const struct cred *c, int cap);
#endif
