#!/bin/bash
# timeout: 60
mkfifo p; (seq 5 > p) & cat p; wait; (cat < p > o) & echo hello > p; wait; cat o; test -p p; echo $?
