/* Robust lists (get_robust_list(2)) and what is left of a task's futexes when it ends. */
#include <umber/syscall.h>

#include "futex_internal.h"

/* One lock of the list: if current holds it, marks it OWNER_DIED and wakes a waiter. False: give up the list. */
static bool owner_died(struct task *t, uaddr_t uaddr, bool pi, bool pending)
{
	u32 word;
	int ret;

	if (uaddr & 3)
		return false;
	for (int tries = 0; tries < 1000; tries++) {
		if (futex_read(uaddr, &word))
			return false;
		/* Died between giving the lock up and waking: the wake-up is owed. */
		if (pending && !pi && !(word & FUTEX_TID_MASK)) {
			futex_wake_user(uaddr, 1);
			return true;
		}
		if ((word & FUTEX_TID_MASK) != (u32)t->tid)
			return true;
		ret = futex_cmpxchg(uaddr, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			return false;
		/* PI waiters are let go by futex_pi_exit. */
		if (!pi && (word & FUTEX_WAITERS))
			futex_wake_user(uaddr, 1);
		return true;
	}
	return false; /* somebody plays with the word; a dying task owes him nothing */
}

/* Walks the list as the user left it; it may be broken or endless, so it is bounded. */
static void robust_exit(struct task *t)
{
	struct robust_list_head head;
	uaddr_t start = t->robust_list, entry, next, pending, mark = 0;
	bool pi, next_pi = false;

	t->robust_list = 0;
	if (!start || t->robust_list_size != sizeof(head) || copy_from_user(&head, start, sizeof(head)))
		return;
	pending = head.list_op_pending;
	entry = head.next & ~1UL;
	pi = head.next & 1;
	for (int limit = ROBUST_LIST_LIMIT; entry != start && limit; limit--) {
		bool ok = !get_user(next, entry);

		next_pi = ok && (next & 1);
		/* The pending one comes last: it may or may not be on the list. */
		if (entry != (pending & ~1UL) &&
		    !owner_died(t, entry + (u64)head.futex_offset, pi, false))
			return;
		if (!ok)
			break;
		entry = next & ~1UL;
		pi = next_pi;
		/* a circle past the head (Brent): all of it has been seen, and once more changes nothing */
		if (entry == mark)
			break;
		if (!((ROBUST_LIST_LIMIT - limit) & (ROBUST_LIST_LIMIT - limit + 1)))
			mark = entry;
		cond_resched();
	}
	if (pending & ~1UL)
		owner_died(t, (pending & ~1UL) + (u64)head.futex_offset, pending & 1, true);
}

void futex_exit(struct task *t)
{
	if (t->robust_list && t->mm && !t->mm->dead)
		robust_exit(t);
	t->robust_list = 0;
	futex_pi_exit(t);
}

/* set_robust_list(2) */
long sys_set_robust_list(uaddr_t head, u64 len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	current->robust_list_size = len;
	futex_pi_alive(current);
	return 0;
}

/* get_robust_list(2) */
long sys_get_robust_list(int pid, uaddr_t uhead, uaddr_t ulen)
{
	struct task *t = pid ? find_task(pid) : current;
	u64 head, len = sizeof(struct robust_list_head);

	if (!t)
		return -ESRCH;
	if (t != current && ptrace_may_access(t))
		return -EPERM;
	head = t->robust_list;
	if (put_user(len, ulen) || put_user(head, uhead))
		return -EFAULT;
	return 0;
}
