#!/bin/sh
# needs: gcc
cat > f.c <<'E'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static volatile sig_atomic_t got;
static void h(int s) { got++; }
int main(int argc, char **argv) {
	int p[2], st, sum = 0; char buf[64];
	if (argc > 1) { printf("child %s\n", argv[1]); return 5; }
	setvbuf(stdout, 0, _IOLBF, 0);
	signal(SIGCHLD, h);
	for (int i = 0; i < 50; i++) { if (!fork()) _exit(i); }
	for (int i = 0; i < 50; i++) { if (wait(&st) > 0) sum += WEXITSTATUS(st); }
	printf("sum %d got %d\n", sum, got > 0);
	pipe(p); if (!fork()) { dup2(p[1], 1); close(p[0]); execl("/bin/echo", "echo", "from", "exec", (char *)0); _exit(9); }
	close(p[1]); int n = read(p[0], buf, 63); buf[n] = 0; wait(&st); printf("%s%d\n", buf, WEXITSTATUS(st));
	pid_t pid; char *av[] = { argv[0], "spawned", 0 }; fflush(stdout); int ps = posix_spawn(&pid, argv[0], 0, 0, av, environ); waitpid(pid, &st, 0); printf("%d %d\n", ps, WEXITSTATUS(st));
	if (!vfork()) _exit(7); wait(&st); printf("vfork %d\n", WEXITSTATUS(st));
	FILE *f = popen("tr a-z A-Z", "w"); fprintf(f, "popen\n"); printf("%d\n", pclose(f)); printf("sys %d\n", WEXITSTATUS(system("exit 6")));
	pid = fork(); if (!pid) { int *q = 0; *q = 1; } waitpid(pid, &st, 0); printf("sig %d\n", WTERMSIG(st));
	pid = fork(); if (!pid) abort(); waitpid(pid, &st, 0); printf("sig %d\n", WTERMSIG(st));
	return 0;
}
E
gcc -O1 -w f.c -o f && ./f; gcc -O1 -w -static f.c -o fs && ./fs
