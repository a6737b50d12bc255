#!/bin/bash
env -i PATH="$PATH" bash --norc --noprofile -c 'echo $PWD | wc -c; echo $SHLVL; set | grep -c ^BASH'
bash -c 'echo $0 $1 $#' name arg
bash -s a b <<< 'echo $2 $1'
echo 'echo from file $1' > s; bash s X; . ./s Y; chmod +x s; ./s Z
printf '#!/bin/cat\nself\n' > c; chmod +x c; ./c
printf '#! /usr/bin/env  bash\necho env $0\n' > e; chmod +x e; ./e
printf '#!%s\n' "$PWD/c" > n; chmod +x n; ./n
printf '#!/nonexistent\n' > b; chmod +x b; ./b 2>/dev/null; echo $?
printf '\x7fELFjunk' > bad; chmod +x bad; ./bad 2>/dev/null; echo $?
bash -n s && echo syntax ok; bash -c 'if' 2>/dev/null; echo $?
bash -x -c 'echo traced' 2>&1
