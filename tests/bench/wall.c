/* wall CMD ARG...: runs it and prints what it took from start to end, a line "@@ wall NS". Its exit status is CMD's. */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	long long start = now();
	pid_t pid;
	int st;

	if (argc < 2 || posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ))
		return 127;
	if (waitpid(pid, &st, 0) != pid)
		return 126;
	printf("\n@@ wall %lld\n", now() - start);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}
