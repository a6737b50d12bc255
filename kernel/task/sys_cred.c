/* System calls about ids and capabilities: getuid(2) .. setfsgid(2), getgroups(2), capget(2), gettid(2). */
#include "task_priv.h"

#define NO_ID ((u32)-1)
#define CAP_FS_MASK                                                                                        \
	(1ULL << CAP_CHOWN | 1ULL << CAP_MKNOD | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH |  \
	 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID | 1ULL << CAP_LINUX_IMMUTABLE | 1ULL << CAP_MAC_OVERRIDE)

long sys_getpid(void)
{
	return current->tg->pid;
}

long sys_gettid(void)
{
	return current->tid;
}

long sys_getppid(void)
{
	struct task *p = current->tg->parent;
	return p ? p->tg->pid : 0;
}

long sys_getuid(void)
{
	return current->cred->uid;
}

long sys_geteuid(void)
{
	return current->cred->euid;
}

long sys_getgid(void)
{
	return current->cred->gid;
}

long sys_getegid(void)
{
	return current->cred->egid;
}

static int put3(uaddr_t a, u32 va, uaddr_t b, u32 vb, uaddr_t c, u32 vc)
{
	return put_user(va, a) || put_user(vb, b) || put_user(vc, c) ? -EFAULT : 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct cred *c = current->cred;
	return put3(ruid, c->uid, euid, c->euid, suid, c->suid);
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct cred *c = current->cred;
	return put3(rgid, c->gid, egid, c->egid, sgid, c->sgid);
}

/* What a change of user ids does to capabilities (capabilities(7), "Effect of user ID changes"). */
static void setuid_fixup(struct cred *n, const struct cred *old)
{
	if (n->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	bool had_root = !old->uid || !old->euid || !old->suid;
	if (had_root && n->uid && n->euid && n->suid) {
		if (!(n->securebits & SECBIT_KEEP_CAPS)) {
			n->cap_permitted = n->cap_effective = 0;
		}
		n->cap_ambient = 0;
	}
	if (!old->euid && n->euid)
		n->cap_effective = 0;
	if (old->euid && !n->euid)
		n->cap_effective = n->cap_permitted;
}

static long finish_uid(struct cred *n)
{
	setuid_fixup(n, current->cred);
	cred_install(n);
	return 0;
}

long sys_setuid(u32 uid)
{
	const struct cred *old = current->cred;
	if (uid == NO_ID)
		return -EINVAL;
	if (!capable(CAP_SETUID) && uid != old->uid && uid != old->suid)
		return -EPERM;
	struct cred *n = cred_copy(old);
	if (!n)
		return -ENOMEM;
	if (capable(CAP_SETUID))
		n->uid = n->suid = uid;
	n->euid = n->fsuid = uid;
	return finish_uid(n);
}

long sys_setgid(u32 gid)
{
	const struct cred *old = current->cred;
	if (gid == NO_ID)
		return -EINVAL;
	if (!capable(CAP_SETGID) && gid != old->gid && gid != old->sgid)
		return -EPERM;
	struct cred *n = cred_copy(old);
	if (!n)
		return -ENOMEM;
	if (capable(CAP_SETGID))
		n->gid = n->sgid = gid;
	n->egid = n->fsgid = gid;
	cred_install(n);
	return 0;
}

long sys_setreuid(u32 ruid, u32 euid)
{
	const struct cred *old = current->cred;
	bool priv = capable(CAP_SETUID);
	if (ruid != NO_ID && !priv && ruid != old->uid && ruid != old->euid)
		return -EPERM;
	if (euid != NO_ID && !priv && euid != old->uid && euid != old->euid && euid != old->suid)
		return -EPERM;
	struct cred *n = cred_copy(old);
	if (!n)
		return -ENOMEM;
	if (ruid != NO_ID)
		n->uid = ruid;
	if (euid != NO_ID)
		n->euid = euid;
	if (ruid != NO_ID || (euid != NO_ID && euid != old->uid))
		n->suid = n->euid;
	n->fsuid = n->euid;
	return finish_uid(n);
}

long sys_setregid(u32 rgid, u32 egid)
{
	const struct cred *old = current->cred;
	bool priv = capable(CAP_SETGID);
	if (rgid != NO_ID && !priv && rgid != old->gid && rgid != old->egid)
		return -EPERM;
	if (egid != NO_ID && !priv && egid != old->gid && egid != old->egid && egid != old->sgid)
		return -EPERM;
	struct cred *n = cred_copy(old);
	if (!n)
		return -ENOMEM;
	if (rgid != NO_ID)
		n->gid = rgid;
	if (egid != NO_ID)
		n->egid = egid;
	if (rgid != NO_ID || (egid != NO_ID && egid != old->gid))
		n->sgid = n->egid;
	n->fsgid = n->egid;
	cred_install(n);
	return 0;
}

static bool one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == NO_ID || id == a || id == b || id == c;
}

long sys_setresuid(u32 ruid, u32 euid, u32 suid)
{
	const struct cred *o = current->cred;
	if (!capable(CAP_SETUID) && !(one_of(ruid, o->uid, o->euid, o->suid) &&
				      one_of(euid, o->uid, o->euid, o->suid) &&
				      one_of(suid, o->uid, o->euid, o->suid)))
		return -EPERM;
	struct cred *n = cred_copy(o);
	if (!n)
		return -ENOMEM;
	if (ruid != NO_ID)
		n->uid = ruid;
	if (euid != NO_ID)
		n->euid = euid;
	if (suid != NO_ID)
		n->suid = suid;
	n->fsuid = n->euid;
	return finish_uid(n);
}

long sys_setresgid(u32 rgid, u32 egid, u32 sgid)
{
	const struct cred *o = current->cred;
	if (!capable(CAP_SETGID) && !(one_of(rgid, o->gid, o->egid, o->sgid) &&
				      one_of(egid, o->gid, o->egid, o->sgid) &&
				      one_of(sgid, o->gid, o->egid, o->sgid)))
		return -EPERM;
	struct cred *n = cred_copy(o);
	if (!n)
		return -ENOMEM;
	if (rgid != NO_ID)
		n->gid = rgid;
	if (egid != NO_ID)
		n->egid = egid;
	if (sgid != NO_ID)
		n->sgid = sgid;
	n->fsgid = n->egid;
	cred_install(n);
	return 0;
}

/* Both return the previous id, whether or not it changed (setfsuid(2)). */
long sys_setfsuid(u32 uid)
{
	const struct cred *o = current->cred;
	u32 was = o->fsuid;
	if (uid == NO_ID || uid == was)
		return was;
	if (!capable(CAP_SETUID) && !one_of(uid, o->uid, o->euid, o->suid))
		return was;
	struct cred *n = cred_copy(o);
	if (!n)
		return was;
	n->fsuid = uid;
	if (!(n->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (!was && uid)
			n->cap_effective &= ~CAP_FS_MASK;
		if (was && !uid)
			n->cap_effective |= n->cap_permitted & CAP_FS_MASK;
	}
	cred_install(n);
	return was;
}

long sys_setfsgid(u32 gid)
{
	const struct cred *o = current->cred;
	u32 was = o->fsgid;
	if (gid == NO_ID || gid == was || (!capable(CAP_SETGID) && !one_of(gid, o->gid, o->egid, o->sgid)))
		return was;
	struct cred *n = cred_copy(o);
	if (!n)
		return was;
	n->fsgid = gid;
	cred_install(n);
	return was;
}

long sys_getgroups(int size, uaddr_t list)
{
	const struct cred *c = current->cred;
	if (size < 0)
		return -EINVAL;
	if (size) {
		if ((u32)size < c->ngroups)
			return -EINVAL;
		if (c->ngroups && copy_to_user(list, c->groups, c->ngroups * sizeof(u32)))
			return -EFAULT;
	}
	return c->ngroups;
}

static void sift(u32 *v, u32 root, u32 n)
{
	for (u32 child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && v[child] < v[child + 1])
			child++;
		if (v[root] >= v[child])
			return;
		u32 tmp = v[root];
		v[root] = v[child];
		v[child] = tmp;
	}
}

static void sort_ids(u32 *v, u32 n)
{
	for (u32 i = n / 2; i-- > 0;)
		sift(v, i, n);
	for (u32 end = n; end-- > 1;) {
		u32 tmp = v[0];
		v[0] = v[end];
		v[end] = tmp;
		sift(v, 0, end);
	}
}

long sys_setgroups(int size, uaddr_t list)
{
	if (!capable(CAP_SETGID))
		return -EPERM;
	if (size < 0 || size > NGROUPS_MAX)
		return -EINVAL;
	u32 *g = NULL;
	if (size) {
		g = kmalloc((size_t)size * sizeof(u32));
		if (!g)
			return -ENOMEM;
		if (copy_from_user(g, list, (size_t)size * sizeof(u32))) {
			kfree(g);
			return -EFAULT;
		}
		for (int i = 0; i < size; i++)
			if (g[i] == NO_ID) {
				kfree(g);
				return -EINVAL;
			}
		sort_ids(g, (u32)size);
	}
	struct cred *n = cred_copy(current->cred);
	if (!n) {
		kfree(g);
		return -ENOMEM;
	}
	kfree(n->groups);
	n->groups = g;
	n->ngroups = (u32)size;
	cred_install(n);
	return 0;
}

/* 1 or 2 data structs by version; an unknown version is answered with the one we like. */
static int cap_version(uaddr_t header, struct abi_cap_header *h, unsigned *words)
{
	if (get_user(*h, header))
		return -EFAULT;
	switch (h->version) {
	case CAP_VERSION_1:
		*words = 1;
		return 0;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		*words = 2;
		return 0;
	}
	return put_user((u32)CAP_VERSION_3, header) ? -EFAULT : -EINVAL;
}

long sys_capget(uaddr_t header, uaddr_t data)
{
	struct abi_cap_header h;
	struct abi_cap_data d[2];
	unsigned words;
	int err = cap_version(header, &h, &words);
	if (err)
		return err == -EINVAL && !data ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	struct task *t = h.pid ? find_task(h.pid) : current;
	if (!t)
		return -ESRCH;
	const struct cred *c = t->cred;
	for (int i = 0; i < 2; i++) {
		d[i].effective = (u32)(c->cap_effective >> (32 * i));
		d[i].permitted = (u32)(c->cap_permitted >> (32 * i));
		d[i].inheritable = (u32)(c->cap_inheritable >> (32 * i));
	}
	return data && copy_to_user(data, d, words * sizeof(d[0])) ? -EFAULT : 0;
}

long sys_capset(uaddr_t header, uaddr_t data)
{
	struct abi_cap_header h;
	struct abi_cap_data d[2];
	unsigned words;
	int err = cap_version(header, &h, &words);
	if (err)
		return err;
	if (h.pid && h.pid != current->tid)
		return -EPERM;
	memset(d, 0, sizeof(d));
	if (copy_from_user(d, data, words * sizeof(d[0])))
		return -EFAULT;
	const struct cred *o = current->cred;
	u64 eff = (d[0].effective | (u64)d[1].effective << 32) & CAP_FULL_SET;
	u64 perm = (d[0].permitted | (u64)d[1].permitted << 32) & CAP_FULL_SET;
	u64 inh = (d[0].inheritable | (u64)d[1].inheritable << 32) & CAP_FULL_SET;
	if (!capable(CAP_SETPCAP) && (inh & ~(o->cap_inheritable | o->cap_permitted)))
		return -EPERM;
	if (inh & ~(o->cap_inheritable | o->cap_bset))
		return -EPERM;
	if ((perm & ~o->cap_permitted) || (eff & ~perm))
		return -EPERM;
	struct cred *n = cred_copy(o);
	if (!n)
		return -ENOMEM;
	n->cap_effective = eff;
	n->cap_permitted = perm;
	n->cap_inheritable = inh;
	n->cap_ambient &= perm & inh;
	cred_install(n);
	return 0;
}
