#!/bin/bash
# timeout: 60
mkdir -p a/b c; touch a/1.txt a/b/2.txt c/3.c; find . -name '*.txt' | sort; find . -type d | sort; find . -maxdepth 1 | sort; find . -empty | sort; find . -name '*.c' -exec echo got {} \;
