"""What all runners share: one case = one supervised command, TAP on stdout, jobs in parallel.

A case fails when it gives the wrong answer, runs into its time limit, or leaves a process behind."""
import ctypes, os, re, shlex, struct, subprocess, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UMBER = os.path.abspath(os.environ.get("UMBER", os.path.join(TOP, "umber")))
BUILD = os.path.abspath(os.environ.get("UMBER_BUILD", os.path.join(TOP, "build/release")))
INTERCEPT = os.environ.get("UMBER_INTERCEPT", "seccomp")  # ptrace: the same suites on the second backend
JOBS = int(os.environ.get("JOBS", "2"))
SCALE = float(os.environ.get("TIME_SCALE", "1"))  # slower builds (sanitizers) and machines get more time
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_OUT = 4 << 20


def supervise():
    """The helper that runs a case; built on first use if `make` did not."""
    exe = os.path.join(BUILD, "tests/supervise")
    src = os.path.join(TOP, "tests/lib/supervise.c")
    if not os.path.exists(exe) or os.path.getmtime(exe) < os.path.getmtime(src):
        os.makedirs(os.path.dirname(exe), exist_ok=True)
        tmp = "%s.%d" % (exe, os.getpid())
        subprocess.run(["gcc", "-O2", "-o", tmp, src], check=True)
        os.rename(tmp, exe)
    return exe


def seccomp(code):
    """Puts this process, and what it will execute, under a filter (seccomp(2)): struct sock_filter as tuples."""
    prog = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    libc = ctypes.CDLL(None, use_errno=True)
    # PR_SET_NO_NEW_PRIVS; PR_SET_SECCOMP, SECCOMP_MODE_FILTER
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, struct.pack("H6xQ", len(code), ctypes.addressof(prog)), 0, 0):
        sys.exit("prctl: %s" % os.strerror(ctypes.get_errno()))


def traced_umber():
    """A program that is umber with intercept=ptrace: one vCPU whatever the case asks for."""
    name = os.path.join(BUILD, "tests/umber-ptrace")
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open("%s.%d" % (name, os.getpid()), "w") as f:
        f.write("""#!/bin/sh
[ "$1" = run ] || exec '%s' intercept=ptrace "$@"
shift
case $1 in --ncpus) shift 2 ;; --ncpus=*) shift ;; esac
exec '%s' run --intercept ptrace "$@"
""" % (UMBER, UMBER))
    os.chmod(f.name, 0o755)
    os.rename(f.name, name)
    return name


if INTERCEPT == "ptrace":
    UMBER = traced_umber()
# `umber run` with the options of the variant under test, such as UMBER_OPTS="--kernel patch=off"
RUN = [UMBER, "run"] + shlex.split(os.environ.get("UMBER_OPTS", ""))


class Result:
    """out, err: bytes; status: exit status, 128+n for signal n; timeout, leaked, ms, names: what supervise saw."""

    def __init__(self, out, err, report):
        self.out, self.err = out, err
        self.status, self.timeout, self.leaked, self.ms, self.names = 125, False, 0, 0, ""
        m = re.match(r"status=(\d+) timeout=(\d) leaked=(\d+) ms=(\d+) names=(.*)", report)
        if m:
            self.status, self.leaked, self.ms = int(m[1]), int(m[3]), int(m[4])
            self.timeout, self.names = m[2] == "1", m[5]

    def trouble(self):
        """What is wrong whatever the answer was, or an empty string."""
        if self.timeout:
            return "time limit after %d ms" % self.ms
        if self.leaked:
            return "left %d processes: %s" % (self.leaked, self.names)
        return ""


def run(argv, timeout=60, cwd=None, env=None, stdin=b"", pipe=True):
    """Runs argv under supervise. stdout and stderr are pipes (files if not pipe); a leaked process cannot make us wait,
    because supervise kills it first."""
    with tempfile.TemporaryDirectory(prefix="umber-case.") as d:
        names = [os.path.join(d, n) for n in ("in", "out", "err", "report")]
        with open(names[0], "wb") as f:
            f.write(stdin)
        cmd = [supervise(), "-t", str(timeout * SCALE), "-r", names[3], "--"] + list(argv)
        with open(names[0], "rb") as i:
            if pipe:
                p = subprocess.run(cmd, stdin=i, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=env)
                out, err = p.stdout[:MAX_OUT], p.stderr[:MAX_OUT]
            else:
                with open(names[1], "wb") as o, open(names[2], "wb") as e:
                    subprocess.run(cmd, stdin=i, stdout=o, stderr=e, cwd=cwd, env=env)
                out, err = open(names[1], "rb").read(MAX_OUT), open(names[2], "rb").read(MAX_OUT)
        try:
            with open(names[3]) as f:
                report = f.read()
        except OSError:
            report = ""
    return Result(out, err, report)


def tap_all(cases, jobs=None):
    """cases: list of (name, function). The function returns "" or ("ok", note) if good,
    else why not, or ("skip", reason).
    Prints TAP as the cases end, in order of ending. Returns the number of failures."""
    supervise()  # built once, before several want it side by side
    lock, bad, done = threading.Lock(), [], [0]
    print("1..%d" % len(cases), flush=True)

    def one(case):
        name, fn = case
        t0 = time.time()
        try:
            r = fn()
        except Exception as e:  # a broken runner is a failed case, never a lost one
            r = "%s: %s" % (type(e).__name__, e)
        with lock:
            done[0] += 1
            took = "%.1f s" % (time.time() - t0)
            if isinstance(r, tuple) and r[0] == "ok":
                print("ok %d - %s (%s)" % (done[0], name, r[1]))
            elif isinstance(r, tuple):
                print("ok %d - %s # SKIP %s" % (done[0], name, r[1]))
            elif r:
                bad.append(name)
                print("not ok %d - %s (%s)" % (done[0], name, took))
                for line in str(r).rstrip().split("\n")[:60]:
                    print("# " + line)
            else:
                print("ok %d - %s (%s)" % (done[0], name, took))
            sys.stdout.flush()

    with ThreadPoolExecutor(jobs or JOBS) as pool:
        list(pool.map(one, cases))
    if bad:
        print("# failed: " + " ".join(bad), flush=True)
    return len(bad)


def relay(suites):
    """suites: list of (title, argv, environment to add). Runs the suites one after another and passes their TAP on as
    one, the title before each name. A suite that ends badly without saying why is a failure too. Number of failures."""
    n, bad = 0, []
    for title, argv, env in suites:
        p = subprocess.Popen(argv, cwd=TOP, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        plan, seen, failed = None, 0, 0
        for line in p.stdout:
            line = line.decode("utf-8", "replace").rstrip("\n")
            m = re.match(r"(not )?ok \d+ - (.*)", line)
            if m:
                n, seen = n + 1, seen + 1
                if m[1]:
                    failed += 1
                    bad.append("%s: %s" % (title, m[2]))
                print("%sok %d - %s: %s" % (m[1] or "", n, title, m[2]), flush=True)
            elif re.match(r"1\.\.\d+", line):
                plan = int(re.match(r"1\.\.(\d+)", line)[1])
            else:
                print("# " + line.lstrip("# "), flush=True)
        p.stdout.close()
        status = p.wait()
        if plan != seen or (status != 0) != (failed != 0):
            n += 1
            bad.append(title)
            print("not ok %d - %s: status %d, %d results, plan %s" % (n, title, status, seen, plan), flush=True)
    print("1..%d" % n)
    for b in bad:
        print("# failed: " + b)
    return len(bad)
