#!/bin/sh
# needs: xz
seq 1 100000 > f; xz -k f; sha256sum f.xz; xz -dc f.xz | md5sum; xz -t f.xz; echo $?; xz -T2 -c f | xz -dc | md5sum; xz -9ec f | wc -c; lzma -kc f | unlzma | md5sum
xz --format=raw -c f | wc -c; xz --robot -l f.xz | head -2 | tail -1 | cut -f3-5; unxz -f f.xz; md5sum f; xz -dc /dev/null; echo $?
