#!/bin/bash
# timeout: 60
seq 1 100 > f; split -l 30 f p.; ls; cat p.* | cmp - f && echo same; split -b 100 -d f q.; ls q.*
