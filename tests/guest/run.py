#!/usr/bin/env python3
"""Guest programs: each runs natively first, then the same binary in the guest; expected results come from Linux.

    run.py [PATTERN ...]
Programs that print TAP must have no `not ok` in the guest that they do not have natively, and the same number of results.
Programs without expectations (vfs, tty_lines) must print the same."""
import difflib, fnmatch, os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

HERE = os.path.dirname(os.path.abspath(__file__))
ENV = {"PATH": harness.PATH, "HOME": "/root", "LANG": "C.UTF-8"}
if "UMBER_INTERCEPT" in os.environ:
    ENV["UMBER_INTERCEPT"] = os.environ["UMBER_INTERCEPT"]
# Programs whose output is compared whole (argv[1]: an empty directory); lines that depend on the place as regular
# expressions: where /tmp is a mount of its own, a link to / leaves it; how many descriptors are open at the start.
DIFFER = {"vfs": [r"\d+ o2\(\"abs", r"opened \d+ EMFILE"]}
GUEST_ONLY = ("proc.py",)  # they change the machine: not for the host


def build(src, static):
    exe = os.path.join(harness.BUILD, "tests/guest", os.path.basename(src)[:-2] + (".static" if static else ""))
    os.makedirs(os.path.dirname(exe), exist_ok=True)
    cmd = ["gcc", "-O1", "-g", "-w", "-pthread", "-I" + os.path.join(harness.TOP, "tests/lib"), "-o", exe, src]
    subprocess.run(cmd + (["-static"] if static else []) + ["-lutil", "-lrt"], check=True)
    return exe


def results(out):
    """name -> ok of each TAP line; numbers and trailing notes left out."""
    r = []
    for line in out.decode("utf-8", "replace").split("\n"):
        m = re.match(r"(not )?ok \d+ - (.*?)(?: #.*)?$", line)
        if m:
            r.append((m[2], not m[1]))
    return r


def compare_tap(native, guest):
    bad_native = {n for n, good in native if not good}
    bad = [n for n, good in guest if not good and n not in bad_native]
    why = "".join("not ok in the guest: %s\n" % n for n in bad)
    if native and len(native) != len(guest):
        why += "%d results natively, %d in the guest\n" % (len(native), len(guest))
    return why


def case(argv, guest_only=False, opts=()):
    umber = harness.RUN + list(opts) + ["--"]
    native = []
    with tempfile.TemporaryDirectory(prefix="umber-guest.") as d:
        if not guest_only:
            n = harness.run(argv, timeout=120, cwd=d, env=ENV)
            native = results(n.out)
    with tempfile.TemporaryDirectory(prefix="umber-guest.") as d:
        g = harness.run(umber + argv, timeout=240, cwd=d, env=ENV)
    guest = results(g.out)
    why = g.trouble() or compare_tap(native, guest)
    if not guest:
        why = why or "no results; status %d\n%s" % (g.status, (g.out + g.err)[-800:].decode("utf-8", "replace"))
    return why


def compare_output(argv, ignore):
    out = []
    for prefix in ([], harness.RUN + ["--"]):
        with tempfile.TemporaryDirectory(prefix="umber-guest.") as d:
            os.mkdir(os.path.join(d, "empty"))
            r = harness.run(prefix + argv + ["empty"], timeout=120, cwd=d, env=ENV)
        if r.trouble():
            return r.trouble()
        lines = r.out.decode("utf-8", "replace").split("\n")
        out.append(["status %d" % r.status] + [x for x in lines if not any(re.match(i, x) for i in ignore)])
    return "\n".join(list(difflib.unified_diff(out[0], out[1], "native", "umber", lineterm="", n=0))[:40])


def main():
    cases = []
    for f in sorted(os.listdir(HERE)):
        path = os.path.join(HERE, f)
        if sys.argv[1:] and not any(fnmatch.fnmatch(f, p) for p in sys.argv[1:]):
            continue
        if f.endswith(".c") and f[:-2] not in DIFFER:
            for static in (False, True):
                def one(path=path, static=static):
                    return case([build(path, static)])
                cases.append(("%s %s" % (f[:-2], "static" if static else "dynamic"), one))
        elif f.endswith(".c"):
            cases.append((f[:-2], lambda path=path, i=DIFFER[f[:-2]]: compare_output([build(path, False)], i)))
        elif f in GUEST_ONLY:
            cases.append((f, lambda path=path: case(["/usr/bin/python3", path], guest_only=True)))
    sys.exit(harness.tap_all(cases) > 0)


main()
