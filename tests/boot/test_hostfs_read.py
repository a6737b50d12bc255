#!/usr/bin/env python3
"""A read of a regular file is short only at its end, whatever part of it the host has in its page cache.

Host side: makes a file of which only some pages are cached, and reads it in a guest (UMBER names the binary).
"""
import os
import subprocess
import sys
import tempfile

SIZE = 1 << 18


def partly_cached(path):
    with open(path, "wb") as f:
        f.write(os.urandom(SIZE))
        f.flush()
        os.fsync(f.fileno())
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    for off in range(0, SIZE, 5 * 4096):
        os.pread(fd, 4096, off)
    os.close(fd)


def main():
    umber = os.environ.get("UMBER", "./umber")
    code = "import os,sys; print(len(os.read(os.open(sys.argv[1], os.O_RDONLY), %d)))"
    print("1..2")
    for nr, count in enumerate((16384, SIZE), 1):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "x")
            partly_cached(path)
            out = subprocess.run([umber, "run", "--", "/usr/bin/python3", "-c", code % count, path],
                                 stdout=subprocess.PIPE, timeout=60).stdout
            ok = out.strip() == b"%d" % count
            print("%s %d - %d bytes in one read: %s" % ("ok" if ok else "not ok", nr, count, out.decode().strip()))
    return 0


sys.exit(main())
