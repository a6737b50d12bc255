#!/bin/bash
# timeout: 60
printf 'a\n\nb\n' | nl; printf 'a\n\nb\n' | nl -ba -w3 -s:
