#!/bin/bash
# timeout: 60
printf 'a:b:c\nd:e:f\n' | cut -d: -f2; echo abcdef | cut -c2-4; printf 'x\ty\n' | cut -f2
