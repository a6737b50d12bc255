#!/bin/bash
# timeout: 60
ln -s /etc/passwd a; ln -s a b; readlink b; readlink -f b; realpath b; readlink -e none; echo $?
