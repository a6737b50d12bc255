#!/bin/bash
# timeout: 60
seq 1000 | dd bs=100 count=5 2>/dev/null | md5sum; dd if=/dev/zero of=f bs=1k count=4 2>/dev/null; dd if=/dev/zero of=f bs=1 seek=2 count=1 conv=notrunc 2>/dev/null; wc -c < f; printf abc | dd conv=ucase 2>/dev/null
