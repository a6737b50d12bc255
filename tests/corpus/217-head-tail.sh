#!/bin/bash
# timeout: 60
seq 100 > f; head -3 f; tail -3 f; tail -n +98 f; head -c 10 f; tail -c 5 f; head -n -97 f
