#!/bin/sh
# stderr
echo out; echo err >&2
ls /does/not/exist
cat < /etc
cd /root/nope
rm nofile
mkdir a; rmdir a/b; rmdir .
