#!/bin/bash
# timeout: 60
printf 'hello\n\001\377' | od -c; seq 3 | od -An -tx1; printf abcdefgh | od -td4
