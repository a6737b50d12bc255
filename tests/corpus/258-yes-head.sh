#!/bin/bash
# timeout: 60
yes | head -1000 | md5sum; yes abc | head -c 100000 | md5sum
