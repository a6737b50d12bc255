#!/usr/bin/env python3
"""Builds the embedded initramfs (newc cpio, gzip) from Debian's busybox-static and rootfs/files.

usage: mkrootfs.py BUSYBOX OUT
"""
import gzip
import os
import subprocess
import sys


class Cpio:
    def __init__(self):
        self.out = bytearray()
        self.ino = 1

    def add(self, name, mode, data=b"", rdev=(0, 0)):
        fields = [self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0]
        self.ino += 1
        self.out += b"070701" + b"".join(b"%08X" % f for f in fields)
        self.out += name.encode() + b"\0"
        self.pad()
        self.out += data
        self.pad()

    def pad(self):
        self.out += b"\0" * (-len(self.out) % 4)


def main():
    busybox, out = sys.argv[1:3]
    cpio = Cpio()
    for d in "bin sbin dev proc sys tmp run root etc mnt usr usr/bin usr/sbin var var/tmp".split():
        cpio.add(d, 0o041777 if d in ("tmp", "var/tmp") else 0o040755)
    cpio.add("bin/busybox", 0o100755, open(busybox, "rb").read())
    applets = subprocess.run([busybox, "--list-full"], capture_output=True, text=True, check=True).stdout.split()
    for path in applets:
        if path != "bin/busybox":
            cpio.add(path, 0o120777, b"/bin/busybox")
    base = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
    for root, dirs, files in os.walk(base):
        dirs.sort()
        for f in sorted(files):
            full = os.path.join(root, f)
            mode = 0o100755 if os.access(full, os.X_OK) else 0o100644
            cpio.add(os.path.relpath(full, base), mode, open(full, "rb").read())
    cpio.add("dev/console", 0o020600, rdev=(5, 1))
    cpio.add("TRAILER!!!", 0)
    with open(out + ".tmp", "wb") as f:
        f.write(gzip.compress(bytes(cpio.out), 6, mtime=0))
    os.replace(out + ".tmp", out)


main()
