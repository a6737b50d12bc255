#!/bin/bash
# timeout: 60
flock -n l -c 'echo got; flock -n l -c "echo no" || echo busy'; (flock 9; echo in) 9>l; flock -s l true; echo $?
