#!/bin/bash
# timeout: 60
f=$(mktemp -p .); test -f $f; echo $?; stat -c %a $f; d=$(mktemp -d -p .); stat -c %a $d; mktemp -p /none 2>/dev/null; echo $?
