#!/bin/bash
# timeout: 60
mkdir -p a/b/c; touch a/f a/b/g; rm a 2>/dev/null; echo $?; rm -r a; ls; rm none 2>/dev/null; echo $?; rm -f none; echo $?; mkdir d; rmdir d; echo $?
