/* /proc/net/unix. */
#include "unix.h"

#define FLAG_ACCEPTS 0x10000u

static void show_name(struct seq_file *m, const struct unix_addr *a)
{
	u32 n = a->len - (u32)sizeof(a->name.sun_family);

	seq_putc(m, ' ');
	if (a->name.sun_path[0])
		n--; /* the NUL at the end */
	for (u32 i = 0; i < n; i++)
		seq_putc(m, a->name.sun_path[i] ? a->name.sun_path[i] : '@');
}

/* State as in Linux's enum socket_state: 1 unconnected, 2 connecting, 3 connected, 4 disconnecting. */
static u32 shown_state(const struct unix_sock *u)
{
	if (u->sk.file)
		return u->sk.state == SS_ESTABLISHED ? 3 : 1;
	return u->sk.state == SS_ESTABLISHED ? 2 : 4;
}

void unix_show(struct seq_file *m)
{
	struct unix_sock *u;

	seq_puts(m, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	list_for_each_entry(u, &unix_socks, all_node) {
		seq_printf(m, "%016x: %08X %08X %08X %04X %02X %5llu", 0, u->sk.ref.n, 0,
			   u->sk.state == SS_LISTEN ? FLAG_ACCEPTS : 0, (u32)u->sk.type, shown_state(u),
			   (unsigned long long)u->sk.ino);
		if (u->addr)
			show_name(m, u->addr);
		seq_putc(m, '\n');
	}
}
