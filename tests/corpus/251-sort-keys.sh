#!/bin/bash
# timeout: 60
printf 'b 2\na 10\nc 1\n' > f; sort f; sort -k2n f; sort -k2 f; sort -r f; sort -t' ' -k2,2nr f; sort -c f 2>/dev/null; echo $?; printf '1\n1\n2\n' | sort -u; printf '2K\n1M\n3\n' | sort -h
