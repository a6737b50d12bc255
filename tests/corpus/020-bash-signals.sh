#!/bin/bash
n=0; trap '((n++))' USR1
for i in {1..20}; do kill -USR1 $$; done; echo $n
( trap 'echo got INT; exit 2' INT; kill -INT $BASHPID; sleep 1 ); echo $?
bash -c 'trap "echo t; exit 3" TERM; while :; do sleep 0.02; done' & sleep 0.3; kill $!; wait $!; echo $?
sh -c 'kill -SEGV $$' 2>/dev/null; echo $?
sh -c 'ulimit -c 0; kill -QUIT $$' 2>/dev/null; echo $?
nohup sh -c 'kill -HUP $$; echo survived' 2>/dev/null
(trap '' TERM; kill -TERM $BASHPID; echo ignored)
trap -l | head -3; kill -l 9; kill -l TERM; kill -l 137
sh -c "kill -STOP \$\$; exit 4" & sleep 0.2; kill -0 $! && echo stopped; kill -CONT $!; wait $!; echo $?
kill -0 999999 2>/dev/null; echo $?
kill -99 $$ 2>/dev/null; echo $?
