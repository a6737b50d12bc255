/* FUTEX_WAIT, WAKE, WAKE_OP and their bitset forms. */
#include "futex_internal.h"

/* After a signal: the rest of a wait with a deadline (restart_syscall). */
static long wait_restart(struct task *t)
{
	return futex_wait((uaddr_t)t->restart.arg[0], (u32)t->restart.arg[1], (u32)t->restart.arg[2],
			  t->restart.arg[3], (u32)t->restart.arg[4]);
}

/* Sleeps while the word is val. 0 (woken), -EAGAIN, -ETIMEDOUT, -EFAULT, or a restart code. futex(2) */
long futex_wait(uaddr_t uaddr, u32 flags, u32 val, u64 deadline, u32 bitset)
{
	struct wait_queue wq;
	struct futex_key key;
	struct futex_q q;
	u32 now;
	long ret;

	if (!bitset)
		return -EINVAL;
	ret = futex_key_get(uaddr, flags & FLAGS_SHARED, &key);
	if (ret)
		return ret;
	wq_init(&wq);
	futex_q_init(&q, &wq, bitset);
	futex_enqueue(&q, &key); /* before the word is read: see futex_internal.h */
	ret = futex_read(uaddr, &now);
	if (!ret && now != val)
		ret = -EAGAIN;
	if (!ret)
		ret = wait_event(&wq, q.woken, WAIT_INTERRUPTIBLE, deadline);
	if (q.woken)
		ret = 0;
	futex_dequeue(&q);
	futex_key_put(&key);
	if (ret == -ERESTARTSYS && deadline != WAIT_FOREVER) {
		struct task *t = current;

		t->restart.fn = wait_restart;
		t->restart.arg[0] = uaddr;
		t->restart.arg[1] = flags;
		t->restart.arg[2] = val;
		t->restart.arg[3] = deadline;
		t->restart.arg[4] = bitset;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* Wakes up to nr waiters. Their number or negative errno. futex(2) */
long futex_wake(uaddr_t uaddr, u32 flags, int nr, u32 bitset)
{
	struct futex_key key;
	long ret;

	if (!bitset)
		return -EINVAL;
	ret = futex_key_get(uaddr, flags & FLAGS_SHARED, &key);
	if (ret)
		return ret;
	ret = futex_wake_key(&key, nr, bitset);
	futex_key_put(&key);
	return ret;
}

int futex_wake_user(uaddr_t uaddr, int nr)
{
	return (int)futex_wake(uaddr, FLAGS_SHARED, nr, FUTEX_BITSET_MATCH_ANY);
}

static s32 sext12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

/* What the encoded operation makes of old. 0 or -ENOSYS. */
static int op_apply(u32 enc, u32 old, u32 *new)
{
	u32 op = (enc >> 28) & 7, arg = (u32)sext12(enc >> 12);

	if ((enc >> 28) & FUTEX_OP_OPARG_SHIFT)
		arg = 1u << (arg & 31);
	switch (op) {
	case FUTEX_OP_SET: *new = arg; return 0;
	case FUTEX_OP_ADD: *new = old + arg; return 0;
	case FUTEX_OP_OR: *new = old | arg; return 0;
	case FUTEX_OP_ANDN: *new = old & ~arg; return 0;
	case FUTEX_OP_XOR: *new = old ^ arg; return 0;
	default: return -ENOSYS;
	}
}

/* 1 or 0: does old meet the encoded comparison? -ENOSYS: there is no such comparison. */
static int op_compare(u32 enc, u32 old)
{
	s32 a = (s32)old, b = sext12(enc);

	switch ((enc >> 24) & 15) {
	case FUTEX_OP_CMP_EQ: return a == b;
	case FUTEX_OP_CMP_NE: return a != b;
	case FUTEX_OP_CMP_LT: return a < b;
	case FUTEX_OP_CMP_LE: return a <= b;
	case FUTEX_OP_CMP_GT: return a > b;
	case FUTEX_OP_CMP_GE: return a >= b;
	default: return -ENOSYS;
	}
}

/*
 * FUTEX_WAKE_OP: changes the word at uaddr2, wakes nr1 at uaddr1, and nr2 at uaddr2 if the old value met the
 * comparison. The change gives klock up, so it comes before any queue is looked at: to the woken it is as
 * if user code had made it.
 */
long futex_wake_op(uaddr_t uaddr1, u32 flags, uaddr_t uaddr2, int nr1, int nr2, u32 enc)
{
	struct futex_key k1, k2;
	u32 old = 0, new;
	long ret, more;
	int hit;

	ret = futex_key_get(uaddr1, flags & FLAGS_SHARED, &k1);
	if (ret)
		return ret;
	ret = futex_key_get(uaddr2, flags & FLAGS_SHARED, &k2);
	if (ret)
		goto out1;
	do {
		ret = futex_read(uaddr2, &old);
		if (!ret)
			ret = op_apply(enc, old, &new);
		if (!ret)
			ret = futex_cmpxchg(uaddr2, old, new);
		if (ret == -EAGAIN && fatal_signal_pending(current))
			ret = -EINTR;
	} while (ret == -EAGAIN);
	hit = op_compare(enc, old);
	if (!ret && hit < 0)
		ret = hit;
	if (ret)
		goto out2;
	ret = futex_wake_key(&k1, nr1, FUTEX_BITSET_MATCH_ANY);
	if (ret >= 0 && hit) {
		more = futex_wake_key(&k2, nr2, FUTEX_BITSET_MATCH_ANY);
		ret = more < 0 ? more : ret + more;
	}
out2:
	futex_key_put(&k2);
out1:
	futex_key_put(&k1);
	return ret;
}
