#!/bin/bash
# timeout: 60
seq 5 | hexdump -C 2>/dev/null || seq 5 | od -x
