/* SysV shared memory of the Linux x86-64 ABI (shmget(2), shmat(2), shmctl(2)). */
#ifndef ABI_SHM_H
#define ABI_SHM_H
#include <umber/types.h>

#ifndef UMBER_HOSTED
#ifndef IPC_CREAT
#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#endif
#define SHM_HUGETLB 04000
#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_DEST 01000
#define SHM_LOCKED 02000
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15
#endif

struct shm_perm64 {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad0;
	u32 pad1;
	u64 unused[2];
};
struct shmid64 {
	struct shm_perm64 perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
	u64 nattch, unused[2];
};
struct shminfo64 { u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4]; };
struct shm_info64 { s32 used_ids, pad; u64 tot, rss, swp, swap_attempts, swap_successes; };
_Static_assert(sizeof(struct shm_perm64) == 48, "struct ipc_perm is 48 bytes");
_Static_assert(sizeof(struct shmid64) == 112, "struct shmid_ds is 112 bytes");
#endif
