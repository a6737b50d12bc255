#!/bin/bash
printf 'a b c\nd\\e f\n' | { read x y; echo "$x|$y"; read x; echo "$x"; }
printf 'abc' | { read -n 2 x; echo $x; read -N 1 y; echo $y; read z; echo $? "$z"; }
read -t 0.1 x < <(sleep 1); echo $((  $? > 128 ))
printf 'x:y:z' | { IFS=: read a b c; echo $c $b $a; }
printf 'one\0two\0' | while IFS= read -r -d '' s; do echo "$s"; done
exec 5<>rw; echo line >&5; exec 5<&-; cat rw
exec 6>out; echo a >&6; echo b >&6; exec 6>&-; cat out
exec {fd}<out; read -u $fd l; echo $l; exec {fd}<&-
cat 3<out <&3
echo to-both >&2 2>/dev/null 
echo append >>out; wc -l < out; : > out; wc -c < out
set -C; echo x > out; echo $?; echo y >| out; cat out
