# busybox's applets, run by applets.py natively and as the init of a guest. Everything here is the same in both.
# WORK: a directory to make and to work in; only its last component may show in the output.
mkdir -p "$WORK" && cd "$WORK" || exit 1
exec 2>&1
umask 022
t() { echo "== $1"; }
t text; seq 1 12 > f; sed -n '3,5p' f; awk '{s+=$1} END {print s, NR}' f; grep -c 1 f; grep -E '^.$' f | tr '\n' ' '; sort -rn f | head -n 3; tail -n 2 f
cut -c1 f | uniq -c; wc f; nl f | tail -n 1; rev f | tail -n 1; tac f | head -n 1; fold -w 2 f | wc -l; paste -d, f f | head -n 2; shuf f | wc -l; comm f f | head -n 1
t sums; md5sum f; sha1sum f; sha256sum f; sha512sum f | cut -c1-32; cksum f; sum f; crc32 f; base64 f; uuencode f f | head -n 2; hexdump -C f | head -n 2; od -c f | head -n 2; xxd f | head -n 2
t zip; gzip -c f | gunzip -c | md5sum; bzip2 -c f | bunzip2 -c | md5sum; gzip -k f; zcat f.gz | wc -l; tar czf t.tgz f; tar tzf t.tgz; mkdir x; tar xzf t.tgz -C x; cmp f x/f && echo same; echo f | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null; rm f.gz
t files; mkdir -p a/b/c; touch a/1 a/b/2 a/b/c/3; find a | sort; find a -type f -name '2' -exec echo {} \; ; ln -s 1 a/l; readlink a/l; ls -1 a; ls -lF a | sed 1d | awk '{print $1, $NF}'; stat -c '%n %a %F %h' a/1 a/l; cp -a a z; diff -r a z && echo equal; mv z y; chmod 640 a/1; ls -l a/1 | cut -c1-10; chown 1:2 a/1; stat -c '%u:%g' a/1; rm -r y; du a | wc -l; realpath a/b/.. | sed 's,.*/,,'; basename /x/y.c .c; dirname /x/y; truncate -s 100 tr; stat -c %s tr; dd if=/dev/zero of=d bs=512 count=3 2>/dev/null; wc -c d; install -m 700 f inst; ls -l inst | cut -c1-10; mktemp -u qXXXXXX | wc -c; rmdir a/b/c 2>&1; test -d a && [ ! -e nope ] && echo yes; mkfifo p; (echo through > p) & cat p; wait; split -l 5 f s.; ls s.*; cmp f d; echo $?; patch --help 2>&1 | head -n 1 | cut -c1-7; touch -d '2020-01-02 03:04:05' f; date -r f +%F; stat -c %Y f
t shell; for i in 1 2 3; do echo -n "$i "; done; echo; f() { return 3; }; f; echo $?; (exit 4); echo $?; x=$(echo sub; echo two); echo "$x"; case abc in a*) echo case;; esac; echo $((7*6)) ${x#s} ${#x}; cat <<E
here $x
E
trap 'echo usr1' USR1; kill -USR1 $$; sleep 0; sh -c 'kill -9 $$'; echo $?; true && false || echo or; set -- a b c; shift; echo $# $1; echo a b c | while read p q; do echo "$q"; done; printf '%05d|%-4s|%x\n' 42 ab 255; i=0; while [ $i -lt 50 ]; do i=$((i+1)); done; echo $i; seq 100 | xargs -n 20 echo | wc -l; echo one | tee t1 t2; cat t1 t2; sleep 0.1 & wait $!; echo $?; timeout 1 sleep 5; echo $?; nice -n 5 nice; usleep 1000; env -i A=b env | grep A; expr 3 + 4; yes | head -n 2; time true 2>/dev/null; which sh | wc -l; : | :; echo ${PIPESTATUS:-none}; ulimit -n > /dev/null; umask
t calc; echo '2^64; 10/3; scale=3; 10/3' | bc; echo '2 3 + p' | dc; factor 360; cal 2 2024; date -u -d @0; printf 'b\na\n' | sort; echo hello | tr a-y b-z; expand -t 4 <<E
	x
E
t vi; printf ':1d\n:wq\n' | vi f > /dev/null 2>&1; ed f > /dev/null 2>&1 <<E
1d
w
q
E
wc -l f; echo 'x y' | awk '{print $2}'; echo abc | sed 's/b/B/;y/a/A/'; strings f | head -n 1; id -u; whoami; hostname | wc -l; uname -s; tty < /dev/null; logname > /dev/null 2>&1; pwd | sed 's,.*/,,'; ps | wc -l > /dev/null; free | head -n 1 | wc -w; mount | grep -c ' /proc ' ; head -c 8 /dev/zero | wc -c; cat /dev/null; echo x > /dev/null; mountpoint -q /proc; echo $?; setsid true; echo $?; flock lk echo locked; pidof nosuchprogram; echo $?; kill -0 $$; echo $?; start-stop-daemon --help 2>&1 | wc -l > /dev/null; nohup echo hup 2>/dev/null | tail -n 1; cat nohup.out 2>/dev/null; logger x 2>/dev/null; getopt -o a: -- -a v x; sysctl -n kernel.ostype; realpath /; ipcs > /dev/null; cd /; rm -rf "$WORK"; echo end
