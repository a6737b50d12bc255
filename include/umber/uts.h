/* What uname(2) says. One set of names for the whole guest unless a task has a UTS namespace of its own. */
#ifndef UMBER_UTS_H
#define UMBER_UTS_H
#include <umber/types.h>

#define UTS_LEN 64
struct uts_names {          /* struct utsname of the ABI: 6 * 65 bytes */
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
extern struct uts_names init_uts;
#endif
