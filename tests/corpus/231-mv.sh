#!/bin/bash
# timeout: 60
mkdir a b; touch a/f; mv a b/; ls -R; mv b/a/f b/g; ls b; mv none x 2>/dev/null; echo $?; touch x y; mv -n x y; ls; mv -f x y; ls
