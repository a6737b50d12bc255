#!/bin/bash
# timeout: 60
(for i in 1 2 3; do echo $i; sleep 0.1; done) > f & timeout 8 tail -f f | head -3; wait
