#!/bin/sh
sh -c 'exit 7'; echo $?
sh -c 'kill -9 $$'; echo $?
sh -c 'kill -TERM $$'; echo $?
/nonexistent 2>/dev/null; echo $?
touch f; ./f 2>/dev/null; echo $?
exit 42
