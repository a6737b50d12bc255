#!/bin/bash
# timeout: 60
seq 10 | awk '{s+=$1} END{print s, NR}'; printf 'a 1\nb 2\na 3\n' | awk '{t[$1]+=$2} END{for(k in t) print k, t[k]}' | sort; awk 'BEGIN{printf "%.3f %s\n", atan2(0,-1), toupper("x")}'
