#!/bin/bash
# timeout: 60
seq 5 | sed -n '1!G;h;$p'; printf 'a=1\nb=2\n' | sed -E 's/(.)=(.)/\2=\1/'; seq 20 | sed -n '0~5p'
