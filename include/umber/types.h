/* Fixed-width types and the few macros that every file needs. No libc, no host header. */
#ifndef UMBER_TYPES_H
#define UMBER_TYPES_H

#ifdef UMBER_HOSTED /* *_host.c files and unit tests bring libc's own */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <limits.h>
#else
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __SIZE_TYPE__ size_t;
typedef long ssize_t;
#define bool _Bool
#define true 1
#define false 0
#define NULL ((void *)0)
#define offsetof(t, m) __builtin_offsetof(t, m)
#define INT_MAX 0x7fffffff
#define UINT_MAX 0xffffffffu
#define LONG_MAX 0x7fffffffffffffffL
#define PATH_MAX 4096
#define NAME_MAX 255
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* A guest virtual address. An integer, so that nobody can dereference one by accident. */
typedef u64 uaddr_t;
/* A host file (fd) owned by arch-um/drivers-host; < 0: none or negative errno. */
typedef s32 hfd_t;
#define HFD_NONE (-1)

#define U64_MAX (~(u64)0)
#define S64_MAX ((s64)(U64_MAX >> 1))
#define U32_MAX (~(u32)0)

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_OFFSET(x) ((x) & (PAGE_SIZE - 1))

#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define UNIQUE_2_(name, n) name##n
#define UNIQUE_(name, n) UNIQUE_2_(name, n)
#define PICK_(op, x, y, a, b)                                                                      \
	({                                                                                         \
		__typeof__(a) x = (a);                                                             \
		__typeof__(b) y = (b);                                                             \
		x op y ? x : y;                                                                    \
	})
#define min(a, b) PICK_(<, UNIQUE_(pick_a_, __COUNTER__), UNIQUE_(pick_b_, __COUNTER__), a, b)
#define max(a, b) PICK_(>, UNIQUE_(pick_a_, __COUNTER__), UNIQUE_(pick_b_, __COUNTER__), a, b)
#define min_t(t, a, b) min((t)(a), (t)(b))
#define max_t(t, a, b) max((t)(a), (t)(b))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define __printf(a, b) __attribute__((format(printf, a, b)))
#define __noreturn __attribute__((noreturn))
#define __weak __attribute__((weak))
#define __must_check __attribute__((warn_unused_result))
#define __packed __attribute__((packed))

/* Pointers that may carry a negative errno, as in Linux. */
#define MAX_ERRNO 4095
static inline void *ERR_PTR(long err) { return (void *)err; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline bool IS_ERR(const void *p) { return (unsigned long)p >= (unsigned long)-MAX_ERRNO; }

#endif
