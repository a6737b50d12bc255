#!/usr/bin/env python3
"""CPython's own tests (package libpython3-testsuite): what passes natively must pass in the guest.

    python.py [--all] [MODULE ...]      default: the short list; --all: what `make soak` runs

The known differences and their causes are in python.known, one "MODULE PATTERN  # why" a line. Tests that fail
natively as well when AF_INET and AF_INET6 are refused are counted apart: the guest has no such network yet."""
import fnmatch, os, re, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

SHORT = "test_select test_mmap test_fcntl test_pty test_poll test_epoll test_pipes test_memoryio test_posix test_popen".split()
LONG = SHORT + ("test_os test_subprocess test_signal test_threading test_tempfile test_shutil test_io test_selectors test_thread "
                "test_eintr test_fork1 test_wait3 test_wait4 test_threadsignals test_queue test_socketpair test_glob test_pathlib "
                "test_file test_fileio test_largefile test_resource test_pwd test_grp test_time test_sys test_faulthandler "
                "test_concurrent_futures test_multiprocessing_fork test_multiprocessing_spawn test_multiprocessing_forkserver "
                "test_asyncio").split()
HERE = os.path.dirname(os.path.abspath(__file__))
PY = "/usr/bin/python3"


def known(module):
    """Patterns of tests that may fail in the guest; of those, the ones that are not run there at all."""
    may_fail, skip = [], []
    with open(os.path.join(HERE, "python.known")) as f:
        for line in f:
            name, _, pattern = line.split("#")[0].strip().partition(" ")
            if name == module:
                may_fail.append(pattern.lstrip("-"))
                skip += [pattern[1:]] if pattern.startswith("-") else []
    return may_fail, skip


def expand(names):
    """A package of tests is one case a file, so that each has its own time limit and comparison."""
    for name in names:
        where = os.path.join("/usr/lib/python3.11/test", name)
        files = sorted(os.listdir(where)) if os.path.isdir(where) else []
        yield from [name + "." + f[:-3] for f in files if re.match(r"test_\w+\.py$", f)] or [name]


def results(text):
    """test id -> outcome; the outcome may come lines after the name, when the test prints."""
    r, name = {}, None
    for line in text.split("\n"):
        m = re.match(r"(test\w*) \((\S+)\)", line)
        if m:
            name = m[2] if m[2].endswith("." + m[1]) else m[2] + "." + m[1]
            r[name] = "none"
        m = re.search(r"(?:^|\.\.\. ?|\s)(ok|FAIL|ERROR|skipped .*|expected failure)$", line)
        if m and name and r[name] == "none":
            r[name] = m[1].split()[0]
    return r


def without_inet(argv):
    """Becomes argv, natively, on a host that answers socket(AF_INET or AF_INET6) with EAFNOSUPPORT as the guest does."""
    harness.seccomp([(0x20, 0, 0, 0), (0x15, 0, 3, 41),           # ld nr; socket?
                     (0x20, 0, 0, 16), (0x15, 2, 0, 2), (0x15, 1, 0, 10),
                     (0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050000 | 97)])  # allow; EAFNOSUPPORT
    os.execv(argv[0], argv)


def run(prefix, module, limit, skip=()):
    with tempfile.TemporaryDirectory(prefix="umber-py.") as d:
        env = {"PATH": harness.PATH, "HOME": d, "LANG": "C.UTF-8", "TMPDIR": d, "TZ": "UTC"}
        return harness.run(prefix + [PY, "-m", "test", "-v", "--timeout", str(limit - 20)] +
                           [a for t in skip for a in ("-i", t)] + [module], timeout=limit, cwd=d, env=env)


def outcomes(r, module, what):
    text = r.out + r.err
    if os.environ.get("KEEP_LOGS"):
        with open(os.path.join(os.environ["KEEP_LOGS"], "%s.%s" % (module, what)), "wb") as f:
            f.write(text)
    return results(text.decode("utf-8", "replace"))


def case(module):
    may_fail, skip = known(module)
    n = run([], module, 900)
    g = run([harness.UMBER, "run", "--init", "--"], module, 1800, skip)
    native, guest = outcomes(n, module, "native"), outcomes(g, module, "guest")
    good = [name for name, r in native.items() if r == "ok"]
    bad = [name for name in good if guest.get(name) != "ok"]
    excused = {name for name in bad if any(fnmatch.fnmatch(name, k) for k in may_fail)}
    inet = set()
    if set(bad) - excused:  # natively without that network: what fails there as well is no fault of the guest's
        w = run([sys.executable, os.path.abspath(__file__), "--without-inet"], module, 900, skip)
        limited = outcomes(w, module, "limited")
        inet = {name for name in set(bad) - excused if limited.get(name) != "ok"}
    lost = n.status == 125 and not n.ms  # somebody ended it from outside: nothing to compare with
    why = "\n".join(["natively: no report"] * lost + [g.trouble()] * bool(g.trouble()) + ["natively: time limit"] * n.timeout +
                    ["%s: %s in the guest" % (name, guest.get(name, "missing"))
                     for name in bad if name not in excused and name not in inet])
    if why:
        return why + "\n" + (g.out + g.err)[-600:].decode("utf-8", "replace")
    if not good:
        return ("skip", "nothing ran natively")
    note = ", %d need AF_INET" % len(inet) if inet else ""
    note += ", %d known" % len(excused) if excused else ""
    return ("ok", "%d tests%s, native %.1f s, umber %.1f s" % (len(good), note, n.ms / 1000, g.ms / 1000))


def main():
    if sys.argv[1:2] == ["--without-inet"]:
        without_inet(sys.argv[2:])
    if subprocess.run([PY, "-c", "import test.test_os"], stderr=subprocess.DEVNULL).returncode:
        print("1..0 # SKIP no libpython3-testsuite; run scripts/setup test")
        return
    names = [a for a in sys.argv[1:] if not a.startswith("-")] or (LONG if "--all" in sys.argv else SHORT)
    names = list(expand(names))
    sys.exit(harness.tap_all([(m, lambda m=m: case(m)) for m in names]) > 0)


main()
