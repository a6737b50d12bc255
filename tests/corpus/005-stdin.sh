#!/bin/sh
# stdin: one two\nthree\n
read a b; echo "[$a][$b]"
cat | tr a-z A-Z
