#!/bin/bash
mkfifo req rep; ( while read -r l < req; do case $l in quit) echo bye > rep; break;; *) echo "$(( ${l} ))" > rep;; esac; done ) & 
for e in 1+1 2*21 7%4 2**10; do echo "$e" > req; cat rep; done; echo quit > req; cat rep; wait; exec 8<>req; echo a >&8; echo b >&8; read -u 8 x; read -u 8 y; echo $x$y; read -t 0.05 -u 8 z; echo $(( $? > 128 )); exec 8>&-; (exec 9>rep; echo via9 >&9) & cat rep; wait; ( sleep 0.1; : > rep ) & cat < rep; echo eof
