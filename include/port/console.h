/*
 * What drivers-host/console/console_host.c offers to console.c: host terminals. Terminals are opened anew, so that
 * O_NONBLOCK is ours alone; no call waits, but conhost_put, and that not long. Called with klock held.
 */
#ifndef PORT_CONSOLE_H
#define PORT_CONSOLE_H
#include <umber/types.h>

/* Descriptor n, if it is a terminal. 0; -ENOTTY; another negative errno. */
int conhost_open_fd(int n, hfd_t *out);
int conhost_open_tty(const char *path, hfd_t *out);
/* A host pty; its name, for who wants to attach. Stays usable while nobody is attached. */
int conhost_open_pts(hfd_t *out, char *name, size_t n);
/* Raw mode; the modes from before come back at conhost_restore(), or when umber dies of a fault. Again: sets them anew. */
int conhost_raw(hfd_t h);
/* All terminals as they were. Any context. */
void conhost_restore(void);
/* May this process group use the terminal now? True too for one that is not our controlling terminal. */
bool conhost_foreground(hfd_t h);
/* Bytes, 0 at the end, -EAGAIN, or another negative errno. */
ssize_t conhost_read(hfd_t h, void *buf, size_t n);
ssize_t conhost_write(hfd_t h, const void *buf, size_t n);
/* Writes all if the other side takes it within some time; newlines become CR LF if `crlf`. Any context. */
void conhost_put(hfd_t h, const void *buf, size_t n, bool crlf, int timeout_ms);
int conhost_get_winsize(hfd_t h, u16 ws[4]); /* as struct winsize */
void conhost_set_winsize(hfd_t h, const u16 ws[4]);
/* The terminal's own modes: struct termios of the ABI, 36 bytes. */
int conhost_get_modes(hfd_t h, void *termios);
#endif
