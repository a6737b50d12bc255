#!/bin/bash
# timeout: 60
seq 10 | xargs -n 3 echo; printf 'a\0b c\0' | xargs -0 -I{} echo '<{}>'; echo 1 2 3 | xargs -n1 -P2 sh -c 'exit 0'; echo $?; echo a | xargs false; echo $?
