#!/bin/bash
mkdir -p t/{a,b}/{x,y}; touch t/a/x/{1,2}.c t/b/y/{3,4}.h 't/b/sp ace.c'; ln -s a t/l; chmod 700 t/a/x/1.c; head -c 5000 /dev/zero > t/big
find t -printf "%P %y %d\n" | sort; find t -type f -name '*.c' | sort; find -L t -type d | sort; find t -type f -size +1k; find t -empty -type d | sort
find t -name '*.c' -print0 | sort -z | xargs -0 -n1 basename; find t -name '*.h' -exec echo {} + | tr ' ' '\n' | sort; find t -perm 700 -type f
find t -maxdepth 1 | sort; find t -path '*x*' -prune -o -type f -print | sort; find t -regex '.*/[0-9]\.c' | sort; find t -type f -links +1 | sort
find t -name '*.h' -exec sh -c 'echo $1 | wc -c' _ {} \; ; find t -type f -name '3*' -delete; find t -type f | wc -l; find t -samefile t/big; find t -type l -ls | wc -l
echo a b c d e | xargs -n 2 echo; seq 10 | xargs -I X echo -X- | head -2; printf 'a\nb\n' | xargs -L1 echo l; echo | xargs -r echo no; false | xargs false; echo $?; xargs -a <(seq 3) echo
