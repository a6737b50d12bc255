#!/bin/bash
# timeout: 60
printf 'a b\nc d e\n' | wc; printf '' | wc -l; seq 1000 | wc -c
