#!/bin/bash
# timeout: 60
mkdir -p d/e; echo needle > d/x; echo hay > d/e/y; echo needle > d/e/z; grep -rl needle d | sort; grep -rc needle d | sort
