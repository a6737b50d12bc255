#!/bin/bash
# timeout: 60
mapfile -t a < <(seq 5); echo ${#a[@]} ${a[2]}; declare -A m=([x]=1 [y]=2); for k in x y; do echo $k ${m[$k]}; done; echo ${!m[@]} | tr ' ' '\n' | sort; unset 'a[1]'; echo ${a[@]}
