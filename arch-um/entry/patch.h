/*
 * Rewriting of hot system-call sites (DESIGN 3.5), host side.
 *
 * A `text` is a host file whose code is mapped: identity, its own read-only fd, and for each patched page the
 * newest copy (a page of one memfd for the whole guest; written before it is mapped anywhere, never after).
 * A site is numbered once for the guest. Each mm has a table and thunks (struct patch), because the return
 * address differs from mm to mm; forked mms share it until one must differ. All under klock; what changes an
 * mm's mappings runs with the guest's mm->lock held.
 */
#ifndef ARCH_ENTRY_PATCH_H
#define ARCH_ENTRY_PATCH_H
#include "../stub/stub_abi.h"
#include <port/port.h>

struct stub;
struct uthread;
struct patch;
struct text;

#define PATCH_TEXTS_MAX 48 /* executable mappings tracked in one mm */
struct text_map {
	u64 start, end, off;
	struct text *text;
};

int patch_init(void);
extern bool patch_enabled;
/* A system call trapped at rip (behind the instruction). Sets pt->patch_wanted when the site has become hot. */
void patch_note(struct uthread *ut, struct port_task *pt);
/* SIGILL: is it the old `syscall` of a patched site? */
bool patch_is_old_syscall(struct stub *s, u64 rip);
/* Where a thread whose guest-visible address is rip must really go on. */
u64 patch_cont(struct stub *s, u64 rip);
/* After ops of an mm succeeded: keeps track of its executable file mappings; appends to out[] the ops that put
 * patched pages over a new one. Returns how many (at most max). */
u32 patch_track(struct stub *s, const struct port_mmop *op, struct port_mmop *out, u32 max);
void patch_fork(struct stub *child, const struct stub *parent);
void patch_release(struct stub *s);
/* Before a fork: maps copies that are newer than the mm's, so that children find their exit, execve and the like patched,
 * which the parent never calls. May drop klock; caller holds the guest's mm->lock. */
void patch_refresh(struct stub *s, struct uthread *ut);
/* ptrace and /proc/PID/mem see and write the original: puts it into what was read from addr, or into memory before a
 * write (a debugger's breakpoint) goes there. */
#define PATCH_COPY_RAW 0x100u /* port_copy_*: no view */
void patch_view(struct stub *s, u64 addr, void *buf, size_t n);
void patch_restore(struct stub *s, u64 addr, size_t n);
/* The mm's guest sets its own gs: all its sites go back to their original pages. */
void patch_off(struct stub *s);
#endif
