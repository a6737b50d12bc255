#!/bin/bash
# timeout: 60
printf '%5d|%-5s|%05.1f|%x|%o|%c|%%\n' 42 ab 3.14159 255 8 z; printf '%b' 'a\tb\n'; printf '%s\n' a b c; printf '%q\n' 'a b'
