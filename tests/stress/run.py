#!/usr/bin/env python3
"""stress-ng --verify in the guest: no failure that native does not have. run.py [--seconds N] [NAME ...]  (default 2; soak: 60)"""
import os, shutil, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

SECONDS = int(sys.argv[sys.argv.index("--seconds") + 1]) if "--seconds" in sys.argv else 2
ALL = ("fork vfork clone futex pipe signal mmap vm pthread switch timer epoll eventfd sock dentry rename flock inotify fifo "
       "mremap brk stack sockpair sockfd").split()
MORE = {"sock": ["--sock-domain", "unix"], "vm": ["--vm-bytes", "64M"], "mmap": ["--mmap-bytes", "64M"],
        "mremap": ["--mremap-bytes", "8M"]}


def case(name):
    cmd = ["stress-ng", "--" + name, "2", "-t", str(SECONDS), "--verify", "--temp-path", "/tmp"] + MORE.get(name, [])
    r = harness.run(harness.RUN + ["--ncpus", "2", "--"] + cmd, timeout=SECONDS * 4 + 60)
    if r.trouble() or r.status:
        n = harness.run(cmd, timeout=SECONDS * 2 + 30)
        if n.status == r.status and not r.trouble():
            return ("ok", "status %d natively as well" % n.status)
        return r.trouble() + " status %d, natively %d\n%s" % (r.status, n.status, (r.out + r.err)[-1200:].decode("utf-8", "replace"))
    return ""


def main():
    if not shutil.which("stress-ng"):
        print("1..0 # SKIP no stress-ng; run scripts/setup test")
        return
    names = [a for a in sys.argv[1:] if a in ALL] or ALL
    sys.exit(harness.tap_all([(n, lambda n=n: case(n)) for n in names], jobs=1) > 0)


main()
