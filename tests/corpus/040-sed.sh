#!/bin/sh
seq 1 10 > f; sed -n '3,5p' f; sed '2d;$!N;s/\n/+/' f; sed -E 's/([0-9])$/<\1>/;t;d' f; sed -i.bak 's/1/one/' f; cat f f.bak; sed -n '/one/,/5/{=;p}' f
sed 'y/0123/abcd/' f; sed '1~3d' f; sed '$a\end' f; sed '1i\start' f | head -1; printf 'a\nb\n' | sed 'G;h'; sed -n 'l' <<E
tab	é
E
echo hello | sed 's/l/L/2;s/h/\U&/'; sed -s -n '$=' f f.bak; sed -z 's/\n/,/g' f; echo; echo abc | sed 's/b/\n/;P;D'; sed 5q f; sed -n 'w out' f; wc -l out; sed --posix 's/x/y/' f | md5sum; echo 'a.b' | sed 's/[.]/-/g;:a;s/a/b/;ta'
