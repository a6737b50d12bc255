#!/bin/bash
# timeout: 60
timeout 0.2 sleep 5; echo $?; timeout -s KILL 0.2 sleep 5; echo $?; timeout 5 true; echo $?; timeout 0.2 sh -c 'trap "echo t; exit 3" TERM; while :; do sleep 0.05; done'; echo $?
