#!/bin/bash
# timeout: 60
seq 10 | shuf --random-source=/bin/true | sort -n | md5sum; shuf -i 1-5 -n 5 | sort
