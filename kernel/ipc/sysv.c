/* Ids, keys and permissions of System V IPC. See umber/sysvipc.h. */
#include <abi/errno.h>
#include <umber/cred.h>
#include <umber/kmem.h>
#include <umber/string.h>
#include <umber/sysvipc.h>
#include <umber/task.h>

static u64 charged;

/*
 * Queues, messages and semaphores outlive the processes that made them, so no OOM kill gives their memory back: all
 * together may have an eighth of the guest's memory.
 */
void *ipc_alloc(u64 bytes)
{
	void *p = NULL;

	if (charged + bytes <= kmem_total_pages() * PAGE_SIZE / 8)
		p = kmalloc(bytes);
	if (p)
		charged += bytes;
	return p;
}

void ipc_free(void *p, u64 bytes)
{
	if (p)
		charged -= bytes;
	kfree(p);
}

static struct ipc_obj *by_key(struct ipc_table *t, int key)
{
	struct ipc_obj *o;

	for (u64 i = 0; (o = xa_find(&t->objs, &i)); i++)
		if (o->key == key)
			return o;
	return NULL;
}

static int ipc_new(struct ipc_table *t, int key, int flags, const void *arg)
{
	struct ipc_obj *o;
	int index;

	if (t->nr >= t->max)
		return -ENOSPC;
	o = t->make(arg);
	if (IS_ERR(o))
		return PTR_ERR(o);
	ref_set(&o->ref, 1);
	o->removed = false;
	index = ida_alloc(&t->ids, 0, IPC_MNI_MAX - 1);
	if (index >= 0 && xa_store(&t->objs, index, o)) {
		ida_free(&t->ids, index);
		index = -ENOMEM;
	}
	if (index < 0) {
		t->free(o);
		return index;
	}
	t->nr++;
	o->index = index;
	o->seq = t->seq;
	t->seq = (t->seq + 1) & 0xffff;
	o->id = (int)(o->seq * IPC_MNI_MAX + index);
	o->key = key;
	o->mode = flags & 0777;
	o->uid = o->cuid = current->cred->euid;
	o->gid = o->cgid = current->cred->egid;
	return o->id;
}

int ipc_get(struct ipc_table *t, int key, int flags, const void *arg)
{
	struct ipc_obj *o;
	int err;

	if (key == IPC_PRIVATE)
		return ipc_new(t, key, flags, arg);
	o = by_key(t, key);
	if (!o)
		return flags & IPC_CREAT ? ipc_new(t, key, flags, arg) : -ENOENT;
	if (flags & IPC_CREAT && flags & IPC_EXCL)
		return -EEXIST;
	err = t->check ? t->check(o, arg) : 0;
	if (!err)
		err = ipc_perm(o, flags & 0777);
	return err ? err : o->id;
}

struct ipc_obj *ipc_find(struct ipc_table *t, int id)
{
	struct ipc_obj *o = id < 0 ? NULL : xa_load(&t->objs, (u32)id % IPC_MNI_MAX);

	if (!o)
		return ERR_PTR(-EINVAL);
	if (o->id != id)
		return ERR_PTR(-EIDRM);
	ref_get(&o->ref);
	return o;
}

struct ipc_obj *ipc_by_index(struct ipc_table *t, int index)
{
	/* Linux takes a whole id here as well and looks at its index alone. */
	struct ipc_obj *o = index < 0 ? NULL : xa_load(&t->objs, (u32)index % IPC_MNI_MAX);

	if (!o)
		return ERR_PTR(-EINVAL);
	ref_get(&o->ref);
	return o;
}

void ipc_put(struct ipc_table *t, struct ipc_obj *o)
{
	if (ref_put(&o->ref))
		t->free(o);
}

int ipc_perm(const struct ipc_obj *o, u32 want)
{
	const struct cred *c = current->cred;
	u32 bits = ((want >> 6) | (want >> 3) | want) & 7;
	u32 granted = o->mode;

	if (c->euid == o->cuid || c->euid == o->uid)
		granted >>= 6;
	else if (cred_in_group(c, o->cgid) || cred_in_group(c, o->gid))
		granted >>= 3;
	if (bits & ~granted & 7 && !capable(CAP_IPC_OWNER))
		return -EACCES;
	return 0;
}

int ipc_owner_check(const struct ipc_obj *o)
{
	u32 euid = current->cred->euid;

	return euid == o->cuid || euid == o->uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void ipc_remove(struct ipc_table *t, struct ipc_obj *o)
{
	xa_erase(&t->objs, o->index);
	ida_free(&t->ids, o->index);
	t->nr--;
	o->removed = true;
	ipc_put(t, o);
}

void ipc_fill_perm(const struct ipc_obj *o, struct ipc64_perm *p)
{
	*p = (struct ipc64_perm){ .key = o->key, .uid = o->uid, .gid = o->gid, .cuid = o->cuid,
				  .cgid = o->cgid, .mode = o->mode, .seq = o->seq };
}

void ipc_set_perm(struct ipc_obj *o, const struct ipc64_perm *p)
{
	o->uid = p->uid;
	o->gid = p->gid;
	o->mode = (o->mode & ~0777u) | (p->mode & 0777);
}

int ipc_highest_index(struct ipc_table *t)
{
	int highest = 0;

	for (u64 i = 0; xa_find(&t->objs, &i); i++)
		highest = (int)i;
	return highest;
}
