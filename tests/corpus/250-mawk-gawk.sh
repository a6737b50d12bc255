#!/bin/bash
# timeout: 60
for a in mawk gawk; do command -v $a >/dev/null && echo 'a b c' | $a '{print $3, NF; gsub(/b/,"X"); print}'; done
