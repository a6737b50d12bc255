/* The kmem arena and the stack region behind it: one memfd at KMEM_BASE. */
#ifndef ARCH_MM_ARENA_H
#define ARCH_MM_ARENA_H
#include <port/port.h>

extern void *arena_stacks;
extern u64 arena_stacks_bytes;
/* mem_bytes: what the guest may use. 0 or negative errno. */
int arena_init(u64 mem_bytes);
#endif
