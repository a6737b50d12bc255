/*
 * Sleeping locks. They guard what must stay put while their holder sleeps; between sleeping points the kernel lock
 * already excludes everybody. Waiters are woken in order but take the lock only when they run: a running task may
 * overtake them, which keeps a contended lock from costing two switches each time.
 */
#include <abi/errno.h>
#include <umber/printk.h>
#include <umber/sync.h>
#include <umber/task.h>

void mutex_init(struct mutex *m)
{
	m->owner = NULL;
	wq_init(&m->wq);
}

bool mutex_trylock(struct mutex *m)
{
	if (m->owner)
		return false;
	m->owner = current;
	return true;
}

void mutex_lock(struct mutex *m)
{
	if (unlikely(m->owner)) {
		BUG_ON(m->owner == current);
		wait_event(&m->wq, !m->owner, WAIT_UNINTERRUPTIBLE | WAIT_EXCLUSIVE, WAIT_FOREVER);
	}
	m->owner = current;
}

int mutex_lock_killable(struct mutex *m)
{
	if (unlikely(m->owner)) {
		BUG_ON(m->owner == current);
		if (wait_event(&m->wq, !m->owner, WAIT_KILLABLE | WAIT_EXCLUSIVE, WAIT_FOREVER))
			return -EINTR;
	}
	m->owner = current;
	return 0;
}

void mutex_unlock(struct mutex *m)
{
	BUG_ON(m->owner != current);
	m->owner = NULL;
	wq_wake(&m->wq);
}

void assert_held(const struct mutex *m)
{
	BUG_ON(m->owner != current);
}

void rwsem_init(struct rwsem *s)
{
	s->readers = 0;
	s->writer = NULL;
	s->writers_waiting = 0;
	wq_init(&s->wq);
}

/* A waiting writer keeps new readers out, else a stream of readers starves it. */
void down_read(struct rwsem *s)
{
	if (unlikely(s->writer || s->writers_waiting)) {
		BUG_ON(s->writer == current);
		wait_event(&s->wq, !s->writer && !s->writers_waiting, WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	}
	s->readers++;
}

void up_read(struct rwsem *s)
{
	BUG_ON(s->readers <= 0);
	if (--s->readers == 0)
		wq_wake_all(&s->wq);
}

void down_write(struct rwsem *s)
{
	if (unlikely(s->writer || s->readers)) {
		BUG_ON(s->writer == current);
		s->writers_waiting++;
		wait_event(&s->wq, !s->writer && !s->readers, WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
		s->writers_waiting--;
	}
	s->writer = current;
}

void up_write(struct rwsem *s)
{
	BUG_ON(s->writer != current);
	s->writer = NULL;
	wq_wake_all(&s->wq);
}
