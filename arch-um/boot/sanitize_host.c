/*
 * What the sanitizers' runtimes ask the program for (SAN=asan, SAN=tsan). The options are compiled in, so that a guest
 * is started with nothing in its environment: a report is on stderr and ends umber by SIGABRT, which no test takes
 * for a success. Leaks are not looked for: umber ends by _exit, and guests' memory is kmem's.
 */
#include <umber/types.h>

#if defined(__SANITIZE_ADDRESS__)
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1:abort_on_error=1";
}
#endif

#if defined(__SANITIZE_THREAD__)
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "halt_on_error=1:abort_on_error=1:history_size=4:report_signal_unsafe=0";
}
#endif
