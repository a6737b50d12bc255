#!/bin/bash
a=(one two "three four" [7]=seven)
echo "${#a[@]} ${!a[@]} ${a[2]} ${a[-1]}"
a+=(x y); printf '<%s>' "${a[@]}"; echo
declare -A m=([k1]=v1 [k2]=v2); m[k3]=v3
for k in $(printf '%s\n' "${!m[@]}" | sort); do echo $k=${m[$k]}; done
echo "${a[@]:1:2}" "${a[@]/e/E}" "${a[*]^^}"
unset 'a[0]'; echo "${!a[@]}"
mapfile -t lines < <(seq 1 5); echo "${lines[*]}" ${#lines[@]}
readarray -d : -t p <<< "a:b:c"; declare -p p
IFS=, read -ra q <<< "1,2,,4"; declare -p q
s="hello world"; echo ${s:0:5} ${s#* } ${s%o*} ${s/o/0} ${s//o/0} ${#s} ${s^} 
printf -v v '%05d|%-6s|%x|%q|%b' 42 ab 255 "a b'c" 'x\ty'; echo "$v"
printf '%s\n' {a..e} {1..10..3} {x,y}{1,2}
nref() { local -n r=$1; r+=(added); }; nref lines; echo ${lines[-1]}
