#!/bin/bash
echo $((2**62)) $((-7/2)) $((-7%3)) $((0xff)) $((2#1011)) $((1<<40)) $((5>3?1:2))
let "a = 5" "b = a * 2"; echo $a $b
((a++, b--)); echo $a $b
for ((i=0;i<5;i++)); do printf '%d ' $((i*i)); done; echo
fib() { local n=$1; ((n<2)) && { echo $n; return; }; echo $(( $(fib $((n-1))) + $(fib $((n-2))) )); }
fib 9
[[ abc =~ ^a(.)c$ ]] && echo ${BASH_REMATCH[1]}
[[ 10 -gt 9 && b > a || -d / ]] && echo yes
case foo.tar.gz in *.zip) echo zip;; *.tar.*) echo tar;;& *.gz) echo gz;; esac
select x in a b; do echo $x; break; done <<< 2 2>/dev/null
until ((i-- <= 0)); do :; done; echo $i
