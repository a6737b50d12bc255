#!/usr/bin/env python3
"""The differential corpus: every case runs natively and in umber; stdout and exit status must be the same.

    run.py [--list] [--jobs N] [--native] [--keep] [PATTERN ...]

PATTERN is a number, a name or a shell pattern. Each run starts in an empty directory of the same name with the same
environment. What the guest writes must not reach the host. A case says what it needs in its first comment lines:
    needs: PROGRAM ...      skipped where one of them is missing
    stderr                  stderr is compared too
    timeout: SECONDS        for the run in umber (default 60, and never less than ten times the native run)
    umber: OPTION ...       options for umber run
    files                   stdout and stderr are files, not pipes
    stdin: TEXT             standard input, with \\n escapes
"""
import argparse, difflib, fnmatch, os, re, shutil, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

HERE = os.path.dirname(os.path.abspath(__file__))


class Case:
    def __init__(self, file):
        self.file, self.name = os.path.join(HERE, file), file
        with open(self.file, encoding="utf-8", errors="replace") as f:
            lines = f.read().split("\n")
        self.argv = lines[0][2:].split() + [self.file]
        self.stderr, self.files, self.timeout, self.needs, self.umber, self.stdin = False, False, 60.0, [], [], b""
        for line in lines[1:10]:
            m = re.match(r"(?:#|//) (needs|stderr|files|timeout|umber|stdin)(?:: (.*))?$", line)
            if not m:
                continue
            if m[1] in ("stderr", "files"):
                setattr(self, m[1], True)
            elif m[1] == "timeout":
                self.timeout = float(m[2])
            elif m[1] == "stdin":
                self.stdin = m[2].encode().decode("unicode_escape").encode()
            else:
                setattr(self, m[1], m[2].split())

    def matches(self, patterns):
        stem = self.name.rsplit(".", 1)[0]
        return not patterns or any(
            fnmatch.fnmatch(self.name, p) or fnmatch.fnmatch(stem, p) or stem.split("-")[0] == p
            or stem.split("-", 1)[-1] == p for p in patterns)


def diff(what, a, b):
    if a == b:
        return ""
    split = lambda x: x.decode("utf-8", "backslashreplace").split("\n")
    d = list(difflib.unified_diff(split(a), split(b), what + " native", what + " umber", lineterm="", n=1))
    return "\n".join(d[:40] + (["..."] if len(d) > 40 else [])) + "\n"


def run_case(case, opts):
    missing = [p for p in case.needs if not shutil.which(p, path=harness.PATH)]
    if missing:
        return ("skip", "no " + " ".join(missing))
    work = os.path.join(opts.dir, case.name)
    env = {"PATH": harness.PATH, "HOME": work, "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "USER": "root",
           "LOGNAME": "root", "SHELL": "/bin/bash", "PWD": work, "TMPDIR": work, "CORPUS": HERE}

    def once(prefix, timeout):
        shutil.rmtree(work, ignore_errors=True)
        os.mkdir(work)
        r = harness.run(prefix + case.argv, timeout, cwd=work, env=env, stdin=case.stdin,
                        pipe=not case.files)
        left = sorted(os.listdir(work))
        shutil.rmtree(work, ignore_errors=True)
        return r, left

    native, _ = once([], case.timeout * 3)
    if opts.native:
        sys.stderr.write("== %s status %d, %d ms %s\n" % (case.name, native.status, native.ms, native.trouble()))
        sys.stderr.write(native.out.decode("utf-8", "backslashreplace") + native.err.decode("utf-8", "backslashreplace"))
        return native.trouble()
    if native.timeout:
        return "natively: " + native.trouble()
    guest, left = once(harness.RUN + case.umber + ["--"], max(case.timeout, native.ms / 100))
    why = guest.trouble() + "\n" if guest.trouble() else ""
    if guest.status != native.status:
        why += "status %d, natively %d\n" % (guest.status, native.status)
    why += diff("stdout", native.out, guest.out)
    if case.stderr:
        why += diff("stderr", native.err, guest.err)
    elif why and guest.err != native.err:
        why += diff("stderr (for information)", native.err, guest.err)
    if left:
        why += "the guest's files reached the host: %s\n" % " ".join(left[:5])
    return why or ("ok", "native %.1f s, umber %.1f s" % (native.ms / 1000, guest.ms / 1000))


def judged(case, opts):
    """Many cases race with themselves, natively too: a difference counts when it comes twice. One that went away is
    said in the result, to be looked at."""
    first = run_case(case, opts)
    if not isinstance(first, str) or not first:
        return first
    if not isinstance(second := run_case(case, opts), str) or not second:
        print("# %s differed once:\n%s" % (case.name, re.sub("(?m)^", "# ", first[:600])), flush=True)
        return second
    return second


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("patterns", nargs="*")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--native", action="store_true", help="native run only, output on stderr")
    ap.add_argument("--jobs", type=int, default=harness.JOBS)
    opts = ap.parse_args()
    cases = [Case(f) for f in sorted(os.listdir(HERE)) if re.match(r"\d{3}-", f)]
    cases = [c for c in cases if c.matches(opts.patterns)]
    if opts.list:
        print("\n".join(c.name for c in cases))
        return 0
    with tempfile.TemporaryDirectory(prefix="umber-corpus.") as opts.dir:
        return 1 if harness.tap_all([(c.name, lambda c=c: judged(c, opts)) for c in cases], opts.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
