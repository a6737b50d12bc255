#!/bin/bash
# timeout: 60
for i in {1..5} a{x,y}; do printf '%s ' $i; done; echo; i=0; while ((i<3)); do ((i++)); [ $i = 2 ] && continue; echo $i; done; until false; do echo once; break; done; case abc in a*) echo A;; esac
