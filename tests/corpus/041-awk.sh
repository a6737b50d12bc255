#!/bin/sh
seq 1 100 | awk '{s+=$1} END{print s, NR, s/NR}'
printf 'a,1\nb,2\na,3\n' | awk -F, '{m[$1]+=$2} END{for(k in m) print k,m[k]}' | sort
awk 'BEGIN{printf "%5.2f|%-5s|%05d|%c|%e\n", 3.14159,"ab",42,65,12345.678; print substr("hello",2,3), index("hello","l"), length("xyz"), toupper("a")}'
awk 'BEGIN{while(("echo a; echo b" | getline x)>0) print "got " x; close("echo a; echo b"); print "to sort" | "sort"; print "a" | "sort"; close("sort"); system("echo sys"); exit 3}'; echo $?
awk 'function f(n){return n<2?n:f(n-1)+f(n-2)} BEGIN{print f(20)}'; awk 'BEGIN{s="a b c"; n=split(s,p," "); for(i=n;i>0;i--) printf "%s ",p[i]; print ""; gsub(/b/,"[&]",s); print s; print match("foobar",/o+/),RSTART,RLENGTH}'
awk 'BEGIN{for(i=0;i<300000;i++) a[i]=i*i; t=0; for(i in a) t+=a[i]; print t}'; echo 'x y z' | awk '{$2="new"; print; print NF; NF=2; print}' OFS=-; awk 'NR==FNR{a[$1];next} $1 in a' /dev/null /dev/null; awk 'BEGIN{print ENVIRON["USER"], ARGC, ARGV[1]}' arg; awk 'BEGIN { print -3 % 2, 2^10, 1e6, 100000000000, 0.1+0.2 }'
