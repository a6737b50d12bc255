#!/bin/bash
# timeout: 60
date -u -d @0 +%Y-%m-%dT%H:%M:%SZ; date -u -d '2024-02-29 + 1 year' +%F; TZ=America/New_York date -d @1700000000 +%H:%M; date -u -d 'last monday' +%u
