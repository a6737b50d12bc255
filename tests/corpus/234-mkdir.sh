#!/bin/bash
# timeout: 60
umask 022; mkdir a; mkdir -p b/c/d; mkdir -m 700 e; stat -c '%a %n' a b b/c e; mkdir a 2>/dev/null; echo $?; mkdir x/y 2>/dev/null; echo $?
