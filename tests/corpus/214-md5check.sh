#!/bin/bash
# timeout: 60
seq 10 > f; md5sum f > s; md5sum -c s; echo x >> f; md5sum -c s 2>/dev/null; echo $?
