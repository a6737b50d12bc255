#!/usr/bin/python3
# needs: python3
import pty, os, tty, termios, sys, fcntl, struct, signal, time, select
m, s = pty.openpty(); print(os.ttyname(s).startswith("/dev/pts/"), os.isatty(s)); os.write(s, b"out\n"); print(os.read(m, 100)); os.write(m, b"in\n"); print(os.read(s, 100), os.read(m, 100)); a = termios.tcgetattr(s); print(a[0], a[1], a[2] & ~termios.CBAUD, a[3], [x for x in a[6][:17]]); tty.setraw(s); os.write(m, b"\x03raw"); print(os.read(s, 10)); fcntl.ioctl(m, termios.TIOCSWINSZ, struct.pack("4H", 33, 99, 0, 0)); print(struct.unpack("4H", fcntl.ioctl(s, termios.TIOCGWINSZ, b"\0" * 8))); termios.tcsetattr(s, termios.TCSANOW, a); os.write(m, b"abc\x7f\x7fZ\x15new\x17word\x04"); print(os.read(s, 100)); os.read(m, 1000); os.close(s); 
try: os.read(m, 10)
except OSError as e: print(e.errno)
pid, fd = pty.fork()
if not pid: os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
buf = b""
def until(w, send=None):
    global buf
    if send is not None: os.write(fd, send)
    t = time.time() + 30
    while w not in buf and time.time() < t:
        if select.select([fd], [], [], 0.2)[0]:
            try: buf += os.read(fd, 1000)
            except OSError: buf += b"EIO"
    ok, _, buf = buf.partition(w)
    return len(_) > 0
def wait_child(comm):
    for _ in range(2000):
        for p in filter(str.isdigit, os.listdir("/proc")):
            try: f = open("/proc/%s/stat" % p).read().split()
            except OSError: continue
            if f[1] == "(%s)" % comm and f[3] == str(pid): return time.sleep(0.05)
        time.sleep(0.01)
until(b"# ", b"PS1='> '; bind 'set enable-bracketed-paste off'; stty -echo\n"); print(until(b"one\r\n", b"echo one\n")); print(until(b"> ", b"")); os.write(fd, b"sleep 100\n"); wait_child("sleep"); print(until(b"> ", b"\x03")); print(until(b"130", b"echo st $?\n")); os.write(fd, b"sleep 100\n"); wait_child("sleep"); print(until(b"Stopped", b"\x1a")); print(until(b"sleep 100", b"jobs\n")); print(until(b"100", b"fg\n")); time.sleep(0.3); print(until(b"> ", b"\x03")); print(until(b"pts", b"tty\n")); print(until(b"33 99", b"stty rows 33 cols 99; stty size\n")); print(until(b"winch", b"trap 'echo winch' WINCH\n") or "set"); fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 10, 20, 0, 0)); print(until(b"winch", b"\n")); print(until(b"EIO", b"exit 7\n")); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
