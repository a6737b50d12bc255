/* The hostile guest program: one case (or a group) by name; TAP on stdout. Inside the guest only. */
#include "hostile.h"
#include "cases.h"
#include <sys/utsname.h>

int main(int argc, char **argv)
{
	struct utsname u;

	if (uname(&u) || !strstr(u.release, "umber")) {
		fprintf(stderr, "not inside umber: refusing to run\n");
		return 99;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* kill(1, 1) is among the calls that are tried */
	if (argc == 4 && !strcmp(argv[1], "sweep"))
		case_sweep(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 2 && !strcmp(argv[1], "entries"))
		case_entries();
	else if (argc == 2 && !strcmp(argv[1], "numbers"))
		case_gadget_numbers();
	else if (argc == 2 && !strcmp(argv[1], "args"))
		case_gadget_args();
	else if (argc == 3 && !strcmp(argv[1], "jump"))
		case_jump_all(atoi(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "region"))
		case_region();
	else if (argc == 2 && !strcmp(argv[1], "mailbox"))
		case_mailbox();
	else if (argc == 2 && !strcmp(argv[1], "leftovers"))
		case_leftovers();
	else if (argc == 3 && !strcmp(argv[1], "leftovers"))
		return leftovers_part(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "bomb"))
		case_bombs(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "fs"))
		case_fs(argv[2]);
	else if (argc != 3 || strcmp(argv[1], "evil") || evil_by_name(argv[2]))
		return 98;
	return h_done();
}
