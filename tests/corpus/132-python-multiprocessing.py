#!/usr/bin/python3
# needs: python3
# timeout: 120
import multiprocessing as mp, os, time
from multiprocessing import shared_memory
def sq(x): return x * x
def w(q, n):
    for i in range(n): q.put(i)
def child(c): c.send(c.recv() + ["child"]); c.close()
def addl(v, l):
    for _ in range(1000):
        with l: v.value += 1
def sh(name): s = shared_memory.SharedMemory(name=name); s.buf[0] = 77; s.close()
def boom(): raise SystemExit(6)
def run(m):
    c = mp.get_context(m)
    with c.Pool(4) as p: print(m, p.map(sq, range(20)), p.apply_async(sq, (9,)).get(30)); print(sum(p.imap_unordered(sq, range(100), 7)))
    q = c.Queue(); ps = [c.Process(target=w, args=(q, 200)) for _ in range(3)]; [p.start() for p in ps]; print(sum(q.get() for _ in range(600))); [p.join() for p in ps]; a, b = c.Pipe(); p = c.Process(target=child, args=(b,)); p.start(); a.send(["x"]); print(a.recv()); p.join(); print(p.exitcode)
    v = c.Value("i", 0); l = c.Lock(); ps = [c.Process(target=addl, args=(v, l)) for _ in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value); s = shared_memory.SharedMemory(create=True, size=100); p = c.Process(target=sh, args=(s.name,)); p.start(); p.join(); print(s.buf[0]); s.close(); s.unlink(); p = c.Process(target=boom); p.start(); p.join(); print(p.exitcode); p = c.Process(target=time.sleep, args=(100,)); p.start(); p.terminate(); p.join(); print(p.exitcode)
if __name__ == "__main__":
    run("fork"); run("spawn"); run("forkserver")
    with mp.Manager() as m: d = m.dict(); l = m.list([1]); d["a"] = 2; l.append(3); print(dict(d), list(l))
    e = mp.Event(); b = mp.Barrier(1); print(e.wait(0.05), b.wait()); arr = mp.Array("d", 10); arr[3] = 1.5; print(arr[:4])
