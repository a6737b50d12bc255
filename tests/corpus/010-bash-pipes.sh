#!/bin/bash
set -o pipefail
echo a b c | while read -r x y z; do echo "$z $y $x"; done
false | true; echo $?
set +o pipefail; false | true; echo $?
echo hi |& cat
{ echo 1; echo 2 >&2; } 2>&1 | sort -r
echo x | tee a b c >/dev/null; cat a b c
for i in 1 2 3; do echo $i; done | ( read a; read b; echo $b $a; cat )
mkfifo p; (echo through fifo > p) & cat p; wait
