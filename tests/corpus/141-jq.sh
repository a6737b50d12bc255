#!/bin/sh
# needs: jq
echo '{"a":[{"b":1},{"b":2}],"c":null,"d":"x\u00e9"}' > f; jq . f; jq -c '.a|map(.b+1)' f; jq -r .d f; jq -e .c f; echo $?; jq -n '[range(5)]|add'; seq 1000 | jq -s 'add'; jq -R 'split(",")' -c <<E
a,b,c
E
echo '{bad' | jq . 2>&1; echo $?; jq -n --arg v x '{($v):$ENV.USER}' -c; jq -c 'to_entries|map(.key)|sort' f; echo '[3,1,2]' | jq -c 'sort, (.[0:2]), (map(tostring)|join("-"))'; jq -n '"2015-03-05T23:51:47Z"|fromdate'; jq --stream -c . f | head -3
