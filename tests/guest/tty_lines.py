#!/usr/bin/env python3
"""Line discipline against Linux: the same on the host and in the guest. Prints one line a case; compare the two runs.

Each case: modes, bytes typed at the master, then what the slave reads and what the master sees. With --seed N, random
cases as well."""
import errno, fcntl, os, random, select, signal, struct, sys, termios as T, time

signal.alarm(120)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def openpty(setup=None):
    m = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(m, T.TIOCSPTLCK if hasattr(T, "TIOCSPTLCK") else 0x40045431, struct.pack("i", 0))
    n = struct.unpack("I", fcntl.ioctl(m, 0x80045430, b"\0" * 4))[0]
    s = os.open("/dev/pts/%d" % n, os.O_RDWR | os.O_NOCTTY)
    if setup:
        a = T.tcgetattr(s)
        setup(a)
        T.tcsetattr(s, T.TCSANOW, a)
    return m, s


def take(fd, n=65536, limit=0.0):
    """All reads that do not block, as a list."""
    out = []
    while select.select([fd], [], [], limit)[0] and len(out) < 50:
        try:
            d = os.read(fd, n)
        except OSError as e:
            out.append(errno.errorcode[e.errno])
            break
        out.append(d)
        if not d and len(out) > 20:
            break
    return out


def flags(i=(0, 0), o=(0, 0), c=(0, 0), l=(0, 0), cc=None):
    def f(a):
        for k, (on, off) in enumerate((i, o, c, l)):
            a[k] = (a[k] | on) & ~off
        for k, v in (cc or {}).items():
            a[6][k] = v
    return f


def settle():
    time.sleep(0.004)


def joined(l):
    return b"".join(x if isinstance(x, bytes) else b"<" + x.encode() + b">" for x in l)


def case(name, setup, *steps, n=65536):
    m, s = openpty(setup)
    for st in steps:
        if isinstance(st, bytes):
            os.write(m, st)
        else:
            st(m, s)
        settle()
    q = struct.unpack("i", fcntl.ioctl(s, T.FIONREAD, b"\0" * 4))[0]
    r = take(s, n)
    print(name, "| avail", q, "| slave", r, "| master", joined(take(m)), flush=True)
    os.close(s)
    os.close(m)


def fixed():
    case("plain", None, b"abc\n")
    case("two lines", None, b"abc\ndef\n")
    case("short reads", None, b"abcdef\n\n", n=3)
    case("eof", None, b"abc\x04def\x04\x04")
    case("eof exact", None, b"abc\x04", n=3)
    case("erase", None, b"ab\x7f\x7f\x7fc\n")
    case("erase ctrl", None, b"a\x01\x7fb\n")
    case("erase tab", None, b"ab\tcd\x7f\x7f\x7fe\n")
    case("erase tabs", None, b"a\t\t\x7fx\n")
    case("erase prompt tab", None, lambda m, s: os.write(s, b"ab> "), b"c\td\x7f\x7f\x7fe\n")
    case("erase lone ctrl", flags(l=(0, T.ECHOCTL)), b"a\x01\x7fb\n")
    case("kill", None, b"abc def\x15g\n")
    case("kill no echoke", flags(l=(0, T.ECHOKE)), b"abc\x15g\n")
    case("kill no echok", flags(l=(0, T.ECHOKE | T.ECHOK)), b"abc\x15g\n")
    case("werase", None, b"foo bar-baz  \x17\x17x\n")
    case("werase no iexten", flags(l=(0, T.IEXTEN)), b"foo bar\x17x\n")
    case("lnext", None, b"a\x16\x03b\x16\x16\x16\n\n")
    case("lnext erase", None, b"a\x16\x7f\x7f\n")
    case("reprint", None, b"abc\tx\x12d\n")
    case("echoprt", flags(l=(T.ECHOPRT, 0)), b"abc\x7f\x7fd\n")
    case("echoprt all", flags(l=(T.ECHOPRT, 0)), b"abc\x7f\x7f\x7f\x7fd\n")
    case("no echoe", flags(l=(0, T.ECHOE)), b"abc\x7fd\n")
    case("no echo", flags(l=(0, T.ECHO)), b"ab\x7fc\x15d\n")
    case("echonl", flags(l=(T.ECHONL, T.ECHO)), b"ab\n")
    case("utf8", flags(i=(0x4000, 0)), "aé€x".encode() + b"\x7f\x7f\x7fz\n")
    case("utf8 off", None, "aé".encode() + b"\x7fz\n")
    case("eol", flags(cc={T.VEOL: b";"}), b"ab;cd\n")
    case("eol2", flags(cc={T.VEOL2: b"/"}), b"ab/cd\n")
    case("icrnl", None, b"a\rb\n")
    case("igncr", flags(i=(T.IGNCR, 0)), b"a\rb\n")
    case("inlcr", flags(i=(T.INLCR, T.ICRNL)), b"a\rb\nc\x04")
    case("istrip", flags(i=(T.ISTRIP, 0)), b"\xe1\xe2\n")
    case("iuclc", flags(i=(0x200, 0)), b"ABc\n")
    case("parmrk", flags(i=(T.PARMRK, 0)), b"a\xffb\n")
    case("signals no ctty", None, b"abc\x03def\x1cg\x1ah\n")
    case("noflsh", flags(l=(T.NOFLSH, 0)), b"abc\x03def\n")
    case("no isig", flags(l=(0, T.ISIG)), b"abc\x03def\n")
    case("stop start", None, b"a\x13b\n", b"\x11c\n")
    case("ixany", flags(i=(T.IXANY, 0)), b"a\x13", b"b\n")
    case("no ixon", flags(i=(0, T.IXON)), b"a\x13b\x11\n")
    case("raw", flags(l=(0, T.ICANON | T.ECHO | T.ISIG), i=(0, T.ICRNL | T.IXON)), b"a\r\x03\x13\x04b")
    case("raw echo", flags(l=(0, T.ICANON)), b"a\x01\r\tb\x7f")
    case("raw vmin", flags(l=(0, T.ICANON), cc={T.VMIN: 3, T.VTIME: 0}), b"ab", b"cd")
    case("raw to canon", flags(l=(0, T.ICANON)), b"ab\ncd", lambda m, s: canon(s, True))
    case("canon to raw", None, b"ab\ncd", lambda m, s: canon(s, False))
    case("partial to raw", None, b"cd", lambda m, s: canon(s, False))
    case("flush in", None, b"ab\ncd", lambda m, s: T.tcflush(s, T.TCIFLUSH), b"e\n")
    case("tcsetsf", None, b"ab\ncd", lambda m, s: T.tcsetattr(s, T.TCSAFLUSH, T.tcgetattr(s)), b"e\n")
    case("sti", None, lambda m, s: [fcntl.ioctl(s, T.TIOCSTI, c) for c in (b"a", b"b", b"\n")])
    for name, o in (("onlcr", (0, 0)), ("no onlcr", (0, T.ONLCR)), ("ocrnl", (T.OCRNL, T.ONLCR)), ("onocr", (T.ONOCR, 0)),
                    ("onlret", (T.ONLRET, T.ONLCR)), ("xtabs", (T.TAB3, 0)), ("olcuc", (2, 0)), ("raw", (0, T.OPOST))):
        case("out " + name, flags(o=o), lambda m, s: os.write(s, b"a\tb\nc\rd\r\re\b\tf\n\r\x01\tx\xc3\xa9\ty\n"))
    case("long line", flags(l=(0, T.ECHO)), b"x" * 4090, b"y" * 20, b"\n")
    case("tcooff", None, lambda m, s: os.write(s, b"abc"), lambda m, s: T.tcflow(s, T.TCOOFF), lambda m, s: print(take(m)),
         lambda m, s: os.set_blocking(s, False), lambda m, s: print(err(os.write, s, b"def")),
         lambda m, s: print(take(m)), lambda m, s: T.tcflow(s, T.TCOON))


def canon(s, on):
    a = T.tcgetattr(s)
    a[3] = a[3] | T.ICANON if on else a[3] & ~T.ICANON
    a[6][T.VMIN] = 1
    a[6][T.VTIME] = 0
    T.tcsetattr(s, T.TCSANOW, a)


def packets():
    m, s = openpty()
    fcntl.ioctl(m, T.TIOCPKT, struct.pack("i", 1))
    print("pkt none", take(m))
    os.write(s, b"abc\n")
    settle()
    print("pkt data", take(m))
    for q in (T.TCIFLUSH, T.TCOFLUSH, T.TCIOFLUSH):
        T.tcflush(s, q)
        settle()
        print("pkt flush", q, take(m))
    T.tcflow(s, T.TCOOFF)
    settle()
    print("pkt stop", take(m))
    T.tcflow(s, T.TCOON)
    settle()
    print("pkt start", take(m))
    a = T.tcgetattr(s)
    a[0] &= ~T.IXON
    T.tcsetattr(s, T.TCSANOW, a)
    settle()
    p = select.poll()
    p.register(m, select.POLLIN | select.POLLPRI | select.POLLOUT)
    print("pkt poll", p.poll(0)[0][1])
    print("pkt nostop", take(m))
    a[0] |= T.IXON
    T.tcsetattr(s, T.TCSANOW, a)
    settle()
    print("pkt dostop", take(m), flush=True)
    os.close(s)
    os.close(m)


def err(fn, *a):
    try:
        r = fn(*a)
        return r if not isinstance(r, bytes) or len(r) < 40 else len(r)
    except (OSError, T.error) as e:
        return errno.errorcode[e.args[0]]


def ends():
    m, s = openpty()
    i4 = b"\0" * 4
    for name, fd in (("master", m), ("slave", s)):
        for rq in ("TIOCGPGRP", "TIOCSPGRP", "TIOCGSID", "TIOCNOTTY", "TIOCGWINSZ", "TIOCGETD", "TIOCEXCL", "TIOCNXCL",
                   "TIOCMGET", "TIOCOUTQ", "FIONREAD", "TIOCGSOFTCAR", "TIOCGSERIAL", "TIOCCONS", "TIOCSTI"):
            if rq in ("TIOCCONS",):
                continue
            v = getattr(T, rq) if hasattr(T, rq) else 0x5429
            print(name, rq, err(fcntl.ioctl, fd, v, b"\0" * 64))
        for rq in (0x80045430, 0x80045438, 0x80045439, 0x80045440, 0x5437 + 0x1000):
            print(name, hex(rq), err(fcntl.ioctl, fd, rq, b"\0" * 8))
        print(name, "seek", err(os.lseek, fd, 0, 0), "pread", err(os.pread, fd, 1, 0))
        print(name, "attr", err(lambda: T.tcgetattr(fd)[:4]))
        p = select.poll()
        p.register(fd, 0x7fff & ~0x2000)
        print(name, "poll", p.poll(0))
    os.write(s, b"left")
    os.close(s)
    settle()
    p = select.poll()
    p.register(m, select.POLLIN | select.POLLOUT)
    print("slave closed", [e for _, e in p.poll(0)], take(m), err(os.read, m, 1))
    os.close(m)
    m, s = openpty()
    os.write(m, b"line\n")
    settle()
    os.close(m)
    settle()
    p = select.poll()
    p.register(s, select.POLLIN | select.POLLOUT)
    print("master closed", [e for _, e in p.poll(0)], err(os.read, s, 9), err(os.write, s, b"x"),
          err(fcntl.ioctl, s, T.TIOCGWINSZ, b"\0" * 8), err(fcntl.ioctl, s, T.TIOCSPGRP, i4), err(lambda: T.tcgetattr(s)))
    os.close(s)
    m = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    n = struct.unpack("I", fcntl.ioctl(m, 0x80045430, i4))[0]
    print("locked", err(os.open, "/dev/pts/%d" % n, os.O_RDWR | os.O_NOCTTY), "never opened", err(os.read, m, 1),
          err(os.write, m, b"x\n"))
    os.close(m)
    print("gone", err(os.stat, "/dev/pts/%d" % n), flush=True)


def full():
    """Where writers stop, roughly, and that nothing is lost."""
    m, s = openpty(flags(o=(0, T.OPOST), l=(0, T.ECHO)))
    os.set_blocking(s, False)
    os.set_blocking(m, False)
    total = 0
    while True:
        r = err(os.write, s, b"z" * 1000)
        if not isinstance(r, int):
            break
        total += r
    print("slave full", r, total >= 4096)
    got = 0
    while total > got:
        got += sum(len(x) for x in take(m, limit=0.1))
    print("all there", got == total, flush=True)
    os.close(s)
    os.close(m)


def jobs():
    """A child with the pty as its terminal."""
    def child(fn):
        m, s = openpty()
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            fcntl.ioctl(s, T.TIOCSCTTY, 0)
            os.close(m)
            os.write(w, repr(fn(s)).encode())
            os._exit(0)
        os.close(w)
        out = b""
        while True:
            d = os.read(r, 4096)
            if not d:
                break
            out += d
        os.waitpid(pid, 0)
        os.close(r), os.close(s), os.close(m)
        return out.decode()

    def in_background(s, act, ignore=None, block=None, orphan=False):
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            for g in (signal.SIGTTIN, signal.SIGTTOU):
                signal.signal(g, signal.SIG_IGN if g == ignore else signal.SIG_DFL)
            if block:
                signal.pthread_sigmask(signal.SIG_BLOCK, [block])
            r = err(act, s)
            os._exit({"EIO": 101, "ENOTTY": 102}.get(r, 100))
        _, st = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(st):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "stopped", os.WSTOPSIG(st)
        return "exit", os.waitstatus_to_exitcode(st)

    def mine(s):
        return [err(os.tcgetpgrp, s) == os.getpid(), err(os.tcsetpgrp, s, os.getpid()), err(os.tcsetpgrp, s, 1),
                err(os.tcsetpgrp, s, 999999), err(os.tcsetpgrp, s, -5), os.getsid(0) == struct.unpack(
                    "i", fcntl.ioctl(s, 0x5429, b"\0" * 4))[0], err(os.ttyname, s)[:9]]

    def tostop(s):
        a = T.tcgetattr(s)
        a[3] |= T.TOSTOP
        T.tcsetattr(s, T.TCSANOW, a)
        return in_background(s, lambda f: os.write(f, b"x"))

    rd = lambda f: os.read(f, 1)
    setp = lambda f: os.tcsetpgrp(f, os.getpid())
    seta = lambda f: T.tcsetattr(f, T.TCSANOW, T.tcgetattr(f))
    print("own", child(mine))
    print("bg read", child(lambda s: in_background(s, rd)))
    print("bg read ignored", child(lambda s: in_background(s, rd, ignore=signal.SIGTTIN)))
    print("bg read blocked", child(lambda s: in_background(s, rd, block=signal.SIGTTIN)))
    print("bg write", child(lambda s: in_background(s, lambda f: os.write(f, b"x"))))
    print("bg write tostop", child(tostop))
    print("bg setpgrp", child(lambda s: in_background(s, setp)))
    print("bg setpgrp blocked", child(lambda s: in_background(s, setp, block=signal.SIGTTOU)))
    print("bg tcsetattr", child(lambda s: in_background(s, seta)))
    print("bg tcsetattr ignored", child(lambda s: in_background(s, seta, ignore=signal.SIGTTOU)))
    print("dev tty", child(lambda s: [err(lambda: os.write(os.open("/dev/tty", os.O_RDWR), b"hi")),
                                      err(fcntl.ioctl, os.open("/dev/tty", os.O_RDWR), T.TIOCNOTTY),
                                      err(os.open, "/dev/tty", os.O_RDWR), err(os.tcgetpgrp, s)]), flush=True)


def rand(seed, count):
    r = random.Random(seed)
    alpha = [b"a", b"bc", b" ", b"\t", b"\n", b"\r", b"\x7f", b"\x15", b"\x17", b"\x16", b"\x12", b"\x04", b"\x01", b"_9",
             b"-", b"\xc3\xa9", b"\x1b[A"]
    for k in range(count):
        i = r.choice([0, T.IGNCR, T.INLCR, T.ISTRIP, 0x4000, T.PARMRK]), r.choice([0, 0, T.ICRNL])
        o = r.choice([0, 0, T.TAB3, T.OCRNL]), r.choice([0, 0, T.ONLCR, T.OPOST])
        l = r.choice([0, 0, T.ECHONL, T.ECHOPRT]), r.choice([0, 0, 0, T.ECHO, T.ECHOE, T.ECHOK, T.ECHOKE, T.ECHOCTL, T.IEXTEN,
                                                        T.ICANON])
        steps = []
        for _ in range(r.randrange(1, 4)):
            if r.random() < 0.2:
                out = b"".join(r.choice(alpha) for _ in range(r.randrange(1, 8)))
                steps.append(lambda m, s, out=out: os.write(s, out))
            steps.append(b"".join(r.choice(alpha) for _ in range(r.randrange(1, 20))))
        case("rand %d i%r o%r l%r %r" % (k, i, o, l, [x for x in steps if isinstance(x, bytes)]), flags(i=i, o=o, l=l), *steps,
             b"\n", n=r.choice([3, 65536]))


fixed()
packets()
ends()
full()
jobs()
if len(sys.argv) > 2:
    rand(int(sys.argv[1]), int(sys.argv[2]))
