#!/bin/bash
f() { (( $1 == 0 )) && { echo bottom; return; }; f $(($1-1)); }; f 500
s=; for i in {1..2000}; do s+=$i; done; echo ${#s}
x=$(printf '%*s' 100000 ''); echo ${#x}
args=$(seq 1 20000); /bin/echo $args | md5sum
big=$(head -c 131000 /dev/zero | tr '\0' a); /bin/echo $big | wc -c
/bin/echo "$(head -c 140000 /dev/zero | tr '\0' a)" 2>/dev/null | wc -c
env X="$big" sh -c 'echo ${#X}'
