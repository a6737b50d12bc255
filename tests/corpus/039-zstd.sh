#!/bin/sh
# needs: zstd
seq 1 300000 > f; zstd -q f; sha256sum f.zst; zstd -dqc f.zst | md5sum; zstd -tq f.zst; echo $?; zstd -q -T2 -c f | zstd -dqc | md5sum; zstd -19 -qc f | wc -c; zstdcat f.zst | tail -1; zstd --train f -o dict 2>/dev/null; echo $?; zstd -q --rm f -f; ls
