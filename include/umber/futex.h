/*
 * Futexes (futex(2), futex(7)): sleeping on a 32-bit word of user memory.
 *
 * A word is named by a key: (mm, address) for private memory, (inode, offset) for shared mappings. Sleepers
 * hang in a hash of queues by key. Everything runs under the kernel lock; only user code changes words
 * beside us. Read-modify-write of a word is a host call which drops the kernel lock, so it is done before
 * queue state is looked at, or under the PI lock of the key (kernel/futex/pi.c).
 */
#ifndef UMBER_FUTEX_H
#define UMBER_FUTEX_H
#include <umber/types.h>

struct task;

/* Exit and exec of current: robust list, then PI futexes that it owns. Call it while current->mm and the
 * user side are still there (before port_task_exit / the mm switch). May sleep. */
void futex_exit(struct task *t);
/* FUTEX_WAKE (shared) on a word of current's mm: clear_child_tid. Number woken or negative errno. */
int futex_wake_user(uaddr_t uaddr, int nr);
#endif
