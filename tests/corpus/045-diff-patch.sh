#!/bin/sh
# needs: patch diff
seq 1 30 > a; sed '5d;10s/.*/ten/;20a new' a > b; diff a b; diff -u --label a --label b a b > p; cat p; cp a c; patch c < p; cmp b c; echo $?; patch -R c < p; cmp a c; echo $?; diff -q a b; diff -y -W 30 a b | head -12; mkdir x y; cp a x; cp b y/a; echo o > x/only; diff -r x y; diff -rq x y; cmp a b; echo $?; diff3 a b a | head -3; sdiff -s -w 30 a b; printf 'hunk' | patch c 2>&1 | head -1; patch --dry-run c p | head -2; ed -s a <<E
2,4d
w
q
E
wc -l a
