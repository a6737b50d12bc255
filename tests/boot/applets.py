#!/usr/bin/env python3
"""busybox's own applets: applets.sh natively, and as init of a guest booted the UML way. Same output, then power off."""
import difflib, os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "applets.sh")


def main():
    busybox = shutil.which("busybox")
    if not busybox:
        print("1..0 # SKIP no busybox")
        return 0
    with open(SCRIPT) as f:
        text = f.read()
    with tempfile.TemporaryDirectory(prefix="umber-applets.") as d:
        bin, work = os.path.join(d, "bin"), os.path.join(d, "work")
        os.mkdir(bin)
        subprocess.run([busybox, "--install", "-s", bin], check=True, stderr=subprocess.DEVNULL)
        n = harness.run([busybox, "sh", "-c", text], timeout=60, env={"PATH": bin, "HOME": "/", "TZ": "UTC", "WORK": work})
    boot = "export HOME=/ TZ=UTC WORK=/tmp/work PATH=/bin:/sbin:/usr/bin:/usr/sbin; mount -t proc proc /proc; mount -t devtmpfs dev /dev; stty -onlcr; %s\npoweroff -f" % text
    g = harness.run([harness.UMBER, "quiet", "mem=256M", "con0=fd:0,fd:1", "rdinit=/bin/sh", "--", "-c", boot], timeout=60)

    def parts(out):
        r = {}
        for p in ("\n" + out.decode("utf-8", "replace").replace("\r\n", "\n")).split("\n== ")[1:]:
            name, _, rest = p.partition("\n")
            r[name] = re.sub(r"(?m)^(-|/bin/)?sh: ", "sh: ", rest.split("\nend\n")[0])
        return r

    native, guest = parts(n.out), parts(g.out)

    def one(name):
        a, b = native[name], guest.get(name, "")
        return "" if a == b else "\n".join(list(difflib.unified_diff(a.split("\n"), b.split("\n"), "native", "umber",
                                                                    lineterm="", n=1))[:40])

    cases = [("applets: " + name, lambda name=name: one(name)) for name in native]
    cases.append(("status 0, nothing left", lambda: g.trouble() or ("" if g.status == 0 else "status %d\n%s" % (
        g.status, (g.out[-500:] + g.err[-300:]).decode("utf-8", "replace")))))
    return harness.tap_all(cases, jobs=1) > 0


sys.exit(main())
