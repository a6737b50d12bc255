/*
 * A fake port: the whole of kernel/ in one host process and one thread, without stubs. For benchmarks and fuzzers that
 * call the guest kernel directly (DESIGN 4). Clocks, arena, fibres, memory files and hostfs are the real ones.
 *
 * There is one process, pid 1, and its "user memory" is a window of this process's own memory, so a user copy is a
 * memcpy. Its user code is a fibre, which sees the kernel as a guest program does (fakeport_enter), and may as well call
 * the kernel's functions itself: `current` is pid 1 there. Host ops on the address space succeed and do nothing, so only
 * the window can be read and written, whatever the guest's VMAs say.
 */
#ifndef TESTS_FAKEPORT_H
#define TESTS_FAKEPORT_H
#include <port/port.h>

#define FAKE_USER_BASE 0x200000000000UL
#define FAKE_USER_BYTES (16UL << 20)

/* Boots kernel/ with mem_bytes and a tmpfs as root, and runs user() as pid 1's user code; user() ends by exit(). */
void fakeport_run(u64 mem_bytes, void (*user)(void)) __noreturn;
/* User code enters the kernel with the system call that is in current's regs, and comes back with the answer there. */
void fakeport_enter(void);
/* The host's part of it. */
void fakeport_switch(void);
#endif
