#!/bin/bash
# timeout: 60
command -v dc >/dev/null && echo '2 3 + p 10 k 1 3 / p' | dc || echo 5
