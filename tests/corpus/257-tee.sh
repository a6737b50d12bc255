#!/bin/bash
# timeout: 60
seq 3 | tee a b | wc -l; cat a b; seq 3 | tee -a a >/dev/null; wc -l < a; echo x | tee /none/x 2>/dev/null; echo $?
