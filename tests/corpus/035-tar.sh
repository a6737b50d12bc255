#!/bin/sh
mkdir -p src/d; echo 1 > src/a; seq 1 5000 > src/d/b; ln -s a src/l; ln src/a src/h; mkfifo src/p; chmod 751 src/d; touch -d @1000000000 src/* src/d/* ; touch -d @1000000000 src/d src
export TAR_OPTIONS=--sort=name; tar cf t.tar src; tar tf t.tar | sort; tar czf t.tgz src; tar cJf t.txz src; tar cjf t.tbz src; tar --zstd -cf t.tzst src
for a in t.tar t.tgz t.txz t.tbz t.tzst; do mkdir o; tar xf $a -C o && diff -r --no-dereference src o/src 2>&1 | grep -v fifo; stat -c '%a %Y %h' o/src/d/b o/src/h; readlink o/src/l; rm -r o; done
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - src | sha256sum; tar tvf t.tar --numeric-owner src/a | awk '{print $1,$3}'
tar cf - src | (mkdir p && cd p && tar xpf -); find p | sort; tar rf t.tar src/a; tar tf t.tar | wc -l; tar xOf t.tar src/a; tar --delete -f t.tar src/d/b; tar tf t.tar | grep -c b$; tar df t.tar; echo $?
tar cf - -T /dev/null | wc -c; tar xf /dev/null 2>/dev/null; echo $?; tar --exclude='*.o' -cf - src/d | tar tf -
