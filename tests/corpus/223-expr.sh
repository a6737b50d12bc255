#!/bin/bash
# timeout: 60
expr 1 + 2 \* 3; expr abc : 'a\(.\)c'; expr length hello; expr 5 '>' 3; expr 1 / 0 2>&1; echo $?
