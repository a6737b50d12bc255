#!/bin/bash
yes | head -2
echo "${PIPESTATUS[@]}"
seq 1 1000000 | head -1
echo "${PIPESTATUS[@]}"
trap '' PIPE
(yes; echo st $? >&2) 2>&1 >&1 | head -c 4 &
wait $!
(trap "" PIPE; yes 2>err; echo "st $?" >st) | head -1; cat st; wc -l < err
