#!/bin/bash
# timeout: 60
printf 'a b\nccc d\n' | column -t; seq 12 | column -c 40 2>/dev/null | head -3
