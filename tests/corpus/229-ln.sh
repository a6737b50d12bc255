#!/bin/bash
# timeout: 60
echo x > a; ln a b; ln -s a c; stat -c '%h %F' a b c; rm a; cat b; cat c 2>/dev/null; echo $?; ln b b 2>/dev/null; echo $?
