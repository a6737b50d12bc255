#!/bin/bash
# timeout: 60
printf '1 a\n2 b\n3 c\n' > x; printf '1 X\n3 Z\n' > y; join x y; join -v1 x y; join -a1 -e- -o 0,1.2,2.2 x y
