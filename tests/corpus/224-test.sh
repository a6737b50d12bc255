#!/bin/bash
# timeout: 60
touch f; mkdir d; ln -s f l; for t in -e -f -d -L -s -r -w -x; do for x in f d l none; do [ $t $x ]; printf '%s ' $?; done; echo; done; [ 1 -lt 2 -a a = a ]; echo $?
