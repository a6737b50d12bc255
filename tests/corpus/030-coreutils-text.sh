#!/bin/sh
seq 1 20 | shuf --random-source=/bin/sh | sort -n | md5sum
printf 'b 2\na 10\nc 1\n' > f; sort f; sort -k2n f; sort -k2 -r f; sort -u f f | wc -l
cut -d' ' -f2 f; cut -c1 f; paste -sd, f; join f f; tr -d 'a-c' < f; nl f; fold -w 2 f; expand f; fmt -w 5 f
head -n -1 f; tail -n +2 f; tac f; rev f; od -c f; od -An -tx1 f; wc f; cksum f; sum f; b2sum f; sha1sum f; sha512sum f
base64 f; base64 f | base64 -d; base32 f; split -l 1 f x; cat xa?; csplit -s f 2; cat xx00; comm f f; uniq -c f
printf 'a\na\nb\n' | uniq -c; printf 'a\na\nb\n' | uniq -d; tsort <<E
a b
b c
E
numfmt --to=iec 1048576; factor 360 1234567; expr 3 + 4; basename /a/b.c .c; dirname /a/b/c; seq -s, 1 2 9; echo a b | tr ' ' '\n'
pr -t -2 f; ptx -w 30 f | head -3; printf '%s\n' z y | sort -o f2; cat f2; column -t f; hexdump -C f; xxd f
