#!/bin/dash
sleep 0.1 & p=$!; wait $p; echo $?
(exit 7) & wait $!; echo $?
sleep 10 & kill $!; wait $!; echo $?
trap 'echo usr2' USR2; kill -USR2 $$; 
(sleep 0.1; kill -USR2 $$) & sleep 0.4; echo end
i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done; echo $i
i=0; while [ $i -lt 100 ]; do (:) ; i=$((i+1)); done; echo $i
x=$(i=0; while [ $i -lt 50 ]; do echo $(echo $i); i=$((i+1)); done); echo $x
