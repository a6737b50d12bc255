/* ptrace(2): registers and memory of a stopped tracee. */
#include "ptrace_priv.h"

#define USER_DEBUGREG_OFFSET 848 /* offsetof(struct user, u_debugreg) */
#define USER_BYTES 912
#define EFLAGS_SETTABLE 0x54dd5u /* CF PF AF ZF SF TF DF OF NT RF AC */
#define FXSAVE_BYTES 512
#define XSTATE_MAX 16384

/* A tracer may set what user code could set itself; selectors and the other flags stay ours. */
static long regs_set(struct task *t, const struct user_regs *n)
{
	struct user_regs *r = &t->port.regs;
	if (n->fs_base >= PORT_TASK_SIZE || n->gs_base >= PORT_TASK_SIZE)
		return -EIO;
	struct user_regs m = *n;
	m.cs = r->cs;
	m.ss = r->ss;
	m.ds = r->ds;
	m.es = r->es;
	m.fs = r->fs;
	m.gs = r->gs;
	m.eflags = (r->eflags & ~(u64)EFLAGS_SETTABLE) | (n->eflags & EFLAGS_SETTABLE);
	*r = m;
	return 0;
}

static long peek_user(struct task *t, u64 off, uaddr_t data)
{
	u64 v = 0;
	if (off % 8 || off > USER_BYTES - 8)
		return -EIO;
	if (off < sizeof(struct user_regs))
		memcpy(&v, (char *)&t->port.regs + off, 8);
	return put_user(v, data);
}

static long poke_user(struct task *t, u64 off, u64 v)
{
	if (off % 8 || off > USER_BYTES - 8)
		return -EIO;
	if (off < sizeof(struct user_regs)) {
		struct user_regs m = t->port.regs;
		memcpy((char *)&m + off, &v, 8);
		return regs_set(t, &m);
	}
	/* no hardware break points: only "off" can be set */
	return off >= USER_DEBUGREG_OFFSET && v ? -EINVAL : 0;
}

static long fpu_get(struct task *t, uaddr_t to, u64 max, u64 *got)
{
	u8 *buf = kmalloc(XSTATE_MAX);
	if (!buf)
		return -ENOMEM;
	ssize_t n = port_fpu_get(&t->port, buf, XSTATE_MAX);
	long err = n < 0 ? n : 0;
	if (!err) {
		*got = min((u64)n, max);
		err = copy_to_user(to, buf, *got);
	}
	kfree(buf);
	return err;
}

static long fpu_set(struct task *t, uaddr_t from, u64 n)
{
	if (n > XSTATE_MAX || n < FXSAVE_BYTES)
		return -EINVAL;
	u8 *buf = kmalloc(n);
	if (!buf)
		return -ENOMEM;
	long err = copy_from_user(buf, from, n);
	if (!err)
		err = port_fpu_set(&t->port, buf, n);
	kfree(buf);
	return err;
}

static long regset(struct task *t, u64 type, uaddr_t uiov, bool set)
{
	struct iovec64 iov;
	u64 n = 0;
	long err;
	if (get_user(iov, uiov))
		return -EFAULT;
	if (type == NT_PRSTATUS) {
		struct user_regs m = t->port.regs;
		n = min(iov.len, (u64)sizeof(m));
		if (n % 8)
			return -EINVAL;
		err = set ? copy_from_user(&m, iov.base, n) : copy_to_user(iov.base, &m, n);
		if (!err && set)
			err = regs_set(t, &m);
	} else if (type == NT_PRFPREG || type == NT_X86_XSTATE) {
		u64 most = type == NT_PRFPREG ? FXSAVE_BYTES : XSTATE_MAX;
		n = min(iov.len, most);
		err = set ? fpu_set(t, iov.base, n) : fpu_get(t, iov.base, n, &n);
	} else {
		return -EINVAL;
	}
	if (err)
		return err;
	iov.len = n;
	return put_user(iov, uiov);
}

static long peek(struct task *t, u64 addr, uaddr_t data)
{
	u64 v;
	if (!t->mm || port_copy_in(t->mm->port, &v, addr, sizeof(v), PORT_COPY_FORCE) != sizeof(v))
		return -EIO;
	return put_user(v, data);
}

static long poke(struct task *t, u64 addr, u64 v)
{
	if (!t->mm || port_copy_out(t->mm->port, addr, &v, sizeof(v), PORT_COPY_FORCE) != sizeof(v))
		return -EIO;
	return 0;
}

static long arch_request(struct task *t, u64 addr, u64 code)
{
	struct user_regs m = t->port.regs;
	switch (code) {
	case ARCH_SET_FS:
		m.fs_base = addr;
		return regs_set(t, &m);
	case ARCH_SET_GS:
		m.gs_base = addr;
		return regs_set(t, &m);
	case ARCH_GET_FS:
		return put_user(m.fs_base, addr);
	case ARCH_GET_GS:
		return put_user(m.gs_base, addr);
	}
	return -EINVAL;
}

long ptrace_regs_request(struct task *t, long request, u64 addr, u64 data)
{
	struct user_regs m;
	u64 n;
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(t, addr, data);
	case PTRACE_PEEKUSER:
		return peek_user(t, addr, data);
	case PTRACE_POKEUSER:
		return poke_user(t, addr, data);
	case PTRACE_GETREGS:
		return put_user(t->port.regs, data);
	case PTRACE_SETREGS:
		return get_user(m, data) ? -EFAULT : regs_set(t, &m);
	case PTRACE_GETFPREGS:
		return fpu_get(t, data, FXSAVE_BYTES, &n);
	case PTRACE_SETFPREGS:
		return fpu_set(t, data, FXSAVE_BYTES);
	case PTRACE_GETREGSET:
		return regset(t, addr, data, false);
	case PTRACE_SETREGSET:
		return regset(t, addr, data, true);
	case PTRACE_ARCH_PRCTL:
		return arch_request(t, addr, data);
	}
	return -EIO;
}
