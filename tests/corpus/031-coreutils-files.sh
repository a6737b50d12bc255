#!/bin/sh
mkdir -p a/b/c; echo data > a/f; cp -a a z; cp -r a/b a/d; mv a/f a/g; ln a/g a/h; ln -s g a/s; find a | sort
stat -c '%n %s %a %h %F' a/g a/s; stat -c "%n %a %F" a/b; ls -1F a; ls -a a/b; ls -d a/*
chmod 640 a/g; stat -c %a a/g; chmod u+x,go-r a/g; stat -c %A a/g; chmod -R 700 a/b; stat -c %a a/b/c
touch -d '2020-01-02 03:04:05' a/g; stat -c %y a/g; touch -r a/g a/n; stat -c %Y a/n; date -r a/g +%F
install -m 711 a/g inst; stat -c %a inst; dd if=/dev/zero of=dd bs=1k count=10 2>/dev/null; stat -c %s dd; truncate -s 5k dd; wc -c dd
cp --sparse=always dd sp; cmp dd sp && echo same; rm -r z; rmdir -p a/d/c 2>/dev/null; ls a; du -b --apparent-size a/g | cut -f1
readlink -f a/s | sed 's,.*/,,'; realpath --relative-to=. a/s; mktemp -u XXXX | wc -c; mkfifo ff; stat -c %F ff; test -p ff && echo fifo
chown 1000:1001 a/g; stat -c '%u %g' a/g; rm -f nope; rm nope 2>/dev/null; echo $?; ls nope 2>&1; sync; shred -u inst; ls
cp -l a/g hard; stat -c %h hard; cp -s $PWD/a/g sym; cat sym; mv -n hard sym; ls; mv -v hard a/moved; link a/moved lk; unlink lk; ls -l lk 2>&1
