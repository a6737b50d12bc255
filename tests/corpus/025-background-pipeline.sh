#!/bin/bash
for i in 1 2 3 4; do
	(for j in $(seq 1 50); do echo $i $j; done > out$i) &
done
wait
cat out* | sort -n -k1 -k2 | md5sum
for i in $(seq 1 8); do echo "job $i" >> log & done; wait; sort log
seq 1 5 | xargs -P 4 -I{} sh -c 'echo {}' | sort
( ( ( sleep 0.1; echo grandchild > g ) & ) ); sleep 0.4; cat g
