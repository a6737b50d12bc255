#!/bin/bash
# timeout: 60
cat <(seq 3) <(seq 2); diff <(seq 3) <(seq 3) && echo same; echo hi > >(cat); wait; cat /dev/fd/3 3< <(echo three)
