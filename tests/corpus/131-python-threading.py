#!/usr/bin/python3
# needs: python3
import threading as t, queue, time, concurrent.futures as cf, os
n = 0; l = t.Lock()
def inc():
    global n
    for _ in range(20000):
        with l: n += 1
ts = [t.Thread(target=inc) for _ in range(6)]; [x.start() for x in ts]; [x.join() for x in ts]; print(n)
q = queue.Queue(10); out = []
def cons():
    while (x := q.get()) is not None: out.append(x)
c = [t.Thread(target=cons) for _ in range(3)]; [x.start() for x in c]; [q.put(i) for i in range(3000)]; [q.put(None) for _ in c]; [x.join() for x in c]; print(len(out), sum(out))
e = t.Event(); s = t.Semaphore(2); b = t.Barrier(4); r = t.RLock(); co = t.Condition(); t.Timer(0.05, e.set).start(); print(e.wait(5), e.wait(0.01)); print(l.acquire(timeout=0.01), l.acquire(timeout=0.05)); l.release()
res = []; bt = [t.Thread(target=lambda: res.append(b.wait())) for _ in range(4)]; [x.start() for x in bt]; [x.join() for x in bt]; print(sorted(res))
with cf.ThreadPoolExecutor(8) as ex: print(sum(ex.map(lambda x: x * x, range(500))))
loc = t.local(); loc.x = 1; v = []; x = t.Thread(target=lambda: v.append(hasattr(loc, "x"))); x.start(); x.join(); print(v)
for _ in range(300): x = t.Thread(target=int); x.start(); x.join()
d = t.Thread(target=time.sleep, args=(100,), daemon=True); d.start(); print(t.active_count()); big = [t.Thread(target=time.sleep, args=(0.2,)) for _ in range(100)]; [x.start() for x in big]; [x.join() for x in big]
pid = os.fork()
if pid == 0: print(t.active_count(), flush=True); os._exit(3)
print(os.waitpid(pid, 0)[1]); print(t.get_native_id() == os.getpid())
