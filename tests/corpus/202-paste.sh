#!/bin/bash
# timeout: 60
seq 5 > a; seq 6 10 > b; paste a b; paste -s a; paste -d, a b - < a
