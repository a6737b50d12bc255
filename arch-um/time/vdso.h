/* The guest's vDSO (host side). */
#ifndef ARCH_TIME_VDSO_H
#define ARCH_TIME_VDSO_H
#include <umber/types.h>

/* host_base: where the host's vDSO lies in stubs, 0 if nowhere. 0 or negative errno. */
int vdso_init(u64 host_base);
#endif
