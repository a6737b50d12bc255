#!/bin/sh
seq 1 100000 > f; gzip -nk f; sha256sum f.gz; gzip -l f.gz | awk 'NR==2{print $2}'; zcat f.gz | md5sum; gzip -t f.gz; echo $?
gzip -n1c f | wc -c; gzip -n9c f | wc -c; rm f; gunzip f.gz; md5sum f; (gzip -nc f; gzip -nc f) | zcat | wc; printf junk | gzip -d 2>/dev/null; echo $?
zgrep -c 999 f; gzip -nc f > g.gz; zdiff g.gz g.gz; echo $?; echo x | gzip -n | base64; head -c 100 g.gz | gzip -dc 2>/dev/null | wc -c
