#!/bin/sh
# needs: vim
# timeout: 90
seq 1 10 > f; vim -u NONE -N -es -c '%s/1/one/g' -c '2,3d' -c 'w' -c 'q' f < /dev/null; cat f; vim -u NONE -es -c '$put =1+2' -c 'w out' -c 'q!' f < /dev/null; cat out; printf 'g/o/m0\nx\n' | vim -u NONE -e -s f; cat f; vim --version | head -1 | cut -c1-3
