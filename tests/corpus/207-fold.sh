#!/bin/bash
# timeout: 60
seq 1 40 | tr '\n' ' ' | fold -s -w 20; echo; echo abcdefghij | fold -w 3
