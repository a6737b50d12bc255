#!/bin/bash
# timeout: 60
s=hello.tar.gz; echo ${s%.*} ${s%%.*} ${s#*.} ${s##*.} ${#s} ${s/l/L} ${s//l/L} ${s:1:3} ${s^^} ${x:-def} ${s@Q}
