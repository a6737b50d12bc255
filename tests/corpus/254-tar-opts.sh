#!/bin/bash
# timeout: 60
mkdir d; seq 10 > d/a; ln -s a d/l; ln d/a d/h; tar cf t.tar d; tar tf t.tar | sort; mkdir x; tar xf t.tar -C x; diff -r d x/d && echo same; tar czf t.gz d; tar tzf t.gz | wc -l
