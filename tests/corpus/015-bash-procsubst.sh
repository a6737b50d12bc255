#!/bin/bash
diff <(seq 1 5) <(seq 1 6); echo $?
paste <(seq 1 3) <(seq 4 6) <(printf '%s\n' a b c)
seq 1 10 | tee >(wc -l > n) >(tail -1 > t) >/dev/null; sleep 0.3; cat n t
while read a; do ((s+=a)); done < <(seq 1 100); echo $s
comm -12 <(sort <<< $'b\na\nc') <(sort <<< $'c\nd\nb')
cat <(echo a) <(echo b <(echo c) | wc -w)
exec 3< <(echo fd three); read -u 3 l; echo "$l"; exec 3<&-
