#!/bin/bash
# timeout: 60
basename /a/b/c.txt .txt; dirname /a/b/c; dirname x; basename -a /x/1 /y/2; realpath -m /a/../b/./c
