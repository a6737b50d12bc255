#!/bin/bash
# timeout: 60
env -i A=1 B=2 env | sort; env -u HOME sh -c 'echo ${HOME-none}'; env A=x sh -c 'echo $A'
