#!/bin/sh
i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done | cat | cat | cat | cat | tail -3
