/*
 * The two command lines: `umber [kernel options] [-- init arguments]`, a drop-in for UML's `linux`, and
 * `umber run [options] -- CMD`.
 */
#include "options.h"
#include "../entry/backend.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/openat2.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define NCPUS_LIMIT 8
#define MEM_MIN (16ULL << 20)
#define CMDLINE_MAX 4096

struct boot_params boot_params;
static char cmdline[CMDLINE_MAX + 1];
extern char **environ;

void die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("umber: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(status);
}

const char *port_cmdline(void);
const char *port_cmdline(void)
{
	return cmdline;
}

bool boot_option(const char *name, char *buf, size_t n)
{
	size_t len = strlen(name);
	bool found = false;

	for (const char *p = cmdline; *p;) {
		size_t w = strcspn(p, " ");

		if (w > len && !strncmp(p, name, len) && p[len] == '=') {
			size_t v = w - len - 1 < n - 1 ? w - len - 1 : n - 1;

			memcpy(buf, p + len + 1, v);
			buf[v] = 0;
			found = true; /* the last one counts */
		} else if (w == len && !strncmp(p, name, len)) {
			buf[0] = 0;
			found = true;
		}
		p += w;
		while (*p == ' ')
			p++;
	}
	return found;
}

static u64 host_mem_half(void)
{
	struct sysinfo si;

	if (sysinfo(&si))
		return 512ULL << 20;
	return (u64)si.totalram * si.mem_unit / 2 / 4096 * 4096;
}

static u32 host_cpus(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	return (u32)(n < 1 ? 1 : n > NCPUS_LIMIT ? NCPUS_LIMIT : n);
}

/* Bytes with a K M G T P E suffix; dies when it is no size. */
static u64 parse_mem(const char *s, int status)
{
	static const char units[] = "KMGTPE";
	char *end;
	u64 v;

	errno = 0;
	v = strtoull(s, &end, 0);
	if (*end) {
		const char *u = strchr(units, *end >= 'a' ? *end - 32 : *end);

		if (!u || end[1])
			die(status, "mem: '%s' is not a size; use for example 512M", s);
		v <<= 10 * (u - units + 1);
	}
	if (end == s || errno || v < MEM_MIN || v > (1ULL << 42))
		die(status, "mem: '%s' is out of range; give at least 16M", s);
	return v & ~4095ULL;
}

static u32 parse_ncpus(const char *s, int status)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (*end || end == s || v < 1)
		die(status, "ncpus: '%s' is not a number from 1 to %d", s, NCPUS_LIMIT);
	return (u32)(v > NCPUS_LIMIT ? NCPUS_LIMIT : v);
}

static void add_word(const char *w)
{
	int status = boot_params.run ? 125 : 1;
	size_t have = strlen(cmdline), n = strlen(w);

	if (have + n + 2 > CMDLINE_MAX)
		die(status, "the kernel command line is longer than %d bytes", CMDLINE_MAX);
	if (!strncmp(w, "intercept=", 10)) {
		backend = !strcmp(w + 10, "seccomp") ? &seccomp_backend : !strcmp(w + 10, "ptrace") ? &ptrace_backend : NULL;
		if (!backend)
			die(status, "%s: not seccomp or ptrace", w);
	}
	if (have)
		cmdline[have++] = ' ';
	memcpy(cmdline + have, w, n + 1);
}

static void run_help(void)
{
	puts("usage: umber run [options] -- CMD [ARG ...]\n"
	     "Runs CMD in a guest kernel of its own, on the host's root (read-only, under a private overlay).\n\n"
	     "  --root DIR           host directory that is the guest's root (default /)\n"
	     "  --rw                 the root is writable; nothing is overlaid\n"
	     "  --bind SRC:DST[:ro]  shows host directory SRC at DST\n"
	     "  --mem SIZE           memory of the guest (default: half of the host's)\n"
	     "  --ncpus N            vCPUs, 1 to 8 (default: the host's CPUs)\n"
	     "  --env NAME=VALUE     adds to the environment\n"
	     "  --cwd DIR            working directory (default: the caller's)\n"
	     "  --user USER[:GID]    user of the command, by number or as the root's /etc/passwd has it (default: the caller's)\n"
	     "  --hostname NAME      host name of the guest\n"
	     "  --intercept HOW      how system calls are caught: seccomp (default), or ptrace: slower, one vCPU,\n"
	     "                       for hosts that restrict seccomp\n"
	     "  --init               an init that reaps orphans is pid 1, the command pid 2\n\n"
	     "Status: the command's; 128+n for signal n; 125 bad usage, 126 cannot execute, 127 not found.");
	exit(0);
}

/* A user by name, as /etc/passwd of the guest's root has it (passwd(5)); false: none. Links in it do not lead out. */
static bool find_user(const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT };
	int root = open(boot_params.run_root, O_PATH | O_CLOEXEC);
	int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, "etc/passwd", &how, sizeof(how));
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct passwd *pw = NULL;

	if (root >= 0)
		close(root);
	if (!f)
		return false;
	while ((pw = fgetpwent(f)) && strcmp(pw->pw_name, name))
		;
	if (pw) {
		boot_params.uid = pw->pw_uid;
		boot_params.gid = pw->pw_gid;
	}
	fclose(f);
	return pw != NULL;
}

static void parse_user(char *s)
{
	char *colon = strchr(s, ':'), *end;

	if (colon)
		*colon++ = 0;
	boot_params.uid = (u32)strtoul(s, &end, 10);
	boot_params.gid = boot_params.uid;
	if ((*end || end == s) && !find_user(s))
		die(125, "--user: no user '%s' in %s/etc/passwd", s, strcmp(boot_params.run_root, "/") ? boot_params.run_root : "");
	if (colon) {
		boot_params.gid = (u32)strtoul(colon, &end, 10);
		if (*end || end == colon)
			die(125, "--user: '%s' is not a group id", colon);
	}
}

static void parse_bind(char *s)
{
	static struct boot_mount *binds;
	struct boot_mount *p = realloc(binds, (boot_params.nr_binds + 1) * sizeof(*p));
	char *dst = strchr(s, ':'), *ro = dst ? strchr(dst + 1, ':') : NULL;
	char real[PATH_MAX];

	if (!p)
		die(125, "no memory");
	if (!dst || dst[1] != '/' || (ro && strcmp(ro, ":ro")))
		die(125, "--bind: '%s' is not SRC:DST or SRC:DST:ro with an absolute DST", s);
	*dst++ = 0;
	if (ro)
		*ro = 0;
	if (!realpath(s, real))
		die(125, "--bind: %s: %s", s, strerror(errno));
	binds = p;
	p[boot_params.nr_binds++] = (struct boot_mount){ strdup(real), dst, ro != NULL };
	boot_params.binds = binds;
}

static void set_env(char *s)
{
	if (!strchr(s, '=') || *s == '=')
		die(125, "--env: '%s' is not NAME=VALUE", s);
	if (putenv(s))
		die(125, "no memory");
}

enum { OPT_ROOT = 256, OPT_RW, OPT_BIND, OPT_MEM, OPT_NCPUS, OPT_ENV, OPT_CWD, OPT_USER, OPT_HOST, OPT_INIT, OPT_OPT,
       OPT_INTERCEPT, OPT_HELP };

static void run_intercept(const char *how)
{
	char word[32];

	snprintf(word, sizeof(word), "intercept=%s", how);
	add_word(word);
}

static char *run_user; /* --user: looked up when the root is known */

static void run_option(int c, char *arg)
{
	char real[PATH_MAX];

	switch (c) {
	case OPT_ROOT:
		if (!realpath(arg, real))
			die(125, "--root: %s: %s", arg, strerror(errno));
		boot_params.run_root = strdup(real);
		break;
	case OPT_RW: boot_params.run_rw = true; break;
	case OPT_BIND: parse_bind(arg); break;
	case OPT_MEM: boot_params.mem_bytes = parse_mem(arg, 125); break;
	case OPT_NCPUS: boot_params.ncpus = parse_ncpus(arg, 125); break;
	case OPT_ENV: set_env(arg); break;
	case OPT_CWD: boot_params.cwd = arg; break;
	case OPT_USER: run_user = arg; break;
	case OPT_HOST: boot_params.hostname = arg; break;
	case OPT_INIT: boot_params.run_init = true; break;
	case OPT_INTERCEPT: run_intercept(arg); break;
	case OPT_OPT: add_word(arg); break;
	case OPT_HELP: run_help(); break;
	default: die(125, "run: bad option; see `umber run --help`");
	}
}

static void inherit_groups(void)
{
	static u32 groups[64];
	int n = getgroups(64, (gid_t *)groups);

	if (n > 0) {
		boot_params.groups = groups;
		boot_params.ngroups = (u32)n;
	}
}

static void inherit_signals(void)
{
	struct sigaction sa;
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < 32; sig++) {
		if (!sigaction(sig, NULL, &sa) && sa.sa_handler == SIG_IGN)
			boot_params.sig_ignored |= 1ULL << (sig - 1);
		if (sigismember(&mask, sig) == 1)
			boot_params.sig_blocked |= 1ULL << (sig - 1);
	}
	signal(SIGCHLD, SIG_DFL); /* else the host reaps stubs for us */
}

static void parse_run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "root", 1, 0, OPT_ROOT },	{ "rw", 0, 0, OPT_RW },	    { "bind", 1, 0, OPT_BIND },
		{ "mem", 1, 0, OPT_MEM },	{ "ncpus", 1, 0, OPT_NCPUS }, { "env", 1, 0, OPT_ENV },
		{ "cwd", 1, 0, OPT_CWD },	{ "user", 1, 0, OPT_USER }, { "hostname", 1, 0, OPT_HOST },
		{ "init", 0, 0, OPT_INIT },	{ "kernel", 1, 0, OPT_OPT },	{ "intercept", 1, 0, OPT_INTERCEPT },
		 { "help", 0, 0, OPT_HELP },
		{ 0, 0, 0, 0 },
	};
	char cwd[PATH_MAX], host[256];
	int c;

	boot_params.run = true;
	boot_params.uid = getuid();
	boot_params.gid = getgid();
	inherit_groups();
	inherit_signals();
	add_word("quiet");
	opterr = 0;
	optind = 2;
	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (c == '?')
			die(125, "run: unknown option or missing value: '%s'; see `umber run --help`", argv[optind - 1]);
		run_option(c, optarg);
	}
	if (optind >= argc)
		die(125, "run: no command; usage: umber run [options] -- CMD [ARG ...]");
	boot_params.argv = (const char *const *)argv + optind;
	boot_params.envp = (const char *const *)environ;
	if (!boot_params.cwd)
		boot_params.cwd = boot_params.run_root || !getcwd(cwd, sizeof(cwd)) ? "/" : strdup(cwd);
	if (!boot_params.run_root)
		boot_params.run_root = "/";
	if (run_user) {
		parse_user(run_user);
		boot_params.ngroups = 0;
	}
	if (!boot_params.hostname && !gethostname(host, sizeof(host)))
		boot_params.hostname = strdup(host);
	boot_params.stdin_tty = isatty(0);
	boot_params.stdout_tty = isatty(1);
	boot_params.stderr_tty = isatty(2);
}

static void uml_help(void)
{
	puts("umber " UMBER_VERSION "\n"
	     "usage: umber [kernel options] [-- init arguments]\n"
	     "       umber run [options] -- CMD [ARG ...]     (umber run --help)\n\n"
	     "  mem=<size>           memory of the guest (default 512M)\n"
	     "  ncpus=<n>            vCPUs, 1 to 8 (default 1)\n"
	     "  init=, rdinit=       first program\n"
	     "  initrd=<file>        initramfs, newc cpio, plain or gzip (default: the embedded one)\n"
	     "  root=, rootfstype=hostfs, rootflags=<dir>, ro, rw\n"
	     "  hostfs=<dir>[,append]  directory that guests' hostfs mounts stay below\n"
	     "  con<n>=<channel>     fd:<in>,fd:<out> | null | pty | none\n"
	     "  intercept=seccomp|ptrace  how system calls are caught; ptrace is slower and has one vCPU\n"
	     "  umid=, uml_dir=      name and place of this instance's run directory\n"
	     "  quiet, noreboot, panic=<s>, trace=1\n"
	     "  --help --version --showconfig");
	exit(0);
}

static void load_initrd(const char *path)
{
	FILE *f = fopen(path, "rbe");
	long n;
	void *p;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		die(1, "initrd=%s: %s", path, strerror(errno));
	rewind(f);
	p = malloc((size_t)n + 1);
	if (!p || fread(p, 1, (size_t)n, f) != (size_t)n)
		die(1, "initrd=%s: cannot be read", path);
	fclose(f);
	boot_params.initrd = p;
	boot_params.initrd_bytes = (size_t)n;
}

extern const char rootfs_image[] __attribute__((weak)), rootfs_image_end[] __attribute__((weak));

static void parse_uml(int argc, char **argv)
{
	bool seen_console = false, seen_root = false;
	char host[] = "umber";

	boot_params.hostname = strdup(host);
	boot_params.mem_bytes = 512ULL << 20;
	boot_params.cwd = "/";
	if (rootfs_image) {
		boot_params.initrd = rootfs_image;
		boot_params.initrd_bytes = (size_t)(rootfs_image_end - rootfs_image);
	}
	for (int i = 1; i < argc; i++) {
		char *w = argv[i];

		if (!strcmp(w, "--help"))
			uml_help();
		if (!strcmp(w, "--version")) {
			puts(UMBER_VERSION);
			exit(0);
		}
		if (!strcmp(w, "--showconfig")) {
			puts("CONFIG_UMBER=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_NR_CPUS=8\nCONFIG_HOSTFS=y\n"
			     "CONFIG_OVERLAY_FS=y\nCONFIG_TMPFS=y\nCONFIG_BLK_DEV_INITRD=y");
			exit(0);
		}
		if (!strcmp(w, "--")) {
			boot_params.init_argv = (const char *const *)argv + i + 1;
			add_word("--");
			for (int k = i + 1; k < argc; k++)
				add_word(argv[k]);
			break;
		}
		if (!strncmp(w, "mem=", 4)) {
			boot_params.mem_bytes = parse_mem(w + 4, 1);
			continue;
		}
		if (!strncmp(w, "ncpus=", 6)) {
			boot_params.ncpus = parse_ncpus(w + 6, 1);
			continue;
		}
		if (!strncmp(w, "initrd=", 7)) {
			load_initrd(w + 7);
			continue;
		}
		seen_console |= !strncmp(w, "console=", 8);
		seen_root |= !strncmp(w, "root=", 5);
		add_word(w);
	}
	if (seen_root && boot_params.initrd == rootfs_image) /* as with UML, which embeds none: root= is the root */
		boot_params.initrd = NULL;
	if (!seen_console && !strstr(cmdline, " -- ") && strncmp(cmdline, "-- ", 3))
		add_word("console=tty0");
	boot_params.envp = NULL;
	boot_params.stdin_tty = isatty(0);
	boot_params.stdout_tty = isatty(1);
	boot_params.stderr_tty = isatty(2);
}

/* What was asked for, else all of the host's for a command and one for a machine, as far as the backend can. */
static void choose_ncpus(void)
{
	if (boot_params.ncpus > backend->ncpus_max)
		die(boot_params.run ? 125 : 1, "ncpus=%u: intercept=%s has one vCPU only", boot_params.ncpus, backend->name);
	if (!boot_params.ncpus)
		boot_params.ncpus = boot_params.run ? min(host_cpus(), backend->ncpus_max) : 1;
}

void options_parse(int argc, char **argv)
{
	boot_params.mem_bytes = host_mem_half();
	if (argc > 1 && !strcmp(argv[1], "run"))
		parse_run(argc, argv);
	else
		parse_uml(argc, argv);
	choose_ncpus();
	boot_params.cmdline = cmdline;
}
