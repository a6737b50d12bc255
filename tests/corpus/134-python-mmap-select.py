#!/usr/bin/python3
# needs: python3
import mmap, os, select, selectors, socket, time, array, fcntl, struct, termios
with open("f", "wb+") as f:
    f.write(b"a" * 10000); f.flush(); m = mmap.mmap(f.fileno(), 0); m[5:10] = b"HELLO"; m.flush(); f.seek(0); print(f.read(12), m.find(b"HELLO"), m.size()); m.resize(20000); print(os.fstat(f.fileno()).st_size, m[15000]); m.move(100, 5, 5); print(m[100:105]); m.close(); r = mmap.mmap(f.fileno(), 100, prot=mmap.PROT_READ, offset=4096); print(r[:3]); 
    try: r[0] = 1
    except TypeError as e: print(e)
a = mmap.mmap(-1, 8192); 
if not os.fork(): a[0:4] = b"kid!"; os._exit(0)
os.wait(); print(a[:4]); r, w = os.pipe(); print(select.select([r], [w], [], 0)[1] == [w], select.select([r], [], [], 0.02)); os.write(w, b"x"); print(select.select([r], [], [], 1)[0] == [r]); p = select.poll(); p.register(r, select.POLLIN); p.register(w, select.POLLOUT); print(sorted(e for _, e in p.poll(100))); e = select.epoll(); e.register(r, select.EPOLLIN | select.EPOLLET); print(len(e.poll(0.1)), len(e.poll(0.02))); os.write(w, b"y"); print(len(e.poll(0.1))); os.close(w); print(os.read(r, 5), [x[1] for x in e.poll(0.1)], os.read(r, 5)); e.close()
s1, s2 = socket.socketpair(); sel = selectors.DefaultSelector(); sel.register(s1, selectors.EVENT_READ); s2.send(b"hi"); print(len(sel.select(1)), s1.recv(10, socket.MSG_PEEK), s1.recv(10)); s2.close(); print(s1.recv(1)); s1.close()
u = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); u.bind("\0abstract-corpus"); v = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); v.sendto(b"dg", "\0abstract-corpus"); print(u.recvfrom(10)); l = socket.socket(socket.AF_UNIX); l.bind("s"); l.listen(1); c = socket.socket(socket.AF_UNIX); c.connect("s"); d, _ = l.accept(); fd = os.open("f", os.O_RDONLY); socket.send_fds(c, [b"fd"], [fd]); msg, fds, fl, ad = socket.recv_fds(d, 10, 3); print(msg, len(fds), os.pread(fds[0], 5, 5)); cr = d.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12); print(struct.unpack("3i", cr)[0] == os.getpid(), struct.unpack("3i", cr)[1:]); d.setblocking(False)
try: d.recv(1)
except BlockingIOError as x: print(x.errno)
c.settimeout(0.05)
try: c.recv(1)
except socket.timeout as x: print("timed out")
d.shutdown(socket.SHUT_WR); print(c.recv(1)); d.close()
try: c.send(b"x"); c.send(b"x")
except BrokenPipeError as x: print(x.errno)
try: c.connect("nosock")
except OSError as x: print(x.errno)
b = array.array("i", [0]); r, w = os.pipe(); os.write(w, b"12345"); fcntl.ioctl(r, termios.FIONREAD, b); print(b[0]); print(fcntl.fcntl(w, 1032), fcntl.fcntl(w, 1031, 8192)); os.set_blocking(w, False); n = 0
try:
    while 1: n += os.write(w, b"z" * 4096)
except BlockingIOError: print(n)
ef = os.eventfd(3); print(os.eventfd_read(ef)); os.eventfd_write(ef, 7); print(os.eventfd_read(ef)); print(os.memfd_create("m") > 2, os.get_blocking(r)); print(os.splice.__name__, os.sendfile(os.open("g", os.O_CREAT | os.O_RDWR), fd, 0, 50), os.stat("g").st_size)
