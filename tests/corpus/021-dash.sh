#!/bin/dash
set -eu
f() { local a="$1"; echo "f $a"; }
f x
IFS=:; set -- $(echo a:b:c); echo $# "$2"; unset IFS
trap 'echo bye' EXIT
echo $(( 1 + 2 * 3 )) $((0x10)) $((010))
v=${UNSET:-default}; echo $v; echo ${v:+set} ${#v} ${v%ult} ${v#def}
case abc in a*) echo m;; esac
echo "a\nb"; printf '%s %d\n' x 5 y 6
( set +e; false; echo $? )
x=$(cat <<E
nested $(echo h)
E
)
echo "$x"
seq 3 | while read i; do echo "r$i"; done
getopts ab: o -a -b val && echo $o; shift 0
command -v sh; type cd
umask 022; umask; ulimit -n >/dev/null
eval 'echo evaled'; . /dev/null
false || echo or
exec 3>file; echo to3 >&3; exec 3>&-; cat file
