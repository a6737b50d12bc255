#!/bin/bash
type -t cd ls if; alias x=y; hash -r
declare -i n=5; n+=3; echo $n; declare -r ro=1; (ro=2) 2>/dev/null; echo $?
declare -l low=ABC; declare -u up=abc; echo $low $up
pushd / >/dev/null; pushd /usr >/dev/null; dirs; popd >/dev/null; pwd; popd > /dev/null
printf '%(%Y-%m-%d)T\n' 0
echo -e 'a\tb\x41\u00e9' ; echo -n no newline; echo
shopt -s expand_aliases; getopts 'a:bc' o -b && echo $o
caller; f() { echo ${FUNCNAME[0]} $LINENO; }; f
export V=1; env | grep ^V=; env -i A=b env; unset V; env | grep ^V= ; echo $?
ulimit -S -n 64; ulimit -n; (ulimit -t 1; ulimit -t)
times >/dev/null; help true | head -1
set -u; (echo $undefined) 2>/dev/null; echo $?; set +u
echo $- | tr -d 's'; echo "$0" | sed 's,.*/,,'; echo ${BASH_VERSINFO[0]}
enable -n echo; type -t echo; enable echo; command echo hi; builtin echo hi
