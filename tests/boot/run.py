#!/usr/bin/env python3
"""Boots, exit statuses, errors on the way in, nothing left behind. run.py [--boots N]  (default 50; soak: 1000)"""
import glob, os, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

BOOTS = int(sys.argv[sys.argv.index("--boots") + 1]) if "--boots" in sys.argv else 50
U = harness.UMBER


def left_files():
    """Files and System V segments of the host that a guest may have left; not those of tests that run at the same time."""
    names = {p for d in ("/tmp", "/dev/shm", "/run", os.path.expanduser("~/.umber"), os.path.expanduser("~/.uml"))
             for p in glob.glob(d + "/*") if "umber" in p or "uml" in p}
    with open("/proc/sysvipc/shm") as f:
        names |= {"shm " + line.split()[1] for line in f.read().split("\n")[1:] if line}
    return {n for n in names if not re.match(r"/tmp/umber-[a-z]+[.-]", n)}


def left_over():
    """Host processes of ours that a guest may have left."""
    names = []
    for p in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(p) as f:
                c = f.read().strip()
            with open(os.path.join(os.path.dirname(p), "stat")) as f:
                state, parent = f.read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        # orphans that still run: those of other umbers on this machine have a parent
        if c.startswith(("memfd:umber", "umber-reaper")) and parent == "1" and state != "Z":
            names.append(p.split("/")[2])
    return names


def status(argv, want, err=None, out=None, stdin=b"", timeout=30):
    r = harness.run(argv, timeout=timeout, stdin=stdin)
    why = r.trouble()
    if r.status != want:
        why += "status %d, expected %d\n%s" % (r.status, want, r.err.decode("utf-8", "replace")[-400:])
    if err is not None and (err not in r.err.decode() or len(r.err.decode().strip().split("\n")) != 1):
        why += "stderr is not one line with %r: %r" % (err, r.err[:400])
    if out is not None and r.out != out:
        why += "stdout %r, expected %r" % (r.out[:200], out)
    return why


def no_seccomp():
    """What a host looks like where seccomp cannot be had: seccomp(2) and prctl(PR_SET_SECCOMP) are ENOSYS."""
    harness.seccomp([(0x20, 0, 0, 0), (0x15, 3, 0, 317), (0x15, 0, 3, 157), (0x20, 0, 0, 16), (0x15, 0, 1, 22),
                     (0x06, 0, 0, 0x50000 | 38), (0x06, 0, 0, 0x7fff0000)])


def without_seccomp(how, want, **kw):
    """umber where there is no seccomp, by this script in between."""
    return status([sys.executable, os.path.abspath(__file__), "--no-seccomp", U, "run", "--intercept", how, "--", "sh", "-c",
                   "(echo a b | cut -c3); exit 3"], want, **kw)


def boots():
    before = left_files()
    for i in range(BOOTS):
        r = harness.run([U, "run", "--", "/bin/true"], timeout=20)
        if r.status or r.trouble():
            return "boot %d: status %d %s %s" % (i, r.status, r.trouble(), r.err[-300:])
    after = left_files() - before
    return "left: %s" % " ".join(sorted(after)) if after else ""


def kill9():
    """The kernel process dies by SIGKILL: so do all its stubs, at once."""
    for script in ("sleep 60", "while :; do :; done", "while :; do /bin/true; done"):
        p = subprocess.Popen([U, "run", "--", "sh", "-c", "echo up; " + script], stdout=subprocess.PIPE,
                             stdin=subprocess.DEVNULL)
        p.stdout.readline()
        time.sleep(0.3)
        kids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(p.pid)], stdout=subprocess.PIPE).stdout.split()
        p.kill()
        p.wait()
        p.stdout.close()
        end = time.time() + 5
        while time.time() < end and any(os.path.exists("/proc/%d" % int(k)) for k in kids):
            time.sleep(0.05)
        alive = [k for k in kids if os.path.exists("/proc/%d" % int(k))]
        if alive or not kids:
            return "%s: %d children, still there: %s" % (script, len(kids), alive)
    return ""


def uml_shell():
    r = harness.run([U, "con0=fd:0,fd:1", "mem=256M"], timeout=60, stdin=b"echo sum $((40+2))\nuname -s\npoweroff -f\n")
    out = r.out.decode("utf-8", "replace")
    return r.trouble() or ("" if "sum 42" in out and "Linux" in out and r.status == 0 else
                           "status %d\n%s" % (r.status, out[-1500:]))


def sigterm():
    p = subprocess.Popen([U, "run", "--", "sh", "-c", "echo up; exec sleep 60"], stdout=subprocess.PIPE)
    p.stdout.readline()
    p.send_signal(signal.SIGTERM)
    r = p.wait(timeout=20)
    p.stdout.close()
    return "" if r in (143, -15) else "status %d" % r


def user_of_root():
    """A name is looked up below --root, and links there do not lead out."""
    with tempfile.TemporaryDirectory(prefix="umber-boot.") as d:
        os.mkdir(d + "/etc")
        with open(d + "/etc/users", "w") as f:
            f.write("joe:x:777:778::/:/bin/sh\n")
        os.symlink("/etc/users", d + "/etc/passwd")
        shutil.copy("/bin/busybox", d + "/busybox")
        return (status([U, "run", "--root", d, "--user", "joe", "--", "/busybox", "id", "-u"], 0, out=b"777\n") or
                status([U, "run", "--root", d, "--user", "root", "--", "/busybox", "id", "-u"], 125, err=d))


CASES = [
    ("true", lambda: status([U, "run", "--", "true"], 0)),
    ("false", lambda: status([U, "run", "--", "false"], 1)),
    ("status 7", lambda: status([U, "run", "--", "sh", "-c", "exit 7"], 7)),
    ("128 + signal", lambda: status([U, "run", "--", "sh", "-c", "kill -9 $$"], 137)),
    ("filter", lambda: status([U, "run", "--", "tr", "a-z", "A-Z"], 0, out=b"X\n", stdin=b"x\n")),
    ("127 not found", lambda: status([U, "run", "--", "/no/such/program"], 127, err="/no/such/program")),
    ("126 not executable", lambda: status([U, "run", "--", "/etc/passwd"], 126, err="/etc/passwd")),
    ("125 no command", lambda: status([U, "run"], 125, err="no command")),
    ("125 bad option", lambda: status([U, "run", "--nonsense", "--", "true"], 125, err="--nonsense")),
    ("125 bad size", lambda: status([U, "run", "--mem", "7x", "--", "true"], 125, err="7x")),
    ("125 bad root", lambda: status([U, "run", "--root", "/no/such", "--", "true"], 125, err="/no/such")),
    ("uml bad mem", lambda: status([U, "mem=7x"], 1, err="7x")),
    ("backend that is not there", lambda: status([U, "intercept=kvm"], 1, err="intercept=kvm")),
    ("ptrace has one vCPU", lambda: status([U, "run", "--mem", "64M", "--ncpus", "2", "--intercept", "ptrace", "--", "true"], 125,
                                           err="one vCPU")),
    ("seccomp where there is none", lambda: without_seccomp("seccomp", 125, err="seccomp")),
    ("ptrace where there is no seccomp", lambda: without_seccomp("ptrace", 3, out=b"b\n")),
    ("ptrace", lambda: status([U, "run", "--intercept", "ptrace", "--", "sh", "-c", "nproc; uname -s; (exit 3) || exit 4"], 4,
                              out=b"1\nLinux\n")),
    ("uml missing initrd", lambda: status([U, "initrd=/no/such"], 1, err="/no/such")),
    ("version", lambda: status([U, "--version"], 0)),
    ("user", lambda: status([U, "run", "--user", "65534:65534", "--", "id", "-u"], 0, out=b"65534\n")),
    ("user by name", lambda: status([U, "run", "--user", "nobody", "--", "id", "-u"], 0, out=b"65534\n")),
    ("user of the root", user_of_root),
    ("125 no user", lambda: status([U, "run", "--user", "nobody-at-all", "--", "true"], 125, err="nobody-at-all")),
    ("env and cwd", lambda: status([U, "run", "--env", "A=b", "--cwd", "/etc", "--", "sh", "-c", "echo $A $PWD"], 0,
                                   out=b"b /etc\n")),
    ("hostname", lambda: status([U, "run", "--hostname", "h1", "--", "uname", "-n"], 0, out=b"h1\n")),
    ("init", lambda: status([U, "run", "--init", "--", "sh", "-c", "echo $$"], 0, out=b"2\n")),
    ("writes stay in the guest", lambda: status([U, "run", "--", "sh", "-c", "echo x >/umber-was-here"], 0) or
     ("on the host!" if os.path.exists("/umber-was-here") else "")),
    ("patch=off", lambda: status([U, "run", "--kernel", "patch=off", "--", "bash", "-c", "ls / | wc -l >/dev/null"], 0)),
    ("SIGTERM is passed on", sigterm),
    ("busybox shell", uml_shell),
    ("kill -9 of the kernel process", kill9),
    ("%d boots in a row" % BOOTS, boots),
]


def main():
    before = set(left_over())
    if sys.argv[1:2] == ["--no-seccomp"]:
        no_seccomp()
        os.execv(sys.argv[2], sys.argv[2:])
    bad = harness.tap_all(CASES + [], jobs=1)
    time.sleep(0.5)
    after = set(left_over()) - before
    if after and "--shared" not in sys.argv:
        print("# host processes left: %s" % " ".join(sorted(after)))
        bad += 1
    sys.exit(bad > 0)


main()
