#!/bin/bash
# timeout: 60
nohup sh -c 'echo hi' 2>/dev/null; setsid -w sh -c 'exit 4'; echo $?
