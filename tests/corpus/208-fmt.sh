#!/bin/bash
# timeout: 60
seq 1 60 | tr '\n' ' ' | fmt -w 30
