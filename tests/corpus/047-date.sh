#!/bin/sh
date -u -d @0; date -u -d '2024-02-29 +1 year' +%F; TZ=America/New_York date -d @1700000000; date -d '1 jan 2020' +%s; date -d bad 2>&1; cal 2 2024 2>/dev/null; a=$(date +%s); sleep 1; b=$(date +%s); [ $((b-a)) -ge 1 ] && [ $((b-a)) -le 2 ] && echo slept
