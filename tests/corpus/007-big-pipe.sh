#!/bin/sh
head -c 30000000 /dev/zero | tr '\0' 'x' | sha256sum
yes abcdefgh | head -c 10000000 | md5sum
seq 1 200000 | sort -rn | uniq | wc
