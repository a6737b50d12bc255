#!/bin/bash
x=1; (x=2; echo $x; (x=3; echo $x); echo $x); echo $x
{ x=5; }; echo $x
y=$(x=9; echo $(echo $(echo deep))); echo $x $y
echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL) $( (echo $BASH_SUBSHELL) )
(cd /; pwd); pwd | sed 's/.*corpus\.[^/]*/D/'
(exit 3) || echo $?
f() { return 4; }; f; echo $?
set -- a b c; shift; echo $# $1
coproc C { while read l; do echo "got $l"; done; }
echo hi >&${C[1]}; read -u ${C[0]} r; echo $r
kill $C_PID; wait $C_PID 2>/dev/null; echo $?
time_out() { timeout 0.2 sleep 5; echo $?; }; time_out
timeout -s KILL 0.2 sleep 5; echo $?
