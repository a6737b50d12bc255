#!/bin/bash
# timeout: 60
printf 'a\na\nb\nc\nc\nc\n' | uniq -c; printf 'A\na\n' | uniq -i | wc -l
