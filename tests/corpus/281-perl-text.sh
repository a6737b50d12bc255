#!/bin/bash
# timeout: 60
seq 20 | perl -ne 'print if $_ % 3 == 0'; echo 'a1b22c333' | perl -pe 's/(\d+)/<$1>/g'; perl -MPOSIX -e 'print floor(3.7), strftime("%Y", gmtime(0)), "\n"'; perl -MDigest::MD5=md5_hex -e 'print md5_hex("x"),"\n"'
