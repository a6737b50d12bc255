#!/bin/bash
# timeout: 60
dd if=/dev/zero of=f bs=1 count=1 seek=1000000 2>/dev/null; wc -c < f; md5sum f; cp --sparse=always f g; cmp f g && echo same
