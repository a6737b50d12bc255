#!/bin/bash
# timeout: 60
(exit 3) & wait $!; echo $?; sleep 0.1 & wait; echo $?; false | true; echo ${PIPESTATUS[0]}; set -o pipefail; false | true; echo $?; (kill -KILL $BASHPID); echo $?
