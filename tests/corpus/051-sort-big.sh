#!/bin/bash
# timeout: 120
awk 'BEGIN{srand(1); for(i=0;i<300000;i++) print int(rand()*1000000), i}' > f
sort -n f | md5sum; sort --parallel=4 -S 1M -T . -k1,1n -k2,2n f | md5sum; sort -R --random-source=f f | sort -n | md5sum; LC_ALL=C sort f | md5sum; sort -m <(sort f) <(sort f) | wc -l; split -n l/4 f p.; cat p.* | cmp - f && echo same; sort -c f 2>&1 | head -1; sort -z <<< b; join <(sort -k1,1 f | head -100) <(sort -k1,1 f | tail -100) | wc -l; tac f | tail -1
