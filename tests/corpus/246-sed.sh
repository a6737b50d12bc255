#!/bin/bash
# timeout: 60
seq 10 > f; sed -n '3,5p' f; sed 's/1/X/g' f | head -3; sed '/5/d' f | wc -l; sed -i 's/^/>/' f; head -2 f; sed '$!N;s/\n/+/' f | head -2; echo abc | sed 'y/abc/xyz/'
