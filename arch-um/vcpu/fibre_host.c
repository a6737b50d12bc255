/*
 * Fibres: kernel stacks in the arena's stack region, each aligned to its size with a guard page at its low
 * end and a struct fibre_info at its top. Freed stacks are kept for reuse; what lies deep in them is given
 * back to the host when the pool is large.
 */
#include "fibre.h"
#include "../mm/arena.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#define FIBRE_MAGIC 0x66696272655f6f6bULL
#define POOL_KEEP 64

void fibre_switch_asm(void **save_sp, void *load_sp);
void fibre_start_asm(void);

static void *pool;         /* freed stacks, linked through their fibre_info.pad */
static u32 pool_count;
static u64 stacks_made;

static struct fibre_info *info_of(void *stack)
{
	return (struct fibre_info *)((char *)stack + FIBRE_STACK_BYTES - sizeof(struct fibre_info));
}

static void *stack_get(void)
{
	void *s = pool;

	if (s) {
		pool = (void *)info_of(s)->pad;
		pool_count--;
		return s;
	}
	if ((stacks_made + 1) * FIBRE_STACK_BYTES > arena_stacks_bytes)
		return NULL;
	s = (char *)arena_stacks + stacks_made * FIBRE_STACK_BYTES;
	if (mprotect(s, PAGE_SIZE, PROT_NONE))
		return NULL;
	stacks_made++;
	return s;
}

/* What a fibre runs first: the sanitizer is told that it has arrived on this stack. */
static void first_run(void *arg, void (*fn)(void *))
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
	fn(arg);
	abort();
}

int port_fibre_init(struct port_fibre *f, void (*fn)(void *), void *arg, struct task *task)
{
	void *s = stack_get();
	struct fibre_info *info;
	u64 *sp;

	if (!s)
		return -ENOMEM;
	info = info_of(s);
	info->task = task;
	info->vcpu = NULL;
	info->magic = FIBRE_MAGIC;
	sp = (u64 *)info;
	*--sp = 0;
	*--sp = (u64)fibre_start_asm;
	*--sp = 0;               /* rbp */
	*--sp = (u64)fn;         /* rbx */
	*--sp = (u64)first_run;  /* r12 */
	*--sp = (u64)arg;        /* r13 */
	*--sp = 0;               /* r14 */
	*--sp = 0;               /* r15 */
	f->sp = sp;
	f->stack = s;
	f->asan = NULL;
	f->tsan = NULL;
#if defined(__SANITIZE_THREAD__)
	f->tsan = __tsan_create_fiber(0);
#endif
	return 0;
}

void port_fibre_free(struct port_fibre *f)
{
	void *s = f->stack;

	if (!s)
		return;
#if defined(__SANITIZE_THREAD__)
	__tsan_destroy_fiber(f->tsan);
#endif
#if defined(__SANITIZE_ADDRESS__)
	__asan_unpoison_memory_region((char *)s + PAGE_SIZE, FIBRE_STACK_BYTES - PAGE_SIZE);
#endif
	f->stack = NULL;
	if (pool_count >= POOL_KEEP) /* all but the page that is always used */
		madvise((char *)s + PAGE_SIZE, FIBRE_STACK_BYTES - 2 * PAGE_SIZE, MADV_REMOVE);
	info_of(s)->pad = (u64)pool;
	info_of(s)->task = NULL;
	pool = s;
	pool_count++;
}

void port_fibre_switch(struct port_fibre *from, struct port_fibre *to)
{
	if (to->stack && info_of(to->stack)->magic != FIBRE_MAGIC)
		port_panic("fibre stack overflow");
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(&from->asan, (char *)to->stack + PAGE_SIZE,
				       FIBRE_STACK_BYTES - PAGE_SIZE);
#endif
#if defined(__SANITIZE_THREAD__)
	if (!from->tsan)
		from->tsan = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	fibre_switch_asm(&from->sp, to->sp);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(from->asan, NULL, NULL);
#endif
}

bool port_fibre_holds(const struct port_fibre *f, const void *p)
{
	return f->stack && (char *)p >= (char *)f->stack + PAGE_SIZE &&
	       (char *)p < (char *)f->stack + FIBRE_STACK_BYTES;
}
