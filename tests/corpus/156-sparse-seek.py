#!/usr/bin/python3
# needs: python3
import os, hashlib
fd = os.open("s", os.O_RDWR | os.O_CREAT); os.pwrite(fd, b"end", 10**9); print(os.fstat(fd).st_size, os.fstat(fd).st_blocks < 1000); print(os.pread(fd, 4, 5), os.pread(fd, 10, 10**9 - 2)); os.ftruncate(fd, 100); print(os.pread(fd, 200, 0) == bytes(100)); os.ftruncate(fd, 1 << 40); print(os.fstat(fd).st_size); os.lseek(fd, 0, os.SEEK_SET); os.close(fd)
h = hashlib.md5(); f = open("big", "wb+", buffering=0)
for i in range(2000): f.write(bytes([i & 255]) * (i * 3 % 5000)); f.seek(i * 777 % 100000) if i % 50 == 0 else None
f.seek(0); data = f.read(); print(len(data), hashlib.md5(data).hexdigest()); a = open("app", "ab", buffering=0)
pids = []
for k in range(4):
    p = os.fork()
    if not p:
        for i in range(500): a.write(b"%d:%03d\n" % (k, i))
        os._exit(0)
    pids.append(p)
for p in pids: os.waitpid(p, 0)
l = open("app", "rb").read().split(); print(len(l), len(set(l)), all(len(x) == 5 for x in l)); print([sorted(x for x in l if x[0] == 48 + k) == [x for x in l if x[0] == 48 + k] for k in range(4)])
fd = os.open("h", os.O_RDWR | os.O_CREAT); os.pwrite(fd, b"d", 1 << 20); 
try: print(os.lseek(fd, 0, os.SEEK_DATA) <= 1 << 20, os.lseek(fd, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 1)
except OSError as e: print(e)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); os.fsync(fd); os.fdatasync(fd); r = os.readlink("/proc/self/fd/%d" % fd).endswith("/h"); os.unlink("h"); print(r, os.readlink("/proc/self/fd/%d" % fd).endswith(" (deleted)"), os.fstat(fd).st_nlink)
