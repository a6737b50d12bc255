#!/bin/bash
# timeout: 60
seq 5 > a; cp a o; sed -i s/3/three/ a; diff -u o a > p; command -v patch >/dev/null && { patch -s o p; cmp o a && echo patched; } || cmp a a
