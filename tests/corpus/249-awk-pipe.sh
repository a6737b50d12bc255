#!/bin/bash
# timeout: 60
awk 'BEGIN{while(("seq 3" | getline l)>0) print "got", l; print "b\na" | "sort"; close("sort"); system("echo sys")}'
