#!/usr/bin/env python3
"""Real-time tasks leave others a twentieth of the time (sched(7)); pipes and ptys send SIGIO. Natively and in the guest."""
import fcntl
import os
import signal
import sys
import time

nr = 0


def result(ok, name):
    global nr
    nr += 1
    print("%s %d - %s" % ("ok" if ok else "not ok", nr, name), flush=True)


def sigio(kind):
    got = []
    signal.signal(signal.SIGIO, lambda s, f: got.append(s))
    r, w = kind()
    fcntl.fcntl(r, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(r, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    os.write(w, b"a\n")
    time.sleep(0.2)
    first = len(got)
    os.write(w, b"b\n")
    time.sleep(0.2)
    result(first >= 1 and len(got) > first, "SIGIO at every write: " + kind.__name__)
    os.close(r)
    os.close(w)


def fifo_hogs():
    """One spinning SCHED_FIFO child on each CPU; this process, an ordinary one, still ends them."""
    pids = []
    for _ in range(os.cpu_count()):
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            try:
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            except PermissionError:
                os._exit(0)
            while True:
                pass
        pids.append(pid)
    time.sleep(0.5)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    ends = [os.waitpid(pid, 0)[1] for pid in pids]
    result(all(e in (0, signal.SIGKILL) for e in ends), "hogs under SCHED_FIFO are ended")


print("1..3")
sigio(os.pipe)
sigio(os.openpty)
fifo_hogs()
sys.exit(0)
