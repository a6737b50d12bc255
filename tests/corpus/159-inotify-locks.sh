#!/bin/bash
# needs: python3 flock
exec 9>lock; flock 9; (flock -n 8 || echo held) 8>lock; flock -u 9; (flock -n 8 && echo free) 8>lock; for i in {1..20}; do (flock 9; n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n) 9>lk & done; wait; cat n
flock -w 0.1 lk true; echo $?; (flock 9; sleep 0.5) 9>lk & sleep 0.1; flock -w 0.1 lk true; echo $?; wait; python3 - <<'E'
import fcntl, os, struct
f = open("r", "w+"); fcntl.lockf(f, fcntl.LOCK_EX, 10, 0); p = os.fork()
if not p:
    try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 5); print("got")
    except BlockingIOError: print("blocked", flush=True)
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 10); print("beyond", flush=True); os._exit(0)
os.wait(); print(open("/proc/locks").read().count("POSIX") > 0)
E
