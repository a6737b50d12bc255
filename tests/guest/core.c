/* Core files: when there is one, its status bit, and that it has what the process had. core_pattern is "core" (core(5)). */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "t.h"

static char mark[8192] = "a mark in .data";
static volatile int up;

static void limit(rlim_t n)
{
	struct rlimit r = { n, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &r);
}

static void *sleeper(void *arg)
{
	up = 1;
	pause();
	return arg;
}

/* Wait status of a child that prepares itself and then gets sig. */
static int die_by(int sig, void (*prepare)(void))
{
	int st;

	FORK(st) {
		limit(RLIM_INFINITY);
		if (prepare)
			prepare();
		kill(getpid(), sig);
		pause();
	}
	return st;
}

static void none(void) { limit(0); }
static void small(void) { limit(8192); }
static void undumpable(void) { prctl(PR_SET_DUMPABLE, 0); }
static void link_there(void) { symlink("elsewhere", "core"); }
static void two_names(void) { close(open("a", O_CREAT | O_RDWR, 0600)); link("a", "core"); }

static void threads(void)
{
	pthread_t t;
	char *big = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	strcpy(mark + 5000, "written later");
	strcpy(big + (32 << 20), "in the middle");
	*(char **)(mark + 6000) = big;
	pthread_create(&t, NULL, sleeper, NULL);
	while (!up)
		usleep(1000);
}

static char *file;
static Elf64_Phdr *ph;
static int phnum;

static char *at(unsigned long addr)
{
	for (int i = 0; i < phnum; i++)
		if (ph[i].p_type == PT_LOAD && addr >= ph[i].p_vaddr && addr < ph[i].p_vaddr + ph[i].p_filesz)
			return file + ph[i].p_offset + (addr - ph[i].p_vaddr);
	return "";
}

static int notes(unsigned type)
{
	int n = 0;

	for (int i = 0; i < phnum; i++)
		for (size_t p = 0; ph[i].p_type == PT_NOTE && p < ph[i].p_filesz; ) {
			Elf64_Nhdr *h = (void *)(file + ph[i].p_offset + p);

			n += h->n_type == type;
			p += sizeof(*h) + ((h->n_namesz + 3) & ~3u) + ((h->n_descsz + 3) & ~3u);
		}
	return n;
}

static void contents(void)
{
	int fd = open("core", O_RDONLY);
	struct stat st;
	Elf64_Ehdr *eh;

	OK(fd >= 0 && !fstat(fd, &st), "the core is there");
	if (fd < 0)
		return;
	IS(st.st_mode & 07777, 0600, "mode");
	OK(st.st_blocks * 512 < 32 << 20, "what nobody touched takes no room");
	file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	eh = (void *)file;
	OK(!memcmp(eh->e_ident, ELFMAG, SELFMAG) && eh->e_type == ET_CORE && eh->e_machine == EM_X86_64, "an ELF core");
	ph = (void *)(file + eh->e_phoff);
	phnum = eh->e_phnum;
	OK(!strcmp(at((unsigned long)mark), mark), ".data");
	OK(!strcmp(at((unsigned long)mark + 5000), "written later"), "as it was written");
	OK(!strcmp(at(*(unsigned long *)at((unsigned long)mark + 6000) + (32 << 20)), "in the middle"), "anonymous memory");
	IS(notes(NT_PRSTATUS), 2, "both threads");
	IS(notes(NT_PRPSINFO) + notes(NT_AUXV) + notes(NT_FILE) + notes(NT_SIGINFO), 4, "notes");
	OK(notes(NT_FPREGSET) >= 1, "floating point registers");
	munmap(file, st.st_size);
}

int main(void)
{
	struct stat sb;
	int st;

	st = die_by(SIGSEGV, threads);
	OK(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV && WCOREDUMP(st), "SIGSEGV leaves a core");
	contents();
	unlink("core");
	OK(WCOREDUMP(die_by(SIGABRT, NULL)), "SIGABRT too");
	OK(!WCOREDUMP(die_by(SIGTERM, NULL)), "SIGTERM does not");
	unlink("core");
	OK(!WCOREDUMP(die_by(SIGQUIT, none)), "RLIMIT_CORE 0");
	ERR(stat("core", &sb), ENOENT, "no file then");
	OK(!WCOREDUMP(die_by(SIGSEGV, undumpable)), "not dumpable");
	ERR(stat("core", &sb), ENOENT, "no file then");
	OK(WCOREDUMP(die_by(SIGSEGV, small)), "RLIMIT_CORE 8192");
	OK(!stat("core", &sb) && sb.st_size <= 8192, "cut short");
	unlink("core");
	OK(WCOREDUMP(die_by(SIGSEGV, link_there)), "instead of a link");
	ERR(stat("elsewhere", &sb), ENOENT, "which is not followed");
	unlink("core");
	OK(WCOREDUMP(die_by(SIGSEGV, two_names)), "instead of a file with two names");
	IS(stat("a", &sb) || sb.st_size, 0, "which is not written");
	unlink("core");
	unlink("a");
	return t_done();
}
