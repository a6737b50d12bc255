/*
 * Credentials (credentials(7), capabilities(7)): copies, capability rules of set*id and of exec.
 * A published cred never changes: cred_copy, change, cred_install.
 */
#include "task_priv.h"
#include <abi/stat.h>

#define SGID_EXEC 02010u /* set-group-ID counts with group execute only; else it is mandatory locking */

struct cred *cred_copy(const struct cred *c)
{
	struct cred *n = kmalloc(sizeof(*n));
	if (!n)
		return NULL;
	*n = *c;
	ref_set(&n->ref, 1);
	if (c->ngroups) {
		n->groups = kmalloc(c->ngroups * sizeof(u32));
		if (!n->groups) {
			kfree(n);
			return NULL;
		}
		memcpy(n->groups, c->groups, c->ngroups * sizeof(u32));
	} else {
		n->groups = NULL;
	}
	return n;
}

void cred_put(struct cred *c)
{
	if (!ref_put(&c->ref))
		return;
	kfree(c->groups);
	kfree(c);
}

/*
 * Publishes c as current's. A change of effective or file system ids, or more capabilities, makes the
 * process undumpable and clears the parent-death signal (prctl(2)).
 */
void cred_install(struct cred *c)
{
	struct task *t = current;
	struct cred *old = t->cred;
	if (c->euid != old->euid || c->egid != old->egid || c->fsuid != old->fsuid || c->fsgid != old->fsgid ||
	    (c->cap_permitted & ~old->cap_permitted)) {
		if (t->mm)
			t->mm->dumpable = false;
		t->tg->dumpable_ = false;
		t->pdeath_signal = 0;
	}
	t->cred = c;
	cred_put(old);
}

bool cred_in_group(const struct cred *c, u32 gid)
{
	if (gid == c->fsgid)
		return true;
	u32 lo = 0, hi = c->ngroups;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		if (c->groups[mid] == gid)
			return true;
		if (c->groups[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}

bool capable(int cap)
{
	return cred_capable(current->cred, cap);
}

struct cred *cred_prepare_exec(u32 mode, u32 uid, u32 gid, bool may_setid, bool *secure)
{
	const struct cred *old = current->cred;
	struct cred *n = cred_copy(old);
	if (!n)
		return NULL;
	if (may_setid && (mode & S_ISUID))
		n->euid = uid;
	if (may_setid && (mode & SGID_EXEC) == SGID_EXEC)
		n->egid = gid;
	bool is_setid = n->euid != old->uid || n->egid != old->gid;
	bool root = !(n->securebits & SECBIT_NOROOT) && (n->euid == 0 || n->uid == 0);
	bool effective = !(n->securebits & SECBIT_NOROOT) && n->euid == 0;
	n->cap_permitted = root ? n->cap_bset | n->cap_inheritable : 0;
	n->suid = n->fsuid = n->euid;
	n->sgid = n->fsgid = n->egid;
	if (is_setid)
		n->cap_ambient = 0;
	n->cap_permitted |= n->cap_ambient;
	n->cap_effective = effective ? n->cap_permitted : n->cap_ambient;
	n->securebits &= ~SECBIT_KEEP_CAPS;
	bool real_root = !(n->securebits & SECBIT_NOROOT) && n->uid == 0;
	*secure = is_setid || (!real_root && (effective || (n->cap_permitted & ~n->cap_ambient)));
	return n;
}

/* Access to another task in ptrace(2)'s sense: same ids and dumpable, or CAP_SYS_PTRACE. */
int ptrace_may_access(struct task *t)
{
	const struct cred *c = current->cred, *o = t->cred;
	if (t->tg == current->tg)
		return 0;
	if (capable(CAP_SYS_PTRACE))
		return 0;
	if (c->fsuid != o->uid || c->fsuid != o->euid || c->fsuid != o->suid || c->fsgid != o->gid ||
	    c->fsgid != o->egid || c->fsgid != o->sgid)
		return -EPERM;
	if (t->mm && !t->mm->dumpable)
		return -EPERM;
	return (o->cap_permitted & ~c->cap_permitted) ? -EPERM : 0;
}
