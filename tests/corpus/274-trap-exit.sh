#!/bin/bash
# timeout: 60
bash -c 'trap "echo bye" EXIT; echo hi; exit 3'; echo $?; bash -c 'trap "echo int" INT; kill -INT $$; echo after'; bash -c 'trap "" TERM; kill $$; echo alive'; bash -c 'kill -USR1 $$'; echo $?
