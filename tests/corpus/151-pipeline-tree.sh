#!/bin/bash
p() { if (( $1 > 0 )); then ( p $(($1-1)) ) | tr a-z b-za | ( cat; echo "$1" ); else echo abcxyz; fi; }; p 12
for i in {1..30}; do echo $i; done | while read i; do ( echo $((i*i)) ) & wait; done | paste -sd+ | bc
seq 1 2000 | xargs -n1 -P8 echo | sort -n | md5sum; seq 1 100 | xargs -I{} -P4 bash -c 'echo $(( {} % 7 ))' | sort | uniq -c
cat <(for i in {1..5}; do cat <(echo $i); done) | tac; mkfifo a b; (cat a > b &) ; (sort -r b > out &); seq 1 5 > a; sleep 0.3; cat out
for i in {1..40}; do ( : | : | : | : ); done; echo ${PIPESTATUS[@]}; x=$(for i in {1..20}; do (exit $i); echo -n "$? "; done); echo $x
