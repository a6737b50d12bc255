#!/bin/bash
x=world
cat <<A
hello $x $(echo sub) $((1+2))
A
cat <<'A'
hello $x $(echo sub)
A
cat <<-A
	tabs	go
	A
cat <<<"here string $x"
cat <<A; cat <<B
first
A
second
B
tr a-z A-Z <<A | rev
$(seq 1 20000 | tr '\n' ' ' | head -c 200)
A
f() { cat; }; f <<< "$(seq 1 30000)" | md5sum
while read -r l; do echo "<$l>"; done <<E
  a b
c\td
E
