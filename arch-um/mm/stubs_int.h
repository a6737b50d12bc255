/* Between stubs_host.c and template_host.c. All klock, or boot before there is a second thread. */
#ifndef ARCH_MM_STUBS_INT_H
#define ARCH_MM_STUBS_INT_H
#include "stubs.h"
#include <sys/types.h>

extern struct stub *template_stub;
extern struct uthread *template_ut;
extern int listener;                              /* of the stubs' notified calls, -1: not there yet */
extern pid_t reaper_pid;                          /* first process of the stubs' pid namespace, 0: none */
struct stub *stub_new(void);                      /* with mailbox file and socket, no process yet; NULL */
struct uthread *uthread_new(struct stub *s);      /* in the lowest free slot; NULL */
void sweep_orphans(void);                         /* kills children that never told who they are */
void *listener_main(void *arg);
void stub_attached(struct stub *s, s32 pid, int pidfd); /* its process is known: it is watched from now on */
void inherit_frame(struct uthread *child, struct uthread *parent);
int seccomp_template_child(const struct stub *s);
int seccomp_start(const char **what);
#endif
