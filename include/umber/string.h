/* String and memory functions of kernel/lib; same contracts as ISO C / Linux. */
#ifndef UMBER_STRING_H
#define UMBER_STRING_H
#include <umber/types.h>

/* Freestanding code links beside libc: all but the mem* functions (which the compiler calls by name) get a symbol of
 * their own, so that host files keep libc's printf with its floats, locales and locks. */
#ifdef UMBER_HOSTED
#define UMBER_LIBC_NAME(n)
#else
#define UMBER_LIBC_NAME(n) __asm__("k_" #n)
#endif

void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n) UMBER_LIBC_NAME(memchr);
size_t strlen(const char *s) UMBER_LIBC_NAME(strlen);
size_t strnlen(const char *s, size_t max) UMBER_LIBC_NAME(strnlen);
int strcmp(const char *a, const char *b) UMBER_LIBC_NAME(strcmp);
int strncmp(const char *a, const char *b, size_t n) UMBER_LIBC_NAME(strncmp);
int strcasecmp(const char *a, const char *b) UMBER_LIBC_NAME(strcasecmp);
char *strchr(const char *s, int c) UMBER_LIBC_NAME(strchr);
char *strrchr(const char *s, int c) UMBER_LIBC_NAME(strrchr);
char *strstr(const char *h, const char *n) UMBER_LIBC_NAME(strstr);
/* Copies at most n-1 bytes and always terminates. Returns strlen(s). */
size_t strlcpy(char *d, const char *s, size_t n) UMBER_LIBC_NAME(strlcpy);

int vsnprintf(char *buf, size_t n, const char *fmt, __builtin_va_list ap) UMBER_LIBC_NAME(vsnprintf);
int snprintf(char *buf, size_t n, const char *fmt, ...) UMBER_LIBC_NAME(snprintf) __printf(3, 4);
/* As snprintf, but returns the number of bytes really stored (without the NUL). */
int scnprintf(char *buf, size_t n, const char *fmt, ...) __printf(3, 4);

/* Parses a whole string. base 0 accepts 0x and 0. Returns 0 or -EINVAL/-ERANGE. */
int kstrtou64(const char *s, unsigned base, u64 *out);
int kstrtos64(const char *s, unsigned base, s64 *out);
/* Parses a number with an optional K M G T P E suffix (powers of 1024); *end after it. */
u64 memparse(const char *s, const char **end);
#endif
