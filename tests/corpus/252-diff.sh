#!/bin/bash
# timeout: 60
seq 5 > a; seq 2 6 > b; diff a b; echo $?; diff -u a b | tail -n +3; diff -q a b; cmp a b; cmp a a; echo $?
