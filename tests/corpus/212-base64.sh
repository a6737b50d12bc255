#!/bin/bash
# timeout: 60
seq 100 | base64 | md5sum; seq 100 | base64 | base64 -d | md5sum; seq 3 | base32
