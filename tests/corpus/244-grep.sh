#!/bin/bash
# timeout: 60
printf 'foo\nbar\nbaz\n' > f; grep -n ba f; grep -c o f; grep -v foo f; grep -E 'a(r|z)' f; grep -q nope f; echo $?; grep -o 'b.' f; grep -A1 foo f; grep -w bar f; grep x none 2>/dev/null; echo $?
