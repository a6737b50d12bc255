#!/bin/bash
trap 'echo exit $?' EXIT
trap 'echo usr1' USR1
trap 'echo term' TERM
kill -USR1 $$; kill -TERM $$
(trap 'echo sub exit' EXIT; exit 3); echo $?
trap 'echo err line' ERR
false
trap - ERR
trap 'echo debug' DEBUG; : ; trap - DEBUG
trap 'echo chld' CHLD
set -m; (exit 0) ; set +m
trap -p USR1
trap - CHLD
sleep 5 & pid=$!
(sleep 0.1; kill -USR1 $$) &
wait $pid; echo wait $?
kill $pid; wait $pid; echo wait $?
exit 9
