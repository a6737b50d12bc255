#!/bin/bash
touch a.c b.c c.h 'sp ace' .hid; mkdir -p d/e; touch d/e/f.c
echo *; echo *.c; echo ?.h; echo [ab].c; echo [!a]*.c
shopt -s dotglob; echo *; shopt -u dotglob
shopt -s globstar; echo **/*.c
shopt -s nullglob; echo zz*; shopt -u nullglob; echo zz*
shopt -s extglob; echo !(*.c); echo @(a|b).c; echo +([a-c]).c
for f in *; do [[ -f $f ]] && echo "f:$f"; [[ -d $f ]] && echo "d:$f"; done
[ -e a.c -a ! -e nope ] && echo ok; [ a.c -nt b.c ]; [ a.c -ef a.c ] && echo same
ln -s a.c l; [ -L l ] && [ -h l ] && readlink l
test -x /bin/sh && test -r a.c && test -w a.c && test ! -s a.c && echo perms
umask; umask 077; touch priv; stat -c %a priv
