#!/bin/bash
# timeout: 60
seq 1000 > f; for z in gzip bzip2 xz; do $z -k f; done; gzip -dc f.gz | cmp - f; bzip2 -dc f.bz2 | cmp - f; xz -dc f.xz | cmp - f; gzip -t f.gz; echo $?; zcat f.gz | tail -1; printf x > b.gz; gzip -t b.gz 2>/dev/null; echo $?
