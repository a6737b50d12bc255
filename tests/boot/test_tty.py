#!/usr/bin/env python3
"""The console from outside: umber on a pty of the host, driven as a user would. TAP on stdout.

UMBER names the program (default ./umber). Every case has its own umber and a time limit."""
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

UMBER = harness.UMBER
LIMIT = float(os.environ.get("TTY_LIMIT", "20"))


class Term:
    """A host pty with a program in the foreground of it."""

    def __init__(self, argv, rows=24, cols=80, env=None):
        self.master, slave = pty.openpty()
        self.resize(rows, cols, quiet=True)
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.out = b""

        def child():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for n in (signal.SIGINT, signal.SIGQUIT):  # a shell's background job has them ignored
                signal.signal(n, signal.SIG_DFL)

        e = dict(os.environ, TERM="xterm", PS1="$ ", HISTFILE="/dev/null")
        e.update(env or {})
        self.p = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, preexec_fn=child, env=e)

    def resize(self, rows, cols, quiet=False):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, s):
        os.write(self.master, s.encode())

    def expect(self, what, limit=LIMIT):
        """Reads until `what` appears; what came after it stays for the next call."""
        what, end = what.encode(), time.time() + limit
        while what not in self.out:
            left = end - time.time()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError("no %r in %r" % (what, self.out[-400:]))
            try:
                data = os.read(self.master, 4096)
            except OSError:
                data = b""
            if not data:
                raise AssertionError("end before %r: %r" % (what, self.out[-400:]))
            self.out += data
        head, self.out = self.out.split(what, 1)
        return head.decode(errors="replace")

    def wait(self, limit=LIMIT):
        end = time.time() + limit
        while self.p.poll() is None:
            if time.time() > end:
                raise AssertionError("does not end; said %r" % self.out[-400:])
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.out += os.read(self.master, 4096)
                except OSError:
                    pass
        return self.p.returncode

    def close(self):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        os.close(self.master)
        os.close(self.slave)


def run(*cmd, **kw):
    return Term([UMBER, "run", "--"] + list(cmd), **kw)


def bash(**kw):
    t = run("bash", "--norc", "--noprofile", "-i", **kw)
    t.expect("$ ")
    return t


def say(t, line, answer):
    t.send(line + "\r")
    t.expect(answer)
    t.expect("$ ")


def t_echo_and_status():
    t = run("sh", "-c", "echo al''pha; exit 7")
    t.expect("alpha\r\n")
    assert t.wait() == 7, t.p.returncode
    return t


def t_modes_restored():
    t = run("true")
    t.wait()
    assert termios.tcgetattr(t.slave) == t.before
    return t


def t_modes_restored_after_term():
    t = run("sh", "-c", "trap 'exit 3' TERM; echo re''ady; while :; do sleep 0.1; done")
    t.expect("ready")
    assert termios.tcgetattr(t.slave) != t.before, "not raw"
    t.p.send_signal(signal.SIGTERM)
    assert t.wait() == 3, t.p.returncode
    assert termios.tcgetattr(t.slave) == t.before
    return t


def t_modes_restored_after_fault():
    t = run("sleep", "100")
    time.sleep(1)
    t.p.send_signal(signal.SIGSEGV)
    t.wait()
    assert termios.tcgetattr(t.slave) == t.before
    return t


def t_interrupt():
    t = run("sleep", "100")
    time.sleep(0.7)
    t.send("\x03")
    assert t.wait() == 130, t.p.returncode
    return t


def t_bash_jobs():
    t = bash()
    say(t, "echo a$((1+1))b", "a2b")
    t.send("sleep 100\r")
    time.sleep(0.5)
    t.send("\x1a")
    t.expect("Stopped")
    t.expect("$ ")
    say(t, "jobs", "Stopped")
    t.send("fg\r")
    t.expect("sleep 100")
    time.sleep(0.3)
    t.send("\x03")
    t.expect("$ ")
    say(t, "echo r$?", "r130")
    t.send("cat &\r")
    t.expect("$ ")
    time.sleep(0.3)
    say(t, "", "Stopped")  # SIGTTIN
    say(t, "kill -9 %1; wait 2>/dev/null; echo k$((2+2))", "k4")
    t.send("exit 5\r")
    assert t.wait() == 5
    return t


def t_line_editing():
    t = run("sh", "-c", "stty -echo; echo go; read -r x; echo \"<$x>\"")
    t.expect("go\r\n")
    t.send("hellx\x7fo wrong\x17right zap\x15one\x16\x03two\r")
    t.expect("<one\x03two>")
    t.wait()
    return t


def t_echo_control():
    t = run("sh", "-c", "echo go; read -r x; echo \"<$x>\"")
    t.expect("go\r\n")
    t.send("ab\x7f\x01\r")
    t.expect("ab\b \b^A\r\n<a\x01>")
    t.wait()
    return t


def t_eof():
    t = run("sh", "-c", "echo go; cat; echo e''nd")
    t.expect("go\r\n")
    t.send("line\r\x04")
    t.expect("line\r\nline\r\nend")
    t.wait()
    return t


def t_resize():
    t = bash(rows=30, cols=100)
    say(t, "stty size", "30 100")
    t.send("trap 'stty size' WINCH; sleep 1 & wait; echo d\"\"one\r")
    time.sleep(0.5)
    t.resize(40, 120)
    t.expect("40 120")
    t.expect("$ ")
    t.send("exit\r")
    t.wait()
    return t


def t_raw_vmin_vtime():
    t = run("python3", "-c", """
import tty, termios, os, time
a = termios.tcgetattr(0)
tty.setraw(0)
def mode(vmin, vtime):
    b = termios.tcgetattr(0); b[6][termios.VMIN] = vmin; b[6][termios.VTIME] = vtime
    termios.tcsetattr(0, termios.TCSANOW, b)
os.write(1, b'go\\r\\n')
assert os.read(0, 10) == b'\\x03'
mode(0, 2); t = time.time(); assert os.read(0, 10) == b''; assert 0.15 < time.time() - t < 1.5
mode(0, 0); assert os.read(0, 10) == b''
os.write(1, b'two\\r\\n')
mode(3, 0); r = os.read(0, 10); assert r == b'abc', r
termios.tcsetattr(0, termios.TCSADRAIN, a)
print('fi' + 'ne')
""")
    t.expect("go")
    t.send("\x03")
    t.expect("two")
    for c in "abc":
        t.send(c)
        time.sleep(0.1)
    t.expect("fine")
    t.wait()
    return t


def t_guest_ptys():
    t = run("python3", "-c", """
import os, pty, termios, fcntl, struct, select, errno, signal
def check(c, w):
    if not c: print('bad', w)
m, s = pty.openpty()
check(os.ttyname(s).startswith('/dev/pts/'), 'name')
os.write(s, b'a\\n'); check(os.read(m, 9) == b'a\\r\\n', 'onlcr')
os.write(m, b'hi\\n'); check(os.read(s, 9) == b'hi\\n', 'line'); check(os.read(m, 9) == b'hi\\r\\n', 'echo')
fcntl.ioctl(m, termios.TIOCPKT, struct.pack('i', 1))
termios.tcflush(s, termios.TCIFLUSH); check(os.read(m, 9) == b'\\x01', 'packet')
fcntl.ioctl(m, termios.TIOCPKT, struct.pack('i', 0))
n = fcntl.ioctl(m, termios.TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY) if hasattr(termios, 'TIOCGPTPEER') else fcntl.ioctl(m, 0x5441, os.O_RDWR | os.O_NOCTTY)
check(os.fstat(n).st_rdev == os.fstat(s).st_rdev, 'peer'); os.close(n)
os.close(s)
p = select.poll(); p.register(m, select.POLLIN); check(p.poll(0)[0][1] & select.POLLHUP, 'hup')
try: os.read(m, 1); check(0, 'eio')
except OSError as e: check(e.errno == errno.EIO, 'eio')
os.close(m)
m, s = pty.openpty(); os.close(m)
check(os.read(s, 1) == b'', 'eof')
try: os.write(s, b'x'); check(0, 'eio2')
except OSError as e: check(e.errno == errno.EIO, 'eio2')
os.close(s)
pid, m = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL); os.write(1, b'r'); signal.pause(); os._exit(1)
os.read(m, 1)
os.write(m, b'\\x03'); check(os.waitpid(pid, 0)[1] == signal.SIGINT, 'intr'); os.close(m)
pid, m = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL); os.write(1, b'r'); signal.pause(); os._exit(1)
os.read(m, 1)
os.close(m); check(os.waitpid(pid, 0)[1] == signal.SIGHUP, 'sighup')
l = []
try:
    for i in range(400): l.append(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))
except OSError as e: check(0, e)
for x in l: os.close(x)
check(os.listdir('/dev/pts') == ['ptmx'], os.listdir('/dev/pts'))
print('all', 'well')
""")
    out = t.expect("all well")
    assert "bad" not in out, out
    t.wait()
    return t


def t_pty_bulk():
    t = run("python3", "-c", """
import os, pty, hashlib
pid, m = pty.fork()
if pid == 0:
    os.execvp('sh', ['sh', '-c', 'stty raw -echo; seq 1 60000'])
d = b''
while True:
    try: x = os.read(m, 65536)
    except OSError: break
    if not x: break
    d += x
print('sum', hashlib.md5(d).hexdigest() == hashlib.md5(b''.join(b'%d\\n' % i for i in range(1, 60001))).hexdigest(), len(d))
""")
    t.expect("sum True")
    t.wait()
    return t


def t_big_output():
    t = run("seq", "1", "50000")
    t.expect("\r\n49999\r\n50000\r\n")
    assert t.wait() == 0
    return t


def t_stdin_tty_stdout_pipe():
    t = Term(["sh", "-c", UMBER + " run -- echo one two | cat; echo e''nd"])
    t.expect("one two\r\n")
    t.expect("end")
    t.wait()
    return t


def t_stdin_pipe_stdout_tty():
    t = Term(["sh", "-c", "echo data | " + UMBER + " run -- sh -c 'cat; read x </dev/tty; echo got-$x'"])
    t.expect("data\r")
    time.sleep(0.5)
    t.send("key\r")
    t.expect("got-key")
    t.wait()
    assert termios.tcgetattr(t.slave) == t.before
    return t


def t_vi():
    t = run("sh", "-c", "cd /tmp; %s f; cat f" % os.environ.get("VI", "vi"))
    time.sleep(1)
    t.send("ihello from vi\x1b:wq\r")
    t.expect("hello from vi\r\n")
    t.wait()
    return t


def t_top():
    t = run("top", "-d", "1")
    t.expect("PID")
    t.send("q")
    assert t.wait() == 0
    return t


def t_uml_terminal():
    t = Term([UMBER, "mem=64M"])
    t.expect("$ ")
    t.send("echo x$((40+2))y\r")
    t.expect("x42y")
    t.send("sleep 100\r")
    time.sleep(0.5)
    t.send("\x03")  # the shell has job control
    t.expect("$ ")
    t.send("tty; poweroff -f\r")
    t.expect("/dev/tty0")
    t.wait()
    assert termios.tcgetattr(t.slave) == t.before
    return t


def t_uml_pipe():
    r = subprocess.run([UMBER, "mem=64M", "con0=fd:0,fd:1"], input=b"echo h''i\npoweroff -f\n", timeout=LIMIT,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert b"hi" in r.stdout, r.stdout[-600:]


def t_uml_serial():
    t = Term([UMBER, "mem=64M", "con0=none", "ssl0=fd:0,fd:1", "console=ttyS0"])
    t.expect("$ ")
    t.send("tty; poweroff -f\r")
    t.expect("/dev/ttyS0")
    t.wait()
    return t


def t_uml_pts():
    t = Term([UMBER, "mem=64M", "con1=pts", "con99=null"])
    t.expect("Device number out of range")
    t.expect("$ ")
    t.send("echo to-host >/dev/tty1; (read x </dev/tty1; echo from-$x)\r")
    t.expect("Virtual console 1 assigned device '")
    name = t.expect("'")
    fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
    assert os.read(fd, 100) == b"to-host\r\n"
    os.write(fd, b"host\n")
    t.expect("from-host")
    os.close(fd)
    t.send("poweroff -f\r")
    t.wait()
    return t


def t_init_option():
    t = Term([UMBER, "run", "--init", "--", "bash", "--norc", "--noprofile", "-i"], env={})
    t.expect("$ ")
    t.send("sleep 100\r")
    time.sleep(0.5)
    t.send("\x1a")
    t.expect("$ ")
    say(t, "jobs", "Stopped")
    t.send("kill -9 %1; exit 4\r")
    assert t.wait() == 4
    return t


def main():
    cases = [(n[2:], f) for n, f in globals().items() if n.startswith("t_") and callable(f)]
    if len(sys.argv) > 1:
        cases = [c for c in cases if c[0] in sys.argv[1:]]
    print("1..%d" % len(cases))
    bad = 0
    for i, (name, fn) in enumerate(cases, 1):
        before = time.time()
        try:
            t = fn()
            if t:
                t.close()
            print("ok %d - %s # %.1f s" % (i, name, time.time() - before), flush=True)
        except (AssertionError, subprocess.TimeoutExpired, OSError) as e:
            bad += 1
            print("not ok %d - %s\n# %s" % (i, name, e), flush=True)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
