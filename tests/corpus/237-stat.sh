#!/bin/bash
# timeout: 60
umask 022; echo hello > f; mkdir d; stat -c '%s %F %a %h' f; stat -c '%F %a %h' d; stat -c %F /dev/null /etc; test -c /dev/null; echo $?
