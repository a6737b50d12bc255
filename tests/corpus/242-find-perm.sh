#!/bin/bash
# timeout: 60
touch a b c; chmod 600 a; chmod 755 b; find . -perm 600; find . -perm /111 -type f; find . -size 0 | sort; find . -name a -delete; ls
