/* Command line of umber, host side. */
#ifndef ARCH_BOOT_OPTIONS_H
#define ARCH_BOOT_OPTIONS_H
#include <port/boot.h>

/* Fills boot_params. Prints one line and exits (125, or 1 in UML mode) on bad usage; --help etc. exit 0. */
void options_parse(int argc, char **argv);
/* One line on stderr, then exit(status). */
void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
#endif
