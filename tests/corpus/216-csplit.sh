#!/bin/bash
# timeout: 60
seq 1 20 > f; csplit -s f 5 10; ls; head -2 xx01
