#!/bin/bash
# timeout: 60
mkdir -p d/e; echo 1 > d/a; echo 2 > d/e/b; ln -s a d/l; cp -a d f; diff -r d f && echo same; cp -r d f; ls -R f; cp --preserve=mode d/a z; cp d x 2>/dev/null; echo $?
