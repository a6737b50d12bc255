#!/bin/bash
# timeout: 60
seq 1 5 > a; seq 3 8 > b; comm a b; comm -12 a b | wc -l
