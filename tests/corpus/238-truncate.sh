#!/bin/bash
# timeout: 60
truncate -s 10 f; od -c f; truncate -s 3 f; wc -c f; truncate -s +5 f; wc -c < f; truncate -s 1M g; wc -c < g
