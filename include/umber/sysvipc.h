/*
 * What System V semaphores, message queues and shared memory have in common: ids, keys, permissions (svipc(7)).
 *
 * An id is sequence * IPC_MNI_MAX + index, so that a stale id of a removed object is not taken for its successor.
 * Objects embed struct ipc_obj. `ref` counts the table (1, until removal) and those who sleep in an operation on it;
 * `removed` tells the sleepers (EIDRM). All under klock.
 */
#ifndef UMBER_SYSVIPC_H
#define UMBER_SYSVIPC_H
#include <abi/ipc.h>
#include <umber/sync.h>
#include <umber/types.h>
#include <umber/xarray.h>

#define IPC_MNI_MAX 32768
struct ipc_obj {
	refcount_t ref;
	int id, index, key;
	u32 uid, gid, cuid, cgid, mode, seq;
	bool removed;
};
struct ipc_table {
	struct xarray objs;           /* by index */
	struct idr ids;
	u32 nr, seq, max;             /* max: limit of objects (SEMMNI...) */
	struct ipc_obj *(*make)(const void *arg);               /* new object or ERR_PTR */
	int (*check)(struct ipc_obj *o, const void *arg);       /* an existing one is good enough? */
	void (*free)(struct ipc_obj *o);                        /* last reference */
};
#define IPC_R 0444u
#define IPC_W 0222u
/* semget(2) & co: finds by key or makes. Id or errno. */
int ipc_get(struct ipc_table *t, int key, int flags, const void *arg);
struct ipc_obj *ipc_find(struct ipc_table *t, int id);          /* referenced; ERR_PTR(-EINVAL) or (-EIDRM) */
struct ipc_obj *ipc_by_index(struct ipc_table *t, int index);   /* referenced; for *_STAT; ERR_PTR(-EINVAL) */
void ipc_put(struct ipc_table *t, struct ipc_obj *o);
int ipc_perm(const struct ipc_obj *o, u32 want);                /* want: IPC_R, IPC_W bits. 0 or -EACCES */
int ipc_owner_check(const struct ipc_obj *o);                   /* IPC_SET, IPC_RMID. 0 or -EPERM */
void ipc_remove(struct ipc_table *t, struct ipc_obj *o);        /* sets removed, drops the table's reference */
void ipc_fill_perm(const struct ipc_obj *o, struct ipc64_perm *p);
void ipc_set_perm(struct ipc_obj *o, const struct ipc64_perm *p);
int ipc_highest_index(struct ipc_table *t);                     /* 0 if there is none */

/* Kernel memory of objects and messages, bounded for all of them together. NULL: no memory, or over the bound. */
void *ipc_alloc(u64 bytes);
void ipc_free(void *p, u64 bytes);

struct seq_file;
void sysvsem_show(struct seq_file *m);    /* /proc/sysvipc/sem */
void sysvmsg_show(struct seq_file *m);    /* /proc/sysvipc/msg */
#endif
