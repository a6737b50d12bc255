#!/bin/sh
# needs: bzip2
seq 1 100000 > f; bzip2 -k f; sha256sum f.bz2; bzcat f.bz2 | md5sum; bzip2 -t f.bz2; echo $?; bzip2 -1c f | wc -c; rm f; bunzip2 f.bz2; md5sum f; bzip2recover nope 2>/dev/null; echo $?
