#!/bin/bash
# timeout: 60
uname -s; uname -m; nproc --all | grep -c '^[0-9]*$'; arch; getconf PAGE_SIZE; getconf CLK_TCK; getconf LONG_BIT
