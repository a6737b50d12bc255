/* Boot order. Each subsystem registers functions with INITCALL; kern_vcpu_main(0) calls them level by level. */
#ifndef UMBER_INIT_H
#define UMBER_INIT_H
#include <umber/types.h>

typedef int (*initcall_fn)(void);
struct initcall { initcall_fn fn; const char *name; int level; int pad; };
enum { INIT_CORE, INIT_SUBSYS, INIT_FS, INIT_DEVICE, INIT_LATE };
/* fn returns 0 or a negative errno (logged). Runs on the boot fibre (task context: may sleep from INIT_FS on). */
#define INITCALL(lvl, f)                                                                           \
	static const struct initcall initcall_##f                                                  \
		__attribute__((used, section("umber_initcalls"), aligned(8))) = { f, #f, lvl, 0 }
/* First half of boot, on vCPU 0's idle fibre (no task, must not sleep): the tables, and the thread that does the rest. */
void kern_boot(void);
#endif
