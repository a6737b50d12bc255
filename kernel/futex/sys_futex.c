/* futex(2): reads the arguments and says which operation is meant. */
#include <umber/syscall.h>

#include "futex_internal.h"

static bool takes_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_BITSET ||
	       cmd == FUTEX_WAIT_REQUEUE_PI;
}

/* Relative for FUTEX_WAIT; absolute for the others, LOCK_PI always on the real-time clock. */
static int read_deadline(int cmd, int op, uaddr_t timeout, u64 *deadline)
{
	*deadline = WAIT_FOREVER;
	if (!timeout || !takes_timeout(cmd))
		return 0;
	if (cmd == FUTEX_WAIT)
		return user_timeout_rel(timeout, deadline);
	return futex_abs_deadline(timeout, cmd == FUTEX_LOCK_PI || (op & FUTEX_CLOCK_REALTIME), deadline);
}

/* futex(2) */
long sys_futex(uaddr_t uaddr, int op, u32 val, uaddr_t timeout, uaddr_t uaddr2, u32 val3)
{
	int cmd = op & FUTEX_CMD_MASK;
	u32 flags = op & FUTEX_PRIVATE_FLAG ? 0 : FLAGS_SHARED, val2 = (u32)timeout;
	u64 deadline;
	int ret;

	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
	    cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	ret = read_deadline(cmd, op, timeout, &deadline);
	if (ret)
		return ret;
	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait(uaddr, flags, val, deadline, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return futex_wait(uaddr, flags, val, deadline, val3);
	case FUTEX_WAKE:
		return futex_wake(uaddr, flags, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, flags, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, flags, uaddr2, flags, (int)val, (int)val2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, flags, uaddr2, flags, (int)val, (int)val2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, flags, uaddr2, (int)val, (int)val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, flags, deadline, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, flags, WAIT_FOREVER, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, flags);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, flags, val, deadline, FUTEX_BITSET_MATCH_ANY, uaddr2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(uaddr, flags, uaddr2, (int)val, (int)val2, val3);
	default:
		return -ENOSYS;
	}
}
