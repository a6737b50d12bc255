/* System V IPC structures and commands of the Linux x86-64 ABI (svipc(7), semctl(2), msgctl(2)). */
#ifndef ABI_IPC_H
#define ABI_IPC_H
#include <umber/types.h>

#ifndef UMBER_HOSTED
#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define GETPID 11
#define GETVAL 12
#define GETALL 13
#define GETNCNT 14
#define GETZCNT 15
#define SETVAL 16
#define SETALL 17
#define SEM_STAT 18
#define SEM_INFO 19
#define SEM_STAT_ANY 20
#define SEM_UNDO 0x1000
#define MSG_STAT 11
#define MSG_INFO 12
#define MSG_STAT_ANY 13
#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
#define MSG_COPY 040000
#endif

struct ipc64_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad2;
	u32 pad3;
	u64 unused1, unused2;
};
_Static_assert(sizeof(struct ipc64_perm) == 48, "ipc64_perm is 48 bytes");
struct semid64_ds { struct ipc64_perm perm; s64 otime, unused1, ctime, unused2; u64 nsems, unused3, unused4; };
_Static_assert(sizeof(struct semid64_ds) == 104, "semid64_ds is 104 bytes");
struct seminfo32 { s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem; };
struct sembuf16 { u16 num; s16 op, flg; };
struct msqid64_ds {
	struct ipc64_perm perm;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes;
	s32 lspid, lrpid;
	u64 unused4, unused5;
};
_Static_assert(sizeof(struct msqid64_ds) == 120, "msqid64_ds is 120 bytes");
struct msginfo32 { s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql; u16 msgseg, pad; };
#endif
