#!/bin/bash
set -m
sleep 100 &
jobs
kill -STOP %1; sleep 0.2; jobs
kill -CONT %1; sleep 0.2; jobs
kill %1; wait %1 2>/dev/null; echo $?
sleep 0.1 & sleep 0.2 & wait; echo all $?
(sleep 0.3; exit 5) & wait -n; echo $?
(exit 6) & p=$!; wait $p; echo $?
sleep 50 & disown; kill $!; echo ok
set +m
for i in 1 2 3 4 5; do (sleep 0.0$i; exit $i) & pids="$pids $!"; done
for p in $pids; do wait $p; echo $?; done
