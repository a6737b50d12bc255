#!/bin/bash
# timeout: 60
seq 1 3; seq 0 0.5 2; seq -w 8 11; seq -s, 5; seq 5 -2 1
