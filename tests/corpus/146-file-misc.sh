#!/bin/sh
# needs: file
echo text > t; printf '\x89PNG\r\n\x1a\n' > p; cp /bin/true b; gzip -c t > g.gz; file t p b g.gz | cut -c1-60; file -bi t; file /dev/null; strings -n 8 b | wc -l; uuidgen | wc -c; which sh; whereis -b sh | cut -c1-3; cmp b /bin/true && echo same; readelf -l b | grep -c LOAD; getconf PAGE_SIZE; getconf ARG_MAX; locale | head -1; ldconfig -p | wc -l >/dev/null; lsblk >/dev/null 2>&1; mountpoint -q /proc && echo proc; mountpoint -q /usr/nope; echo $?; findmnt -n -o FSTYPE /proc; printf 'a\tb\n' | unexpand; look >/dev/null 2>&1; rev <<E
abc
E
getopt -o ab: --long long -- -a -b x --long y; namei -m /usr | head -2; logger -s -t t msg 2>&1 </dev/null | wc -l; script -qc 'echo in script; tty | cut -c1-9' /dev/null </dev/null | tr -d '\r'; setsid -w sh -c 'echo setsid'; flock lk sh -c 'echo flock'; ionice -c3 true; echo $?; taskset 1 true; echo $?; chrt -o 0 true; echo $?; prlimit -n50 sh -c 'ulimit -n'; unshare --help | head -1 | wc -l; choom -n 100 -- cat /proc/self/oom_score_adj; fallocate -l 4096 fa; stat -c %s fa; cal >/dev/null 2>&1; hexdump -n 4 -e '4/1 "%02x"' b; echo; mcookie | wc -c; rename.ul t u t 2>/dev/null; ls
