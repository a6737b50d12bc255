/* Terminals as programs see them: termios(3), ioctl_tty(2), <asm-generic/termbits.h> layouts of x86-64. */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H
#include <umber/types.h>

#define KTERMIOS_NCCS 19
struct abi_termios {              /* TCGETS */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[KTERMIOS_NCCS];
};
struct abi_termios2 {             /* TCGETS2; what the kernel keeps */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[KTERMIOS_NCCS];
	u32 c_ispeed, c_ospeed;
};
struct abi_termio {               /* TCGETA */
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[8];
};
struct abi_winsize { u16 ws_row, ws_col, ws_xpixel, ws_ypixel; };
_Static_assert(sizeof(struct abi_termios) == 36 && sizeof(struct abi_termios2) == 44, "ABI");
_Static_assert(sizeof(struct abi_termio) == 18, "ABI");

#ifndef UMBER_HOSTED
enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE,
       VLNEXT, VEOL2 };

enum { IGNBRK = 1, BRKINT = 2, IGNPAR = 4, PARMRK = 8, INPCK = 0x10, ISTRIP = 0x20, INLCR = 0x40, IGNCR = 0x80,
       ICRNL = 0x100, IUCLC = 0x200, IXON = 0x400, IXANY = 0x800, IXOFF = 0x1000, IMAXBEL = 0x2000, IUTF8 = 0x4000 };
enum { OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 8, ONOCR = 0x10, ONLRET = 0x20, OFILL = 0x40, OFDEL = 0x80,
       TABDLY = 0x1800, XTABS = 0x1800 };
enum { CBAUD = 0x100f, B0 = 0, B9600 = 0xd, B38400 = 0xf, BOTHER = 0x1000, CSIZE = 0x30, CS8 = 0x30, CSTOPB = 0x40,
       CREAD = 0x80, PARENB = 0x100, HUPCL = 0x400, CLOCAL = 0x800 };
enum { ISIG = 1, ICANON = 2, ECHO = 8, ECHOE = 0x10, ECHOK = 0x20, ECHONL = 0x40, NOFLSH = 0x80, TOSTOP = 0x100,
       ECHOCTL = 0x200, ECHOPRT = 0x400, ECHOKE = 0x800, FLUSHO = 0x1000, PENDIN = 0x4000, IEXTEN = 0x8000,
       EXTPROC = 0x10000 };

#define TCGETS 0x5401u
#define TCSETS 0x5402u
#define TCSETSW 0x5403u
#define TCSETSF 0x5404u
#define TCGETA 0x5405u
#define TCSETA 0x5406u
#define TCSETAW 0x5407u
#define TCSETAF 0x5408u
#define TCSBRK 0x5409u
#define TCXONC 0x540au
#define TCFLSH 0x540bu
#define TIOCEXCL 0x540cu
#define TIOCNXCL 0x540du
#define TIOCSCTTY 0x540eu
#define TIOCGPGRP 0x540fu
#define TIOCSPGRP 0x5410u
#define TIOCOUTQ 0x5411u
#define TIOCSTI 0x5412u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define TIOCMGET 0x5415u
#define TIOCMBIS 0x5416u
#define TIOCMBIC 0x5417u
#define TIOCMSET 0x5418u
#define TIOCGSOFTCAR 0x5419u
#define TIOCSSOFTCAR 0x541au
#define TIOCINQ 0x541bu
#define TIOCCONS 0x541du
#define TIOCPKT 0x5420u
#define TIOCNOTTY 0x5422u
#define TIOCSETD 0x5423u
#define TIOCGETD 0x5424u
#define TCSBRKP 0x5425u
#define TIOCSBRK 0x5427u
#define TIOCCBRK 0x5428u
#define TIOCGSID 0x5429u
#define TCGETS2 0x802c542au
#define TCSETS2 0x402c542bu
#define TCSETSW2 0x402c542cu
#define TCSETSF2 0x402c542du
#define TIOCGPTN 0x80045430u
#define TIOCSPTLCK 0x40045431u
#define TIOCGDEV 0x80045432u
#define TIOCSIG 0x40045436u
#define TIOCVHANGUP 0x5437u
#define TIOCGPKT 0x80045438u
#define TIOCGPTLCK 0x80045439u
#define TIOCGEXCL 0x80045440u
#define TIOCGPTPEER 0x5441u
#define TIOCGLCKTRMIOS 0x5456u
#define TIOCSLCKTRMIOS 0x5457u

enum { TCOOFF, TCOON, TCIOFF, TCION };               /* TCXONC */
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };              /* TCFLSH */
enum { TIOCPKT_FLUSHREAD = 1, TIOCPKT_FLUSHWRITE = 2, TIOCPKT_STOP = 4, TIOCPKT_START = 8, TIOCPKT_NOSTOP = 16,
       TIOCPKT_DOSTOP = 32 };
#endif
#endif
