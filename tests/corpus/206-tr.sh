#!/bin/bash
# timeout: 60
echo hello world | tr -s l | tr a-z A-Z | tr -d O; printf 'a\0b\n' | tr '\0' X
