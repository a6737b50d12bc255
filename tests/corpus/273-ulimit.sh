#!/bin/bash
# timeout: 60
ulimit -n 64; ulimit -n; python3 - <<'P'
import os
try:
    for i in range(100): os.dup(0)
except OSError as e: print(e.errno)
P
ulimit -c; ulimit -f 1; dd if=/dev/zero of=f bs=1024 count=10 2>/dev/null; echo $?
